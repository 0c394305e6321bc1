import { describe, expect, test } from "bun:test";
import type { Event, EventBody } from "../../src/contracts/event.ts";
import type { Message } from "../../src/contracts/message.ts";
import type { ModelRequest } from "../../src/contracts/provider.ts";
import type { Outcome } from "../../src/contracts/task.ts";
import type { ToolResult } from "../../src/contracts/tool.ts";
import { foldHistory } from "../../src/engine/history.ts";
import { run } from "../../src/engine/run.ts";
import { WorkClock } from "../../src/engine/work-clock.ts";
import { createHub } from "../../src/hub.ts";
import { isPassing } from "../../src/readers/transcript.ts";
import { fakeClock } from "../fakes/clock.ts";
import { check } from "../fakes/evidence.ts";
import { type FakeKit, fakeKit, fakeTask, type KitScript, plan, verdict } from "../fakes/kit.ts";
import { memento } from "../fakes/memory.ts";
import { fakeModel, type ModelTurn, modelInfo } from "../fakes/model.ts";

const tests = check("npm test");

function said(request: ModelRequest): string {
  return JSON.stringify(request.messages);
}

/** How often the model has spoken in this conversation. */
function turn({ messages }: ModelRequest): number {
  return messages.filter((message) => message.role === "assistant").length;
}

/** Wrong first, right after the feedback; answers by what it is asked, so that it goes on with any process. */
function executor(request: ModelRequest): ModelTurn {
  const refining = said(request).includes("The result was measured");
  const round = refining ? 2 : 1;
  const text = refining ? "good" : "half";
  const tick = { name: "shell", args: { command: `tick ${round}` }, id: `tick${round}` };
  return (
    [
      { calls: [{ name: "read", args: { path: "a.ts" }, id: `read${round}` }, tick] },
      { text: "I write it.", calls: [{ name: "write", args: { path: "a.ts", text }, id: `write${round}` }] },
      `It is ${text} now.`,
    ][turn(request)] ?? "Nothing more."
  );
}

/** Reads far more than its window holds; knows what comes next from the last result. */
function reader(request: ModelRequest): ModelTurn {
  const [block] = request.messages.at(-1)!.blocks;
  const step = block?.type === "tool_result" ? Number(/\d+/.exec(block.id)) + 1 : 1;
  const text = `Step ${step}. ${"I think about it. ".repeat(100)}`;
  if (step < 8) return { text, calls: [{ name: "shell", args: { command: `look ${step}` }, id: `look${step}` }] };
  if (step === 8) return { calls: [{ name: "write", args: { path: "a.ts", text: "good" }, id: "write8" }] };
  return "It is good now.";
}

/** The same, with closing words in three pieces. */
function cutOff(request: ModelRequest): ModelTurn {
  const count = turn(request);
  if (count < 2) return executor(request);
  const pieces = ["It ", "is good ", "now."];
  return { text: pieces[count - 2] ?? "", stop: count < 4 ? "length" : "end" };
}

const script: KitScript = {
  plan: () => plan({ steps: ["one", "two"], checks: ["npm run proof"] }),
  turns: executor,
  suite: [tests],
  results: (_, __, files) => (files.get("a.ts") === "good" ? "passed" : ["adds"]),
  verdicts: (request) => verdict(said(request).includes("good") ? 0.9 : 0.4),
  tool(call, { files }) {
    if (call.name !== "shell") return undefined;
    const { command } = JSON.parse(call.arguments) as { command: string };
    files.set("log", `${files.get("log") ?? ""}${command}\n`);
    return { text: `ran ${command}` };
  },
};

/** The same world (files, checkpoints, time) with new models: what a new process finds. */
function next(world: FakeKit, changes: KitScript = {}): FakeKit {
  const fresh = fakeKit({ ...script, ...changes });
  const model = (name: "executor" | "planner" | "judge", turns: KitScript["turns"]) =>
    fakeModel(turns ?? [], modelInfo(`fake/${name}`, name === "executor" ? merged.executor : {}), { resumed: true });
  const merged = { ...script, ...changes };
  return {
    ...world,
    limits: fresh.limits,
    models: {
      executor: model("executor", merged.turns),
      planner: model("planner", merged.plan),
      evaluator: model("judge", merged.verdicts),
      small: world.models.small,
    },
  };
}

interface Run {
  /** All durable events so far, those of earlier runs first. */
  events: Event[];
  outcome: Outcome | undefined;
}

