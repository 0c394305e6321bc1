import { clip } from "../base/text.ts";
import type { Outcome, Task } from "../contracts/task.ts";
import type { TaskState } from "../engine/state.ts";
import type { SessionRow, TaskRow } from "../memory/tasks.ts";

export const MOST_DESCRIPTION = 10_000;
const MOST_SUMMARY = 4000;
/** Where tasks of the command line come from. */
export const CHANNEL = "cli";

/** A task's session, recorded up to event number `seq`. */
export function sessionRow(id: string, state: TaskState, seq: number): SessionRow {
  const { model, tokens, spent, startedAt, updatedAt } = state;
  return {
    id,
    channel: CHANNEL,
    model,
    tokens,
    costUsd: spent.costUsd,
    createdAt: startedAt,
    updatedAt,
    transcript: `sessions/${id}.jsonl`,
    seq,
  };
}

/** What is known of a task beside its state. */
interface Known {
  /** The plan's. */
  category: string | null;
  outcome: Outcome | undefined;
  completedAt: string | null;
}

/** A task as far as it came. */
export function taskRow(id: string, task: Task, state: TaskState, { category, outcome, completedAt }: Known): TaskRow {
  const { model, tokens, spent, iteration } = state;
  return {
    id,
    description: clip(task.description, MOST_DESCRIPTION),
    category,
    workspace: task.workspace,
    model,
    status: outcome?.status ?? null,
    reason: outcome?.reason ?? null,
    summary: outcome ? clip(outcome.text, MOST_SUMMARY) : null,
    score: outcome ? outcome.score : state.score,
    iterations: outcome?.iterations ?? iteration,
    decision: outcome?.decision ?? null,
    tokens,
    costUsd: spent.costUsd,
    costKnown: spent.costKnown,
    wallMs: outcome ? Math.round(outcome.wallMs) : null,
    saved: outcome ? savedBy(outcome) : NOTHING_SAVED,
    createdAt: task.createdAt,
    completedAt,
  };
}

const NOTHING_SAVED = { deltaFeedback: 0, skippedEvaluation: 0, caching: 0 };

/** Judging that was left out, all of it or parts, counts as one. Older transcripts know no parts. */
function savedBy({ saved }: Outcome): typeof NOTHING_SAVED {
  const { deltaFeedback, skippedEvaluation, incrementalEvaluation = 0, caching } = saved;
  return { deltaFeedback, skippedEvaluation: skippedEvaluation + incrementalEvaluation, caching };
}
