import { describe, expect, test } from "bun:test";
import type { Check, CheckResult, TestTouch } from "../../src/contracts/evidence.ts";
import { compare, scoreOf } from "../../src/engine/checks.ts";
import { check, result } from "../fakes/evidence.ts";
import { fakeKit, plan, verdict } from "../fakes/kit.ts";
import { outcomeOf, play } from "./play.ts";

const write = (text: string, path = "a.ts") => ({ calls: [{ name: "write", args: { path, text } }] });
const tests = check("npm test");
const lint = check("npm run lint", "static");
const none: ReadonlySet<string> = new Set();
const failed = (...names: string[]) =>
  result(tests, { status: "failed" as const, exitCode: 1, failures: names.map((name) => ({ name })) });

describe("the baseline", () => {
  test("excuses what failed before and still fails", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      suite: [tests],
      results: () => ({
        status: "failed",
        exitCode: 1,
        counts: { passed: 9, failed: 1, skipped: 0 },
        failures: [{ name: "old one" }],
      }),
    });
    const outcome = await outcomeOf(kit);
    expect(outcome.status).toBe("accepted");
    expect(outcome.evaluation).toMatchObject({ tests: 1, regressions: [], heldBy: [] });
    expect(outcome.evaluation?.oldFailures.map(({ failure }) => failure.name)).toEqual(["old one"]);
    const shown = JSON.stringify(kit.models.evaluator.requests[0]?.messages);
    expect(shown).toContain("old one [failed before the task too]");
  });

  test("holds a result with a new failure below the threshold, even when the judge gives 1.0", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      verdicts: () => verdict(1),
      suite: [tests],
      results: (_, run) =>
        run === 0 ? "passed" : { ...failed("adds"), counts: { passed: 999, failed: 1, skipped: 0 } },
      limits: { iterations: 1 },
    });
    const outcome = await outcomeOf(kit);
    expect(outcome).toMatchObject({ status: "below", decision: "accept_best", score: 0.79 });
    expect(outcome.evaluation?.heldBy).toEqual(["1 new failure"]);
    expect(outcome.evaluation?.findings).toMatchObject([
      { severity: "blocker", title: "adds fails and did not before" },
    ]);
  });

  test("blames a failing test that did not exist before", () => {
    expect(compare([failed("a")], [failed("a", "b")], none).fresh.map(({ failure }) => failure.name)).toEqual(["b"]);
  });

  test("lets a baseline that failed without naming anything excuse whatever fails now", () => {
    expect(compare([failed()], [failed("a", "b")], none)).toMatchObject({ fresh: [], old: [{}, {}] });
  });

  test("does not let a declared proof be excused by having failed before", () => {
    expect(compare([failed("a")], [failed("a")], new Set([tests.id]))).toEqual({ fresh: [], old: [] });
  });

  test("is none of tests that the task itself made: they count from then on, once each iteration", async () => {
    const kit = fakeKit({
      turns: [write("x", "a.test.ts"), "Done.", write("y", "a.test.ts"), "Done."],
      suite: (files) => (files.has("a.test.ts") ? [tests] : []),
      results: (_, run) => (run === 0 ? failed("adds") : "passed"),
    });
    const { of, outcome } = await play(kit);
    expect(of("evaluated").map(({ evaluation }) => evaluation.heldBy)).toEqual([["1 new failure"], []]);
    expect(of("proof").map(({ checks }) => checks.length)).toEqual([0, 1]);
    expect(of("warning").map(({ message }) => message)).toEqual([
      "no baseline for `npm test`: they are new with this task",
    ]);
    expect(kit.evidence.runs).toEqual(["npm test", "npm test"]);
    expect(outcome).toMatchObject({ status: "accepted", iterations: 2 });
  });

  test("is none of a test script either that could not be run before the task mended it", async () => {
    const watch = { ...tests, refused: "it never ends" };
    const kit = fakeKit({
      turns: [write("x", "a.test.ts"), "Done."],
      suite: (files) => [files.has("a.test.ts") ? tests : watch],
    });
    const { of, outcome } = await play(kit);
    expect(of("proof").map(({ checks, refused }) => [checks.length, refused.length])).toEqual([
      [0, 1],
      [1, 0],
    ]);
    expect(outcome).toMatchObject({ status: "accepted", evaluation: { tests: 1, unmeasured: [] } });
  });

  test("of new tests is not looked for where nothing changed, nor run twice where the plan declared them", async () => {
    const suite = (files: ReadonlyMap<string, string>) => (files.has("a.test.ts") ? [tests] : []);
    const idle = fakeKit({ turns: ["Done."], suite: () => [] });
    expect((await play(idle)).of("proof")).toHaveLength(1);
    const declared = fakeKit({
      plan: [plan({ checks: ["npm test"] })],
      turns: [write("x", "a.test.ts"), "Done."],
      suite,
    });
    await play(declared);
    expect(declared.evidence.runs).toEqual(["npm test", "npm test"]);
  });

  test("finds nothing to excuse a check by that has no baseline", () => {
    expect(compare([], [failed("a")], none).fresh).toHaveLength(1);
  });

  test("takes a suite that runs no test any more, or cannot be run any more, for a new failure", () => {
    for (const status of ["empty", "unavailable"] as const) {
      expect(compare([result(tests)], [result(tests, { status })], none).fresh).toHaveLength(1);
      expect(compare([result(tests, { status })], [result(tests, { status })], none).fresh).toEqual([]);
    }
  });

  test("takes a run that hung where it ended before for a new failure", () => {
    const hung = result(tests, { status: "timeout", exitCode: null });
    expect(compare([result(tests)], [hung], none).fresh[0]?.failure.message).toBe("did not end in time");
    expect(compare([hung], [hung], none).fresh).toEqual([]);
  });
});

