import { plural } from "../base/text.ts";
import type { Check, CheckResult, TestTouch } from "../contracts/evidence.ts";
import type { Evaluation, Finding, Judgement, Regression, Unproven } from "../contracts/task.ts";
import { scoreOf } from "./checks.ts";
import { type Proof, statusWords, unprovenBy } from "./proof.ts";
import { EVIDENCE_ID, GONE_ID, UNPROVEN_ID } from "./verdict.ts";

/** How the reason begins that an open blocker is. */
export const OPEN_BLOCKER = "open blocker: ";

/** What each kind of measurement weighs (PRODUCT.md section 3). */
const WEIGHTS = { tests: 0.4, static: 0.2, judge: 0.4 } as const;
/** How far below the threshold a held score lies. */
const HOLD_MARGIN = 0.01;

export interface Measured {
  iteration: number;
  checks: CheckResult[];
  regressions: Regression[];
  oldFailures: Regression[];
  testsTouched: TestTouch[];
  judgement: Judgement;
  /** Checks of a monorepo's members that the change does not touch. */
  leftOut?: readonly Check[];
  previous?: Evaluation | undefined;
}

/**
 * Adds up what was measured. Accepted means: the score reaches the threshold, and no blocker is open, and nothing fails
 * that passed before, and every declared proof passed. Whatever else the weights say, the score is held below. An open
 * important finding holds nothing below, but nothing above either: the score is then the threshold at most, so that a
 * result is never better by an opinion's noise than one in which the finding was resolved. Pure.
 */
