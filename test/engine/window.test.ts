import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ProviderError } from "../../src/base/errors.ts";
import type { ModelRequest } from "../../src/contracts/provider.ts";
import { foldHistory } from "../../src/engine/history.ts";
import { measure } from "../../src/engine/measure.ts";
import { Window } from "../../src/engine/window.ts";
import { fakeKit, type KitScript, plan } from "../fakes/kit.ts";
import { type ModelTurn, modelInfo, type ScriptedModelTurn } from "../fakes/model.ts";
import { outcomeOf, play } from "./play.ts";

const read = (path: string) => ({ name: "read", args: { path } });
const said = (request: ModelRequest | undefined) => JSON.stringify(request?.messages);
const tooLong = () => new ProviderError("overflow", "fake", "the prompt is too long");
/** A window of 20,000 tokens, 4,000 of them for the answer. */
const small = { context: 20_000, maxOutput: 4000 };
/** A result of so many tokens. */
const result = (tokens: number) => ({ text: "a line of 20 bytes.\n".repeat(tokens / 5) });
const onePass = (script: KitScript) => fakeKit({ executor: small, ...script, limits: { iterations: 0 } });
/** The executor reads `count` files, one in each turn, and ends. */
const reads = (count: number): ModelTurn[] => [
  ...Array.from({ length: count }, (_, at) => ({ text: `I read f${at}.`, calls: [read(`f${at}`)] })),
  "Done.",
];

