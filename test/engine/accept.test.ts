import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { CheckKind, CheckResult, CheckStatus } from "../../src/contracts/evidence.ts";
import type { Evaluation, Finding, Judgement } from "../../src/contracts/task.ts";
import { compare } from "../../src/engine/checks.ts";
import type { Proof } from "../../src/engine/proof.ts";
import { sum } from "../../src/engine/score.ts";
import { score } from "../../src/engine/verdict.ts";
import { check, result } from "../fakes/evidence.ts";

/** Any mix of results, scores, findings and weights that a task can come to. */
const share = fc.double({ min: 0, max: 1, noNaN: true });
const status = fc.constantFrom<CheckStatus[]>("passed", "failed", "empty", "timeout", "unavailable");
const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"));
const count = fc.nat(20);

const run = fc
  .record({
    status,
    names,
    counts: fc.option(fc.record({ passed: count, failed: count, skipped: count }), { nil: undefined }),
  })
  .map(
    ({ status, names, counts }): Partial<CheckResult> => ({
      status,
      exitCode: status === "passed" ? 0 : 1,
      failures: status === "failed" || status === "timeout" ? names.map((name) => ({ name })) : [],
      ...(counts ? { counts } : {}),
    }),
  );

const checkPlan = fc.record({
  kind: fc.constantFrom<CheckKind[]>("test", "static", "proof"),
  before: fc.option(run, { nil: undefined }),
  now: fc.option(run, { nil: undefined }),
  declared: fc.boolean(),
});

const finding: fc.Arbitrary<Finding> = fc.record({
  id: fc.constantFrom("one", "two", "evidence:1"),
  severity: fc.constantFrom("blocker", "important", "suggestion"),
  dimension: fc.constantFrom("x", "y", ""),
  title: fc.constant("It leaks"),
  description: fc.constant(""),
});

const judgement: fc.Arbitrary<Judgement> = fc.oneof(
  fc.record({ x: share, y: share, weight: share, findings: fc.array(finding, { maxLength: 3 }) }).map((said) => {
    const dimensions = [
      { name: "x", weight: said.weight },
      { name: "y", weight: 1 - said.weight },
    ];
    return score({ name: "r", categories: [], dimensions, body: "" }, { x: said.x, y: said.y }, said.findings);
  }),
  fc.constant<Judgement>({ state: "failed", reason: "prose" }),
  fc.constant<Judgement>({ state: "skipped", reason: "clean" }),
);

const rounds = fc.record({
  plans: fc.array(checkPlan, { maxLength: 4 }),
  judgement,
  before: fc.option(judgement, { nil: undefined }),
  threshold: share,
});

type Round = typeof rounds extends fc.Arbitrary<infer T> ? T : never;

function measure({ plans, judgement, before, threshold }: Round): { evaluation: Evaluation; proof: Proof } {
  const checks = plans.map((plan, at) => ({ ...plan, check: check(`check ${at}`, plan.kind) }));
  const proof: Proof = {
    planned: {
      plan: { kind: "change", category: "code", steps: [], checks: [] },
      proofs: checks.filter((plan) => plan.declared).map((plan) => plan.check),
    },
    asked: "Make it.",
    checks: checks.map((plan) => plan.check),
    baseline: checks.flatMap((plan) => (plan.before ? [result(plan.check, plan.before)] : [])),
    refused: [],
  };
  const results = checks.flatMap((plan) => (plan.now ? [result(plan.check, plan.now)] : []));
  const declared = new Set(proof.planned.proofs.map(({ id }) => id));
  const { fresh, old } = compare(proof.baseline, results, declared);
  const measured = { iteration: 2, checks: results, regressions: fresh, oldFailures: old, testsTouched: [] };
  const previous = before && sum({ ...measured, iteration: 1, judgement: before }, proof, threshold);
  return { evaluation: sum({ ...measured, judgement, previous }, proof, threshold), proof };
}

describe("whatever was measured", () => {
  const holds = (property: (round: Round) => void) => fc.assert(fc.property(rounds, property), { numRuns: 2000 });

  test("the score stays within 0 and 1, or is not there", () => {
    holds((round) => {
      const { score, tests, static: statics } = measure(round).evaluation;
      for (const value of [score, tests, statics]) {
        if (value === null) continue;
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1);
      }
    });
  });

  test("accepted means that the threshold is reached", () => {
    holds((round) => {
      const { accepted, score } = measure(round).evaluation;
      if (accepted) expect(score ?? -1).toBeGreaterThanOrEqual(round.threshold - 1e-9);
    });
  });

  test("an open blocker is never accepted", () => {
    holds((round) => {
      const { evaluation } = measure(round);
      const blockers = round.judgement.state === "scored" ? round.judgement.findings : evaluation.findings;
      if (blockers.some(({ severity }) => severity === "blocker")) expect(evaluation.accepted).toBe(false);
    });
  });

  test("a new failure is never accepted", () => {
    holds((round) => {
      const { evaluation, proof } = measure(round);
      for (const now of evaluation.checks) {
        const before = proof.baseline.find((other) => other.check.id === now.check.id);
        if (before?.status === "passed" && now.status !== "passed") expect(evaluation.accepted).toBe(false);
        const known = before?.failures.map(({ name }) => name) ?? [];
        const excused = before && before.status !== "passed" && known.length === 0;
        const fresh = now.failures.filter(({ name }) => !known.includes(name));
        if (fresh.length > 0 && !excused) expect(evaluation.accepted).toBe(false);
      }
    });
  });

  test("an unproven proof is never accepted, also when it was not run", () => {
    holds((round) => {
      const { evaluation, proof } = measure(round);
      for (const { id } of proof.planned.proofs) {
        const now = evaluation.checks.find((other) => other.check.id === id);
        if (now?.status !== "passed") expect(evaluation.accepted).toBe(false);
      }
    });
  });

  test("what is held lies below the threshold, and says why", () => {
    holds((round) => {
      const { accepted, score, heldBy } = measure(round).evaluation;
      if (heldBy.length > 0 && score !== null && score > 0) expect(score).toBeLessThan(round.threshold);
      if (!accepted && score !== null && score > round.threshold) expect(heldBy).not.toEqual([]);
    });
  });

  test("without any measurement there is no score, and nothing is accepted", () => {
    holds((round) => {
      const { evaluation } = measure(round);
      const { tests, static: statics, judgement } = evaluation;
      if (tests === null && statics === null && judgement.state === "failed") {
        expect(evaluation.score).toBeNull();
        expect(evaluation.accepted).toBe(false);
      }
    });
  });
});
