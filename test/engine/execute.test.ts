import { describe, expect, test } from "bun:test";
import type { Message } from "../../src/contracts/message.ts";
import { ToolLoop } from "../../src/engine/tool-loop.ts";
import { fakeKit, type KitScript, plan } from "../fakes/kit.ts";
import type { ModelTurn } from "../fakes/model.ts";
import { outcomeOf, play } from "./play.ts";

const call = (name: string, args: Record<string, unknown> | string = {}) => ({ name, args });
const read = (path: string) => call("read", { path });
const write = (path: string, text = "new") => call("write", { path, text });
/** One pass: what the executor does, without plan and evaluation. */
const onePass = (turns: readonly ModelTurn[], script: KitScript = {}) =>
  fakeKit({ turns, ...script, limits: { iterations: 0, ...script.limits } });
const texts = (message: Message | undefined) =>
  message?.blocks.flatMap((block) => ("text" in block ? [block.text] : [])) ?? [];

describe("the tool loop", () => {
  test("gives every call its result, also to calls that make no sense", async () => {
    const kit = onePass([
      { text: "Let me look.", calls: [read("a.ts"), call("nonsense"), call("read", "{not json")] },
      "Done.",
    ]);
    const { of } = await play(kit);
    const [, results] = [...kit.models.executor.requests[1]!.messages].slice(1);
    expect(results?.blocks).toMatchObject([
      { type: "tool_result", id: "call1", name: "read", text: "old" },
      { id: "call2", isError: true },
      { id: "call3", isError: true },
    ]);
    expect(of("tool_started").map(({ effect }) => effect)).toEqual(["read", "unknown", "read"]);
    expect(of("checkpoint")).toEqual([]);
  });

  test("runs neighbouring reads side by side, and everything else alone and in order", async () => {
    const gate = Promise.withResolvers<void>();
    let under = 0;
    const trace: string[] = [];
    const kit = onePass([{ calls: [read("a"), read("b"), write("c"), call("shell"), read("d")] }, "Done."], {
      tool: async (asked) => {
        trace.push(`${asked.name}+`);
        if (asked.name === "read" && ++under === 2) gate.resolve();
        // The first two reads can only end together.
        if (under <= 2) await gate.promise;
        trace.push(`${asked.name}-`);
        return { text: asked.name };
      },
    });
    const { of } = await play(kit);
    expect(kit.tools.together).toBe(2);
    expect(trace).toEqual("read+ read+ read- read- write+ write- shell+ shell- read+ read-".split(" "));
    const results = kit.models.executor.requests[1]?.messages.at(-1)?.blocks;
    expect(results?.map((block) => block.type === "tool_result" && block.id)).toEqual(
      of("tool_started").map(({ call: { id } }) => id),
    );
  });

  test("shows text, reasoning and live output as they come", async () => {
    const kit = onePass([{ reasoning: "Hm.", text: "I look.", calls: [call("shell")] }, "Done."], {
      tool: (_, { emit }) => {
        emit("one ");
        emit("two");
        return { text: "one two" };
      },
    });
    const { of } = await play(kit);
    expect(of("text").map(({ text }) => text)).toEqual(["I look.", "Done."]);
    expect(of("reasoning").map(({ text }) => text)).toEqual(["Hm."]);
    expect(of("tool_output").map(({ chunk }) => chunk)).toEqual(["one two"]);
  });

  test("records the workspace before the first call with an effect, and only once", async () => {
    const kit = onePass([{ calls: [read("a.ts"), write("a.ts"), write("b.ts")] }, "Done."]);
    const { events } = await play(kit);
    const order = events.flatMap((event) =>
      event.type === "checkpoint" ? [event.label] : event.type === "tool_started" ? [event.call.name] : [],
    );
    expect(order).toEqual(["read", "before", "write", "write", "after"]);
  });

  test("takes a call for what it does, not for what its tool could do: looking at a job changes nothing", async () => {
    const look = call("shell", { job: "1" });
    const kit = onePass([{ calls: [look, read("a.ts")] }, "Done."]);
    const { of } = await play(kit);
    expect(of("tool_started").map(({ effect }) => effect)).toEqual(["read", "read"]);
    expect(of("checkpoint")).toEqual([]);
  });

  test("holds in its events everything that goes back to the model", async () => {
    const kit = onePass([{ text: "Look.", calls: [read("a.ts")] }, "", "Done."]);
    const { of } = await play(kit);
    const sent = kit.models.executor.requests.at(-1)!;
    expect(of("conversation")).toMatchObject([{ system: sent.system }]);
    expect(of("message").map(({ message }) => message)).toMatchObject([...sent.messages, { role: "assistant" }]);
  });
});