describe("a conversation that gets too long", () => {
  test("has its oldest results shortened first, and says so once", async () => {
    const kit = onePass({ turns: reads(6), tool: () => result(2500) });
    const { of, outcome } = await play(kit);
    expect(outcome).toMatchObject({ status: "completed", text: "Done." });
    const [event, ...more] = of("compacted");
    expect(more).toEqual([]);
    expect(event?.compaction.facts).toBeUndefined();
    expect(event?.compaction.shortened.map(({ message }) => message)).toEqual([2, 4, 6]);
    const last = kit.models.executor.requests.at(-1)!;
    expect(last.messages[2]?.blocks[0]).toMatchObject({
      type: "tool_result",
      text: "[shortened: 501 lines; note what matters in time, and call it again if needed]",
    });
    expect(last.messages[12]?.blocks[0]).toMatchObject(result(2500));
    expect(event!.after).toBeLessThan(event!.before);
  });

  test("costs no call of the small model where shortening is enough, however many results that takes", async () => {
    const kit = onePass({
      turns: reads(400),
      executor: { context: 200_000, maxOutput: 4000 },
      tool: () => result(600),
    });
    const { of } = await play(kit);
    expect(of("compacted").length).toBeGreaterThan(0);
    expect(kit.models.small.requests).toEqual([]);
  });

  test("then has its oldest turns told as facts by the small model, which counts in the costs", async () => {
    const turns = reads(9).map((turn) =>
      typeof turn === "string" ? turn : { ...turn, text: "I think. ".repeat(800) },
    );
    const kit = onePass({ turns, facts: () => "- f0 holds the answer" });
    const { of, outcome } = await play(kit);
    const facts = of("compacted").flatMap(({ compaction }) => compaction.facts ?? []);
    expect(facts[0]?.text).toContain("- f0 holds the answer");
    const last = kit.models.executor.requests.at(-1)!;
    expect(said(last)).toContain("f0 holds the answer");
    expect(last.messages[0]).toEqual(kit.models.executor.requests[0]!.messages[0]!);
    expect(said(kit.models.small.requests[0])).toContain("I think.");
    const calls = of("model_finished").filter(({ call }) => call.role === "small");
    expect(calls).toHaveLength(facts.length);
    expect(outcome?.spent.calls).toBe(of("model_finished").length);
  });

  test("is sent with the same beginning until it is made smaller again", async () => {
    const kit = onePass({ turns: reads(40), tool: () => result(1000) });
    const { of } = await play(kit);
    const { requests } = kit.models.executor;
    const extended = requests.filter((request, at) => {
      const before = requests[at - 1]?.messages ?? [];
      return Bun.deepEquals(request.messages.slice(0, before.length), before);
    });
    expect(of("compacted").length).toBeLessThan(9);
    expect(extended).toHaveLength(requests.length - of("compacted").length);
  });

  test("goes on where the small model fails: what was called is told then", async () => {
    const turns = reads(9).map((turn) =>
      typeof turn === "string" ? turn : { ...turn, text: "I think. ".repeat(800) },
    );
    const kit = onePass({ turns, facts: () => ({ error: new ProviderError("server", "fake", "down") }) });
    const { of, outcome } = await play(kit);
    expect(outcome?.status).toBe("completed");
    expect(of("compacted")[0]?.compaction.facts?.text).toContain('call: read {"path":"f0"}');
  });

  test("keeps what the user said, word for word", async () => {
    const words: string[] = [];
    const turns = reads(9).map((turn, at): ModelTurn => {
      if (typeof turn === "string") return turn;
      return { ...turn, text: "I think. ".repeat(800), meanwhile: () => void (at === 1 && words.push("in French")) };
    });
    const kit = onePass({ turns });
    await play(kit, { said: words });
    for (const request of kit.models.executor.requests.slice(2)) expect(said(request)).toContain("in French");
  });

  test("keeps the plan, and the open findings of the last round", async () => {
    const write = (text: string) => ({ calls: [{ name: "write", args: { path: "a.ts", text } }] });
    const rounds = [write("1"), ...reads(7), write("2"), ...reads(7)];
    const finding = { severity: "important", dimension: "quality", title: "It is ugly", description: "Mend it." };
    const bad = JSON.stringify({ scores: { quality: 0.5, completeness: 0.5 }, findings: [finding] });
    const kit = fakeKit({
      executor: small,
      plan: [plan({ steps: ["look", "leap"] })],
      turns: rounds,
      verdicts: [bad, '{"scores":{"quality":1,"completeness":1}}'],
      tool: ({ name }) => (name === "read" ? result(2500) : undefined),
    });
    const { of } = await play(kit);
    expect(of("compacted")).toHaveLength(2);
    expect(said(kit.models.executor.requests[8])).toContain("2. leap");
    const last = said(kit.models.executor.requests.at(-1));
    expect(last).toContain("2. leap");
    expect(last).toContain("It is ugly");
  });
});

describe("one turn that is greater than the window", () => {
  test("cannot kill a task: its results share what there is, and the small ones stay whole", async () => {
    const calls = Array.from({ length: 30 }, (_, at) => read(`f${at}`));
    const kit = onePass({
      turns: [{ calls }, "Done."],
      tool: ({ arguments: args }) => (args.includes("f7") ? { text: "short" } : result(12_500)),
    });
    expect(await outcomeOf(kit)).toMatchObject({ status: "completed", text: "Done." });
    const request = kit.models.executor.requests[1]!;
    expect(measure(request)).toBeLessThan(16_000);
    expect(request.messages[2]?.blocks).toHaveLength(30);
    expect(request.messages[2]?.blocks[7]).toMatchObject({ text: "short" });
    expect(request.messages[2]?.blocks[8]).toMatchObject({ text: expect.stringContaining("a line of 20 bytes.") });
  });
});

