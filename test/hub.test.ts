import { describe, expect, test } from "bun:test";
import type { Event, EventBody, Reader } from "../src/contracts/event.ts";
import type { Answer, NewQuestion, Question } from "../src/contracts/question.ts";
import type { Outcome } from "../src/contracts/task.ts";
import { createHub, type HubOptions } from "../src/hub.ts";
import { fakeClock, settled } from "./fakes/clock.ts";

const outcome = { status: "accepted", text: "Done." } as Outcome;
const text = (piece: string): EventBody => ({ type: "text", text: piece });
const warning = (message: string): EventBody => ({ type: "warning", code: "plan", message });
const yes: Answer = { choice: "yes", by: "terminal" };
const question: NewQuestion = { kind: "choice", text: "Really?", choices: ["yes", "no"] };
const isPassing = ({ type }: Event) => type === "text" || type === "reasoning" || type === "tool_output";

/** A transcript in memory. */
class Transcript implements Reader {
  events: Event[] = [];
  closed = false;
  /** Throws on this event. */
  failAt = Number.POSITIVE_INFINITY;

  receive(event: Event): void {
    if (event.seq === this.failAt) throw new Error("the disk is full");
    this.events.push(event);
  }

  close(): void {
    this.closed = true;
  }

  async *after(seq: number): AsyncGenerator<Event> {
    for (const event of this.events) if (event.seq > seq && !isPassing(event)) yield event;
  }
}

/** Takes one event at a time, and the next one only when it is let. */
class Slow implements Reader {
  got: Event[] = [];
  closed = false;
  #gate: PromiseWithResolvers<void> | undefined;
  #open = false;