describe("what the user says meanwhile", () => {
  test("arrives between turns, after the results", async () => {
    const said: string[] = [];
    const kit = onePass([{ calls: [read("a.ts")], meanwhile: () => void said.push("in French, please") }, "Voilà."]);
    const { of } = await play(kit, { said });
    expect(kit.models.executor.requests[1]?.messages.at(-1)?.blocks).toMatchObject([
      { type: "tool_result" },
      { type: "text", text: "in French, please" },
    ]);
    expect(of("steered")).toMatchObject([{ text: "in French, please" }]);
  });

  test("arrives after what would have been the last turn", async () => {
    const said: string[] = [];
    const kit = onePass([{ text: "Done.", meanwhile: () => void said.push("and the tests?") }, "Those too."]);
    expect((await play(kit, { said })).outcome?.text).toBe("Those too.");
  });

  test("before the first turn arrives with it", async () => {
    const kit = onePass(["Done."]);
    await play(kit, { said: ["quickly"] });
    expect(texts(kit.models.executor.requests[0]?.messages[0])).toEqual(["Make it better", "quickly"]);
  });

  test("is a part of the task from then on: for the judge, and in the next iteration", async () => {
    const said: string[] = [];
    const kit = fakeKit({
      plan: [plan()],
      turns: [
        { calls: [write("a.ts", "1")], meanwhile: () => void said.push("keep it short") },
        "One.",
        { calls: [write("a.ts", "2")] },
        "Two.",
      ],
      verdicts: ['{"scores":{"quality":0.5,"completeness":0.5}}', '{"scores":{"quality":1,"completeness":1}}'],
    });
    await play(kit, { said });
    expect(texts(kit.models.evaluator.requests[0]?.messages[0])[0]).toContain("keep it short");
    expect(texts(kit.models.executor.requests[2]?.messages[0])[0]).toContain("keep it short");
  });
});

describe("an answer that is none", () => {
  test("is asked for again, twice, and never sent back as an empty message", async () => {
    const kit = onePass(["", { reasoning: "Hm." }, "Done."]);
    expect((await outcomeOf(kit)).text).toBe("Done.");
  });

  test("three times in a row is a failure", async () => {
    const kit = onePass(["", "", ""]);
    const { error, ending } = await play(kit);
    expect(error).toMatchObject({ name: "ProviderError", message: "fake/executor gave an empty answer 3 times" });
    expect(ending.status).toBe("failed");
  });

  test("does not count against a model that works in between", async () => {
    const look = { calls: [read("a.ts")] };
    const kit = onePass(["", look, "", "", look, "", "Done."]);
    expect((await outcomeOf(kit)).text).toBe("Done.");
  });

  test("because of the output limit goes on, and the closing words are whole", async () => {
    const kit = onePass([{ text: "The answer is", stop: "length" }, { text: " 4", stop: "length" }, "2."]);
    expect((await outcomeOf(kit)).text).toBe("The answer is 42.");
    expect(texts(kit.models.executor.requests[1]?.messages.at(-1))[0]).toContain("cut off at the output limit");
  });

  test("that is cut off again and again ends with what there is", async () => {
    const cut = { text: "on and ", stop: "length" as const };
    const { outcome, of } = await play(onePass([cut, cut, cut]));
    expect(outcome).toMatchObject({ status: "completed", text: "on and on and on and" });
    const told = "the answer was cut off at the output limit 3 times";
    expect(outcome?.reason).toEndWith(told);
    expect(of("warning")).toMatchObject([{ code: "answer", message: told }]);
  });

  test("that the provider's filter cuts off keeps its text, and is said to be cut", async () => {
    const { outcome, of } = await play(onePass([{ text: "The cache expires, except", stop: "filtered" }]));
    expect(outcome?.text).toBe("The cache expires, except");
    expect(outcome?.reason).toEndWith("the answer was cut off by the provider's filter");
    expect(of("warning")).toMatchObject([{ code: "answer" }]);
  });

  test("that was cut off and came to its end after all is an answer", async () => {
    const { of } = await play(onePass([{ text: "The answer is", stop: "length" }, " 42."]));
    expect(of("warning")).toEqual([]);
  });

  test("because the provider refuses to give one is a failure at once", async () => {
    const { error } = await play(onePass([{ stop: "filtered" }]));
    expect(error).toMatchObject({ kind: "content_filter" });
  });

  test("because the stream ended is a failure", async () => {
    const { error } = await play(onePass([{ text: "I was", silent: true }]));
    expect(error).toMatchObject({ kind: "broken_stream" });
  });
});

