import { messageOf } from "../base/errors.ts";
import type { EventBody } from "../contracts/event.ts";
import type { Evaluation } from "../contracts/task.ts";
import type { Checkpoint, FileChange } from "../contracts/workspace.ts";
import type { Context } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import type { Planned } from "./plan.ts";
import type { Proof } from "./proof.ts";
import { compareOpen } from "./score.ts";

/** How long putting the files back may take, ms. */
const SETTLE_MS = 60_000;

/** An iteration that was measured. */
export interface Attempt {
  text: string;
  evaluation: Evaluation;
  checkpoint: Checkpoint;
  /** What differs from before the task. */
  changes: FileChange[];
  /** Tokens of its conversation: what the next iteration saves by not going on with it. */
  tokens: number;
  /** Iterations in a row, this one the last, that left the workspace as they found it. */
  idle: number;
  /** How much the user had said until then: with more the task is another one. */
  heard: number;
}

/**
 * What is known so far: enough to end at any moment with the best result in place. A new task begins with nothing, one
 * that is resumed with what its events tell (history.ts).
 */
export interface Progress {
  planned?: Planned;
  /** What the result is measured with. */
  proof?: Pick<Proof, "checks" | "baseline" | "refused">;
  /** The conversation that was under way when an earlier run ended. */
  conversation?: Conversation | undefined;
  before: Checkpoint | undefined;
  /** What the task itself last left on disk. */
  latest: Checkpoint | undefined;
  best: Attempt | undefined;
  /** The first iteration that was good enough. A later one is begun for the sake of something better. */
  good?: number | undefined;
  /** All that were measured, in order: what a task teaches. */
  attempts: Attempt[];
  last: Attempt | undefined;
  /** The one before. */
  previous: Attempt | undefined;
  /** Files that somebody else changed meanwhile and that were therefore not put back. */
  kept: string[];
  /** Files that somebody else alone changed, of which the best result knows nothing. */
  foreign: string[];
  /** The closing words of an iteration that was not measured. */
  text: string;
  iterations: number;
}

export function noProgress(): Progress {
  return {
    before: undefined,
    latest: undefined,
    best: undefined,
    attempts: [],
    last: undefined,
    previous: undefined,
    kept: [],
    foreign: [],
    text: "",
    iterations: 0,
  };
}

/**
 * Remembers a measured iteration. Of two results with one score (what is held below the threshold is alike, and so is
 * what something important keeps at it) the one with less open is better, then the later one.
 */
export function note(progress: Progress, measured: Omit<Attempt, "idle">): void {
  const { last, before, best } = progress;
  const { hash } = measured.checkpoint;
  const idle = hash === (last?.checkpoint ?? before)?.hash ? (last?.idle ?? 0) + 1 : 0;
  const attempt = { ...measured, idle };
  progress.previous = last;
  progress.last = attempt;
  progress.attempts.push(attempt);
  const { score, accepted, iteration } = attempt.evaluation;
  if (score === null) return;
  if (accepted) progress.good ??= iteration;
  const most = best?.evaluation.score ?? -1;
  const less = best && compareOpen(attempt.evaluation, best.evaluation) <= 0;
  if (score > most || (score === most && less)) progress.best = attempt;
}

/** Makes the workspace this task's alone. Waiting for another task is not work. */
export async function hold({ kit, work }: Context, signal: AbortSignal): Promise<void> {
  work.pause();
  try {
    await kit.claim(signal);
  } finally {
    work.resume();
  }
}

/** The workspace as it was, recorded once: before the first effect at the latest. */
export async function* secure(
  context: Context,
  progress: Progress,
  signal: AbortSignal = context.signal,
): AsyncGenerator<EventBody, Checkpoint> {
  if (progress.before) return progress.before;
  await hold(context, signal);
  const checkpoint = yield* record(context, "before", signal);
  progress.before = checkpoint;
  for (const what of checkpoint.uncovered) {
    yield { type: "warning", code: "checkpoint", message: `cannot be put back later: ${what}` };
  }
  return checkpoint;
}

export async function* record(
  context: Context,
  label: "before" | "after",
  signal: AbortSignal = context.signal,
): AsyncGenerator<EventBody, Checkpoint> {
  const checkpoint = await context.kit.checkpoints.record(signal);
  yield { type: "checkpoint", checkpoint, label };
  return checkpoint;
}

/** What is returned as best is what lies on disk: `latest` is there now. */
export async function* settle(context: Context, progress: Progress, reason: string): AsyncGenerator<EventBody, void> {
  const { best, latest } = progress;
  if (!best || !latest || latest.hash === best.checkpoint.hash) return;
  // Not the task's own signal: the time may be up, and the files must go back all the same.
  const report = await context.kit.checkpoints.restore(best.checkpoint, latest, AbortSignal.timeout(SETTLE_MS));
  progress.latest = best.checkpoint;
  progress.kept = [...new Set([...progress.kept, ...report.kept])];
  progress.foreign = [...new Set([...progress.foreign, ...(report.foreign ?? [])])];
  yield { type: "restored", to: best.checkpoint, report, reason };
  for (const what of report.failed ?? []) {
    yield { type: "warning", code: "checkpoint", message: `could not be put back: ${what}` };
  }
}

/**
 * After a stop in the middle of an iteration: records what it left behind and goes back to the best measured result.
 * After an interruption only records (`goBack` false): the user may want to go on from there.
 */
export async function* settleBroken(
  context: Context,
  progress: Progress,
  reason: string,
  goBack: boolean,
): AsyncGenerator<EventBody, void> {
  if (!progress.before) return;
  try {
    progress.latest = yield* record(context, "after", AbortSignal.timeout(SETTLE_MS));
    if (goBack) yield* settle(context, progress, reason);
  } catch (error) {
    yield { type: "warning", code: "checkpoint", message: `the workspace could not be put back: ${messageOf(error)}` };
  }
}
