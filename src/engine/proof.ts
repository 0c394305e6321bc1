import type { Check, CheckResult } from "../contracts/evidence.ts";
import type { Unproven } from "../contracts/task.ts";
import type { Planned } from "./plan.ts";

/** What the iterations of a task are measured with. */
export interface Proof {
  planned: Planned;
  /** The task in the user's words. */
  asked: string;
  /** What may be run, each once: the project's own checks, then the plan's, then those that the task itself made. */
  checks: readonly Check[];
  /** How they stood before the first effect. */
  baseline: readonly CheckResult[];
  /** What may not be run, with the reason. It is not measured; where it was declared as a proof, it is not proven. */
  refused: readonly { check: Check; reason: string }[];
}

/**
 * English words of a task that is there to make tests pass: they fail, they shall pass, they are to be mended. They count
 * beside what the planner says, which reads every language and can be wrong.
 */
const WANTS_TESTS = [
  /\b(?:fail\w*|broken|red)\b[^.\n]{0,40}\b(?:tests?|specs?|suite)\b/i,
  // Those that shall still pass, keep passing or stay green do so already.
  /(?<!\bkeep\w*\s+(?:\w+\s+){0,2})\b(?:tests?|specs?|suite)\b(?:(?!\b(?:still|keep\w*|stay|remain)\b)[^.\n]){0,40}\b(?:fail\w*|broken|red|pass(?:es)?|green)\b/i,
  /\b(?:fix|repair|mend)\s+(?:(?:the|all|these|those|our|my|unit|test)\s+)*(?:tests?|specs?|suite)\b/i,
];

/**
 * What must pass: what the plan declares; and where the task is to make tests pass and none of that runs failing tests, the
 * project's tests that failed before. A planner's omission must not make a result good. Pure.
 */
export function declaredProofs({ planned, asked, baseline }: Proof): readonly Check[] {
  const { plan, proofs } = planned;
  const failing = baseline.filter(({ status }) => status === "failed");
  const wanted = plan.tests === "must_pass" || (proofs.length === 0 && WANTS_TESTS.some((words) => words.test(asked)));
  const isNamed = failing.some(({ check, counts }) => counts && proofs.some(({ id }) => id === check.id));
  if (!wanted || isNamed) return proofs;
  const tests = failing.filter(({ check }) => check.kind === "test" && !proofs.some(({ id }) => id === check.id));
  return [...proofs, ...tests.map(({ check }) => check)];
}

/** A proof that says the same as one of the project's own checks is that check: both have one id. */
export function declaredIds(proof: Proof): Set<string> {
  return new Set(declaredProofs(proof).map((check) => check.id));
}

/** What the result is measured with, for a sentence that goes on: `` `npm test` runs, `node check.js` must exit 0, and ``. */
export function measuresText(proof: Proof): string {
  const declared = declaredIds(proof);
  const named = (isDeclared: boolean) =>
    proof.checks.filter(({ id }) => declared.has(id) === isDeclared).map(({ command }) => `\`${command}\``);
  const [own, must] = [listed(named(false)), listed(named(true))];
  const parts = [...(own ? [`${own} will be run`] : []), ...(must ? [`${must} must exit 0`] : [])];
  return parts.length > 0 ? `${parts.join(", ")}, and ` : "";
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** Declared proofs that did not pass, also because they were not run. */
export function unprovenBy(proof: Proof, checks: readonly CheckResult[]): Unproven[] {
  return declaredProofs(proof).flatMap(({ id, command }) => {
    const result = checks.find(({ check }) => check.id === id);
    if (result?.status === "passed") return [];
    const refusal = proof.refused.find(({ check }) => check.id === id);
    const reason = result ? statusWords(result) : (refusal?.reason ?? "it was not run");
    return [{ command, reason, ran: result !== undefined && result.status !== "unavailable" }];
  });
}

export function statusWords(result: CheckResult): string {
  if (result.status === "timeout") return "it did not end in time";
  if (result.status === "unavailable") return "it could not be run";
  if (result.status === "empty") return "it ran no test";
  return result.counts ? `${result.counts.failed} failed` : `exit code ${result.exitCode}`;
}
