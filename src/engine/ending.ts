import { messageOf } from "../base/errors.ts";
import type { EventBody } from "../contracts/event.ts";
import type { Decision, Outcome, OutcomeStatus } from "../contracts/task.ts";
import type { Context } from "./context.ts";
import type { Progress } from "./progress.ts";
import { makeResult } from "./result.ts";
import type { Stop } from "./stop.ts";

/** How a task ends, before the numbers are added. */
export interface Ending {
  status: OutcomeStatus;
  decision: Decision | null;
  reason: string;
  /** The result as a value, where `--schema` asked for one. */
  result?: { value: unknown };
}

/** How a task ends that was stopped. */
export const STOPPED: Record<Stop["decision"], OutcomeStatus> = {
  abort_budget: "budget",
  abort_timeout: "timeout",
  escalate: "escalated",
};

/** How a task ends that was decided. */
export function statusOf(decision: Exclude<Decision, "continue">): OutcomeStatus {
  switch (decision) {
    case "accept":
      return "accepted";
    case "accept_best":
      return "below";
    case "abort_regression":
      return "regressed";
    case "unmeasured":
      return "unmeasured";
    default:
      return STOPPED[decision];
  }
}

/** Endings in which an iteration that was begun for the sake of something better did not come to a good end. */
const IN_VAIN: ReadonlySet<OutcomeStatus> = new Set(["below", "regressed", "budget", "timeout", "escalated", "failed"]);

/**
 * What is returned is the best result. Where that one was good enough and lies on disk, the task was done, however the
 * attempt ended to mend what else was found.
 */
export function concluded({ best, latest, good, iterations }: Progress, ending: Ending): Ending {
  if (good === undefined || good === iterations || !IN_VAIN.has(ending.status)) return ending;
  if (!best || best.checkpoint.hash !== latest?.hash) return ending;
  const reason = `iteration ${best.evaluation.iteration} was good enough and is kept; after it: ${ending.reason}`;
  return { ...ending, status: "accepted", reason };
}

/** `--schema`: the closing words as a value that fits. */
export async function* shape(context: Context, progress: Progress, ending: Ending): AsyncGenerator<EventBody, Ending> {
  yield { type: "phase", phase: "result" };
  const result = yield* makeResult(context, closingWords(progress));
  if (!result.ok) return { ...ending, status: "failed", reason: result.problem };
  return { ...ending, result: { value: result.value } };
}

function closingWords({ best, last, text }: Progress): string {
  return (best ?? last)?.text ?? text;
}

/** The outcome of a task that ended so. */
export async function* conclude(
  context: Context,
  progress: Progress,
  ending: Ending,
): AsyncGenerator<EventBody, Outcome> {
  const { budget, work } = context;
  const { best, last, latest } = progress;
  const { status, decision, reason, result } = ending;
  const evaluation = (best ?? last)?.evaluation ?? null;
  return {
    status,
    decision,
    text: result ? JSON.stringify(result.value, null, 2) : closingWords(progress),
    ...(result ?? {}),
    reason,
    score: evaluation?.score ?? null,
    best: best && best.checkpoint.hash === latest?.hash ? best.evaluation.iteration : 0,
    iterations: progress.iterations,
    evaluation,
    ...(yield* changes(context, progress)),
    ...(progress.kept.length > 0 ? { kept: progress.kept } : {}),
    spent: budget.spent,
    saved: context.saved,
    workMs: work.workMs,
    wallMs: work.wallMs,
  };
}

/** What the task and others changed in the end. That this cannot be said is no reason to end without an outcome. */
async function* changes(
  context: Context,
  { before, latest, attempts, foreign: later }: Progress,
): AsyncGenerator<EventBody, Pick<Outcome, "changes" | "foreign">> {
  const others = (paths: readonly string[]) => (paths.length > 0 ? { foreign: [...new Set(paths)].sort() } : {});
  if (!before || !latest || before.hash === latest.hash) return { changes: [], ...others(later) };
  try {
    const { changes, foreign = [] } = await context.kit.checkpoints.diff(before, latest, 0);
    return { changes, ...others([...foreign, ...later]) };
  } catch (error) {
    yield { type: "warning", code: "checkpoint", message: `the changes could not be listed: ${messageOf(error)}` };
    const changes = attempts.findLast(({ checkpoint: { hash } }) => hash === latest.hash)?.changes ?? [];
    return { changes, ...others(later) };
  }
}

/** True where the task left something else than it found; what others did meanwhile is not its work. */
export async function* hasChanged(context: Context, progress: Progress): AsyncGenerator<EventBody, boolean> {
  if (progress.latest?.hash === progress.before?.hash) return false;
  return (yield* changes(context, progress)).changes.length > 0;
}
