/** The workspace: checkpoints, diffs, the way back, and the lock. */

import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import type { Clock } from "../contracts/kit.ts";
import type { Activity, Checkpoint, Checkpoints, Outlet } from "../contracts/workspace.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { type Holder, lockWorkspace } from "./lock.ts";
import { loadManifest, readManifest } from "./manifest.ts";
import { manifestId, manifestNames, taskFolder, taskNames, workspaceKey } from "./manifest-names.ts";
import type { RecordLimits } from "./record-limits.ts";
import type { TaskCheckpoints } from "./task-checkpoints.ts";

export { type Claim, isOwnerAlive, livingClaims, makeClaim, ownerHere } from "./claims.ts";
export { writeFault } from "./faults.ts";
export { collectDaily, type GcReport, gc, type KeepRules } from "./gc.ts";
export { gitBegin } from "./git-begin.ts";
export { type GitMoves, type GitPlace, gitMoves } from "./git-moves.ts";
export { type Holder, type LockResult, lockWorkspace } from "./lock.ts";
export { type RecordLimits, recordLimits } from "./record-limits.ts";
export type { TaskCheckpoints } from "./task-checkpoints.ts";
export {
  isUndone,
  type Leaving,
  recordedTasks,
  type Undoable,
  type UndoInput,
  type UndoReport,
  undoable,
  undoneAt,
  undoTask,
} from "./undo.ts";

export interface WorkspaceInput {
  /** Absolute, real. */
  workspace: string;
  /** Absolute, real. */
  addDirs: readonly string[];
  /** `data/checkpoints`. */
  dir: string;
  task: string;
  limits?: Partial<RecordLimits>;
  clock: Clock;
  /** Files that are no part of the workspace although they lie there. Absolute, real. */
  exclude?: readonly string[];
  /** Files that the process itself writes what it says into, wherever they lie: no part of it either, unless recorded. */
  outlets?: readonly Outlet[];
  /** When the task acted so far; absent: whatever changes is its work. */
  activity?: () => Activity;
}

/** A task's hold on its workspace. */
export interface Workspace {
  checkpoints: Checkpoints;
  /** See `TaskCheckpoints.cover`. */
  cover(path: string): Promise<void>;
  /** See `TaskCheckpoints.notice`. */
  notice(): Promise<void>;
  /** See `TaskCheckpoints.acted`. */
  acted(): Promise<void>;
  /**
   * Makes this task the one that writes here, and waits while another one does; `notice` hears once whom it waits for.
   * Repeated calls cost nothing. Rejects with the signal's reason when aborted.
   */
  claim(signal: AbortSignal, notice: (message: string) => void): Promise<void>;
  close(): Promise<void>;
}

/** How often a waiting task looks whether the other one has ended, ms. */
const WAIT = 200;

/** All of this folder for one task. Does nothing on disk yet. */
export function openWorkspace({ clock, ...input }: WorkspaceInput): Workspace {
  const checkpoints = createCheckpoints({ ...input, now: () => clock.now() });
  let release: (() => Promise<void>) | undefined;

  async function claim(signal: AbortSignal, notice: (message: string) => void): Promise<void> {
    let told = false;
    while (!release) {
      signal.throwIfAborted();
      const lock = await lockWorkspace({ ...input, clock });
      if ("release" in lock) {
        release = lock.release;
        return;
      }
      if (!told) notice(waitingFor(lock.heldBy, clock.now()));
      told = true;
      await clock.sleep(WAIT, signal);
    }
  }

  async function close(): Promise<void> {
    await checkpoints.close();
    await release?.();
    release = undefined;
  }

  return {
    checkpoints,
    cover: (path) => checkpoints.cover(path),
    notice: () => checkpoints.notice(),
    acted: () => checkpoints.acted(),
    claim,
    close,
  };
}

function waitingFor({ task, pid, since }: Holder, now: number): string {
  const minutes = Math.round((now - since) / 60_000);
  const age = minutes < 1 ? "less than a minute" : minutes === 1 ? "a minute" : `${minutes} minutes`;
  return `task ${task} (process ${pid}) has been working in this folder for ${age}; waiting until it ends`;
}

/** Opens the checkpoints of a task, also one that another process recorded before. `dir` is `data/checkpoints`. */
export async function openCheckpoints(input: Parameters<typeof createCheckpoints>[0]): Promise<TaskCheckpoints> {
  return createCheckpoints(input);
}

/** A checkpoint that any process made. Throws a UserError where it is gone or damaged. */
export async function loadCheckpoint(dir: string, id: string): Promise<Checkpoint> {
  return loadManifest(dir, id).checkpoint;
}

export interface TaskRecord {
  task: string;
  /** Oldest first. */
  checkpoints: Checkpoint[];
}

/** The tasks that were recorded in a workspace, newest first: what can be undone. */
export async function listCheckpoints(dir: string, workspace: string): Promise<TaskRecord[]> {
  const tasks = taskNames(dir, workspaceKey(workspace)).map((task) => {
    const folder = taskFolder(dir, workspace, task);
    const checkpoints = manifestNames(folder).flatMap((name) => {
      try {
        return [readManifest(join(folder, `${name}.json`), manifestId(workspace, task, name)).checkpoint];
      } catch (error) {
        // One that is damaged must not hide the others.
        if (error instanceof UserError) return [];
        throw error;
      }
    });
    return { task, checkpoints };
  });
  const newest = ({ checkpoints }: TaskRecord): string => checkpoints.at(-1)?.at ?? "";
  return tasks.filter(({ checkpoints }) => checkpoints.length > 0).sort((a, b) => (newest(a) < newest(b) ? 1 : -1));
}
