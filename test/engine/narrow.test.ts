import { describe, expect, test } from "bun:test";
import type { Rubric } from "../../src/contracts/skill.ts";
import type { FileChange } from "../../src/contracts/workspace.ts";
import { narrow } from "../../src/engine/narrow.ts";
import { identify, score } from "../../src/engine/verdict.ts";
import { evaluated } from "../cli/story.ts";
import { check, result } from "../fakes/evidence.ts";
import { fakeKit } from "../fakes/kit.ts";
import { outcomeOf, play } from "./play.ts";

const rubric: Rubric = {
  name: "code-review",
  categories: [],
  dimensions: [
    { name: "correctness", weight: 0.5, touchedBy: ["code"] },
    { name: "style", weight: 0.2, touchedBy: ["code", "tests"] },
    { name: "completeness", weight: 0.3 },
  ],
  body: "Judge fairly.",
};
const scores = { correctness: 0.9, style: 0.7, completeness: 0.6 };
const before = evaluated(0.7, { judgement: score(rubric, scores, []), checks: [result(check("npm test"))] });
const changed = (...paths: string[]): FileChange[] => paths.map((path) => ({ path, kind: "changed" }));
const finding = (dimension: string) => ({
  id: "f",
  severity: "important" as const,
  dimension,
  title: "T",
  description: "",
});
const asked = (facts: Partial<Parameters<typeof narrow>[2]>, of = before) =>
  narrow(rubric, of, { changes: [], checks: before.checks, open: [], ...facts }).asked.map(({ name }) => name);

describe("what is judged again", () => {
  test("are the dimensions that look at a kind of file that was changed since", () => {
    expect(asked({ changes: changed("src/a.ts") })).toEqual(["correctness", "style", "completeness"]);
    expect(asked({ changes: changed("test/a.test.ts") })).toEqual(["style", "completeness"]);
    expect(asked({ changes: changed("README.md", "docs/use.md") })).toEqual(["completeness"]);
  });

  test("takes what may be part of the program for code, whatever it is called", () => {
    for (const path of [
      "prompts/judge.md",
      "requirements.txt",
      "CMakeLists.txt",
      "src/testing/clock.ts",
      "LICENSE.ts",
    ]) {
      expect(asked({ changes: changed(path) })).toContain("correctness");
    }
  });

  test("are those in which a finding is open, whatever was changed", () => {
    expect(asked({ changes: changed("README.md"), open: [finding("correctness")] })).toEqual([
      "correctness",
      "completeness",
    ]);
  });

  test("is everything where a finding belongs to no dimension, or the evidence came out otherwise", () => {
    const all = ["correctness", "style", "completeness"];
    expect(asked({ changes: changed("README.md"), open: [finding("elegance")] })).toEqual(all);
    const failed = [result(check("npm test"), { status: "failed", failures: [{ name: "adds" }] })];
    expect(asked({ changes: changed("README.md"), checks: failed })).toEqual(all);
  });

  test("is everything where there is no judgement to take over, or one by another rubric", () => {
    const all = ["correctness", "style", "completeness"];
    const changes = changed("README.md");
    expect(asked({ changes }, evaluated(0.7, { judgement: { state: "failed", reason: "" } }))).toEqual(all);
    const other = score({ ...rubric, name: "other" }, scores, []);
    expect(asked({ changes }, { ...before, judgement: other })).toEqual(all);
  });

  test("is nothing where nothing was changed since", () => {
    expect(asked({})).toEqual([]);
  });
});

