import { merge } from "../base/stream.ts";
import type { EventBody } from "../contracts/event.ts";
import type { Check, CheckResult } from "../contracts/evidence.ts";
import type { Evaluation, Judgement, Regression } from "../contracts/task.ts";
import type { Checkpoint, Diff } from "../contracts/workspace.ts";
import { countedTokens } from "./budget.ts";
import { compare, isTouched, recordOutputs, runCheck, runChecks } from "./checks.ts";
import type { Context } from "./context.ts";
import { type Case, judge, judgingTokens } from "./judge.ts";
import { narrow, sinceText } from "./narrow.ts";
import type { Attempt } from "./progress.ts";
import { declaredIds, type Proof } from "./proof.ts";
import { judgesFindings, sum } from "./score.ts";
import { isSkipped, score } from "./verdict.ts";

/** The diff that the judge sees, bytes. */
export const JUDGE_DIFF_BYTES = 60_000;
/** Lines around a change that the judge sees: what most functions fit into. */
const AROUND = 20;
/** The same of files that were judged before as they are now. */
const AROUND_KNOWN = 3;

export interface Iteration {
  number: number;
  /** The workspace before the task, and as it is now. */
  before: Checkpoint;
  checkpoint: Checkpoint;
  diff: Diff;
  claim: string;
  /** What was measured earlier, in order. */
  attempts: readonly Attempt[];
}

/** Evidence first, then the judge, then the sum. */
export async function* evaluate(
  context: Context,
  proof: Proof,
  iteration: Iteration,
): AsyncGenerator<EventBody, Evaluation> {
  const { kit } = context;
  const known = sameWorkspace(context, proof, iteration);
  if (known) {
    const { evaluation } = known;
    const where = known === iteration.attempts.at(-1) ? "before" : `after iteration ${evaluation.iteration}`;
    yield* skip(context, `the workspace is the same as ${where}`);
    return { ...evaluation, iteration: iteration.number, resolved: [] };
  }
  const previous = iteration.attempts.at(-1)?.evaluation;
  const asked = checksFor(proof, iteration.diff);
  const checks = yield* measureChecks(context, proof, asked);
  const { fresh, old } = compare(proof.baseline, checks, declaredIds(proof));
  const touched = kit.evidence.testsTouched(iteration.diff);
  for (const { path, detail } of touched) {
    if (previous?.testsTouched.some((other) => other.path === path && other.detail === detail)) continue;
    yield { type: "warning", code: "evidence", message: `the task touched a test: ${detail}` };
  }
  const evidence = { checks, regressions: fresh, oldFailures: old, testsTouched: touched };
  const record = () => recordOutputs(context, checks, context.signal);

  let judgement: Judgement;
  if (iteration.diff.changes.length === 0 && !checks.some((check) => check.status === "passed")) {
    // An opinion of nothing, with nothing that ran well beside it, is no measurement.
    judgement = { state: "failed", reason: "nothing was changed and no check passes: there is nothing to judge" };
    await record();
    yield { type: "judged", judgement };
  } else if (maySkipJudge(context, previous, evidence)) {
    await record();
    judgement = yield* skip(context, "the last score was high and the evidence is clean");
  } else {
    const matter: Case = {
      planned: proof.planned,
      rubric: kit.rubric(proof.planned.plan.category),
      diff: iteration.diff,
      checks,
      baseline: proof.baseline,
      touched,
      open: judgesFindings(previous),
      claim: iteration.claim,
    };
    judgement = yield* judgeAgain(context, iteration, matter, record);
  }
  if (judgement.state === "failed") yield { type: "warning", code: "judge", message: judgement.reason };
  const leftOut = proof.checks.filter((check) => !asked.includes(check));
  const measured = { ...evidence, iteration: iteration.number, judgement, previous, leftOut };
  return sum(measured, proof, kit.limits.qualityThreshold);
}

/** An earlier iteration that left the same files, was measured with the same checks, and was told as much by the user. */
function sameWorkspace(
  { said }: Context,
  proof: Proof,
  { checkpoint, attempts, diff }: Iteration,
): Attempt | undefined {
  return attempts.findLast(({ checkpoint: { hash }, evaluation, heard }) => {
    if (hash !== checkpoint.hash || evaluation.score === null || heard !== said.length) return false;
    return evaluation.checks.length === checksFor(proof, diff).length;
  });
}