describe("the score of a check", () => {
  const old = (name: string) => ({ check: tests, failure: { name } });

  test("is the share of what passed, without what failed before", () => {
    const counts = { passed: 3, failed: 2, skipped: 0 };
    expect(scoreOf({ ...failed("a", "b"), counts }, [], true)?.score).toBe(3 / 5);
    expect(scoreOf({ ...failed("a", "b"), counts }, [old("a")], true)?.score).toBe(3 / 4);
  });

  test("counts as far as it passes, where all that fails failed before", () => {
    const counts = { passed: 3, failed: 2, skipped: 0 };
    expect(scoreOf({ ...failed("a", "b"), counts }, [old("a"), old("b")], true)).toEqual({ score: 1, share: 3 / 5 });
  });

  test("is nothing where nothing was measured", () => {
    expect(scoreOf(result(tests, { status: "unavailable" }), [], true)).toBeUndefined();
    expect(scoreOf(result(tests, { status: "empty" }), [], true)).toBeUndefined();
    expect(scoreOf(failed("a"), [old("a")], true)).toBeUndefined();
    const counts = { passed: 3, failed: 1, skipped: 0 };
    expect(scoreOf({ ...failed("a"), counts }, [old("a")], false)).toBeUndefined();
  });

  test("is 0 where it failed without counts, or without a failed test because it crashed or hung", () => {
    expect(scoreOf(failed(), [], true)?.score).toBe(0);
    const counts = { passed: 5, failed: 0, skipped: 0 };
    expect(scoreOf(result(tests, { status: "failed", exitCode: 139, counts }), [], true)?.score).toBe(0);
    expect(scoreOf(result(tests, { status: "timeout", exitCode: null, counts }), [], true)?.score).toBe(0);
  });
});

describe("a check that fails as it did before", () => {
  const oldFailure = () => ({
    status: "failed" as const,
    exitCode: 1,
    counts: { passed: 4, failed: 1, skipped: 0 },
    failures: [{ name: "old" }],
  });

  test("measures nothing of a task that changed nothing: it is not accepted", async () => {
    const kit = fakeKit({ turns: ["I did nothing at all."], suite: [tests], results: oldFailure });
    expect(await outcomeOf(kit)).toMatchObject({ status: "unmeasured", score: null });
  });

  test("is told in the reason where nothing else could be measured", async () => {
    const kit = fakeKit({ turns: ["I did nothing at all."], suite: [tests], results: oldFailure });
    expect((await outcomeOf(kit)).reason).toBe("nothing could be measured but what fails as before the task: npm test");
  });

  describe("must pass, though the plan names no proof,", () => {
    const lazy = (description: string, wants?: "must_pass") => {
      const script = {
        plan: [plan(wants ? { tests: wants } : {})],
        turns: [write("new"), "All tests pass now."],
        limits: { iterations: 1 },
      };
      const kit = fakeKit({ ...script, suite: [tests], verdicts: () => verdict(1), results: oldFailure });
      return outcomeOf(kit, { task: { description } });
    };
    const wanted = [
      "fix the failing test",
      "Make all tests pass!",
      "npm test is red: the tests are broken",
      "fix our tests",
    ];
    for (const description of wanted) {
      test(`where the task is: ${description}`, async () => {
        const outcome = await lazy(description);
        expect(outcome).toMatchObject({ status: "below", evaluation: { heldBy: ["not proven: npm test"] } });
      });
    }
    test("where the planner says that the task is there for that, in whatever language", async () => {
      const outcome = await lazy("Bring die roten Prüfungen in Ordnung", "must_pass");
      expect(outcome).toMatchObject({ status: "below", evaluation: { heldBy: ["not proven: npm test"] } });
    });
    test("where the task is there for that and what the plan names runs none of them", async () => {
      const results = ({ command }: Check) => (command === "npm test" ? oldFailure() : ("passed" as const));
      const script = { turns: [write("new"), "Done."], limits: { iterations: 1 }, verdicts: () => verdict(1), results };
      const planned = plan({ checks: ["node check.js"], tests: "must_pass" });
      const { evaluation } = await outcomeOf(fakeKit({ ...script, plan: [planned], suite: [tests] }));
      expect(evaluation?.heldBy).toEqual(["not proven: npm test"]);
    });
    for (const description of [
      "Split the parser; all tests must still pass",
      "Add a --json flag and keep the tests green",
      "Add a test for the cart",
      "fix the rounding of prices",
      "Fix the broken link. Add tests",
    ]) {
      test(`but not where it is: ${description}`, async () => {
        expect(await lazy(description)).toMatchObject({ status: "accepted" });
      });
    }
  });

  test("measures nothing where the judge was not heard", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      suite: [tests],
      verdicts: () => "Looks good!",
      results: oldFailure,
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "unmeasured", score: null });
  });
});

