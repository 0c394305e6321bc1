import { describe, expect, test } from "bun:test";
import { ProviderError } from "../../src/base/errors.ts";
import type { ModelInfo } from "../../src/contracts/provider.ts";
import type { CallRecord } from "../../src/contracts/task.ts";
import { Budget, costOf } from "../../src/engine/budget.ts";
import { measure } from "../../src/engine/measure.ts";
import { Stop } from "../../src/engine/stop.ts";
import { WorkClock } from "../../src/engine/work-clock.ts";
import { fakeClock } from "../fakes/clock.ts";
import { check } from "../fakes/evidence.ts";
import { fakeKit, verdict } from "../fakes/kit.ts";
import { fakeModel, modelInfo } from "../fakes/model.ts";
import { outcomeOf, play } from "./play.ts";

const write = (text: string) => ({ calls: [{ name: "write", args: { path: "a.ts", text } }] });
const tests = check("npm test");
/** Usage that costs one USD at the fake model's price. */
const dollar = { input: 1_000_000, output: 0 };

describe("the budget", () => {
  test("stops before a call that would go over it, with the best result in place", async () => {
    const kit = fakeKit({
      turns: [write("one"), { text: "One.", usage: { input: 995_000 } }],
      verdicts: [{ text: verdict(0.7), usage: { input: 3000 } }],
      limits: { budgetUsd: 1 },
    });
    const { outcome, of } = await play(kit);
    expect(outcome).toMatchObject({ status: "budget", decision: "abort_budget", best: 1, score: 0.7 });
    expect(outcome?.reason).toMatch(
      /^the next call would go over the budget \(\$\d\.\d+ of \$1\.00 spent; --budget [\d.]+ allows more\)$/,
    );
    expect(kit.files.get("a.ts")).toBe("one");
    expect(outcome?.spent.costUsd).toBeLessThanOrEqual(1);
    expect(of("model_started")).toHaveLength(of("model_finished").length);
  });

  test("counts what others call beside the engine, as it happens, and stops where that was too much", async () => {
    const usage = { input: 40, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
    const embedding: CallRecord = { role: "embedder", model: "v/e", usage, costUsd: 0.25, ms: 3, stop: "end" };
    const waiting = [embedding];
    const beside = { take: () => waiting.splice(0) };
    const { outcome, of } = await play(fakeKit({ turns: [write("new"), "Done."], kit: { beside } }));
    const roles: string[] = of("model_finished").map(({ call }) => call.role);
    expect(roles).toEqual(["embedder", "planner", "executor", "executor", "evaluator"]);
    expect(outcome?.spent.costUsd).toBeGreaterThanOrEqual(0.25);

    waiting.push({ ...embedding, costUsd: 3 });
    const dear = await play(fakeKit({ turns: [write("new"), "Done."], limits: { budgetUsd: 2 }, kit: { beside } }));
    expect(dear.outcome).toMatchObject({ status: "budget", spent: { costUsd: 3, calls: 1 } });
  });

  test("counts every role's calls, also repairs", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."], verdicts: ["Hm.", verdict(0.9)] });
    const { outcome, of } = await play(kit);
    expect(of("model_finished").map(({ call }) => call.role)).toEqual([
      "planner",
      "executor",
      "executor",
      "evaluator",
      "repair",
    ]);
    expect(outcome?.spent).toMatchObject({ calls: 5, usage: { input: 500, output: 50 }, costKnown: true });
    expect(outcome?.spent.costUsd).toBeCloseTo((500 * 1 + 50 * 10) / 1e6, 12);
  });

  test("warns once, at 80 %", async () => {
    const kit = fakeKit({
      turns: [
        { ...write("new"), usage: { input: 795_000 } },
        { text: "Done.", usage: { input: 10_000 } },
      ],
      limits: { budgetUsd: 1 },
    });
    const { of } = await play(kit);
    expect(of("warning")).toMatchObject([{ code: "budget", message: "81 % of the budget is used" }]);
  });

  test("clamps the output of a call to what is left", async () => {
    const kit = fakeKit({
      turns: [{ ...write("new"), usage: { input: 980_000 } }, "Done."],
      limits: { budgetUsd: 1 },
    });
    await outcomeOf(kit);
    const [first, second] = kit.models.executor.requests;
    expect(first?.maxTokens).toBe(8000);
    expect(second?.maxTokens).toBeLessThan(2000);
    expect(second?.maxTokens).toBeGreaterThan(1000);
  });

  test("of tokens counts uncached input and output, not what came from the cache", async () => {
    const usage = { input: 10, cacheRead: 900_000, cacheWrite: 20, output: 30 };
    const kit = fakeKit({ turns: [{ ...write("new"), usage }, "Done."], limits: { tokenBudget: 10_000 } });
    const outcome = await outcomeOf(kit);
    expect(outcome.status).toBe("accepted");
    expect(outcome.saved.caching).toBe(900_000);
    const spent = fakeKit({ turns: [{ ...write("new"), usage: { input: 9_900 } }], limits: { tokenBudget: 10_000 } });
    expect((await outcomeOf(spent)).status).toBe("budget");
  });

  test("prices cached tokens at their own price", () => {
    const usage = { input: 1e6, output: 1e6, cacheRead: 1e6, cacheWrite: 1e6, reasoning: 5e5 };
    expect(costOf(usage, modelInfo("x/y"))).toBeCloseTo(1 + 10 + 0.1 + 1.25, 9);
  });

  test("counts a fallback's answer at the fallback's price", async () => {
    const by: ModelInfo = { ...modelInfo("other/model"), price: { input: 2, output: 2, cacheRead: 0, cacheWrite: 0 } };
    const kit = fakeKit({ turns: [{ text: "Done.", by, usage: dollar }], limits: { iterations: 0, budgetUsd: 5 } });
    const { outcome, of } = await play(kit);
    expect(outcome?.spent.costUsd).toBe(2);
    expect(of("model_finished")[0]?.call.model).toBe("other/model");
  });

  test("with an unknown price is said to be unknown, and tokens limit the task alone", async () => {
    const { price: _, ...info } = modelInfo("local/model");
    const kit = fakeKit({ limits: { iterations: 0 } });
    kit.models.executor = fakeModel([{ ...write("new"), usage: { input: 500_000 } }, "Done."], info);
    const { outcome, of } = await play(kit);
    expect(outcome?.spent).toMatchObject({ costUsd: 0, costKnown: false });
    expect(of("model_finished")[0]?.call.costUsd).toBeNull();
    expect(of("warning")).toMatchObject([{ code: "cost_unknown" }]);
  });

  test("says once of each model that its price is unknown, and no more than that of the others", async () => {
    const usage = { input: 40, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
    const embedding: CallRecord = { role: "embedder", model: "v/e", usage, costUsd: null, ms: 3, stop: "end" };
    const waiting = [embedding, embedding];
    const beside = { take: () => waiting.splice(0) };
    const priced = await play(fakeKit({ turns: [write("new"), "Done."], kit: { beside } }));
    const limited = (model: string) => ({
      code: "cost_unknown",
      message: `what ${model} costs is unknown: only the token budget limits its calls`,
    });
    expect(priced.of("warning")).toMatchObject([limited("v/e")]);

    const { price: _, ...info } = modelInfo("local/model");
    const kit = fakeKit({ limits: { iterations: 0 }, kit: { beside } });
    kit.models.executor = fakeModel([write("new"), "Done."], info);
    waiting.push(embedding);
    expect((await play(kit)).of("warning")).toMatchObject([limited("v/e"), limited("local/model")]);
  });

  test("of nothing lets a model work that costs nothing, and no other", async () => {
    const free = { ...modelInfo("local/free"), price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } };
    const kit = fakeKit({ limits: { budgetUsd: 0 } });
    const models = kit.models;
    models.planner = fakeModel(['{"kind":"change"}'], free);
    models.executor = fakeModel([write("new"), "Done."], free);
    models.evaluator = fakeModel([verdict(0.9)], free);
    expect((await outcomeOf(kit)).status).toBe("accepted");
    expect((await outcomeOf(fakeKit({ turns: ["Hi."], limits: { budgetUsd: 0 } }))).status).toBe("budget");
  });

  test("that does not pay for the judge keeps what the evidence said of the iteration", async () => {
    const kit = fakeKit({
      turns: [write("one"), { text: "One.", usage: { input: 998_000 } }],
      suite: [tests],
      limits: { budgetUsd: 1 },
    });
    const outcome = await outcomeOf(kit);
    expect(outcome).toMatchObject({ status: "budget", decision: "abort_budget", best: 1, score: 1 });
    expect(outcome.evaluation?.judgement.state).toBe("failed");
    expect(kit.models.evaluator.requests).toEqual([]);
  });

  test("asks no more of a model than it can give", () => {
    const budget = new Budget({ iterations: 1, qualityThreshold: 1, budgetUsd: 9, tokenBudget: 1e6, timeoutMs: 1 });
    const request = { system: "", messages: [{ role: "user" as const, blocks: [] }], tools: [], maxTokens: 8000 };
    expect(budget.admit(request, modelInfo("a/b", { maxOutput: 2000 }))).toBe(2000);
    expect(budget.admit({ ...request, system: "x".repeat(4 * 3000) }, modelInfo("a/b", { context: 4000 }))).toBe(1000);
  });

  test("takes for cached only what the same conversation has put there", () => {
    const limits = { iterations: 1, qualityThreshold: 1, budgetUsd: 9, tokenBudget: 10_000, timeoutMs: 1 };
    const budget = new Budget(limits);
    const said = (text: string) => ({ role: "user" as const, blocks: [{ type: "text" as const, text }] });
    const long = "x".repeat(4 * 6000);
    const one = { system: "s", messages: [said(long)], tools: [], maxTokens: 100 };
    const usage = { input: 0, output: 100, cacheRead: 0, cacheWrite: 6000, reasoning: 0 };
    budget.add({ role: "executor", model: "a/b", usage, costUsd: 0, ms: 1, stop: "end" }, one);
    const next = { ...one, messages: [...one.messages, said("more")] };
    expect(budget.admit(next, modelInfo("a/b"))).toBe(100);
    expect(() => budget.admit({ ...one, messages: [said(long)] }, modelInfo("a/b"))).toThrow(Stop);
    expect(budget.exhausted).toContain("would go over the token budget (6.1k of 10k tokens used;");
  });

  test("measures a request by everything that is sent", () => {
    const base = { system: "", messages: [], tools: [] };
    expect(measure(base)).toBe(0);
    expect(measure({ ...base, system: "x".repeat(400) })).toBe(100);
    const image = { type: "image" as const, mediaType: "image/png", data: "x".repeat(1e6) };
    expect(measure({ ...base, messages: [{ role: "user", blocks: [image] }] })).toBe(1500);
  });
});

