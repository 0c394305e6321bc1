import { describe, expect, test } from "bun:test";
import { ProviderError } from "../../src/base/errors.ts";
import { check } from "../fakes/evidence.ts";
import { fakeKit, verdict } from "../fakes/kit.ts";
import { outcomeOf, play } from "./play.ts";

const write = (text: string, path = "a.ts") => ({ calls: [{ name: "write", args: { path, text } }] });
const tests = check("npm test");
const failing = { status: "failed" as const, failures: [{ name: "adds" }] };
const counts = { passed: 99, failed: 1, skipped: 0 };
const filesOf = (kit: { files: Map<string, string> }) => Object.fromEntries(kit.files);

describe("what is returned as best is what lies on disk", () => {
  test("after a regression: the files are those of the best iteration again", async () => {
    const kit = fakeKit({
      files: { "a.ts": "old", "b.ts": "untouched" },
      turns: [write("good"), write("made", "c.ts"), "One.", write("worse"), write("extra", "d.ts"), "Two."],
      verdicts: [verdict(0.7), verdict(0.4)],
    });
    const { outcome, of } = await play(kit);
    expect(outcome).toMatchObject({
      status: "regressed",
      decision: "abort_regression",
      best: 1,
      score: 0.7,
      text: "One.",
    });
    expect(filesOf(kit)).toEqual({ "a.ts": "good", "b.ts": "untouched", "c.ts": "made" });
    expect(of("restored")[0]?.report.restored.sort()).toEqual(["a.ts", "d.ts"]);
    expect(outcome?.changes.map(({ path }) => path)).toEqual(["a.ts", "c.ts"]);
    expect(outcome?.evaluation?.iteration).toBe(1);
  });

  test("after the last iteration, where an earlier one was better", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [verdict(0.7), verdict(0.6)],
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "below", decision: "accept_best", best: 1, text: "One." });
    expect(filesOf(kit)).toEqual({ "a.ts": "one" });
  });

  test("of two equal scores: the later iteration", async () => {
    const kit = fakeKit({ turns: [write("one"), "One.", write("two"), "Two."], verdicts: () => verdict(0.7) });
    expect(await outcomeOf(kit)).toMatchObject({ status: "below", best: 2, text: "Two." });
    expect(filesOf(kit)).toEqual({ "a.ts": "two" });
  });

  test("of two scores that are held below the threshold: the one in which less fails, whatever the judge found", async () => {
    const blocker = verdict(1, 1, [{ severity: "blocker", dimension: "", title: "It leaks" }]);
    const kit = fakeKit({
      plan: [JSON.stringify({ kind: "change", checks: ["npm test"] })],
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [verdict(1), blocker],
      suite: [tests],
      results: (_, __, files) => (files.get("a.ts") === "two" ? "passed" : { ...failing, counts }),
      limits: { iterations: 2 },
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "below", score: 0.79, best: 2 });
  });

  test("of two scores that are held below the threshold: the iteration that less holds", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: () => verdict(1, 1, [{ severity: "blocker", dimension: "", title: "It leaks" }]),
      suite: [tests],
      results: (_, __, files) =>
        files.get("a.ts") === "two"
          ? { status: "failed", failures: [{ name: "adds" }], counts: { passed: 99, failed: 1, skipped: 0 } }
          : "passed",
      limits: { iterations: 2 },
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "below", score: 0.79, best: 1 });
    expect(filesOf(kit)).toEqual({ "a.ts": "one" });
  });

  test("after a provider error in the middle of an iteration, which is reported and thrown on", async () => {
    const broken = new ProviderError("server", "fake", "it is down", { status: 500 });
    const kit = fakeKit({
      turns: [write("one"), "One.", write("half"), { text: "I was just", error: broken }],
      verdicts: [verdict(0.7)],
    });
    const { error, ending, outcome } = await play(kit);
    expect(error).toBe(broken);
    expect(outcome).toBeUndefined();
    expect(ending).toMatchObject({ status: "failed", decision: null, best: 1, reason: "it is down", text: "One." });
    expect(filesOf(kit)).toEqual({ "a.ts": "one" });
  });

  test("after a stop before anything was measured: what was done so far", async () => {
    const broken = new ProviderError("auth", "fake", "no key");
    const kit = fakeKit({ turns: [write("half"), { error: broken }] });
    const { ending } = await play(kit);
    expect(ending).toMatchObject({ status: "failed", best: 0, score: null });
    expect(ending.changes).toEqual([{ path: "a.ts", kind: "changed" }]);
    expect(filesOf(kit)).toEqual({ "a.ts": "half" });
  });

  test("keeps files that somebody else changed meanwhile, and reports them", async () => {
    const kit = fakeKit({
      files: { "a.ts": "old", "mine.ts": "old" },
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [
        verdict(0.7),
        { text: verdict(0.4), meanwhile: () => void kit.files.set("a.ts", "the user was here") },
      ],
    });
    const { of, ending } = await play(kit);
    expect(of("restored")[0]?.report).toEqual({ restored: [], kept: ["a.ts"] });
    expect(ending.kept).toEqual(["a.ts"]);
    expect(kit.files.get("a.ts")).toBe("the user was here");
  });

  test("is not claimed where the files could not be put back", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), { error: new Error("a bug") }],
      verdicts: [verdict(0.7)],
    });
    kit.checkpoints.restore = async () => {
      throw new Error("the disk is full");
    };
    const { ending, of, error } = await play(kit);
    expect(error).toMatchObject({ message: "a bug" });
    expect(ending.best).toBe(0);
    expect(of("warning").at(-1)?.message).toBe("the workspace could not be put back: the disk is full");
  });

  test("names each file that could not be put back", async () => {
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), "Two."],
      verdicts: [verdict(0.7), verdict(0.4)],
    });
    kit.checkpoints.restore = async () => ({ restored: [], kept: [], failed: ["a.ts: read-only"] });
    const { of } = await play(kit);
    expect(of("warning").at(-1)).toMatchObject({
      code: "checkpoint",
      message: "could not be put back: a.ts: read-only",
    });
  });

  test("is left as it is after an interruption, for the user to go on from", async () => {
    const user = new AbortController();
    const kit = fakeKit({
      turns: [write("one"), "One.", write("half"), { hang: true }],
      verdicts: [verdict(0.7)],
    });
    const played = play(kit, { signal: user.signal });
    await kit.models.executor.hanging;
    user.abort(new Error("interrupted"));
    const { error, ending, of } = await played;
    expect(error).toMatchObject({ message: "interrupted" });
    expect(ending).toMatchObject({ status: "cancelled", decision: null, best: 0 });
    expect(of("restored")).toEqual([]);
    expect(filesOf(kit)).toEqual({ "a.ts": "half" });
    expect(ending.changes).toEqual([{ path: "a.ts", kind: "changed" }]);
  });
});

