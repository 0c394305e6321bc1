import type { Activity, Checkpoint, Checkpoints, Outlet, RestoreReport } from "../contracts/workspace.ts";
import type { Exchange } from "./exchange.ts";
import type { RecordLimits } from "./record-limits.ts";

export interface CheckpointsInput {
  /** Absolute, real. */
  workspace: string;
  /** Absolute, real. */
  addDirs: readonly string[];
  /** `data/checkpoints`. */
  dir: string;
  task: string;
  limits?: Partial<RecordLimits>;
  /** Milliseconds since 1970; default the system's clock. */
  now?: () => number;
  /** Files that are no part of the workspace although they lie there. Absolute, real. */
  exclude?: readonly string[];
  /** Files that the process itself writes what it says into, wherever they lie: no part of it either, unless recorded. */
  outlets?: readonly Outlet[];
  /** When the task acted so far; absent: whatever changes is its work. */
  activity?: () => Activity;
}

/** The checkpoints of one task, and what the tool layer adds to them. */
export interface TaskCheckpoints extends Checkpoints {
  /**
   * Includes a file that is ignored (or too large) before it is changed: `path` (absolute, real) is from now on part of
   * every checkpoint of the task, in the earlier ones as it is at this moment. Returns once that is durable; at once
   * for a file that is recorded anyway. Paths outside the task's folders and in `.git` are not covered.
   */
  cover(path: string): Promise<void>;
  /**
   * Records the workspace where somebody else changed a file since the last record, as far as times tell, so that his
   * work is told from what the task is about to do. For effects of which nobody knows what they change: `cover` does it
   * for its file. Looks at what the task's tools named and at what is recorded, in a large workspace only at what
   * changed since the task began to act.
   */
  notice(): Promise<void>;
  /** `outputs`: also what checks left behind, as the last record has it. */
  restore(to: Checkpoint, expected: Checkpoint, signal: AbortSignal, outputs?: boolean): Promise<RestoreReport>;
  /** Such an effect is over: what it changed of these is known as the task's until somebody else changes it. */
  acted(): Promise<void>;
  /** Puts back what somebody else changed, too; `back` brings again what was there. What changes meanwhile is kept. */
  exchange(exchange: Exchange, back: boolean, signal: AbortSignal): Promise<RestoreReport>;
  /** Must be called at the end; until then nothing that this task may need is collected as garbage. */
  close(): Promise<void>;
}
