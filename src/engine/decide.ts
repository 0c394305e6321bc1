import { formatScore } from "../base/text.ts";
import type { Decision, Evaluation } from "../contracts/task.ts";

export interface DecideInput {
  /** What is used up, in words; judged before the evaluation is looked at. */
  spent: string | undefined;
  late: string | undefined;
  evaluation: Pick<Evaluation, "score" | "heldBy" | "accepted">;
  /** Commands of checks that fail. */
  failing: readonly string[];
  /** Score of the iteration before; null where there was none (one that was not measured is the last). */
  previous: number | null;
  /** Iterations in a row, this one the last, that left the workspace as they found it. */
  idle: number;
  /** A finding is open that the judge calls important. */
  important: boolean;
  /** A blocker or an important finding is open that no iteration was told of yet. */
  news: boolean;
  /** Most of the budget is used: nothing is spent on what is good enough. */
  scarce: boolean;
  /** What holds the result could be mended by another iteration; a proof that cannot be run could not. */
  mendable: boolean;
  iteration: number;
  maxIterations: number;
  threshold: number;
  improvementThreshold: number;
  regressionThreshold: number;
  abortOnRegression: boolean;
}

/**
 * What to do after an iteration: the table of PRODUCT.md section 3, first match. Three things are read more closely than
 * the table says them (docs/ARCHITECTURE.md, Decide). Something important that is open and could still be mended is
 * mended before the result is accepted. A small gain ends a task only where the next iteration would be told nothing
 * new. And a score that is held shows no gain, whatever was mended. Pure.
 */
export function decide(input: DecideInput): { decision: Decision; reason: string } {
  const { evaluation, previous } = input;
  const score = evaluation.score;
  if (input.spent !== undefined) return { decision: "abort_budget", reason: input.spent };
  if (input.late !== undefined) return { decision: "abort_timeout", reason: input.late };
  if (score === null) {
    if (previous === null) return { decision: "unmeasured", reason: whyUnmeasured(input.failing) };
    return { decision: "accept_best", reason: `iteration ${input.iteration} could not be measured` };
  }
  if (input.abortOnRegression && previous !== null && exceeds(previous - score, input.regressionThreshold)) {
    return {
      decision: "abort_regression",
      reason: `the score fell from ${formatScore(previous)} to ${formatScore(score)}`,
    };
  }
  const last = input.iteration >= input.maxIterations;
  const stalled = previous !== null && !input.news && exceeds(input.improvementThreshold, score - previous);
  if (evaluation.accepted) {
    const reason = `${formatScore(score)} reaches ${formatScore(input.threshold)}`;
    // Who changed nothing has declined, and another opinion is no proof.
    const worthwhile = input.important && input.idle === 0 && !stalled && !last && !input.scarce;
    if (!worthwhile) return { decision: "accept", reason };
    return { decision: "continue", reason: `${reason}, but an important finding is open` };
  }
  if (last) return { decision: "accept_best", reason: `iteration ${input.iteration} was the last` };
  if (evaluation.heldBy.length > 0) {
    if (!input.mendable) {
      return { decision: "accept_best", reason: "what is not proven could not be run, so trying again proves no more" };
    }
    // Once may have been an oversight; it is told of it.
    if (input.idle < 2)
      return { decision: "continue", reason: `${formatScore(score)} is below ${formatScore(input.threshold)}` };
    return { decision: "accept_best", reason: `the last ${input.idle} iterations changed nothing` };
  }
  if (stalled) {
    return { decision: "accept_best", reason: `the last iteration gained only ${(score - previous).toFixed(2)}` };
  }
  return { decision: "continue", reason: `${formatScore(score)} is below ${formatScore(input.threshold)}` };
}

/** What fails as it did before says nothing of the work, but it says something. */
function whyUnmeasured(failing: readonly string[]): string {
  if (failing.length === 0) return "nothing could be measured";
  return `nothing could be measured but what fails as before the task: ${failing.join(", ")}`;
}

/** `a > b`, not fooled by the last bit of a subtraction (0.7 - 0.5 > 0.2 is true in floating point). */
function exceeds(a: number, b: number): boolean {
  return a - b > 1e-9;
}