describe("tests that ran before and do not run any more", () => {
  const counts = (passed: number, failed = 0) => ({ passed, failed, skipped: 0 });
  const failing = {
    status: "failed" as const,
    exitCode: 1,
    counts: counts(1, 2),
    failures: [{ name: "a" }, { name: "b" }],
  };
  const removed: TestTouch = { path: "a.test.ts", kind: "removed", detail: "a.test.ts has 2 fewer tests" };

  async function after(
    now: Partial<CheckResult>,
    touched: TestTouch[],
    {
      description,
      wants,
      before,
    }: { description?: string; wants?: "may_go" | "stay"; before?: Partial<CheckResult> } = {},
  ) {
    const first = { status: "passed" as const, counts: counts(3), ...before };
    const kit = fakeKit({
      ...(wants ? { plan: [plan({ tests: wants })] } : {}),
      turns: [write("new"), "All tests pass now."],
      suite: [tests],
      verdicts: () => verdict(1),
      results: (_, run) => (run === 0 ? first : { status: "passed", ...now }),
      limits: { iterations: 1 },
    });
    kit.evidence.testsTouched = () => touched;
    return outcomeOf(kit, description === undefined ? {} : { task: { description } });
  }

  test("hold the result where the task took them away", async () => {
    for (const now of [{ counts: counts(1) }, {}]) {
      const { status, evaluation } = await after(now, [removed]);
      expect(status).toBe("below");
      const many = "counts" in now ? 2 : 3;
      expect(evaluation?.heldBy).toEqual([`\`npm test\`: ${many} tests that ran before do not run any more`]);
      expect(evaluation?.findings[0]?.description).toContain("a.test.ts has 2 fewer tests");
    }
  });

  test("hold the result where a failing one was among them, and where another one was mended beside", async () => {
    for (const mended of [0, 1]) {
      const before = { ...failing, counts: counts(2, 1 + mended) };
      const { evaluation } = await after({ counts: counts(2 + mended) }, [removed], { before });
      expect(evaluation?.heldBy).toEqual(["`npm test`: 1 test that ran before does not run any more"]);
    }
  });

  test("hold the result where the planner says that they stay, though a word sounds like less", async () => {
    const { status } = await after({ counts: counts(1) }, [removed], {
      description: "Split the parser",
      wants: "stay",
    });
    expect(status).toBe("below");
  });

  test("hold nothing where the task asked for that, or did not lay hands on them", async () => {
    for (const task of [
      { description: "Remove the old parser" },
      { description: "Split the parser" },
      { description: "Weg damit", wants: "may_go" as const },
    ]) {
      expect(await after({ counts: counts(1) }, [removed], task)).toMatchObject({ status: "accepted" });
    }
    expect(await after({ counts: counts(1) }, [])).toMatchObject({ status: "accepted" });
    expect(await after({ counts: counts(3) }, [removed])).toMatchObject({ status: "accepted" });
  });

  test("are a new failure where the suite runs none, though others failed before", () => {
    const empty = result(tests, { status: "empty" });
    expect(compare([result(tests, failing)], [empty], none).fresh).toMatchObject([
      { failure: { message: "runs no test any more" } },
    ]);
  });
});

