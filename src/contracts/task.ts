import type { Check, CheckResult, Failure, TestTouch } from "./evidence.ts";
import type { StopReason, Usage } from "./message.ts";
import type { Role } from "./provider.ts";
import type { FileChange } from "./workspace.ts";

/** What the user asked for. */
export interface Task {
  /** Sorts by time: `20261123-101502-k3f9`. */
  id: string;
  description: string;
  /** Piped standard input, added as context. */
  context?: string;
  /** Absolute, real. */
  workspace: string;
  addDirs: readonly string[];
  /** A JSON Schema that the result must fit (`--schema`). */
  schema?: { [key: string]: unknown };
  /** Config keys that the command line set, and the config file that it named: a resumed task has them again. */
  settings?: Readonly<Record<string, string | number | boolean>>;
  configFile?: string;
  /** ISO time. */
  createdAt: string;
}

export interface Plan {
  kind: "question" | "change";
  category: string;
  steps: string[];
  /** Shell commands that prove completion. */
  checks: string[];
  /**
   * What the task wants of the project's tests: failing ones shall pass, or some may be taken away. Absent: the planner
   * did not say.
   */
  tests?: "must_pass" | "may_go" | "stay";
}

export type Severity = "blocker" | "important" | "suggestion";

export interface Finding {
  id: string;
  severity: Severity;
  dimension: string;
  title: string;
  description: string;
  /** `file:line`. */
  location?: string;
  fix?: string;
}

export interface DimensionScore {
  name: string;
  weight: number;
  /** 0..1, after the cap of its blockers. */
  score: number;
  /** True where it was taken over from the judgement before, because nothing that it looks at was changed since. */
  carried?: boolean;
}

/** What the judge said. `scored` only where its answer was valid. */
export type Judgement =
  | { state: "scored"; dimensions: DimensionScore[]; score: number; findings: Finding[]; rubric: string }
  | { state: "skipped"; reason: string }
  | { state: "failed"; reason: string };

/** A failure that was not there in the baseline. */
export interface Regression {
  check: Check;
  failure: Failure;
}

/** `ran`: false where it could not or may not be run, so that trying again mends nothing. */
export interface Unproven {
  command: string;
  reason: string;
  ran: boolean;
}

/** One iteration, measured. Numbers are 0..1; null means not measured. */
export interface Evaluation {
  iteration: number;
  score: number | null;
  tests: number | null;
  static: number | null;
  judgement: Judgement;
  checks: CheckResult[];
  /** Passed before, fails now. */
  regressions: Regression[];
  /** Failed before and still fails: shown, not blamed on the task. */
  oldFailures: Regression[];
  /** Tests that the task itself changed, deleted or switched off. */
  testsTouched: TestTouch[];
  /** Declared proofs that did not pass, with the reason. */
  unproven: Unproven[];
  /** Open findings, the judge's and those made of evidence. */
  findings: Finding[];
  /** Findings of the round before that are open no more. */
  resolved: Finding[];
  /** Why the score was held just below the threshold; empty where nothing held it. */
  heldBy: string[];
  accepted: boolean;
  /** What was not measured, in words. */
  unmeasured: string[];
}

export type Decision =
  | "abort_budget"
  | "abort_timeout"
  | "abort_regression"
  | "accept"
  | "accept_best"
  | "continue"
  | "unmeasured"
  | "escalate";

/**
 * How a task ended. `answered`: a question, one pass. `completed`: `-i 0`, one pass, not measured because the user
 * wanted it so. `unmeasured`: also a question whose answer was cut off. `below`: the best result, below the threshold.
 */
export type OutcomeStatus =
  | "accepted"
  | "answered"
  | "completed"
  | "below"
  | "regressed"
  | "unmeasured"
  | "budget"
  | "timeout"
  | "escalated"
  | "failed"
  | "cancelled";

/** Money and tokens, all roles together. */
export interface Spent {
  usage: Usage;
  /** USD of the calls whose price is known. */
  costUsd: number;
  /** False where a model without a known price was called: `costUsd` is then a lower bound. */
  costKnown: boolean;
  calls: number;
}

/** Tokens that were not spent, by what saved them; those of narrowed judgements are estimated from the size of texts. */
export interface Saved {
  deltaFeedback: number;
  skippedEvaluation: number;
  incrementalEvaluation: number;
  caching: number;
}

export interface Outcome {
  status: OutcomeStatus;
  decision: Decision | null;
  /** The result alone: what goes to stdout. */
  text: string;
  /** The result as a value, where `--schema` asked for one. */
  value?: unknown;
  /** Why it ended like this, one sentence. */
  reason: string;
  score: number | null;
  /** The iteration whose result lies on disk; 0 where there was none. */
  best: number;
  iterations: number;
  evaluation: Evaluation | null;
  changes: FileChange[];
  /** Files that somebody else changed meanwhile and that were therefore not put back; absent where there are none. */
  kept?: string[];
  /** Files that somebody else changed while the task ran, as `Diff.foreign`; absent where there are none. */
  foreign?: string[];
  spent: Spent;
  saved: Saved;
  /** Milliseconds of work, waiting not counted, and of the clock on the wall; of all runs together. */
  workMs: number;
  wallMs: number;
}

/** One model call as the ledger counts it. */
export interface CallRecord {
  role: Role | "repair" | "result" | "embedder";
  model: string;
  usage: Usage;
  /** USD, or null where the price is unknown. */
  costUsd: number | null;
  ms: number;
  stop: StopReason;
}