describe("a provider that finds a request too long", () => {
  test("gets a smaller one", async () => {
    let refused = 0;
    const kit = onePass({
      executor: { context: 200_000, maxOutput: 4000 },
      tool: () => result(2500),
      turns: (request, index) => {
        if (measure(request) > 8000) return { error: tooLong(), meanwhile: () => void refused++ };
        return index - refused < 5 ? { calls: [read("f")] } : "Done.";
      },
    });
    const { outcome, of } = await play(kit);
    expect(outcome).toMatchObject({ status: "completed", text: "Done." });
    expect(refused).toBe(1);
    expect(of("compacted").length).toBeGreaterThan(0);
  });

  test("and goes on refusing is a failure after the third time", async () => {
    const kit = onePass({
      turns: [{ calls: [read("f")] }, ...Array(9).fill({ error: tooLong() })],
      tool: () => result(9000),
    });
    const { error, ending } = await play(kit);
    expect(error).toMatchObject({ kind: "overflow" });
    expect(ending.status).toBe("failed");
    expect(kit.models.executor.requests.length).toBeLessThanOrEqual(4);
  });

  test("is not even asked where the task alone is too long", async () => {
    const kit = onePass({ turns: ["Done."] });
    const { error } = await play(kit, { task: { description: "x".repeat(80_000) } });
    expect(error).toMatchObject({ kind: "overflow" });
    expect((error as Error).message).toContain("do not fit into what fake/executor can read (16000)");
    expect(kit.models.executor.requests).toEqual([]);
  });

  test("text that was piped in gives way before it comes to that; the whole is kept, and the user is told once", async () => {
    const kept: string[] = [];
    const keep = async (name: string, text: string) => {
      kept.push(text);
      return `/output/${name}.txt`;
    };
    const context = `BEGIN${"x".repeat(1_000_000)}END`;
    const kit = fakeKit({ turns: ["Done."], executor: { context: 16_000, maxOutput: 1000 }, kit: { keep } });
    const { of } = await play(kit, { task: { context } });
    const first = said(kit.models.executor.requests[0]);
    expect(first).toContain("BEGIN");
    expect(first).toContain("END");
    expect(first).toContain("984008 characters left out; whole text: /output/stdin.txt");
    expect(said(kit.models.planner.requests[0])).toContain("whole text: /output/stdin.txt");
    expect(kept).toEqual([context]);
    const [told, ...more] = of("warning").filter(({ code }) => code === "stdin");
    expect(told?.message).toContain("16,000 of the 1,000,008 characters that were piped in");
    expect(told?.message).toContain("put the text into a file in the folder");
    expect(more).toEqual([]);
  });

  test("no file is named where the piped text could not be kept", async () => {
    const kit = onePass({ turns: ["Done."], kit: { keep: async () => undefined } });
    const { of } = await play(kit, { task: { context: "x".repeat(1_000_000) } });
    expect(said(kit.models.executor.requests[0])).toContain("characters left out …");
    expect(of("warning").map(({ message }) => message)).toEqual([
      expect.stringContaining("the middle is left out; so"),
    ]);
  });

  test("piped text that fits is said whole, without a word", async () => {
    const kit = onePass({ turns: ["Done."] });
    const { of } = await play(kit, { task: { context: "a few words" } });
    expect(said(kit.models.executor.requests[0])).toContain("<stdin>\\na few words\\n</stdin>");
    expect(of("warning")).toEqual([]);
  });
});

describe("the window", () => {
  const request = (bytes: number) => ({ system: "x".repeat(bytes), messages: [], tools: [], maxTokens: 100 });
  const usage = (input: number) => ({ input, cacheRead: 0, cacheWrite: 0, output: 1, reasoning: 0 });

  test("learns from what the provider counted, the cached part too", () => {
    const window = new Window(modelInfo("a/b"));
    expect(window.tokens(request(4000))).toBe(1000);
    window.learn(request(4000), { ...usage(500), cacheRead: 1000 });
    expect(window.tokens(request(8000))).toBe(3000);
  });

  test("does not believe a count that no text can have", () => {
    const window = new Window(modelInfo("a/b"));
    window.learn(request(4000), usage(1));
    expect(window.tokens(request(4000))).toBe(800);
    window.learn(request(4000), usage(0));
    expect(window.tokens(request(4000))).toBe(800);
  });

  test("leaves the answer what is left", () => {
    const window = new Window(modelInfo("a/b", { context: 2000, maxOutput: 1500 }));
    expect(window.answer(request(400))).toBe(1500);
    expect(window.answer(request(4000))).toBe(1000);
    expect(window.room(0).most).toBe(1500);
  });
});