/** The judge is not asked. */
async function* skip(context: Context, reason: string): AsyncGenerator<EventBody, Judgement> {
  const judgement: Judgement = { state: "skipped", reason };
  context.saved.skippedEvaluation += context.judging;
  yield { type: "judged", judgement, saved: context.judging };
  return judgement;
}

/**
 * Judges what was changed since the last judgement; where nothing was that the rubric looks at, that one stands. Meanwhile
 * what checks left behind is recorded.
 */
async function* judgeAgain(
  context: Context,
  iteration: Iteration,
  matter: Case,
  record: () => Promise<void>,
): AsyncGenerator<EventBody, Judgement> {
  const part = await narrowedCase(context, iteration, matter);
  if (part?.narrowed.asked.length === 0) {
    await record();
    const judgement = score(matter.rubric, {}, [], part.narrowed.carried);
    context.saved.skippedEvaluation += context.judging;
    yield { type: "judged", judgement, saved: context.judging };
    return judgement;
  }
  const whole: Case = { ...matter, diff: await shownDiff(context, iteration, () => AROUND) };
  const before = countedTokens(context.budget.spent.usage);
  const [judged] = yield* merge<EventBody, Judgement | undefined>([judge(context, part ?? whole), afterwards(record)]);
  const judgement = judged!;
  const less = part ? Math.max(0, judgingTokens(context, whole) - judgingTokens(context, part)) : 0;
  const saved = judgement.state === "scored" ? less : 0;
  if (judgement.state === "scored") context.judging = countedTokens(context.budget.spent.usage) - before + saved;
  context.saved.incrementalEvaluation += saved;
  yield { type: "judged", judgement, ...(saved > 0 ? { saved } : {}) };
  return judgement;
}

/** The judge's request is sent first: its answer takes longer than the work beside it. */
async function* afterwards(work: () => Promise<void>): AsyncGenerator<never, undefined> {
  await new Promise((resolve) => setImmediate(resolve));
  await work();
  return undefined;
}

/** The case with the dimensions alone that have to be judged again; undefined where all have to be. */
async function narrowedCase(
  context: Context,
  iteration: Iteration,
  matter: Case,
): Promise<(Case & Required<Pick<Case, "narrowed">>) | undefined> {
  const last = lastJudged(context, iteration);
  if (!last) return undefined;
  const since = await context.kit.checkpoints.diff(last.checkpoint, iteration.checkpoint, JUDGE_DIFF_BYTES);
  const part = narrow(matter.rubric, last.evaluation, { ...matter, changes: since.changes });
  if (part.carried.length === 0) return undefined;
  const fresh = new Set(since.changes.map(({ path }) => path));
  const diff = await shownDiff(context, iteration, (path) => (fresh.has(path) ? AROUND : AROUND_KNOWN));
  return { ...matter, diff, narrowed: { ...part, since: sinceText(since, iteration.diff, last.changes) } };
}

/** The last iteration of which the judge was heard, with what the user had said until then. */
function lastJudged({ said }: Context, { attempts }: Iteration): Attempt | undefined {
  const heard = ({ judgement }: Evaluation) => judgement.state === "scored" && !isSkipped(judgement);
  return attempts.findLast((attempt) => attempt.heard === said.length && heard(attempt.evaluation));
}

/** The diff with the content around the changes, as long as it is not cut for that. */
async function shownDiff(
  { kit }: Context,
  { before, checkpoint, diff }: Iteration,
  around: (path: string) => number,
): Promise<Diff> {
  const wide = await kit.checkpoints.diff(before, checkpoint, JUDGE_DIFF_BYTES, around);
  return wide.truncated ? diff : wide;
}

/** What the change touches, and what was declared as a proof in any case. */
function checksFor(proof: Proof, { changes }: Diff): Check[] {
  const declared = declaredIds(proof);
  return proof.checks.filter((check) => declared.has(check.id) || isTouched(check, changes));
}

/** Runs checks; one that fails where it did not before is run once more, because flaky tests prove nothing. */
async function* measureChecks(
  context: Context,
  proof: Proof,
  asked: readonly Check[],
): AsyncGenerator<EventBody, CheckResult[]> {
  const results = yield* runChecks(context, asked, "evidence", context.signal);
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