/** Runs until the end, or until its event number `dieAt` of this run should be recorded. */
async function live(kit: FakeKit, history: readonly Event[] = [], dieAt = Number.POSITIVE_INFINITY): Promise<Run> {
  const events = [...history];
  let count = 0;
  const task = fakeTask();
  const hub = createHub({
    task: task.id,
    clock: kit.clock,
    durable: {
      receive(event) {
        if (++count >= dieAt) throw new Error("killed");
        if (!isPassing(event.type)) events.push(structuredClone(event));
      },
    },
    readers: [],
    answer: ({ id: _, ...question }, signal) => kit.ask(question, signal),
    reread: async function* () {},
    history,
  });
  const input = { take: () => [] };
  const signal = new AbortController().signal;
  const outcome = await hub.drive(run(task, history, input, { ...kit, ask: hub.ask }, signal)).catch((error) => {
    if (error.message === "killed") return undefined;
    throw error;
  });
  return { events, outcome };
}

function of<T extends Event["type"]>(events: readonly Event[], type: T): Extract<Event, { type: T }>[] {
  return events.filter((event): event is Extract<Event, { type: T }> => event.type === type);
}

/** What must not depend on whether the task was killed. */
function essence(outcome: Outcome | undefined) {
  const { status, text, reason, score, best, iterations, changes, evaluation } = outcome!;
  return { status, text, reason, score, best, iterations, changes, findings: evaluation?.findings };
}