describe("a model that goes round in circles", () => {
  const limits = { safety: { tool_loop: { warning: 2, critical: 3, circuit_breaker: 4 } } };
  const again = { calls: [read("a.ts")] };

  test("is told at the warning and at the critical number, and the user decides at the last", async () => {
    const kit = onePass([again, again, again, again], { config: limits, answer: () => "stop" });
    const { outcome, of } = await play(kit);
    expect(outcome).toMatchObject({ status: "escalated", decision: "escalate" });
    expect(outcome?.reason).toBe("read was called 4 times with the same arguments and the same result");
    expect(of("warning").map(({ code }) => code)).toEqual(["tool_loop", "tool_loop", "tool_loop"]);
    const last = kit.models.executor.requests[3]?.messages;
    expect(texts(last?.[4])[0]).toContain("Note: this call was made 2 times with the same result. Try something else.");
    expect(texts(last?.[6])[0]).toContain("Stop repeating it");
    expect(kit.questions).toMatchObject([{ kind: "escalation", choices: ["continue", "stop"] }]);
  });

  test("goes on where the user wants it, with a new count", async () => {
    const kit = onePass([again, again, again, again, again, "Done."], { config: limits, answer: () => "continue" });
    expect((await outcomeOf(kit)).text).toBe("Done.");
    expect(kit.questions).toHaveLength(1);
  });

  test("is noticed also where it writes the same thing for ever, in turns", async () => {
    const turn = { calls: [write("a.ts", "1"), write("a.ts", "2")] };
    const kit = onePass([turn, turn, turn, turn], { config: limits, answer: () => "stop" });
    expect((await outcomeOf(kit)).status).toBe("escalated");
  });

  test("is not one that gets a different result, or that changed something in between", async () => {
    let count = 0;
    const kit = onePass([again, again, again, again, again, "Done."], {
      config: limits,
      tool: () => ({ text: `${++count}` }),
    });
    expect((await outcomeOf(kit)).status).toBe("completed");
    const work = (text: string) => ({ calls: [write("b.ts", text), read("a.ts")] });
    const busy = onePass([work("1"), work("2"), work("3"), work("4"), work("5"), "Done."], { config: limits });
    expect((await outcomeOf(busy)).status).toBe("completed");
  });

  test("is one only for the same name and arguments", () => {
    const loop = new ToolLoop({ warning: 2, critical: 3, circuit_breaker: 4 });
    const block = (args: string) => ({ type: "tool_call" as const, id: "1", name: "read", arguments: args });
    expect(loop.note(block("1"), "x").level).toBe("none");
    expect(loop.note(block("2"), "x").level).toBe("none");
    expect(loop.note(block("1"), "x").level).toBe("warning");
    expect(loop.note(block("1"), "y")).toEqual({ level: "none", count: 1, calls: 1 });
  });

  describe("of several calls", () => {
    const numbers = { warning: 3, critical: 4, circuit_breaker: 5 };
    const block = (args: string) => ({ type: "tool_call" as const, id: "1", name: "t", arguments: args });
    /** What is said of each call; a letter is a call, `A1` the call A with the result 1, `W` a change. */
    const levels = (calls: string, loop = new ToolLoop(numbers)) =>
      calls.split(" ").map((name) => loop.note(block(name[0]!), name.slice(1), name[0] === "W").level);
    const told = (calls: string) =>
      levels(calls).flatMap((level, at) => (level === "none" ? [] : [`${at + 1} ${level}`]));
    const times = (cycle: string, count: number) => Array(count).fill(cycle).join(" ");

    test("is noticed when the whole cycle has come round so often, and told of once each time", () => {
      expect(told(times("A B", 5))).toEqual(["6 warning", "8 critical", "10 stop"]);
      expect(told(times("A B C", 5))).toEqual(["9 warning", "12 critical", "15 stop"]);
      expect(told(times("A B C D E F G H", 5))).toEqual(["24 warning", "32 critical", "40 stop"]);
    });

    test("is noticed where one call of it has a result of its own each time in the cycle", () => {
      // B alone comes first, before the cycle shows.
      expect(told(times("A1 B A2 B", 5))).toEqual(["6 warning", "12 warning", "16 critical", "20 stop"]);
    });

    test("is noticed where changes go forth and back", () => {
      expect(told(times("W1 A W2 B", 5)).at(-1)).toBe("20 stop");
    });

    test("is none as long as a result in it differs from the time before", () => {
      expect(told("A1 B1 A2 B2 A3 B3 A4 B4 A5 B5 A6 B6 A7 B7")).toEqual([]);
      expect(told(Array.from({ length: 50 }, (_, at) => `W${at} A${at} B`).join(" "))).toEqual([]);
    });

    test("begins anew after it was broken, and where the user wants it to go on", () => {
      expect(told(`${times("A B", 2)} X ${times("W1 B2", 2)}`)).toEqual([]);
      const loop = new ToolLoop(numbers);
      levels(times("A B", 5), loop);
      loop.reset();
      expect(levels("A B A B", loop)).toEqual(["none", "none", "none", "none"]);
    });

    test("is told to the model and to the user in words", async () => {
      const round = [{ calls: [call("shell", { command: "one" })] }, { calls: [call("shell", { command: "two" })] }];
      const turns = Array.from({ length: 10 }, (_, at) => round[at % 2]!);
      const kit = onePass(turns, { config: { safety: { tool_loop: numbers } }, answer: () => "stop" });
      const { outcome, of } = await play(kit);
      const words = "the same 2 calls were made in turn 5 times with the same results, the last one shell";
      expect(outcome).toMatchObject({ status: "escalated", reason: words });
      expect(of("warning")).toHaveLength(3);
      const last = kit.models.executor.requests.at(-1)?.messages;
      expect(JSON.stringify(last)).toContain("Note: the last 2 calls were made in turn 3 times with the same result.");
    });
  });
});

describe("a permission that nobody can give", () => {
  const denied = { text: "run it with --yes", isError: true, denied: true };
  const turn = { calls: [write("a.ts")] };

  test("stops the task in the mode that asks, at once, with what to do", async () => {
    const kit = onePass([turn], { tool: () => denied, kit: { permission: "ask" } });
    expect(await outcomeOf(kit)).toMatchObject({ status: "escalated", reason: "run it with --yes" });
  });

  test("is worked around in the other modes, three times at most", async () => {
    const around = onePass([turn, turn, "I could only look."], { tool: () => denied });
    expect(await outcomeOf(around)).toMatchObject({ status: "completed", text: "I could only look." });
    expect((await outcomeOf(onePass([turn, turn, turn], { tool: () => denied }))).status).toBe("escalated");
  });
});