describe("proofs", () => {
  test("that do not pass hold the result, with the reason", async () => {
    const kit = fakeKit({
      plan: [plan({ checks: ["node check.js"] })],
      turns: [write("new"), "Done."],
      verdicts: () => verdict(1),
      results: () => ({ status: "failed", exitCode: 1 }),
      limits: { iterations: 1 },
    });
    const outcome = await outcomeOf(kit);
    expect(outcome.status).toBe("below");
    expect(outcome.evaluation).toMatchObject({
      heldBy: ["not proven: node check.js"],
      unproven: [{ command: "node check.js", reason: "exit code 1" }],
      oldFailures: [],
    });
    // The judge must not be told that this failure is not the task's fault.
    expect(JSON.stringify(kit.models.evaluator.requests[0]?.messages)).not.toContain("failed before the task too");
  });

  test("that could not be run, ran no test or hung prove nothing either", async () => {
    for (const status of ["unavailable", "empty", "timeout"] as const) {
      const kit = fakeKit({
        plan: [plan({ checks: ["pytest"] })],
        turns: [write("new"), "Done."],
        results: () => status,
        limits: { iterations: 1 },
      });
      const outcome = await outcomeOf(kit);
      expect(outcome.status).toBe("below");
      expect(outcome.evaluation?.heldBy).toEqual(["not proven: pytest"]);
    }
  });

  test("that cannot be run are no reason to try again", async () => {
    const kit = fakeKit({
      plan: [plan({ checks: ["nosuch --foo"] })],
      turns: [write("new"), "Done."],
      results: () => "unavailable",
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "below", decision: "accept_best", iterations: 1 });
  });

  test("that the user refused to run are not proven", async () => {
    const kit = fakeKit({
      plan: [plan({ checks: ["rm -rf build && make"] })],
      turns: [write("new"), "Done."],
      limits: { iterations: 1 },
      kit: { permission: "ask", permitCheck: async () => "you refused it" },
    });
    const outcome = await outcomeOf(kit);
    expect(outcome.status).toBe("below");
    expect(outcome.evaluation?.unproven).toEqual([
      { command: "rm -rf build && make", reason: "you refused it", ran: false },
    ]);
    expect(kit.evidence.runs).toEqual([]);
  });

  test("that are one of the project's own checks must pass whole", async () => {
    const kit = fakeKit({
      plan: [plan({ checks: ["npm test"] })],
      turns: [write("new"), "Done."],
      suite: [tests],
      results: () => ["old one"],
      limits: { iterations: 1 },
    });
    expect((await outcomeOf(kit)).evaluation?.heldBy).toEqual(["not proven: npm test"]);
  });
});

describe("a flaky check", () => {
  test("is run once more where it fails and did not before, and counts as passed when it passes then", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      suite: [tests],
      results: (_, run) => (run === 1 ? ["adds"] : "passed"),
    });
    const outcome = await outcomeOf(kit);
    expect(kit.evidence.runs).toHaveLength(3);
    expect(outcome.status).toBe("accepted");
    expect(outcome.evaluation?.checks[0]?.flaky).toBe(true);
  });

  test("is run once more also beside old failures, and keeps these", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      suite: [tests],
      results: (_, run) => (run === 1 ? ["old one", "flickers"] : ["old one"]),
    });
    const outcome = await outcomeOf(kit);
    expect(outcome.evaluation).toMatchObject({ regressions: [], heldBy: [] });
    expect(outcome.evaluation?.oldFailures.map(({ failure }) => failure.name)).toEqual(["old one"]);
  });

  test("that fails twice has failed", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      suite: [tests],
      results: (_, run) => (run === 0 ? "passed" : ["adds"]),
      limits: { iterations: 1 },
    });
    expect((await outcomeOf(kit)).evaluation?.heldBy).toEqual(["1 new failure"]);
  });

  test("is not run again where it failed before", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."], suite: [tests], results: () => ["old one"] });
    await outcomeOf(kit);
    expect(kit.evidence.runs).toHaveLength(2);
  });
});