export function sum(measured: Measured, proof: Proof, threshold: number): Evaluation {
  const { checks, regressions, oldFailures, judgement, iteration } = measured;
  const judged = judgeScore(judgement, measured.previous);
  const mean = (kind: (check: CheckResult) => boolean) => {
    const scores = checks.filter(kind).flatMap((result) => scoreOf(result, oldFailures, judged !== null) ?? []);
    return { value: average(scores.map(({ score }) => score)), share: average(scores.map(({ share }) => share)) ?? 0 };
  };
  const tests = mean((result) => result.check.kind !== "static");
  const statics = mean((result) => result.check.kind === "static");
  const gone = goneTests(measured, proof);
  const unproven = unprovenBy(proof, checks);
  // What the judge found stays open until the judge says otherwise: a judge that was not heard resolves nothing.
  const open = judgement.state === "scored" ? judgement.findings : judgesFindings(measured.previous);
  const findings = [
    ...open,
    ...distinct(regressions).map(regressionFinding),
    ...unproven.filter(({ command }) => !isToldBy(regressions, command)).map(unprovenFinding),
    ...gone,
  ];
  const still = new Set(findings.map(({ id }) => id));
  const heldBy = [
    ...(regressions.length > 0 ? [plural(distinct(regressions).length, "new failure")] : []),
    ...unproven.map(({ command }) => `not proven: ${command}`),
    ...gone.map(({ title }) => title),
    ...open.filter(({ severity }) => severity === "blocker").map(({ title }) => OPEN_BLOCKER + title),
  ];
  const raw = weighted([
    [tests.value, WEIGHTS.tests * tests.share],
    [statics.value, WEIGHTS.static * statics.share],
    [judged, WEIGHTS.judge],
  ]);
  const important = open.some(({ severity }) => severity === "important");
  const most = heldBy.length > 0 ? Math.max(0, threshold - HOLD_MARGIN) : important ? threshold : 1;
  const score = raw === null ? null : tidy(Math.min(raw, most));
  return {
    iteration,
    score,
    tests: tests.value,
    static: statics.value,
    judgement,
    checks,
    regressions,
    oldFailures,
    testsTouched: measured.testsTouched,
    unproven,
    findings,
    resolved: measured.previous?.findings.filter(({ id }) => !still.has(id)) ?? [],
    heldBy,
    accepted: score !== null && heldBy.length === 0 && score >= threshold,
    unmeasured: [
      ...proof.refused.map(({ check, reason }) => `${check.command}: ${reason}`),
      ...checks.flatMap(whyUnmeasured),
      ...leftOutWords(measured.leftOut ?? []),
      ...(tests.value === null && [...checks, ...proof.refused].every(({ check }) => check.kind === "static")
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
export function judgesFindings(evaluation: Evaluation | undefined): Finding[] {
  return evaluation?.findings.filter((finding) => !finding.id.startsWith(EVIDENCE_ID)) ?? [];
}

/** True where something holds the result that another iteration could mend. */
export function isMendable(evaluation: Evaluation): boolean {
  const open = judgesFindings(evaluation).some(({ severity }) => severity === "blocker");
  const gone = evaluation.findings.some(({ id }) => id.startsWith(GONE_ID));
  return open || gone || evaluation.regressions.length > 0 || evaluation.unproven.some(({ ran }) => ran);
}

/** What the judge calls a blocker or important: more than a wish. */
export function graveFindings(evaluation: Evaluation | undefined): Finding[] {
  return judgesFindings(evaluation).filter(({ severity }) => severity !== "suggestion");
}

/**
 * Tells results of one score apart: negative where less is open in `a`. What fails outweighs what the judge finds, and a
 * blocker what is only important.
 */
export function compareOpen(a: Evaluation, b: Evaluation): number {
  const [less, more] = [openIn(a), openIn(b)];
  return less.map((count, at) => count - more[at]!).find((difference) => difference !== 0) ?? 0;
}

function openIn(evaluation: Evaluation): number[] {
  const failing = evaluation.checks.reduce((sum, { status, failures }) => {
    return status === "failed" || status === "timeout" ? sum + Math.max(1, failures.length) : sum;
  }, evaluation.unproven.length);
  const grave = graveFindings(evaluation);
  const blockers = grave.filter(({ severity }) => severity === "blocker").length;
  return [failing, blockers, grave.length - blockers];
}

/** Members named of those that were not tested. */
const MOST_NAMED = 5;

function leftOutWords(checks: readonly Check[]): string[] {
  const members = [...new Set(checks.flatMap(({ scope }) => scope?.uses[0] ?? []))];
  if (members.length === 0) return [];
  const more = members.length > MOST_NAMED ? ` and ${members.length - MOST_NAMED} more` : "";
  return [`not touched by the change, so not tested again: ${members.slice(0, MOST_NAMED).join(", ")}${more}`];
}

function whyUnmeasured(result: CheckResult): string[] {
  if (result.status !== "unavailable" && result.status !== "empty") return [];
  return [`${result.check.command}: ${statusWords(result)}`];
}

/** A proof that fails by a new failure needs no finding of its own. */
export function isToldBy(regressions: readonly Regression[], command: string): boolean {
  return regressions.some(({ check }) => check.command === command);
}

/** One failing test may fail in several checks; it is one thing to mend. */
export function distinct(regressions: readonly Regression[]): Regression[] {
  const seen = new Set<string>();
  return regressions.filter(({ failure }) => {
    const key = `${failure.name}\0${failure.location ?? ""}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Of the finding that a new failure is. */
export function regressionId({ check, failure }: Regression): string {
  return `${EVIDENCE_ID}${check.id}:${failure.name}`;
}

function regressionFinding(regression: Regression): Finding {
  const { check, failure } = regression;
  return {
    id: regressionId(regression),
    severity: "blocker",
    dimension: "",
    title: `${failure.name} fails and did not before`,
    description: failure.message ?? `\`${check.command}\` fails`,
    ...(failure.location ? { location: failure.location } : {}),
  };
}

function unprovenFinding({ command, reason }: Unproven): Finding {
  return {
    id: UNPROVEN_ID + command,
    severity: "blocker",
    dimension: "",
    title: `\`${command}\` must pass`,
    description: reason,
  };
}

/** How a test is touched so that it runs no more. */
const SWITCHED_OFF: ReadonlySet<TestTouch["kind"]> = new Set(["deleted", "removed", "skipped", "focused", "settings"]);
/** English words of a task that takes something away. They count beside what the planner says. */
const REMOVES = /\b(?:remov|delet|drop|skip|disabl|retir)\w*/i;
/** Words of one that may well leave fewer tests behind. They count where the planner says nothing of the tests. */
const MAY_REMOVE = /\b(?:mov|renam|rewrit|replac|migrat|merg|split|refactor|restructur|reorgani[sz]|clean)\w*/i;

/**
 * A finding for each check that runs fewer tests than before, where the task laid hands on the tests and was not asked for
 * anything of that kind: a failing test that is taken away is not mended.
 */
function goneTests({ checks, testsTouched }: Measured, { asked, baseline, planned }: Proof): Finding[] {
  const touched = testsTouched.filter(({ kind }) => SWITCHED_OFF.has(kind));
  const { tests } = planned.plan;
  const mayGo = tests === "may_go" || REMOVES.test(asked) || (tests === undefined && MAY_REMOVE.test(asked));
  if (touched.length === 0 || mayGo) return [];
  return checks.flatMap(({ check, status, counts }): Finding[] => {
    const before = baseline.find((other) => other.check.id === check.id)?.counts;
    const missing = (before ? before.passed + before.failed : 0) - (counts ? counts.passed + counts.failed : 0);
    if (missing <= 0 || status === "unavailable" || status === "empty" || status === "timeout") return [];
    return [
      {
        id: GONE_ID + check.id,
        severity: "blocker",
        dimension: "",
        title: `\`${check.command}\`: ${plural(missing, "test")} that ran before ${missing === 1 ? "does" : "do"} not run any more`,
        description: `${touched.map(({ detail }) => detail).join("; ")}. Bring back what ran before.`,
        ...(touched[0]?.location ? { location: touched[0].location } : {}),
      },
    ];
  });
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