describe("for any conversation and any window", () => {
  interface Act {
    calls: { size: number; image: boolean }[];
    text: number;
    reasoning: boolean;
    said: boolean;
    cut: boolean;
  }
  const size = fc.oneof(fc.nat(300), fc.nat(50_000));
  const act: fc.Arbitrary<Act> = fc.record({
    calls: fc.array(fc.record({ size, image: fc.boolean() }), { maxLength: 8 }),
    text: size,
    reasoning: fc.boolean(),
    said: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
    cut: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
  });
  const world = fc.record({
    context: fc.integer({ min: 16_000, max: 150_000 }),
    maxOutput: fc.integer({ min: 500, max: 60_000 }),
    /** What the window really is, of what the catalogue says. */
    truth: fc.double({ min: 0.5, max: 1, noNaN: true }),
    density: fc.double({ min: 0.85, max: 3, noNaN: true }),
    acts: fc.array(act, { maxLength: 25 }),
  });

  test("the request fits, is well-formed, holds task and plan, and a resume has the same", async () => {
    let compactions = 0;
    let facts = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(world, async ({ context, maxOutput, truth, density, acts }) => {
        const real = Math.floor(context * truth);
        const words: string[] = [];
        const fresh: string[] = [];
        let at = 0;
        const kit = fakeKit({
          executor: { context, maxOutput },
          plan: [plan({ steps: ["look well", "leap"] })],
          limits: { tokenBudget: 1e12, budgetUsd: 1e9 },
          tool: ({ arguments: args }) => {
            const call = JSON.parse(args) as { size: number; image: boolean };
            const images = [{ type: "image" as const, mediaType: "image/png", data: "AAAA" }];
            return { text: "some words\n".repeat(call.size / 11), ...(call.image ? { images } : {}) };
          },
          turns: (request): ModelTurn => {
            const input = Math.ceil(measure(request) * density);
            if (input + request.maxTokens > real) {
              refused++;
              return { error: tooLong() };
            }
            expect(said(request)).toContain("Make it better");
            expect(said(request)).toContain("1. look well");
            for (const word of words) expect(said(request)).toContain(word);
            const turn = turnOf(acts[at++], Math.floor((request.maxTokens * 4) / density / 2));
            if (acts[at - 1]?.said) {
              words.push(`remember ${at}`);
              fresh.push(`remember ${at}`);
            }
            return { ...turn, usage: { input } };
          },
        });
        const { outcome, error, events, of } = await play(kit, { said: fresh });
        if (!outcome) throw error;
        compactions += of("compacted").length;
        facts += of("compacted").filter(({ compaction }) => compaction.facts).length;
        const asked = events.findLastIndex((event) => event.type === "model_started" && event.role === "executor");
        const { conversation } = foldHistory(events.slice(0, asked)).progress;
        expect(conversation?.messages).toEqual([...kit.models.executor.requests.at(-1)!.messages]);
      }),
      { numRuns: 150 },
    );
    // It was not all for nothing.
    expect(compactions).toBeGreaterThan(100);
    expect(facts).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(10);
  });

  function turnOf(act: Act | undefined, mostBytes: number): ScriptedModelTurn {
    if (!act) return { text: "Done." };
    const text = "word ".repeat(Math.min(act.text, mostBytes) / 5);
    const calls = act.calls.map((args) => ({ name: "read", args: { ...args } }));
    if (act.cut && text.trim()) return { text, stop: "length" };
    return {
      text: text || "Hm.",
      calls: calls.length > 0 ? calls : [{ name: "read", args: { size: 1, image: false } }],
    };
  }
});
