import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { messageOf } from "../../src/base/errors.ts";
import type { Event } from "../../src/contracts/event.ts";
import { initialState, step } from "../../src/engine/state.ts";
import { check } from "../fakes/evidence.ts";
import { type FakeKit, fakeKit, plan, verdict } from "../fakes/kit.ts";
import type { ModelTurn } from "../fakes/model.ts";
import { play } from "./play.ts";

const call = fc.oneof(
  fc.record({ name: fc.constant("read"), args: fc.record({ path: fc.constantFrom("a.ts", "b.ts") }) }),
  fc.record({
    name: fc.constant("write"),
    args: fc.record({ path: fc.constantFrom("a.ts", "b.ts"), text: fc.constantFrom("1", "2", "3") }),
  }),
  fc.record({ name: fc.constantFrom("shell", "nonsense"), args: fc.constant("{") }),
);
const turn: fc.Arbitrary<ModelTurn> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      text: fc.constantFrom("", "I see."),
      calls: fc.array(call, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.constant<ModelTurn>("Done.") },
  { weight: 1, arbitrary: fc.constantFrom<ModelTurn[]>("", { text: "I was", stop: "length" }, { reasoning: "Hm." }) },
  { weight: 1, arbitrary: fc.constant<ModelTurn>({ error: new Error("it broke") }) },
);
const story = fc.record({
  kind: fc.constantFrom("question", "change", "nonsense"),
  turns: fc.array(turn, { maxLength: 12 }),
  scores: fc.array(fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(undefined)), { maxLength: 6 }),
  results: fc.array(fc.constantFrom("passed" as const, "failed" as const, "empty" as const), { maxLength: 8 }),
  iterations: fc.integer({ min: 0, max: 3 }),
  permission: fc.constantFrom("auto", "ask"),
  said: fc.array(fc.constantFrom("faster", "in French"), { maxLength: 2 }),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

function kitOf({ kind, turns, scores, results, iterations, permission }: Story): FakeKit {
  return fakeKit({
    plan: () => plan({ kind, checks: ["node check.js"] }),
    turns: (_, index) => turns[index] ?? "The end.",
    verdicts: (_, index) => (scores[index] === undefined ? "Hm." : verdict(scores[index])),
    suite: [check("npm test")],
    results: (_, run) => results[run] ?? "passed",
    limits: { iterations },
    kit: { permission },
  });
}

describe("the event stream", () => {
  // The fakes refuse malformed conversations, and `play` checks the stream's form: both for every story.
  test("is well-formed, and every request extends the one before, whatever happens", async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const kit = kitOf(told);
        const { error, ending } = await play(kit, { said: [...told.said] });
        if (error) expect(messageOf(error)).toMatch(/^it broke$|empty answer 3 times$/);
        else expect(["cancelled", "timeout", "failed"]).not.toContain(ending.status);
      }),
      { numRuns: 300 },
    );
  });

  test("tells what lies on disk: the best iteration, or else what the task did", async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const kit = kitOf(told);
        const { of, ending } = await play(kit);
        const iterations = of("evaluated").length;
        if (iterations === 0) return;
        const files = Bun.hash(JSON.stringify([...kit.files].sort())).toString(16);
        const after = of("checkpoint").filter(({ label }) => label === "after");
        const measured = of("evaluated").map(({ evaluation, seq }) => ({
          iteration: evaluation.iteration,
          hash: after.findLast((event) => event.seq < seq)?.checkpoint.hash,
        }));
        const best = measured.find(({ iteration }) => iteration === ending.best);
        if (best) expect(files).toBe(best.hash!);
        const top = Math.max(...of("evaluated").map(({ evaluation }) => evaluation.score ?? -1));
        if (top >= 0) expect(ending.score).toBe(top);
        expect(ending.changes.length > 0).toBe(files !== of("checkpoint")[0]?.checkpoint.hash);
      }),
      { numRuns: 200 },
    );
  });

  test("folds to the state of the task", async () => {
    const kit = fakeKit({
      turns: [{ calls: [{ name: "write", args: { path: "a.ts", text: "new" } }] }, "Done."],
      verdicts: [verdict(0.9)],
    });
    const states: ReturnType<typeof initialState>[] = [];
    let state = initialState();
    const watch = (event: Event) => {
      state = step(state, event);
      states.push(state);
    };
    const { outcome } = await play(kit, { watch });
    expect(states[0]).toMatchObject({ status: "running", model: "fake/executor", iteration: 0, phase: undefined });
    expect(new Set(states.map(({ phase }) => phase))).toEqual(new Set([undefined, "plan", "execute", "evaluate"]));
    expect(state).toMatchObject({ status: "accepted", iteration: 1, score: 0.9, best: 0.9, phase: undefined });
    expect(state.spent).toEqual(outcome!.spent);
    expect(state.tokens).toBe(4 * 110);
  });

  test("folds a question to waiting, and its answer back to running", async () => {
    const seen: string[] = [];
    let state = initialState();
    const kit = fakeKit({
      turns: [{ calls: [{ name: "shell" }] }, "Done."],
      limits: { iterations: 0 },
      tool: async (_, { ask, signal }) => {
        const { choice } = await ask({ kind: "choice", text: "Which?", choices: ["a", "b"] }, signal);
        return { text: choice };
      },
      answer: () => "b",
    });
    const { events } = await play(kit, {
      watch: (event) => {
        state = step(state, event);
        if (event.type === "asked" || event.type === "answered") seen.push(`${state.status} ${state.question?.id}`);
      },
    });
    expect(seen).toEqual(["waiting q1", "running undefined"]);
    const order = events.map(({ type }) => type).filter((type) => /^(tool_|asked|answered)/.test(type));
    expect(order).toEqual(["tool_started", "asked", "answered", "tool_finished"]);
  });
});