  receive(event: Event): void | Promise<void> {
    this.got.push(event);
    if (this.#open) return;
    this.#gate = Promise.withResolvers();
    return this.#gate.promise;
  }

  /** Lets it take the next one. */
  async next(): Promise<void> {
    this.#gate?.resolve();
    await settled();
  }

  /** From now on it is fast. */
  async open(): Promise<void> {
    this.#open = true;
    await this.next();
  }

  close(): void {
    this.closed = true;
  }
}

class Fast implements Reader {
  got: Event[] = [];
  closed = false;
  receive(event: Event): void {
    this.got.push(event);
  }
  close(): void {
    this.closed = true;
  }
}

function hubOf(options: Partial<HubOptions> = {}) {
  const transcript = new Transcript();
  const clock = fakeClock();
  const hub = createHub({
    task: "task1",
    clock,
    durable: transcript,
    readers: [],
    answer: async () => yes,
    reread: (seq) => transcript.after(seq),
    ...options,
  });
  return { hub, transcript, clock };
}

async function* engine(bodies: Iterable<EventBody>): AsyncGenerator<EventBody, Outcome> {
  yield* bodies;
  return outcome;
}

describe("the envelope", () => {
  test("numbers events from 1 without gaps, and tells time, task, agent and iteration", async () => {
    const { hub, transcript, clock } = hubOf();
    const result = await hub.drive(
      (async function* () {
        yield text("a");
        await clock.advance(1500);
        yield { type: "iteration_started", iteration: 1 };
        yield text("b");
        return outcome;
      })(),
    );
    expect(result).toBe(outcome);
    const common = { v: 1 as const, task: "task1", agent: "main", parent: null };
    expect(transcript.events).toEqual([
      { ...common, seq: 1, time: "2026-11-23T10:00:00.000Z", iteration: 0, type: "text", text: "a" },
      { ...common, seq: 2, time: "2026-11-23T10:00:01.500Z", iteration: 1, type: "iteration_started" },
      { ...common, seq: 3, time: "2026-11-23T10:00:01.500Z", iteration: 1, type: "text", text: "b" },
    ]);
  });

  test("numbers what comes from outside the engine in the same row", async () => {
    const { hub, transcript } = hubOf();
    await Promise.all([hub.emit(warning("a")), hub.drive(engine([warning("b")])), hub.emit(warning("c"))]);
    expect(transcript.events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });
});

describe("the durable reader", () => {
  test("has an event before any other reader sees it, and the engine goes on only then", async () => {
    const trace: string[] = [];
    const gate = Promise.withResolvers<void>();
    const { hub } = hubOf({
      durable: {
        async receive({ seq }) {
          if (seq === 1) await gate.promise;
          trace.push(`durable ${seq}`);
        },
      },
      readers: [{ receive: ({ seq }) => void trace.push(`reader ${seq}`) }],
    });
    const driven = hub.drive(
      (async function* () {
        yield warning("a");
        trace.push("engine goes on");
        yield warning("b");
        return outcome;
      })(),
    );
    await settled();
    expect(trace).toEqual([]);
    gate.resolve();
    await driven;
    expect(trace).toEqual(["durable 1", "reader 1", "engine goes on", "durable 2", "reader 2"]);
  });

  test("that fails ends the task: nothing is done that is not recorded", async () => {
    const reader = new Fast();
    const { hub, transcript } = hubOf({ readers: [reader] });
    transcript.failAt = 2;
    let cleaned = false;
    const driven = hub.drive(
      (async function* () {
        try {
          yield warning("a");
          yield warning("b");
          yield warning("c");
          return outcome;
        } finally {
          cleaned = true;
        }
      })(),
    );
    await expect(driven).rejects.toThrow("the disk is full");
    expect(cleaned).toBe(true);
    expect(reader.got.map(({ seq }) => seq)).toEqual([1]);
    expect(hub.failed.aborted).toBe(true);
    expect(hub.failed.reason).toMatchObject({ message: "the disk is full" });
    expect([reader.closed, transcript.closed]).toEqual([true, true]);
  });

  test("that fails does not hit who does not wait for it, and fails who asks", async () => {
    const { hub, transcript } = hubOf();
    transcript.failAt = 1;
    // Nobody waits for this one: an unhandled rejection would fail the test.
    void hub.emit(warning("a"));
    await settled();
    await expect(hub.ask(question, new AbortController().signal)).rejects.toThrow("the disk is full");
  });
});

describe("a reader", () => {
  test("that is slow does not stall the engine, and gets pieces of text joined", async () => {
    const slow = new Slow();
    const { hub, transcript } = hubOf({ readers: [slow] });
    const bodies: EventBody[] = [
      warning("a"),
      text("one "),
      text("two "),
      text("three"),
      { type: "reasoning", text: "h" },
      { type: "reasoning", text: "m" },
      { type: "tool_output", id: "1", chunk: "x" },
      { type: "tool_output", id: "2", chunk: "y" },
      { type: "tool_output", id: "2", chunk: "z" },
      warning("b"),
      warning("c"),
    ];
    let finished = false;
    const driven = hub.drive(engine(bodies)).then(() => {
      finished = true;
    });
    await settled();
    expect(transcript.events).toHaveLength(bodies.length);
    expect(slow.got).toHaveLength(1);
    await slow.open();
    await driven;
    expect(finished).toBe(true);
    expect(
      slow.got.map((event) => ("text" in event ? event.text : "chunk" in event ? event.chunk : event.type)),
    ).toEqual(["warning", "one two three", "hm", "x", "yz", "warning", "warning"]);
    // A joined piece bears the number of its last part, so that who rereads by number misses nothing.
    expect(slow.got.map(({ seq }) => seq)).toEqual([1, 4, 6, 7, 9, 10, 11]);
  });

  test("gets no joined piece longer than it must be", async () => {
    const slow = new Slow();
    const { hub } = hubOf({ readers: [slow] });
    const driven = hub.drive(engine([warning("a"), ...Array.from({ length: 40 }, () => text("x".repeat(1000)))]));
    await settled();
    await slow.open();
    await driven;
    const lengths = slow.got.flatMap((event) => (event.type === "text" ? [event.text.length] : []));
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(40_000);
    expect(Math.max(...lengths)).toBeLessThan(20_000);
  });

  test("that falls far behind catches up from the transcript, without loss and without duplicates", async () => {
    const slow = new Slow();
    const { hub, transcript } = hubOf({ readers: [slow] });
    // More than 1000 may wait; text and output in turns so that nothing can be joined.
    const bodies = Array.from({ length: 3000 }, (_, at) => (at % 3 === 0 ? text(`${at}`) : warning(`${at}`)));
    const driven = hub.drive(engine(bodies));
    await settled();
    expect(transcript.events).toHaveLength(3000);
    await slow.open();
    await driven;
    const durable = slow.got.filter((event) => !isPassing(event)).map(({ seq }) => seq);
    expect(durable).toEqual(transcript.events.filter((event) => !isPassing(event)).map(({ seq }) => seq));
    expect(slow.closed).toBe(true);
  });

  test("that falls behind again while it catches up still misses nothing", async () => {
    const slow = new Slow();
    const { hub, transcript } = hubOf({ readers: [slow] });
    const more = Promise.withResolvers<void>();
    const driven = hub.drive(
      (async function* () {
        for (let at = 0; at < 1500; at++) yield warning(`${at}`);
        await more.promise;
        for (let at = 0; at < 2500; at++) yield warning(`${at}`);
        return outcome;
      })(),
    );
    await settled();
    // It has begun to reread, and now 2500 more come.
    for (let steps = 0; steps < 5; steps++) await slow.next();
    more.resolve();
    await settled();
    await slow.open();
    await driven;
    expect(slow.got.map(({ seq }) => seq)).toEqual(transcript.events.map(({ seq }) => seq));
  });

  test("gets nothing twice that is recorded while it catches up", async () => {
    const slow = new Slow();
    const { hub, transcript } = hubOf({ readers: [slow] });
    const more = Promise.withResolvers<void>();
    const driven = hub.drive(
      (async function* () {
        for (let at = 0; at < 1500; at++) yield warning(`${at}`);
        await more.promise;
        for (let at = 0; at < 500; at++) yield warning(`${at}`);
        return outcome;
      })(),
    );
    await settled();
    for (let steps = 0; steps < 5; steps++) await slow.next();
    // The rereading goes on to the end of the transcript, where it finds what waits for this reader, too.
    more.resolve();
    await settled();
    await slow.open();
    await driven;
    expect(slow.got.map(({ seq }) => seq)).toEqual(transcript.events.map(({ seq }) => seq));
  });

  test("that throws is left out from then on, and the others go on", async () => {
    const fast = new Fast();
    const calls = { sync: 0, later: 0 };
    const sync: Reader = {
      receive() {
        calls.sync++;
        throw new Error("the pipe is closed");
      },
    };
    const later: Reader = {
      async receive() {
        calls.later++;
        throw new Error("the pipe is closed");
      },
      close() {
        throw new Error("never called");
      },
    };
    const lost: unknown[] = [];
    const { hub } = hubOf({ readers: [sync, later, fast], onLost: (error) => lost.push(error) });
    expect(await hub.drive(engine([warning("a"), warning("b"), warning("c")]))).toBe(outcome);
    expect(lost.map(String)).toEqual(Array(2).fill("Error: the pipe is closed"));
    expect(calls).toEqual({ sync: 1, later: 1 });
    expect(fast.got).toHaveLength(3);
  });

  test("that throws while it catches up gets nothing more", async () => {
    let got = 0;
    const gate = Promise.withResolvers<void>();
    const reader: Reader = {
      receive() {
        if (++got === 1) return gate.promise;
        throw new Error("the pipe is closed");
      },
    };
    const { hub } = hubOf({ readers: [reader] });
    const driven = hub.drive(engine(Array.from({ length: 1500 }, () => warning("a"))));
    await settled();
    gate.resolve();
    await driven;
    expect(got).toBe(2);
  });

  test("has everything before the task is over, and is then closed", async () => {
    const slow = new Slow();
    const { hub, transcript } = hubOf({ readers: [slow] });
    let over = false;
    const driven = hub.drive(engine([warning("a"), warning("b")])).then(() => {
      over = true;
    });
    await settled();
    expect([over, slow.closed, transcript.closed]).toEqual([false, false, false]);
    await slow.open();
    await driven;
    expect([slow.got.length, slow.closed, transcript.closed]).toEqual([2, true, true]);
  });

  test("that is slow is waited for only after what others wait for was given back", async () => {
    const slow = new Slow();
    const { hub, transcript } = hubOf({ readers: [slow] });
    const released: number[] = [];
    const driven = hub.drive(engine([warning("a"), warning("b")]), async () => {
      released.push(transcript.events.length);
    });
    await settled();
    expect([released, slow.closed]).toEqual([[2], false]);
    await slow.open();
    expect(await driven).toBe(outcome);
  });

  test("gets what an engine said that throws, and the error is thrown on", async () => {
    const fast = new Fast();
    const { hub } = hubOf({ readers: [fast] });
    const broken = (async function* (): AsyncGenerator<EventBody, Outcome> {
      yield warning("a");
      throw new Error("a bug");
    })();
    const driven = hub.drive(broken);
    await expect(driven).rejects.toThrow("a bug");
    expect([fast.got.length, fast.closed]).toEqual([1, true]);
  });
});

describe("a question", () => {
  test("is an event, and so is its answer, each with the question's id", async () => {
    const asked: Question[] = [];
    const { hub, transcript } = hubOf({
      answer: async (question) => {
        asked.push(question);
        return yes;
      },
    });
    const signal = new AbortController().signal;
    expect(await hub.ask(question, signal)).toBe(yes);
    await hub.ask(question, signal);
    expect(asked.map(({ id }) => id)).toEqual(["q1", "q2"]);
    expect(transcript.events).toMatchObject([
      { seq: 1, type: "asked", question: { id: "q1", text: "Really?" } },
      { seq: 2, type: "answered", id: "q1", answer: yes },
      { seq: 3, type: "asked" },
      { seq: 4, type: "answered", id: "q2" },
    ]);
  });

  test("keeps its place among the events of what runs beside it", async () => {
    const fast = new Fast();
    const answer = Promise.withResolvers<Answer>();
    const { hub, transcript } = hubOf({ readers: [fast], answer: () => answer.promise });
    const signal = new AbortController().signal;
    const beside = Promise.all([
      hub.emit(text("before")),
      hub.ask(question, signal),
      hub.emit(text("meanwhile")),
      settled().then(() => {
        answer.resolve(yes);
        return hub.emit(text("later"));
      }),
    ]);
    await Promise.all([beside, hub.drive(engine([warning("a"), warning("b")]))]);
    const types = transcript.events.map(({ type }) => type);
    expect(types.slice(0, 3)).toEqual(["text", "asked", "text"]);
    expect(types.indexOf("answered")).toBeGreaterThan(types.indexOf("asked"));
    expect(transcript.events.map(({ seq }) => seq)).toEqual(transcript.events.map((_, at) => at + 1));
    expect(fast.got).toEqual(transcript.events);
  });

  test("that is interrupted has no answer, also where the surface does not notice", async () => {
    const asked = Promise.withResolvers<void>();
    const { hub, transcript } = hubOf({
      answer: () => {
        asked.resolve();
        return new Promise(() => {});
      },
    });
    const user = new AbortController();
    const asking = hub.ask(question, user.signal);
    await asked.promise;
    user.abort(new Error("interrupted"));
    await expect(asking).rejects.toThrow("interrupted");
    expect(transcript.events.map(({ type }) => type)).toEqual(["asked"]);
  });

  test("is put to nobody after an interruption", async () => {
    let shown = false;
    const { hub } = hubOf({
      answer: async () => {
        shown = true;
        return yes;
      },
    });
    await expect(hub.ask(question, AbortSignal.abort(new Error("interrupted")))).rejects.toThrow("interrupted");
    expect(shown).toBe(false);
  });
});

describe("a task that is resumed", () => {
  test("goes on counting events and questions, and tells its readers what happened before", async () => {
    const asked: EventBody = { type: "asked", question: { ...question, id: "q1" } as Question };
    const history: Event[] = [asked, { type: "iteration_started", iteration: 2 } as EventBody].map((body, at) => ({
      v: 1,
      seq: 10 + at,
      time: "",
      task: "t",
      agent: "main",
      parent: null,
      iteration: 2,
      ...body,
    }));
    const transcript = new Transcript();
    let told: readonly Event[] = [];
    const recall = (events: readonly Event[]) => {
      told = events;
    };
    const hub = createHub({
      task: "t",
      clock: fakeClock(),
      durable: transcript,
      readers: [{ receive: () => {}, recall }],
      answer: async () => yes,
      reread: async function* () {},
      history,
    });
    expect(told).toEqual(history);
    await hub.emit(warning("on"));
    await hub.ask(question, new AbortController().signal);
    expect(transcript.events.map(({ seq, iteration }) => [seq, iteration])).toEqual([
      [12, 2],
      [13, 2],
      [14, 2],
    ]);
    expect(transcript.events[1]).toMatchObject({ type: "asked", question: { id: "q2" } });
  });
});
