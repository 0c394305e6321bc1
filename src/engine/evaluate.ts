import type { EventBody } from "../contracts/event.ts";
import type { CheckResult } from "../contracts/evidence.ts";
import type { Evaluation, Judgement, Regression } from "../contracts/task.ts";
import type { Checkpoint, Diff } from "../contracts/workspace.ts";
import { countedTokens } from "./budget.ts";
import { compare, runCheck, runChecks } from "./checks.ts";
import type { Context } from "./context.ts";
import { judge } from "./judge.ts";
import { declaredIds, type Proof } from "./proof.ts";
import { judgesFindings, sum } from "./score.ts";

export interface Iteration {
  number: number;
  checkpoint: Checkpoint;
  diff: Diff;
  claim: string;
  previous: { evaluation: Evaluation; checkpoint: Checkpoint } | undefined;
}

/** Evidence first, then the judge, then the sum. */
export async function* evaluate(
  context: Context,
  proof: Proof,
  iteration: Iteration,
): AsyncGenerator<EventBody, Evaluation> {
  const { kit } = context;
  const { previous } = iteration;
  if (previous && previous.checkpoint.hash === iteration.checkpoint.hash && previous.evaluation.score !== null) {
    const judgement: Judgement = { state: "skipped", reason: "the workspace is the same as before" };
    yield { type: "judged", judgement };
    context.saved.skippedEvaluation += context.judging;
    return { ...previous.evaluation, iteration: iteration.number };
  }
  const checks = yield* measureChecks(context, proof);
  const { fresh, old } = compare(proof.baseline, checks, declaredIds(proof));
  const touched = kit.evidence.testsTouched(iteration.diff);
  for (const { path, detail } of touched) {
    if (previous?.evaluation.testsTouched.some((other) => other.path === path && other.detail === detail)) continue;
    yield { type: "warning", code: "evidence", message: `the task touched a test: ${path}: ${detail}` };
  }
  const evidence = { checks, regressions: fresh, oldFailures: old, testsTouched: touched };

  const rubric = kit.rubric(proof.planned.plan.category);
  const open = judgesFindings(previous?.evaluation);
  let judgement: Judgement;
  if (iteration.diff.changes.length === 0 && !checks.some((check) => check.status === "passed")) {
    // An opinion of nothing, with nothing that ran well beside it, is no measurement.
    judgement = { state: "failed", reason: "nothing was changed and no check passes: there is nothing to judge" };
  } else if (maySkipJudge(context, previous?.evaluation, evidence)) {
    judgement = { state: "skipped", reason: "the last score was high and the evidence is clean" };
    context.saved.skippedEvaluation += context.judging;
  } else {
    const before = countedTokens(context.budget.spent.usage);
    const { diff, claim } = iteration;
    const { planned, baseline } = proof;
    judgement = yield* judge(context, { planned, rubric, diff, checks, baseline, touched, open, claim });
    context.judging = countedTokens(context.budget.spent.usage) - before;
  }
  yield { type: "judged", judgement };
  if (judgement.state === "failed") yield { type: "warning", code: "judge", message: judgement.reason };
  const measured = { ...evidence, iteration: iteration.number, judgement, previous: previous?.evaluation };
  return sum(measured, proof, kit.limits.qualityThreshold);
}

/** Runs all checks; one that fails where it did not before is run once more, because flaky tests prove nothing. */
async function* measureChecks(context: Context, proof: Proof): AsyncGenerator<EventBody, CheckResult[]> {
  const results = yield* runChecks(context, proof.checks, "evidence", context.signal);
  for (const [at, result] of results.entries()) {
    const before = proof.baseline.find((b) => b.check.id === result.check.id);
    if (result.status !== "failed" || !(before?.status === "passed" || before?.status === "failed")) continue;
    if (newFailures(proof, result) === 0) continue;
    const again = yield* runCheck(context, result.check, "evidence", context.signal);
    const measured = again.status === "passed" || again.status === "failed";
    if (measured && newFailures(proof, again) === 0) results[at] = { ...again, flaky: true };
  }
  return results;
}

function newFailures(proof: Proof, result: CheckResult): number {
  return compare(proof.baseline, [result], declaredIds(proof)).fresh.length;
}

/** The judge is not asked again where the last score was very high and nothing that runs complains. */
function maySkipJudge(
  context: Context,
  last: Evaluation | undefined,
  evidence: { checks: readonly CheckResult[]; regressions: readonly Regression[] },
): boolean {
  if (!last || last.score === null || last.judgement.state !== "scored" || last.heldBy.length > 0) return false;
  const clean = evidence.regressions.length === 0 && evidence.checks.every((check) => check.status === "passed");
  return clean && evidence.checks.length > 0 && last.score >= context.kit.config.iteration.skip_eval_confidence;
}