describe("the score of an iteration", () => {
  test("weighs tests 0.4, static checks 0.2 and the judge 0.4", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      suite: [tests, lint],
      results: (asked) =>
        asked.kind === "static"
          ? {
              status: "failed",
              counts: { passed: 1, failed: 1, skipped: 0 },
              failures: [{ name: "old" }, { name: "older" }],
            }
          : "passed",
      verdicts: () => verdict(0.5, 1),
    });
    const { evaluation, score } = await outcomeOf(kit);
    expect(evaluation).toMatchObject({ tests: 1, static: 1, judgement: { score: 0.7 } });
    // Of the static check a third passes, and so much of its weight counts.
    expect(score).toBeCloseTo((0.4 + 0.2 / 3 + 0.4 * 0.7) / (0.8 + 0.2 / 3), 9);
  });

  test("reaches a threshold that it equals, whatever floating point makes of it", async () => {
    // (0.4 · 1 + 0.4 · 0.6) / 0.8 is 0.7999999999999999 in binary.
    const kit = fakeKit({ turns: [write("new"), "Done."], suite: [tests], verdicts: () => verdict(0.6) });
    expect(await outcomeOf(kit)).toMatchObject({ status: "accepted", score: 0.8 });
  });

  test("is unmeasured, not a pass, where nothing could be measured", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      suite: [tests],
      results: () => "unavailable",
      verdicts: () => "It is fine, I think.",
    });
    const outcome = await outcomeOf(kit);
    expect(outcome).toMatchObject({
      status: "unmeasured",
      decision: "unmeasured",
      score: null,
      best: 0,
      text: "Done.",
    });
    expect(outcome.evaluation?.unmeasured).toEqual([
      "npm test: it could not be run",
      "judge: the judge gave no valid verdict (there is no whole JSON object in it)",
    ]);
    expect(kit.files.get("a.ts")).toBe("new");
  });

  test("of the same workspace is not measured again", async () => {
    const kit = fakeKit({
      turns: [write("half"), "One.", "Nothing to do."],
      verdicts: () => verdict(0.5),
      suite: [tests],
    });
    const { outcome, of } = await play(kit);
    expect(outcome).toMatchObject({ status: "below", iterations: 2, reason: "the last iteration gained only 0.00" });
    expect(kit.models.evaluator.requests).toHaveLength(1);
    expect(kit.evidence.runs).toHaveLength(2);
    expect(of("judged")[1]?.judgement.state).toBe("skipped");
    expect(outcome?.saved.skippedEvaluation).toBe(110);
  });

  test("is not judged again where it was very high and the evidence is clean", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [verdict(0.94)],
      suite: [tests],
      limits: { qualityThreshold: 0.98 },
    });
    const { outcome, of } = await play(kit);
    expect(of("judged").map(({ judgement }) => judgement.state)).toEqual(["scored", "skipped"]);
    expect(outcome).toMatchObject({ score: 0.97, iterations: 2 });
    expect(outcome?.saved.skippedEvaluation).toBe(110);
  });

  test("is judged again where a blocker was open, however high it was", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [verdict(1, 1, [{ severity: "blocker", dimension: "", title: "It leaks" }]), verdict(1)],
      suite: [tests],
      limits: { qualityThreshold: 0.98 },
      config: { iteration: { improvement_threshold: 0 } },
    });
    const { outcome, of } = await play(kit);
    expect(of("judged").map(({ judgement }) => judgement.state)).toEqual(["scored", "scored"]);
    expect(outcome?.status).toBe("accepted");
  });
});

describe("a monorepo", () => {
  const members = ["a", "b"];
  const suite = members.map((name) => ({ ...check(`test ${name}`), scope: { uses: [name], members } }));

  test("has a baseline of every member, and is measured by those that the change touches; what is not run is said", async () => {
    const kit = fakeKit({
      files: { "a/x.ts": "old", "b/y.ts": "old" },
      turns: [write("one", "a/x.ts"), "Done."],
      suite,
    });
    const outcome = await outcomeOf(kit);
    expect(kit.evidence.runs).toEqual(["test a", "test b", "test a"]);
    expect(outcome.evaluation?.checks.map((each) => each.check.command)).toEqual(["test a"]);
    expect(outcome.evaluation?.unmeasured).toEqual(["not touched by the change, so not tested again: b"]);
    expect(outcome.status).toBe("accepted");
  });

  test("runs what was declared as a proof in any case", async () => {
    const kit = fakeKit({
      plan: [plan({ checks: ["test b"] })],
      files: { "a/x.ts": "old" },
      turns: [write("one", "a/x.ts"), "Done."],
      suite,
    });
    const outcome = await outcomeOf(kit);
    expect(outcome.evaluation?.checks.map((each) => each.check.command)).toEqual(["test a", "test b"]);
  });

  test("runs a member from the iteration on in which it is touched", async () => {
    const kit = fakeKit({
      files: { "a/x.ts": "old", "b/y.ts": "old" },
      turns: [write("one", "a/x.ts"), "One.", write("two", "b/y.ts"), "Two."],
      suite,
      verdicts: [verdict(0.5, 0.5, [{ severity: "blocker", dimension: "", title: "b is missing" }]), verdict(0.9)],
    });
    await outcomeOf(kit);
    expect(kit.evidence.runs.slice(2)).toEqual(["test a", "test a", "test b"]);
  });
});