describe("the time limit", () => {
  const minute = { limits: { timeoutMs: 60_000 } };

  test("ends a model call that hangs", async () => {
    const kit = fakeKit({ turns: [write("half"), { hang: true }], ...minute });
    const played = play(kit);
    await kit.models.executor.hanging;
    await kit.clock.advance(60_000);
    const { outcome } = await played;
    expect(outcome).toMatchObject({ status: "timeout", decision: "abort_timeout" });
    expect(outcome?.reason).toBe("the time is used up (1 m 00 s of work; --timeout 120 allows more)");
    expect(outcome?.workMs).toBe(60_000);
  });

  test("ends a tool that hangs, with the best result in place", async () => {
    const hanging = Promise.withResolvers<void>();
    const kit = fakeKit({
      turns: [write("one"), "One.", write("two"), { calls: [{ name: "shell", args: { command: "sleep" } }] }],
      verdicts: [verdict(0.7)],
      tool: (call, { signal }) =>
        call.name !== "shell"
          ? undefined
          : new Promise((_, reject) => {
              signal.addEventListener("abort", () => reject(signal.reason));
              hanging.resolve();
            }),
      ...minute,
    });
    const played = play(kit);
    await hanging.promise;
    await kit.clock.advance(60_000);
    expect((await played).outcome).toMatchObject({ status: "timeout", best: 1 });
    expect(kit.files.get("a.ts")).toBe("one");
  });

  test("is told as what it is, whatever the wait that it cut short throws", async () => {
    const hanging = Promise.withResolvers<void>();
    const kit = fakeKit({
      turns: [{ calls: [{ name: "shell", args: { command: "sleep" } }] }],
      tool: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("the process was killed")));
          hanging.resolve();
        }),
      ...minute,
    });
    const played = play(kit);
    await hanging.promise;
    await kit.clock.advance(60_000);
    expect(await played).toMatchObject({ error: undefined, outcome: { status: "timeout" } });
  });

  test("is told as what it is also where the judge's call breaks by it", async () => {
    const judging = Promise.withResolvers<void>();
    const kit = fakeKit({ turns: [write("new"), "Done."], suite: [tests], ...minute });
    kit.models.evaluator.stream = async function* (_, signal) {
      judging.resolve();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      yield* [];
      throw new ProviderError("timeout", "fake", "the connection was closed");
    };
    const played = play(kit);
    await judging.promise;
    await kit.clock.advance(60_000);
    const { outcome, of } = await played;
    expect(outcome?.status).toBe("timeout");
    expect(of("judged")).toEqual([]);
  });

  test("ends a check that hangs", async () => {
    const kit = fakeKit({ turns: [write("new"), "Done."], suite: [tests], results: () => "hang", ...minute });
    const played = play(kit);
    await kit.evidence.hanging;
    await kit.clock.advance(60_000);
    expect((await played).outcome?.status).toBe("timeout");
  });

  test("does not count the time in which a person thinks", async () => {
    const kit = fakeKit({
      turns: [{ calls: [{ name: "shell", args: { command: "make" } }] }, "Done."],
      tool: async (_, { ask, signal }) => {
        await ask({ kind: "choice", text: "Really?", choices: ["yes"] }, signal);
        return { text: "made" };
      },
      answer: async () => {
        await kit.clock.advance(3_600_000);
        return "yes";
      },
      ...minute,
    });
    const outcome = await outcomeOf(kit);
    expect(outcome).toMatchObject({ status: "unmeasured", workMs: 0, wallMs: 3_600_000 });
  });

  test("does not count the wait before a retry, nor for another task", async () => {
    const kit = fakeKit({
      turns: [
        {
          text: "Done.",
          restarts: [
            {
              waitMs: 120_000,
              wait: async (signal) => {
                const slept = kit.clock.sleep(120_000, signal);
                await kit.clock.advance(120_000);
                await slept;
              },
            },
          ],
        },
      ],
      kit: { claim: async () => kit.clock.advance(600_000) },
      ...minute,
    });
    const { outcome, of } = await play(kit);
    expect(outcome).toMatchObject({ status: "unmeasured", workMs: 0, wallMs: 720_000 });
    expect(of("model_retry")).toMatchObject([{ attempt: 2, waitMs: 120_000, reason: "busy" }]);
  });

  test("counts again when the wait before a retry is over, and ends a retry that hangs", async () => {
    const kit = fakeKit({ turns: [{ hang: true, restarts: [{ waitMs: 5_000 }] }], ...minute });
    const played = play(kit);
    await kit.models.executor.hanging;
    await kit.clock.advance(65_000);
    expect((await played).outcome).toMatchObject({ status: "timeout", workMs: 60_000, wallMs: 65_000 });
  });

  test("is looked at after an iteration, before its score", async () => {
    const kit = fakeKit({
      turns: [write("new"), "Done."],
      verdicts: [{ text: verdict(0.9), meanwhile: () => kit.clock.advance(60_000) }],
      ...minute,
    });
    expect((await outcomeOf(kit)).status).toBe("timeout");
  });
});

describe("the work clock", () => {
  test("stands while several wait, until the last of them goes on", async () => {
    const clock = fakeClock();
    const work = new WorkClock(clock, 1000);
    work.pause();
    work.pause();
    await clock.advance(5000);
    work.resume();
    await clock.advance(5000);
    work.resume();
    await clock.advance(400);
    expect(work.workMs).toBe(400);
    expect(work.remainingMs).toBe(600);
    expect(work.signal.aborted).toBe(false);
    await clock.advance(600);
    expect(work.signal.reason).toBeInstanceOf(Stop);
  });

  test("leaves nothing behind that keeps the process alive, also when a wait ends after the task", () => {
    const clock = fakeClock();
    const work = new WorkClock(clock, 1000);
    work.pause();
    work.close();
    work.resume();
    expect(clock.sleeping).toBe(0);
    expect(work.signal.aborted).toBe(true);
  });
});
