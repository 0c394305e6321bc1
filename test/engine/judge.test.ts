import { describe, expect, test } from "bun:test";
import { ProviderError } from "../../src/base/errors.ts";
import { measure } from "../../src/engine/measure.ts";
import { score } from "../../src/engine/verdict.ts";
import { check } from "../fakes/evidence.ts";
import { fakeKit, rubric, verdict } from "../fakes/kit.ts";
import { fakeModel, modelInfo } from "../fakes/model.ts";
import { outcomeOf, play } from "./play.ts";

const write = (text: string) => ({ calls: [{ name: "write", args: { path: "a.ts", text } }] });
const tests = check("npm test");
const finding = { severity: "important" as const, dimension: "quality", title: "Handle zero", description: "" };

describe("the judge", () => {
  test("sees task, rubric, diff and evidence, and never the soul or the tools", async () => {
    const kit = fakeKit({ turns: [write("new"), "I did it all."], suite: [tests] });
    await outcomeOf(kit);
    const [request] = kit.models.evaluator.requests;
    const text = JSON.stringify(request?.messages);
    for (const part of ["Make it better", "+new", "`npm test`: passed", "a claim, not evidence", "I did it all."]) {
      expect(text).toContain(part);
    }
    expect(request?.system).toContain("quality (weight 0.6), completeness (weight 0.4)");
    expect(request).toMatchObject({ tools: [], temperature: 0.1, maxTokens: 2000, schema: { name: "verdict" } });
  });

  test("is told which of the changed files somebody else changed, too", async () => {
    for (const foreign of [[], ["a.ts", "b.ts"]]) {
      const kit = fakeKit({ turns: [write("new"), "Done."] });
      const { diff } = kit.checkpoints;
      kit.checkpoints.diff = async (...args) => ({ ...(await diff(...args)), foreign });
      await outcomeOf(kit);
      const text = JSON.stringify(kit.models.evaluator.requests[0]?.messages);
      expect(text.includes("somebody else changed a.ts meanwhile, too: not every line")).toBe(foreign.length > 0);
      expect(text).toContain("+new");
    }
  });

  test("reads in words how commands ended that neither passed nor failed", async () => {
    const statuses = { "npm test": "empty", "npm run lint": "unavailable", "make check": "timeout" } as const;
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      suite: Object.keys(statuses).map((command) => check(command)),
      results: ({ command }) => statuses[command as keyof typeof statuses],
      limits: { iterations: 1 },
    });
    await outcomeOf(kit);
    const text = JSON.stringify(kit.models.evaluator.requests[0]?.messages);
    for (const part of [
      "`npm test`: ran no test",
      "`npm run lint`: could not be run",
      "`make check`: did not end in time",
    ]) {
      expect(text).toContain(part);
    }
  });

  test("is not asked about nothing: no change and no check that passes is unmeasured, whatever it would say", async () => {
    const failing = { status: "failed" as const, failures: [{ name: "adds" }] };
    const kit = fakeKit({ turns: ["I fixed it; the test passes now."], suite: [tests], results: () => failing });
    const outcome = await outcomeOf(kit);
    expect(outcome).toMatchObject({ status: "unmeasured", score: null });
    expect(outcome.evaluation?.unmeasured.join()).toContain("nothing was changed");
    expect(kit.models.evaluator.requests).toEqual([]);
  });

  test("with a small window sees the beginning and the end of a long diff", async () => {
    const kit = fakeKit({ turns: [write(`BEGIN${"x".repeat(50_000)}END`), "Done."] });
    kit.models.evaluator = fakeModel(() => verdict(0.9), modelInfo("fake/judge", { context: 8000 }));
    expect(await outcomeOf(kit)).toMatchObject({ status: "accepted" });
    const [request] = kit.models.evaluator.requests;
    expect(measure(request!)).toBeLessThan(6000);
    expect(JSON.stringify(request?.messages)).toMatch(/BEGINx+.n… \d+ characters left out ….nx+END/);
  });

  test("that calls tools instead of answering is asked again without them", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      verdicts: [{ text: "Let me look.", calls: [{ name: "read", args: { path: "a.ts" } }] }, verdict(0.9)],
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "accepted" });
  });

  test("may repair prose once, within the same conversation", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."], verdicts: ["It is good.", verdict(0.9)] });
    const { outcome, of } = await play(kit);
    expect(outcome?.status).toBe("accepted");
    expect(
      of("model_finished")
        .map(({ call }) => call.role)
        .slice(-2),
    ).toEqual(["evaluator", "repair"]);
  });

  test("that rambles twice measures nothing: the evidence alone decides, and the user is told", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."], verdicts: ["Good.", "Really."], suite: [tests] });
    const { outcome, of } = await play(kit);
    expect(outcome).toMatchObject({ status: "accepted", score: 1 });
    expect(of("judged")[0]?.judgement.state).toBe("failed");
    expect(of("warning")[0]).toMatchObject({ code: "judge" });
    expect(outcome?.evaluation?.unmeasured[0]).toStartWith("judge:");
  });

  test("that gives an empty answer, leaves a dimension out or a score out of range is asked to repair it", async () => {
    for (const wrong of [{}, '{"scores":{"quality":1}}', '{"scores":{"quality":7,"completeness":1}}']) {
      const kit = fakeKit({ turns: [write("new"), "Done."], verdicts: [wrong, verdict(0.9)] });
      expect((await outcomeOf(kit)).status).toBe("accepted");
    }
  });

  test("that cannot be reached measures nothing, and does not end the task", async () => {
    const error = new ProviderError("auth", "fake", "no key", { status: 401 });
    const kit = fakeKit({ turns: [write("new"), "Done."], verdicts: [{ error }], suite: [tests] });
    const outcome = await outcomeOf(kit);
    expect(outcome).toMatchObject({ status: "accepted", score: 1 });
    expect(outcome.evaluation?.unmeasured).toEqual(["judge: the judge could not be asked: no key"]);
  });

  test("finds a blocker, and the result is not accepted whatever the scores are", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      verdicts: () => verdict(1, 1, [{ severity: "blocker", dimension: "nowhere", title: "It leaks" }]),
      limits: { iterations: 1 },
    });
    const outcome = await outcomeOf(kit);
    expect(outcome).toMatchObject({ status: "below", score: 0.79 });
    expect(outcome.evaluation?.heldBy).toEqual(["open blocker: It leaks"]);
  });

  test("that words a severity in its own way is understood, and never taken for less than important", async () => {
    const words = { blocker: ["critical", "High", "ERROR"], important: ["Major", "medium", "warning", "P0", 1, null] };
    for (const [severity, said] of Object.entries({ ...words, suggestion: ["low", "Minor", "info", "nit"] })) {
      for (const word of said) {
        const found = { severity: word, dimension: "quality", title: "SQL injection", location: null };
        const kit = fakeKit({
          turns: [write("new"), "Done."],
          verdicts: () => verdict(1, 1, [found]),
          limits: { iterations: 1 },
        });
        const { status, evaluation } = await outcomeOf(kit);
        expect(evaluation?.findings).toMatchObject([{ title: "SQL injection", severity }]);
        expect(status).toBe(severity === "blocker" ? "below" : "accepted");
      }
    }
  });

  test("may name the dimensions in another case, also those of its findings", async () => {
    const found = { severity: "blocker", dimension: "QUALITY", title: "It leaks" };
    const said = JSON.stringify({ scores: { Quality: 0.9, "completeness ": 1 }, findings: [found] });
    const kit = fakeKit({ turns: [write("new"), "Done."], verdicts: [said], limits: { iterations: 1 } });
    const { evaluation } = await outcomeOf(kit);
    expect(evaluation?.judgement).toMatchObject({
      state: "scored",
      dimensions: [
        { name: "quality", score: 0.3 },
        { name: "completeness", score: 1 },
      ],
    });
  });

  test("is read at once where what it means has another form", async () => {
    const odd = [
      '{"scores":{"quality":"0.9","completeness":"1"},"findings":null}',
      '{"scores":{"quality":0.9,"completeness":1}}',
      '{"scores":{"quality":0.9,"completeness":1},"findings":[{"title":"Handle zero","id":7,"location":{"file":"a.ts"},"fix":null}]}',
      '{"scores":{"quality":0.9,"completeness":1},"findings":["Handle zero"]}',
      '{"scores":{"quality":0.9,"completeness":1},"findings":[{"description":"Handle zero\\nIt divides."}]}',
    ];
    for (const [at, text] of odd.entries()) {
      const kit = fakeKit({ turns: [write("new"), "Done."], verdicts: [text], limits: { iterations: 1 } });
      const outcome = await outcomeOf(kit);
      expect(outcome.status).toBe("accepted");
      expect(outcome.score).toBeCloseTo(at < 2 ? 0.94 : 0.8); // an important finding holds it at the threshold
      expect(kit.models.evaluator.requests).toHaveLength(1);
      const findings = at < 2 ? [] : [{ id: "handle-zero", severity: "important", title: "Handle zero" }];
      expect(outcome.evaluation?.findings).toMatchObject(findings);
    }
  });

  test("cannot hide a blocker behind an id of the evidence", async () => {
    const hidden = { id: "evidence:1", severity: "blocker", dimension: "", title: "It leaks" };
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      verdicts: () => verdict(1, 1, [hidden]),
      limits: { iterations: 1 },
    });
    const outcome = await outcomeOf(kit);
    expect(outcome.status).toBe("below");
    expect(outcome.evaluation?.findings[0]?.id).toBe("it-leaks");
  });

  test("is told its open findings of the last round", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [verdict(0.5, 0.5, [finding]), verdict(0.9)],
    });
    await outcomeOf(kit);
    expect(JSON.stringify(kit.models.evaluator.requests[1]?.messages)).toContain(
      "handle-zero (important): Handle zero",
    );
  });

  test("that falls silent does not resolve the blocker it found before", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [verdict(0.5, 0.5, [{ ...finding, severity: "blocker" }]), "Hm.", "Hm."],
      suite: [tests],
      limits: { iterations: 2 },
    });
    const outcome = await outcomeOf(kit);
    expect(outcome.status).toBe("below");
    expect(outcome.evaluation?.heldBy).toEqual(["open blocker: Handle zero"]);
  });
});

describe("the judge's score", () => {
  test("is the weighted mean of the dimensions", () => {
    expect(score(rubric, { quality: 0.5, completeness: 1 }, [])).toMatchObject({ score: 0.7 });
  });

  test("caps a dimension with a blocker at 0.3", () => {
    const blocker = { ...finding, id: "b", severity: "blocker" as const };
    expect(score(rubric, { quality: 1, completeness: 1 }, [blocker])).toMatchObject({
      dimensions: [{ score: 0.3 }, { score: 1 }],
    });
    expect(score(rubric, { quality: 0.1, completeness: 1 }, [blocker])).toMatchObject({
      dimensions: [{ score: 0.1 }, {}],
    });
  });

  test("stays within 0 and 1 where the weights do not quite add up to 1", () => {
    const odd = { ...rubric, dimensions: [1, 2, 3].map((n) => ({ name: `d${n}`, weight: 0.34 })) };
    expect(score(odd, { d1: 1, d2: 1, d3: 1 }, [])).toMatchObject({ score: 1 });
  });
});