describe("an interruption", () => {
  test("ends a hanging tool, and the stream ends with a cancelled outcome", async () => {
    const user = new AbortController();
    const kit = fakeKit({
      turns: [{ calls: [{ name: "shell", args: { command: "sleep 1000" } }] }],
      tool: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
          user.abort(new Error("interrupted"));
        }),
    });
    const { error, ending } = await play(kit, { signal: user.signal });
    expect(error).toMatchObject({ message: "interrupted" });
    expect(ending.status).toBe("cancelled");
  });

  test("before the first call ends the task before it has begun", async () => {
    const kit = fakeKit({ turns: ["never"] });
    const { ending, error } = await play(kit, { signal: AbortSignal.abort(new Error("interrupted")) });
    expect(error).toMatchObject({ message: "interrupted" });
    expect(ending.status).toBe("cancelled");
    expect(kit.models.executor.requests).toEqual([]);
  });

  test("of whoever reads the engine ends what is under way", async () => {
    const { run } = await import("../../src/engine/run.ts");
    const { fakeTask } = await import("../fakes/kit.ts");
    let ended = false;
    const kit = fakeKit({
      turns: [{ calls: [{ name: "shell", args: { command: "sleep 1000" } }] }],
      limits: { iterations: 0 },
      tool: (_, { signal, emit }) => {
        signal.addEventListener("abort", () => {
          ended = true;
        });
        emit("sleeping");
        return new Promise(() => {});
      },
    });
    const engine = run(fakeTask(), [], { take: () => [] }, kit, new AbortController().signal);
    for await (const event of engine) if (event.type === "tool_output") break;
    expect(ended).toBe(true);
    expect(kit.clock.sleeping).toBe(0);
  });
});
