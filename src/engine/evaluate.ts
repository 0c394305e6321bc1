import type { EventBody } from "../contracts/event.ts";
import type { Check, CheckResult, TestTouch } from "../contracts/evidence.ts";
import type { Evaluation, Finding, Judgement, Regression, Unproven } from "../contracts/task.ts";
import type { Checkpoint, Diff } from "../contracts/workspace.ts";
import { countedTokens } from "./budget.ts";
import { compare, runCheck, runChecks, scoreOf } from "./checks.ts";
import type { Context } from "./context.ts";
import { EVIDENCE_ID, judge } from "./judge.ts";
import type { Planned } from "./plan.ts";

/** What each kind of measurement weighs (PRODUCT.md section 3). */
const WEIGHTS = { tests: 0.4, static: 0.2, judge: 0.4 } as const;
/** How far below the threshold a held score lies. */
const HOLD_MARGIN = 0.01;

/** What the iterations of a task are measured with. */
export interface Proof {
  planned: Planned;
  /** What may be run, each once: the project's own checks, then the plan's, then those that the task itself made. */
  checks: readonly Check[];
  /** How they stood before the first effect. */
  baseline: readonly CheckResult[];
  /** What may not be run, with the reason. It is not measured; where it was declared as a proof, it is not proven. */
  refused: readonly { check: Check; reason: string }[];
}

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

export interface Measured {
  iteration: number;
  checks: CheckResult[];
  regressions: Regression[];
  oldFailures: Regression[];
  testsTouched: TestTouch[];
  judgement: Judgement;
  previous?: Evaluation | undefined;
}

/**
 * Adds up what was measured. Accepted means: the score reaches the threshold, and no blocker is open, and nothing fails
 * that passed before, and every declared proof passed. Whatever else the weights say, the score is held below. Pure.
 */
export function sum(measured: Measured, proof: Proof, threshold: number): Evaluation {
  const { checks, regressions, oldFailures, judgement, iteration } = measured;
  const mean = (kind: (check: CheckResult) => boolean) => {
    const scores = checks.filter(kind).map((result) => scoreOf(result, oldFailures));
    return average(scores.filter((value) => value !== null));
  };
  const tests = mean((result) => result.check.kind !== "static");
  const statics = mean((result) => result.check.kind === "static");
  const judged = judgeScore(judgement, measured.previous);
  const unproven = unprovenBy(proof, checks);
  // What the judge found stays open until the judge says otherwise: a judge that was not heard resolves nothing.
  const open = judgement.state === "scored" ? judgement.findings : judgesFindings(measured.previous);
  const findings = [
    ...open,
    ...distinct(regressions).map(regressionFinding),
    ...unproven.map(({ command, reason }) => unprovenFinding(command, reason)),
  ];
  const heldBy = [
    ...(regressions.length > 0 ? [`${regressions.length} new failure${regressions.length > 1 ? "s" : ""}`] : []),
    ...unproven.map(({ command }) => `not proven: ${command}`),
    ...open.filter(({ severity }) => severity === "blocker").map(({ title }) => `open blocker: ${title}`),
  ];
  const raw = weighted([
    [tests, WEIGHTS.tests],
    [statics, WEIGHTS.static],
    [judged, WEIGHTS.judge],
  ]);
  const most = heldBy.length > 0 ? Math.max(0, threshold - HOLD_MARGIN) : 1;
  const score = raw === null ? null : tidy(Math.min(raw, most));
  return {
    iteration,
    score,
    tests,
    static: statics,
    judgement,
    checks,
    regressions,
    oldFailures,
    testsTouched: measured.testsTouched,
    unproven,
    findings,
    heldBy,
    accepted: score !== null && heldBy.length === 0 && score >= threshold,
    unmeasured: [
      ...proof.refused.map(({ check, reason }) => `${check.command}: ${reason}`),
      ...checks.flatMap(whyUnmeasured),
      ...(tests === null && checks.every((check) => check.check.kind === "static")
        ? ["tests: there are none to run"]
        : []),
      ...(judgement.state === "failed" ? [`judge: ${judgement.reason}`] : []),
    ],
  };
}

function judgeScore(judgement: Judgement, previous: Evaluation | undefined): number | null {
  if (judgement.state === "scored") return judgement.score;
  if (judgement.state === "skipped" && previous?.judgement.state === "scored") return previous.judgement.score;
  return null;
}

/** The open findings of a round, without those that were made of evidence. */
function judgesFindings(evaluation: Evaluation | undefined): Finding[] {
  return evaluation?.findings.filter((finding) => !finding.id.startsWith(EVIDENCE_ID)) ?? [];
}

/** A proof that says the same as one of the project's own checks is that check: both have one id. */
function declaredIds(proof: Proof): Set<string> {
  return new Set(proof.planned.proofs.map((check) => check.id));
}

/** True where something holds the result that another iteration could mend. */
export function isMendable(evaluation: Evaluation): boolean {
  const open = evaluation.findings.some(({ id, severity }) => severity === "blocker" && !id.startsWith(EVIDENCE_ID));
  return open || evaluation.regressions.length > 0 || evaluation.unproven.some(({ ran }) => ran);
}

/** Declared proofs that did not pass, also because they were not run. */
function unprovenBy(proof: Proof, checks: readonly CheckResult[]): Unproven[] {
  return proof.planned.proofs.flatMap(({ id, command }) => {
    const result = checks.find(({ check }) => check.id === id);
    if (result?.status === "passed") return [];
    const refusal = proof.refused.find(({ check }) => check.id === id);
    const reason = result ? statusWords(result) : (refusal?.reason ?? "it was not run");
    return [{ command, reason, ran: result !== undefined && result.status !== "unavailable" }];
  });
}

function statusWords(result: CheckResult): string {
  if (result.status === "timeout") return "it did not end in time";
  if (result.status === "unavailable") return "it could not be run";
  if (result.status === "empty") return "it ran no test";
  return result.counts ? `${result.counts.failed} failed` : `exit code ${result.exitCode}`;
}

function whyUnmeasured(result: CheckResult): string[] {
  if (result.status !== "unavailable" && result.status !== "empty") return [];
  return [`${result.check.command}: ${statusWords(result)}`];
}

/** One failing test may fail in several checks; it is one thing to mend. */
function distinct(regressions: readonly Regression[]): Regression[] {
  const seen = new Map(regressions.map((each) => [`${each.failure.name}\0${each.failure.location ?? ""}`, each]));
  return [...seen.values()];
}

function regressionFinding({ check, failure }: Regression): Finding {
  return {
    id: `${EVIDENCE_ID}${check.id}:${failure.name}`,
    severity: "blocker",
    dimension: "",
    title: `${failure.name} fails and did not before`,
    description: failure.message ?? `\`${check.command}\` fails`,
    ...(failure.location ? { location: failure.location } : {}),
  };
}

function unprovenFinding(command: string, reason: string): Finding {
  return {
    id: `${EVIDENCE_ID}proof:${command}`,
    severity: "blocker",
    dimension: "",
    title: `\`${command}\` must pass`,
    description: reason,
  };
}

/** Without the last bits of floating point: 0.64 / 0.8 is 0.8, and reaches it. */
function tidy(score: number): number {
  return Math.round(score * 1e9) / 1e9;
}

function average(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0) / values.length;
}

/** The weighted mean of what was available. */
function weighted(parts: readonly (readonly [number | null, number])[]): number | null {
  let total = 0;
  let weight = 0;
  for (const [value, share] of parts) {
    if (value === null) continue;
    total += value * share;
    weight += share;
  }
  return weight === 0 ? null : total / weight;
}
