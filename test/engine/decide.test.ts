import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type DecideInput, decide } from "../../src/engine/decide.ts";

const usual: DecideInput = {
  spent: undefined,
  late: undefined,
  evaluation: { score: 0.6, heldBy: [], accepted: false },
  previous: null,
  idle: 0,
  mendable: true,
  important: false,
  news: false,
  scarce: false,
  failing: [],
  iteration: 1,
  maxIterations: 3,
  threshold: 0.8,
  improvementThreshold: 0.05,
  regressionThreshold: 0.2,
  abortOnRegression: true,
};
/** An iteration that nothing held. */
const scored = (score: number | null, accepted = false) => ({ score, heldBy: [], accepted });
const decision = (facts: Partial<DecideInput>) => decide({ ...usual, ...facts }).decision;
const good = scored(0.9, true);
const bad = scored(0.1);

describe("the decision", () => {
  test("is abort_budget before anything else", () => {
    expect(decision({ spent: "no money", late: "no time", evaluation: good, previous: 0.95 })).toBe("abort_budget");
  });

  test("is abort_timeout before the evaluation is looked at", () => {
    expect(decision({ late: "no time", evaluation: good })).toBe("abort_timeout");
  });

  test("is abort_regression before the last iteration and the gain are looked at", () => {
    expect(decision({ evaluation: bad, previous: 0.6, iteration: 3 })).toBe("abort_regression");
  });

  test("is abort_regression even for a result that would be accepted", () => {
    expect(decision({ evaluation: scored(0.5, true), threshold: 0.4, previous: 0.9 })).toBe("abort_regression");
  });

  test("is not abort_regression for a drop of exactly the threshold, or where it is switched off", () => {
    expect(decision({ evaluation: scored(0.5), previous: 0.7 })).toBe("accept_best");
    expect(decision({ evaluation: scored(0.499), previous: 0.7 })).toBe("abort_regression");
    expect(decision({ evaluation: bad, previous: 0.6, abortOnRegression: false })).toBe("accept_best");
  });

  test("is accept before the last iteration and the gain are looked at", () => {
    expect(decision({ evaluation: good, iteration: 3, previous: 0.89 })).toBe("accept");
  });

  test("is not accept for a score over the threshold that something holds", () => {
    expect(decision({ evaluation: scored(0.9) })).toBe("continue");
  });

  test("is accept_best after the last iteration, whatever was gained", () => {
    expect(decision({ iteration: 3, previous: 0.1 })).toBe("accept_best");
    expect(decision({ iteration: 1, maxIterations: 1 })).toBe("accept_best");
  });

  test("is accept_best for a gain below the threshold, and continue for exactly the threshold", () => {
    expect(decision({ iteration: 2, previous: 0.551 })).toBe("accept_best");
    expect(decision({ iteration: 2, previous: 0.55 })).toBe("continue");
    expect(decision({ iteration: 2, evaluation: scored(0.75), previous: 0.7 })).toBe("continue");
  });

  test("is continue where something holds the score, whatever was gained, until nothing was changed twice", () => {
    const held = { score: 0.79, heldBy: ["1 new failure"], accepted: false };
    expect(decision({ iteration: 2, evaluation: held, previous: 0.79 })).toBe("continue");
    expect(decision({ iteration: 2, evaluation: held, previous: 0.79, idle: 1 })).toBe("continue");
    expect(decision({ iteration: 3, maxIterations: 5, evaluation: held, previous: 0.79, idle: 2 })).toBe("accept_best");
    expect(decision({ iteration: 3, evaluation: held, previous: 0.79 })).toBe("accept_best");
  });

  test("is continue for a good result in which something important is open, while it can be mended", () => {
    const open = { evaluation: scored(0.8, true), important: true, news: true };
    expect(decision(open)).toBe("continue");
    expect(decision({ ...open, iteration: 3 })).toBe("accept");
    expect(decision({ ...open, idle: 1 })).toBe("accept");
    expect(decision({ ...open, scarce: true })).toBe("accept");
    expect(decision({ ...open, iteration: 2, previous: 0.8 })).toBe("continue");
    expect(decision({ ...open, iteration: 2, previous: 0.8, news: false })).toBe("accept");
  });

  test("is continue after a small gain where the next iteration would be told something new", () => {
    expect(decision({ iteration: 2, previous: 0.6, news: true })).toBe("continue");
    expect(decision({ iteration: 2, previous: 0.6 })).toBe("accept_best");
    expect(decision({ iteration: 3, previous: 0.6, news: true })).toBe("accept_best");
  });

  test("is accept_best where what holds the score cannot be mended", () => {
    const held = { score: 0.79, heldBy: ["not proven: nosuch --foo"], accepted: false };
    expect(decision({ evaluation: held, mendable: false })).toBe("accept_best");
  });

  test("is continue for the first iteration, where nothing was gained yet", () => {
    expect(decision({})).toBe("continue");
  });

  test("is unmeasured where nothing could be measured at all", () => {
    expect(decision({ evaluation: scored(null) })).toBe("unmeasured");
  });

  test("is accept_best where an earlier iteration was measured and this one could not be", () => {
    expect(decision({ evaluation: scored(null), previous: 0.6 })).toBe("accept_best");
  });

  test("is there for every input, and accepts only what is accepted", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const inputs = fc.record({
      spent: fc.constantFrom(undefined, "no money"),
      late: fc.constantFrom(undefined, "no time"),
      evaluation: fc.tuple(fc.option(share), fc.boolean()).map(([score, accepted]) => scored(score, accepted)),
      previous: fc.option(share),
      idle: fc.nat(3),
      mendable: fc.boolean(),
      important: fc.boolean(),
      news: fc.boolean(),
      scarce: fc.boolean(),
      failing: fc.constantFrom([], ["npm test"]),
      iteration: fc.integer({ min: 1, max: 5 }),
      maxIterations: fc.integer({ min: 1, max: 5 }),
      threshold: share,
      improvementThreshold: share,
      regressionThreshold: share,
      abortOnRegression: fc.boolean(),
    });
    fc.assert(
      fc.property(inputs, (input) => {
        const made = decide(input);
        expect(made.reason).not.toBe("");
        if (made.decision === "accept") expect(input.evaluation.accepted).toBe(true);
        if (made.decision === "continue") expect(input.iteration).toBeLessThan(input.maxIterations);
      }),
    );
  });
});