describe("a task that was killed and resumed", () => {
  const worse: KitScript = {
    ...script,
    verdicts: (request) => verdict(said(request).includes("good") ? 0.2 : 0.7),
    results: (_, __, files) => (files.get("a.ts") === "good" ? ["adds"] : "passed"),
    limits: { qualityThreshold: 0.95 },
  };
  const long: KitScript = {
    ...script,
    executor: { context: 4000, maxOutput: 1000 },
    turns: reader,
    tool: (call, scene) => {
      const done = script.tool?.(call, scene) as Partial<ToolResult> | undefined;
      return done && { text: "a line of the file\n".repeat(400) };
    },
  };
  const scenarios: [string, KitScript][] = [
    ["a change that takes two iterations", script],
    ["a second iteration that is worse, so that the files are put back", worse],
    ["mode ask, in which the baseline waits for the plan", { ...script, kit: { permission: "ask" } }],
    ["a question that turns out to be work", { ...script, plan: () => plan({ kind: "question" }) }],
    ["one pass, not measured", { ...script, limits: { iterations: 0 } }],
    ["a judge that fails", { ...script, verdicts: () => "prose" }],
    ["a conversation that is made smaller again and again", long],
    [
      "tests that the task itself makes",
      { ...script, plan: () => plan(), suite: (files) => (files.has("log") ? [tests] : []) },
    ],
    ["an answer that the output limit cuts off", { ...script, turns: cutOff }],
  ];
  for (const [name, scenario] of scenarios) {
    test(`ends as if it had not been, wherever that was, and no call that ended runs twice: ${name}`, async () => {
      const world = fakeKit(scenario);
      const whole = await live(world);
      expect(whole.outcome).toBeDefined();
      const length = whole.events.at(-1)!.seq;
      for (let dieAt = 2; dieAt <= length; dieAt++) {
        const kit = fakeKit(scenario);
        const first = await live(kit, [], dieAt);
        const again = next(kit, scenario);
        const before = kit.tools.calls.length;
        const { outcome, events } = await live(again, first.events);
        expect({ dieAt, ...essence(outcome) }).toEqual({ dieAt, ...essence(whole.outcome) });
        expect({ dieAt, files: [...kit.files] }).toEqual({ dieAt, files: [...world.files] });
        const finished = of(first.events, "tool_finished").map(({ id }) => id);
        const later = again.tools.calls.slice(before);
        expect(later.map(({ id }) => id).filter((id) => finished.includes(id))).toEqual([]);
        expect(outcome!.spent.calls).toBe(of(events, "model_finished").length);
        const numbers = events.map(({ seq }) => seq);
        expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        expect(of(events, "resumed")).toHaveLength(1);
      }
    });
  }

  test("is asked with the same words where its conversation had been made smaller", async () => {
    const kit = fakeKit(long);
    const { events } = await live(kit);
    const smaller = of(events, "compacted");
    expect(smaller.length).toBeGreaterThan(2);
    expect(smaller.some(({ compaction }) => compaction.facts)).toBe(true);
    for (const { seq } of smaller) {
      const asked = events.find((event) => event.type === "model_started" && event.seq > seq)!;
      const again = next(kit, long);
      await live(again, events.slice(0, events.indexOf(asked) + 1));
      const sent = kit.models.executor.requests.map(said);
      expect(sent).toContain(said(again.models.executor.requests[0]!));
    }
  });

  test("may be killed again and again", async () => {
    const world = fakeKit(script);
    const whole = await live(world);
    const kit = fakeKit(script);
    let { events, outcome } = await live(kit, [], 10);
    // Each run gets a little further: the sixth event of a run is beyond what it repeats.
    for (let round = 0; !outcome; round++) {
      expect(round).toBeLessThan(60);
      ({ events, outcome } = await live(next(kit), events, 10 + (round % 9)));
    }
    expect(essence(outcome)).toEqual(essence(whole.outcome));
    expect([...kit.files]).toEqual([...world.files]);
  });

  test("is told which call may have half-happened, and that the shell is a new one", async () => {
    const kit = fakeKit(script);
    const { events } = await live(kit);
    const at = events.findIndex((event) => event.type === "tool_started" && event.call.id === "tick1");
    const { events: all } = await live(next(kit), events.slice(0, at + 1));
    const messages = of(all, "message").map(({ message }) => message);
    const results = messages.flatMap((message) => resultsOf(message)).filter(({ id }) => id === "tick1");
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ isError: true });
    expect(results[0]!.text).toContain("Check before you repeat it");
    expect(JSON.stringify(messages)).toContain("the shell is a new one");
  });

  describe("of a call that asks for permission", () => {
    const question = {
      kind: "permission",
      tool: "shell",
      subject: "tick 1",
      detail: "tick 1",
      destructive: false,
      choices: ["once", "refuse"],
    } as const;
    const asking: KitScript = {
      ...script,
      answer: () => "once",
      async tool(call, scene) {
        if (call.id === "tick1") await scene.ask(question, scene.signal);
        return script.tool!(call, scene);
      },
    };

    /** The results of that call that the model saw, of a task that was killed when `last` was its last event. */
    async function resumedAfter(last: "asked" | "answered") {
      const kit = fakeKit(asking);
      const { events } = await live(kit);
      kit.files.delete("log");
      const at = events.findIndex((event) => event.type === last);
      const { events: all } = await live(next(kit, asking), events.slice(0, at + 1));
      const messages = of(all, "message").map(({ message }) => message);
      return { kit, results: messages.flatMap((message) => resultsOf(message)).filter(({ id }) => id === "tick1") };
    }

    test("asks again where it was killed before the answer: the call never ran", async () => {
      const { kit, results } = await resumedAfter("asked");
      expect(results).toMatchObject([{ text: "ran tick 1" }]);
      expect(kit.questions).toHaveLength(2);
    });

    test("says that it may have half-happened where it was allowed before", async () => {
      const { kit, results } = await resumedAfter("answered");
      expect(results).toHaveLength(1);
      expect(results[0]!.text).toContain("Check before you repeat it");
      expect(kit.questions).toHaveLength(1);
    });

    test("does not take another call that half-happened before for one that waits", async () => {
      const { events } = await live(fakeKit(script));
      const at = events.findIndex((event) => event.type === "tool_started" && event.call.id === "tick1");
      const last = events[at]!;
      const after = (type: object, seq: number) => ({ ...last, ...type, seq: last.seq + seq }) as Event;
      const folded = foldHistory([
        ...events.slice(0, at + 1),
        after({ type: "resumed", request: of(events, "task_started")[0]!.request }, 1),
        after({ type: "asked", question: { ...question, subject: "npm test" } }, 2),
        after({ type: "answered", answer: { choice: "refuse", by: "terminal" } }, 3),
      ]);
      expect([...folded.progress.conversation!.begun]).toEqual(["tick1"]);
      expect(folded.progress.conversation!.waiting.size).toBe(0);
    });

    test("begins nothing by asking: what waits is no effect, what was allowed may be one", async () => {
      const { events } = await live(fakeKit(asking));
      const effects = (last: "asked" | "answered") => {
        const at = events.findIndex((event) => event.type === last);
        return foldHistory(events.slice(0, at + 1)).progress.conversation?.effects;
      };
      expect([effects("asked"), effects("answered")]).toEqual([false, true]);
    });
  });

  test("goes on with the very same request where a model call was under way", async () => {
    const kit = fakeKit(script);
    const { events } = await live(kit);
    const at = of(events, "message").filter(({ message }) => message.role === "user")[1]!;
    const again = next(kit);
    await live(again, events.slice(0, events.indexOf(at) + 1));
    expect(again.models.executor.requests[0]?.messages).toEqual(kit.models.executor.requests[1]!.messages);
    expect(again.models.executor.requests[0]?.system).toBe(kit.models.executor.requests[1]!.system);
  });

  test("keeps what was spent: a budget that is used up stays used up", async () => {
    const kit = fakeKit(script);
    const { events } = await live(kit, [], 20);
    const spent = of(events, "model_finished").reduce((sum, { call }) => sum + (call.costUsd ?? 0), 0);
    expect(spent).toBeGreaterThan(0);
    const poor = next(kit, { limits: { budgetUsd: spent } });
    const { outcome } = await live(poor, events);
    expect(outcome).toMatchObject({ status: "budget" });
    expect(poor.models.executor.requests).toEqual([]);
  });

  test("that was stopped by its budget goes on with a greater one", async () => {
    const kit = fakeKit({ ...script, limits: { budgetUsd: 0.0011 } });
    const { events, outcome } = await live(kit);
    expect(outcome?.status).toBe("budget");
    const second = await live(next(kit), events);
    expect(second.outcome).toMatchObject({ status: "accepted", text: "It is good now." });
    expect([...kit.files]).toEqual([
      ["a.ts", "good"],
      ["log", "tick 1\ntick 2\n"],
    ]);
  });

  describe("with checks that were not permitted", () => {
    const unpermitted: KitScript = {
      ...script,
      tool: (call, scene) =>
        call.id === "write1" ? { text: "needs permission", isError: true, denied: true } : script.tool!(call, scene),
      kit: { permission: "ask", permitCheck: async () => "nobody can be asked" },
    };

    test("asks again, and takes the baseline while nothing is changed", async () => {
      const kit = fakeKit({ ...unpermitted, tool: () => ({ text: "needs permission", isError: true, denied: true }) });
      const { events } = await live(kit);
      expect(of(events, "proof").at(-1)).toMatchObject({ checks: [], refused: [{}, {}] });
      const again = { ...next(kit), tools: fakeKit(script).tools, permitCheck: async () => undefined };
      const { events: all, outcome } = await live(again, events);
      expect(of(all, "proof").at(-1)).toMatchObject({ checks: [{}, {}], refused: [] });
      expect(of(all, "check_finished").filter(({ purpose }) => purpose === "baseline")).toHaveLength(2);
      expect(outcome?.evaluation?.tests).not.toBeNull();
    });

    test("says that there is no baseline where files may have been changed before", async () => {
      const kit = fakeKit(unpermitted);
      const { events } = await live(kit);
      const again = { ...next(kit), tools: fakeKit(script).tools, permitCheck: async () => undefined };
      const { events: all } = await live(again, events);
      expect(of(all, "check_finished").filter(({ purpose }) => purpose === "baseline")).toHaveLength(0);
      expect(of(all, "warning").map(({ message }) => message)).toContain(
        "no baseline for `npm test`, `npm run proof`: files were changed before, so old failures cannot be told from new ones",
      );
    });

    test("does not ask again where the user still says no, and goes on without them", async () => {
      const kit = fakeKit(unpermitted);
      const { events } = await live(kit);
      const { outcome } = await live({ ...next(kit), tools: fakeKit(script).tools }, events);
      expect(outcome?.evaluation?.unmeasured).toContain("npm test: nobody can be asked");
      expect(outcome?.evaluation?.unmeasured.join()).not.toContain("there are none to run");
    });
  });

  test("makes a call again that was only refused", async () => {
    const refused: KitScript = {
      ...script,
      tool: () => ({ text: "needs permission", isError: true, denied: true }),
      kit: { permission: "ask" },
    };
    const kit = fakeKit(refused);
    const { events, outcome } = await live(kit);
    expect(outcome?.status).toBe("escalated");
    const allowed = { ...next(kit), tools: fakeKit(script).tools };
    const world = { ...allowed, tools: { ...allowed.tools, call: toolsOn(kit) } };
    expect((await live(world, events)).outcome?.status).toBe("accepted");
  });
});

