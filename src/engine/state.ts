import type { Event, Limits, Phase } from "../contracts/event.ts";
import type { Question } from "../contracts/question.ts";
import type { OutcomeStatus, Spent, Task } from "../contracts/task.ts";
import { addCall, countedTokens, nothingSpent } from "./budget.ts";

/** Endings without a result: there is nothing to put into a schema, and the task can be resumed. */
export const UNFINISHED: ReadonlySet<OutcomeStatus> = new Set([
  "budget",
  "timeout",
  "escalated",
  "failed",
  "cancelled",
]);

/** Endings in which the result was measured: they say whether what was followed was right. */
export const MEASURED: ReadonlySet<OutcomeStatus> = new Set(["accepted", "below", "regressed"]);

/** A task as it stands: a pure fold of its events. What displays, state files and dashboards show. */
export interface TaskState {
  task: Task | undefined;
  /** `provider/model` of the executor. */
  model: string;
  limits: Limits | undefined;
  status: "starting" | "running" | "waiting" | OutcomeStatus;
  phase: Phase | undefined;
  iteration: number;
  /** Score of the last iteration and the best so far; null where not measured. */
  score: number | null;
  best: number | null;
  spent: Spent;
  /** Tokens that count against the budget. */
  tokens: number;
  /** ISO times of the first and the latest event. */
  startedAt: string;
  updatedAt: string;
  /** What a person is being asked. */
  question: Question | undefined;
}

export function initialState(): TaskState {
  return {
    task: undefined,
    model: "",
    limits: undefined,
    status: "starting",
    phase: undefined,
    iteration: 0,
    score: null,
    best: null,
    spent: nothingSpent(),
    tokens: 0,
    startedAt: "",
    updatedAt: "",
    question: undefined,
  };
}

/** The state after one more event. Never changes `state`. */
export function step(state: TaskState, event: Event): TaskState {
  const next = { ...state, updatedAt: event.time };
  switch (event.type) {
    case "task_started":
      next.task = event.request;
      next.model = event.models.executor;
      next.limits = event.limits;
      next.status = "running";
      next.startedAt = event.time;
      break;
    case "resumed":
      next.task = event.request;
      next.model = event.models.executor;
      next.limits = event.limits;
      next.status = "running";
      next.question = undefined;
      break;
    case "phase":
      next.phase = event.phase;
      break;
    case "iteration_started":
      next.iteration = event.iteration;
      break;
    case "model_finished":
      next.spent = addCall(state.spent, event.call);
      next.tokens = countedTokens(next.spent.usage);
      break;
    case "evaluated":
      next.score = event.evaluation.score;
      if (next.score !== null) next.best = Math.max(state.best ?? 0, next.score);
      break;
    case "asked":
      next.status = "waiting";
      next.question = event.question;
      break;
    case "answered":
      next.status = "running";
      next.question = undefined;
      break;
    case "task_finished":
      next.status = event.outcome.status;
      next.phase = undefined;
      next.score = event.outcome.score;
      break;
  }
  return next;
}
