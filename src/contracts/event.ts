import type { Check, CheckResult } from "./evidence.ts";
import type { SandboxPosture } from "./exec.ts";
import type { Learned, Memento } from "./memory.ts";
import type { Compaction, Message, ToolCallBlock } from "./message.ts";
import type { Role } from "./provider.ts";
import type { Answer, Question } from "./question.ts";
import type { CallRecord, Decision, Evaluation, Judgement, Outcome, Plan, Task } from "./task.ts";
import type { Effect, ToolResult } from "./tool.ts";
import type { Checkpoint, Diff, RestoreReport } from "./workspace.ts";

/** Which part of the cycle is running. */
export type Phase = "plan" | "execute" | "evaluate" | "refine" | "result" | "learn";

/** What a task may spend, as frozen at its start. */
export interface Limits {
  iterations: number;
  qualityThreshold: number;
  budgetUsd: number;
  tokenBudget: number;
  timeoutMs: number;
}

/** Under what a run of a task begins. */
export interface Start {
  request: Task;
  models: Record<Role, string>;
  limits: Limits;
  permission: string;
  version: string;
}

export interface Resumption {
  /** When the run before was last seen alive, ISO time: what it had begun did not go on for longer. */
  lastAlive?: string;
}

/**
 * Everything that happens in a task. The engine yields these; the hub adds the envelope. A task's state is a fold of
 * them (engine/state.ts), and a conversation too: `message` and `tool_finished` hold what goes back to the model.
 */
export type EventBody =
  | ({ type: "task_started" } & Start)
  /** The task was cut short and goes on: what follows extends what came before, under these limits. */
  | ({ type: "resumed" } & Start & Resumption)
  /** The sandbox is set up: just before the first command. */
  | { type: "sandbox"; posture: SandboxPosture }
  /** What earlier tasks taught about this one, as its models read it. */
  | { type: "recalled"; mementos: Memento[]; tokens: number }
  | { type: "phase"; phase: Phase }
  | { type: "iteration_started"; iteration: number }
  /** `proofs`: the plan's commands that can prove something. */
  | {
      type: "planned";
      plan: Plan;
      proofs: Check[];
      source: "model" | "fallback";
      refused: { command: string; reason: string }[];
    }
  /** What the result is measured with from now on, and what may not be run. */
  | { type: "proof"; checks: Check[]; refused: { check: Check; reason: string }[] }
  /** Begins a conversation: what follows extends it, what came before is not sent again. */
  | { type: "conversation"; system: string }
  | { type: "message"; message: Message }
  /** The conversation was made smaller to fit the model's window, from about `before` tokens to `after`. */
  | { type: "compacted"; compaction: Compaction; before: number; after: number }
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "model_started"; role: CallRecord["role"]; model: string }
  | { type: "model_retry"; model: string; attempt: number; waitMs: number; reason: string }
  | { type: "model_finished"; call: CallRecord }
  | { type: "tool_started"; call: ToolCallBlock; effect: Effect | "unknown"; subject: string }
  | { type: "tool_output"; id: string; chunk: string }
  | { type: "tool_finished"; id: string; name: string; result: ToolResult; ms: number }
  | { type: "check_started"; check: Check; purpose: "baseline" | "evidence" }
  | { type: "check_finished"; result: CheckResult; purpose: "baseline" | "evidence" }
  | { type: "checkpoint"; checkpoint: Checkpoint; label: "before" | "after" }
  | { type: "restored"; to: Checkpoint; report: RestoreReport; reason: string }
  | { type: "changed"; diff: Diff }
  /** `saved`: tokens that were not spent because it was skipped or narrowed. */
  | { type: "judged"; judgement: Judgement; saved?: number }
  | { type: "evaluated"; evaluation: Evaluation }
  | { type: "decided"; decision: Decision; reason: string }
  /** What this task taught, as it is kept. */
  | { type: "learned"; learned: Learned[] }
  | { type: "asked"; question: Question }
  | { type: "answered"; id: string; answer: Answer }
  | { type: "steered"; text: string }
  | { type: "warning"; code: WarningCode; message: string }
  | { type: "task_finished"; outcome: Outcome };

export type WarningCode =
  | "budget"
  | "cost_unknown"
  | "assumed"
  | "tool_loop"
  | "answer"
  | "plan"
  | "judge"
  | "evidence"
  | "checkpoint"
  | "config"
  | "sandbox"
  | "memory"
  | "stdin";

/** Format version of the envelope. Readers refuse a higher one. */
export const EVENT_VERSION = 1;

export interface Envelope {
  v: typeof EVENT_VERSION;
  /** From 1, without gaps, per task; durable and passing events share the count. */
  seq: number;
  /** ISO time, milliseconds, UTC. */
  time: string;
  task: string;
  /** `main`, or the helper agent's id. */
  agent: string;
  /** The agent that started this one. */
  parent: string | null;
  /** 0 before the first iteration. */
  iteration: number;
}

export type Event = Envelope & EventBody;
export type EventType = EventBody["type"];

/** Passing events: joined or dropped freely, never written to a transcript. */
export type PassingType = "text" | "reasoning" | "tool_output";

/**
 * One consumer of a task's events. `receive` is called in order, one event at a time; a reader that is slow gets text
 * pieces joined and never holds up the engine.
 */
export interface Reader {
  /** What happened in earlier runs of the task, before the first `receive`. */
  recall?(history: readonly Event[]): void;
  receive(event: Event): void | Promise<void>;
  /** The stream has ended; nothing more will come. */
  close?(): void | Promise<void>;
}
