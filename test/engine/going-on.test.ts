import { describe, expect, test } from "bun:test";
import { ProviderError } from "../../src/base/errors.ts";
import { check } from "../fakes/evidence.ts";
import { fakeKit, verdict } from "../fakes/kit.ts";
import { outcomeOf, play } from "./play.ts";

const write = (text: string) => ({ calls: [{ name: "write", args: { path: "a.ts", text } }] });
const finding = (id: string, severity = "important") => ({ id, severity, dimension: "quality", title: `It ${id}` });
const tests = check("npm test");

/** What an iteration's first request to the executor says. */
const prompts = (kit: ReturnType<typeof fakeKit>) =>
  kit.models.executor.requests
    .filter(({ messages }) => messages.length === 1)
    .map(({ messages }) => JSON.stringify(messages));

describe("a result that is good enough with something important open", () => {
  test("is mended before it is accepted, and the mended one is returned whatever the judge's noise", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [verdict(0.95, 0.95, [finding("leaks")]), verdict(0.85)],
    });
    const { outcome, of } = await play(kit);
    expect(of("decided").map(({ decision }) => decision)).toEqual(["continue", "accept"]);
    expect(of("evaluated").map(({ evaluation }) => evaluation.score)).toEqual([0.8, 0.85]);
    expect(outcome).toMatchObject({ status: "accepted", best: 2, text: "Two." });
    expect(prompts(kit)[1]).toContain("It leaks");
    expect(kit.files.get("a.ts")).toBe("two");
  });

  test("is accepted as it is in the last iteration", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One."],
      verdicts: [verdict(0.95, 0.95, [finding("leaks")])],
      limits: { iterations: 1 },
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "accepted", score: 0.8, decision: "accept" });
  });

  test("is accepted where whoever was asked to mend it left the workspace as it is", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", "That is no defect."],
      verdicts: [verdict(0.95, 0.95, [finding("leaks")])],
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "accepted", iterations: 2 });
  });

  test("is accepted where the finding stays although it was worked on", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [verdict(0.95, 0.95, [finding("leaks")]), verdict(0.95, 0.95, [finding("leaks")])],
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "accepted", iterations: 2, best: 2 });
  });

  test("is returned and accepted where mending it only broke it", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("broken"), "Two."],
      suite: [tests],
      results: (_, __, files) => (files.get("a.ts") === "one" || files.get("a.ts") === "old" ? "passed" : ["adds"]),
      verdicts: [verdict(0.95, 0.95, [finding("leaks")]), verdict(0.9)],
    });
    const { outcome } = await play(kit);
    expect(outcome).toMatchObject({ status: "accepted", decision: "abort_regression", best: 1, text: "One." });
    expect(outcome?.reason).toBe("iteration 1 was good enough and is kept; after it: the score fell from 0.80 to 0.45");
    expect(kit.files.get("a.ts")).toBe("one");
  });

  test("is returned and accepted where the provider fails while it is mended", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", { error: new ProviderError("server", "fake", "overloaded") }],
      verdicts: [verdict(0.95, 0.95, [finding("leaks")])],
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "accepted", best: 1, text: "One." });
  });

  test("is not mended with the last of the budget", async () => {
    const kit = fakeKit({
      turns: [write("one"), { text: "One.", usage: { input: 850_000 } }],
      verdicts: [verdict(0.95, 0.95, [finding("leaks")])],
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "accepted", iterations: 1 });
  });

  test("is not gone on with for the sake of a suggestion", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One."],
      verdicts: [verdict(0.95, 0.95, [finding("could be shorter", "suggestion")])],
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "accepted", iterations: 1, score: 0.95 });
  });
});

describe("an iteration that changed nothing", () => {
  test("is told to the next one with its words, once, where something holds the result", async () => {
    const kit = fakeKit({
      turns: [write("broken"), "One.", "The test is wrong.", write("mended"), "Three."],
      suite: [tests],
      results: (_, __, files) => (files.get("a.ts") === "broken" ? ["adds"] : "passed"),
    });
    const { outcome } = await play(kit);
    expect(prompts(kit)[1]).not.toContain("changed nothing");
    expect(prompts(kit)[2]).toContain("The last round changed nothing");
    expect(prompts(kit)[2]).toContain("The test is wrong.");
    expect(outcome).toMatchObject({ status: "accepted", iterations: 3 });
  });

  test("ends the task the second time", async () => {
    const kit = fakeKit({
      turns: [write("broken"), "One.", "No.", "No again."],
      suite: [tests],
      results: (_, __, files) => (files.get("a.ts") === "broken" ? ["adds"] : "passed"),
      limits: { iterations: 9 },
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "below", iterations: 3, decision: "accept_best" });
  });
});

test("failures that a declared proof had before the task are told beside those that are new", async () => {
  const kit = fakeKit({
    plan: [JSON.stringify({ kind: "change", checks: ["npm test"] })],
    turns: [write("one"), "One.", write("two"), "Two."],
    suite: [tests],
    results: (_, __, files) =>
      ({ old: ["adds"], one: ["adds", "subtracts"], two: "passed" as const })[files.get("a.ts")!]!,
  });
  expect((await outcomeOf(kit)).status).toBe("accepted");
  expect(prompts(kit)[1]).toContain("subtracts (subtracts.ts:1) fails and did not before");
  expect(prompts(kit)[1]).toContain("adds (adds.ts:1) fails as before the task");
});
