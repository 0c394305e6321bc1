import type { Decision, Evaluation } from "../contracts/task.ts";

export interface DecideInput {
  /** What is used up, judged before the evaluation is looked at. */
  exhausted: "budget" | "time" | undefined;
  evaluation: Pick<Evaluation, "score" | "heldBy" | "accepted">;
  /** Score of the iteration before; null where there was none (one that was not measured is the last). */
  previous: number | null;
  /** The iteration left the workspace different from what it found. */
  changed: boolean;
  /** What holds the result could be mended by another iteration; a proof that cannot be run could not. */
  mendable: boolean;
  iteration: number;
  maxIterations: number;
  threshold: number;
  improvementThreshold: number;
  regressionThreshold: number;
  abortOnRegression: boolean;
}

/** What to do after an iteration: the table of PRODUCT.md section 3, first match. Pure. */
export function decide(input: DecideInput): { decision: Decision; reason: string } {
  const { evaluation, previous } = input;
  const score = evaluation.score;
  if (input.exhausted === "budget") return { decision: "abort_budget", reason: "the budget is used up" };
  if (input.exhausted === "time") return { decision: "abort_timeout", reason: "the time is used up" };
  if (score === null) {
    if (previous === null) return { decision: "unmeasured", reason: "nothing could be measured" };
    return { decision: "accept_best", reason: `iteration ${input.iteration} could not be measured` };
  }
  if (input.abortOnRegression && previous !== null && exceeds(previous - score, input.regressionThreshold)) {
    return { decision: "abort_regression", reason: `the score fell from ${two(previous)} to ${two(score)}` };
  }
  if (evaluation.accepted) {
    return { decision: "accept", reason: `${two(score)} reaches ${two(input.threshold)}` };
  }
  if (input.iteration >= input.maxIterations) {
    return { decision: "accept_best", reason: `iteration ${input.iteration} was the last` };
  }
  if (evaluation.heldBy.length > 0 && !input.mendable) {
    return { decision: "accept_best", reason: "what is not proven could not be run, so trying again proves no more" };
  }
  // A score that is held just below the threshold shows no gain, whatever was mended; what holds it is still worth
  // another try, unless the last one changed nothing at all.
  const held = evaluation.heldBy.length > 0 && input.changed;
  if (previous !== null && !held && exceeds(input.improvementThreshold, score - previous)) {
    return { decision: "accept_best", reason: `the last iteration gained only ${two(score - previous)}` };
  }
  return { decision: "continue", reason: `${two(score)} is below ${two(input.threshold)}` };
}

/** `a > b`, not fooled by the last bit of a subtraction (0.7 - 0.5 > 0.2 is true in floating point). */
function exceeds(a: number, b: number): boolean {
  return a - b > 1e-9;
}

function two(value: number): string {
  return value.toFixed(2);
}