describe("a finding", () => {
  const open = [
    { ...finding("quality"), id: "zero", title: "Handle zero", location: "a.ts:3" },
    { ...finding("quality"), id: "leak", title: "It leaks", location: "a.ts:9" },
  ];
  const found = (facts: object) => ({
    severity: "important" as const,
    dimension: "quality",
    title: "",
    description: "",
    ...facts,
  });

  test("keeps its id while it is open, also where the judge words or places it otherwise", () => {
    const ids = (facts: object) => identify([found(facts)], open).map(({ id }) => id);
    expect(ids({ id: "leak", title: "Memory grows" })).toEqual(["leak"]);
    expect(ids({ title: "handle Zero!", location: "a.ts:14" })).toEqual(["zero"]);
    expect(ids({ id: "new-words", title: "Division by nothing", location: "a.ts:3" })).toEqual(["zero"]);
    expect(ids({ title: "Something else", location: "a.ts" })).toEqual(["something-else"]);
  });

  test("has an id that no other one of the round has", () => {
    expect(identify([found({ title: "Same" }), found({ title: "Same" })], []).map(({ id }) => id)).toEqual([
      "same",
      "same-2",
    ]);
    const both = identify([found({ title: "Handle zero" }), found({ id: "zero", title: "Other" })], open);
    expect(both.map(({ id }) => id)).toEqual(["handle-zero", "zero"]);
  });
});

describe("judging after a change that touches little", () => {
  const write = (path: string, text: string) => ({ calls: [{ name: "write", args: { path, text } }] });
  const verdict = (given: object, findings: object[] = []) => JSON.stringify({ scores: given, findings });
  const missing = { id: "told", severity: "important", dimension: "completeness", title: "README does not tell of it" };

  test("asks for the touched dimensions alone, takes over the others, and counts what that saves", async () => {
    const long = Array.from({ length: 9 }, (_, at) => `line ${at}`).join("\n");
    const kit = fakeKit({
      files: { "src/a.ts": long },
      turns: [write("src/a.ts", `new\n${long}`), "One.", write("README.md", "It is told."), "Two."],
      verdicts: [verdict(scores, [missing]), verdict({ completeness: 0.95 })],
      kit: { rubric: () => rubric },
    });
    const { outcome, of } = await play(kit);
    const [first, second] = kit.models.evaluator.requests;
    expect(first?.system).toContain(
      "Dimensions: correctness (weight 0.5), style (weight 0.2), completeness (weight 0.3)",
    );
    expect(second?.system).toContain("Dimensions: completeness (weight 0.3)");
    const text = JSON.stringify(second?.messages);
    for (const part of [
      "changed since the last judgement\\n- README.md: all of it",
      "+It is told.",
      "correctness, style stand as judged before",
    ]) {
      expect(text).toContain(part);
    }
    expect(of("judged")[1]?.judgement).toMatchObject({
      state: "scored",
      dimensions: [
        { name: "correctness", score: 0.9, carried: true },
        { name: "style", score: 0.7, carried: true },
        { name: "completeness", score: 0.95 },
      ],
    });
    expect(of("evaluated")[1]?.evaluation.resolved.map(({ title }) => title)).toEqual(["README does not tell of it"]);
    expect(outcome?.status).toBe("accepted");
    expect(outcome?.saved.incrementalEvaluation).toBe(of("judged")[1]?.saved ?? 0);
  });

  test("asks for everything where the user has said something since", async () => {
    const said: string[] = [];
    const kit = fakeKit({
      files: { "src/a.ts": "old" },
      turns: [
        write("src/a.ts", "new"),
        "One.",
        { ...write("README.md", "Told."), meanwhile: () => void said.push("It must be fast.") },
        "Two.",
      ],
      verdicts: [verdict(scores, [missing]), verdict(scores)],
      kit: { rubric: () => rubric },
    });
    await play(kit, { said });
    expect(kit.models.evaluator.requests[1]?.system).toContain("correctness (weight 0.5)");
  });

  test("takes over the judgement of an earlier iteration whose files are there again", async () => {
    const kit = fakeKit({
      turns: [write("a.ts", "one"), "One.", write("a.ts", "two"), "Two.", write("a.ts", "one"), "Three."],
      verdicts: [
        verdict(scores, [missing]),
        verdict({ ...scores, correctness: 0.95 }, [{ ...missing, id: "b", title: "B" }]),
      ],
      kit: { rubric: () => rubric },
      suite: [check("npm test")],
      limits: { qualityThreshold: 0.99 },
    });
    const outcome = await outcomeOf(kit);
    expect(kit.models.evaluator.requests).toHaveLength(2);
    expect(outcome.iterations).toBe(3);
    expect(outcome.saved.skippedEvaluation).toBeGreaterThan(0);
  });
});