/** The simple tools and the shell of the script, on the files of another kit. */
function toolsOn(kit: FakeKit): FakeKit["tools"]["call"] {
  return async (call, ask, signal, emit) => {
    const scripted = await script.tool?.(call, { files: kit.files, ask, signal, emit });
    if (scripted) return { text: "", isError: false, ...scripted };
    const { path = "", text } = JSON.parse(call.arguments) as { path?: string; text?: string };
    if (text !== undefined) kit.files.set(path, text);
    return { text: text === undefined ? (kit.files.get(path) ?? "") : `wrote ${path}`, isError: false };
  };
}

function resultsOf(message: Message) {
  return message.blocks.flatMap((block) => (block.type === "tool_result" ? [block] : []));
}

describe("the fold of a history", () => {
  const timeAt = (seconds: number) => new Date(Date.UTC(2026, 10, 23) + seconds * 1000).toISOString();
  const event = (body: EventBody, seconds = 0): Event => ({
    v: 1,
    seq: seconds + 1,
    time: timeAt(seconds),
    task: "t",
    agent: "main",
    parent: null,
    iteration: 0,
    ...body,
  });

  test("of nothing is nothing", () => {
    const past = foldHistory([]);
    expect(past).toMatchObject({ workMs: 0, said: [], judging: 0 });
    expect(past.spent.calls).toBe(0);
    expect(past.progress).toMatchObject({ iterations: 0, kept: [], text: "" });
    expect(past.progress.conversation).toBeUndefined();
  });

  test("counts work and leaves out the time for which a person or a provider was waited", () => {
    const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
    const call = { role: "executor", model: "m", usage, costUsd: 0, ms: 5000, stop: "end" } as const;
    const question = { kind: "choice", id: "q1", text: "?", choices: ["a"] } as const;
    const result = { text: "", isError: false };
    const past = foldHistory([
      event({ type: "model_retry", model: "m", attempt: 1, waitMs: 2000, reason: "busy" }),
      event({ type: "model_finished", call }),
      event({ type: "asked", question }, 10),
      event({ type: "answered", id: "q1", answer: { choice: "a", by: "terminal" } }, 70),
      event({ type: "tool_finished", id: "c", name: "bash", result, ms: 61_000 }),
    ]);
    expect(past.workMs).toBe(5000 - 2000 + 61_000 - 60_000);
  });

  test("counts the time of every run, to where it was last heard or seen, and not what lay between them", () => {
    const { limits, permission, version } = fakeKit({});
    const models = { executor: "m", evaluator: "m", planner: "m", small: "m" };
    const begun = (type: "task_started" | "resumed", at: number, lastAlive?: number) =>
      event(
        {
          type,
          request: fakeTask(),
          models,
          limits,
          permission,
          version,
          ...(lastAlive ? { lastAlive: timeAt(lastAlive) } : {}),
        },
        at,
      );
    const heard = (at: number) => event({ type: "phase", phase: "execute" }, at);
    const runs = [begun("task_started", 0), heard(4), begun("resumed", 100, 9), heard(103)];
    expect(foldHistory(runs).wallMs).toBe(9000 + 3000);
    expect(foldHistory(runs, timeAt(105)).wallMs).toBe(9000 + 5000);
    const work = new WorkClock(fakeClock(), 60_000, foldHistory(runs));
    expect(work.wallMs).toBe(12_000);
    work.close();
  });

  test("has recalled what it recalled, and is not asked again", () => {
    const mementos = [memento("l1", "a note")];
    expect(foldHistory([event({ type: "recalled", mementos, tokens: 2 })]).recalled).toEqual(mementos);
    expect(foldHistory([event({ type: "recalled", mementos: [], tokens: 0 })]).recalled).toEqual([]);
    expect(foldHistory([]).recalled).toBeUndefined();
  });

  test("keeps what the user said, also what the model has not heard yet", () => {
    const past = foldHistory([
      event({ type: "conversation", system: "s" }),
      event({ type: "message", message: { role: "user", blocks: [{ type: "text", text: "do it" }] } }),
      event({ type: "steered", text: "but quickly" }),
    ]);
    expect(past.said).toEqual(["but quickly"]);
    expect(past.progress.conversation?.unsaid).toEqual(["but quickly"]);
  });

  test("forgets a conversation whose files were put back", () => {
    const point = { id: "1", hash: "h", at: "", files: 1, uncovered: [] };
    const past = foldHistory([
      event({ type: "conversation", system: "s" }),
      event({ type: "message", message: { role: "user", blocks: [{ type: "text", text: "do it" }] } }),
      event({ type: "restored", to: point, report: { restored: ["a"], kept: ["b"] }, reason: "worse" }),
    ]);
    expect(past.progress.conversation).toBeUndefined();
    expect(past.progress).toMatchObject({ latest: point, kept: ["b"] });
  });
});
