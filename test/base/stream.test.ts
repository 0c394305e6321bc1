import { describe, expect, test } from "bun:test";
import { abortable, Channel, merge, sleep, withTimeout } from "../../src/base/stream.ts";

const never = new AbortController().signal;
const HOUR = 3_600_000;

async function* counting(name: string, count: number): AsyncGenerator<string, string> {
  for (let i = 0; i < count; i++) yield `${name}${i}`;
  return `${name} done`;
}

/** What a generator yields, and then returns. */
async function drained<T, R>(generator: AsyncGenerator<T, R>): Promise<{ values: T[]; returned: R }> {
  const values: T[] = [];
  for (;;) {
    const step = await generator.next();
    if (step.done) return { values, returned: step.value };
    values.push(step.value);
  }
}

describe("merged generators", () => {
  test("yield everything, each in its own order, and return all results in order", async () => {
    const { values, returned } = await drained(merge([counting("a", 3), counting("b", 0), counting("c", 2)]));
    expect(values.toSorted()).toEqual(["a0", "a1", "a2", "c0", "c1"]);
    expect(values.filter((value) => value.startsWith("a"))).toEqual(["a0", "a1", "a2"]);
    expect(returned).toEqual(["a done", "b done", "c done"]);
  });

  test("of none return at once", async () => {
    expect(await drained(merge([]))).toEqual({ values: [], returned: [] });
  });

  test("yield as they come: a slow one holds nobody up", async () => {
    const gate = Promise.withResolvers<void>();
    async function* slow() {
      await gate.promise;
      yield "slow";
    }
    const merged = merge<string, unknown>([slow(), counting("a", 2)]);
    expect((await merged.next()).value).toBe("a0");
    expect((await merged.next()).value).toBe("a1");
    gate.resolve();
    expect((await merged.next()).value).toBe("slow");
  });

  test("go on only when their last value was taken", async () => {
    let made = 0;
    async function* eager() {
      for (; made < 100; made++) yield made;
    }
    const merged = merge([eager()]);
    await merged.next();
    await Promise.resolve();
    expect(made).toBeLessThanOrEqual(1);
    await merged.return([]);
  });

  test("when one throws, the others are ended and waited for, and the error comes through", async () => {
    const ended: string[] = [];
    const controller = new AbortController();
    async function* waiting() {
      try {
        yield "started";
        await sleep(HOUR, controller.signal);
      } finally {
        await Promise.resolve();
        ended.push("waiting");
      }
    }
    async function* failing() {
      yield "going well";
      throw new Error("broken");
    }
    const merged = drained(merge<string, void>([waiting(), failing()], controller));
    await expect(merged).rejects.toThrow("broken");
    expect(ended).toEqual(["waiting"]);
  });

  test("are ended when the consumer stops", async () => {
    let ended = 0;
    async function* endless() {
      try {
        for (;;) yield 1;
      } finally {
        ended++;
      }
    }
    for await (const _ of merge([endless(), endless()])) break;
    expect(ended).toBe(2);
  });
});

describe("a channel", () => {
  test("delivers in order, also what came before its consumer, and then ends", async () => {
    const channel = new Channel<number>();
    expect(channel.push(1)).toBe(true);
    const all = Array.fromAsync(channel);
    channel.push(2);
    await Promise.resolve();
    channel.push(3);
    channel.close();
    expect(channel.push(4)).toBe(false);
    expect(await all).toEqual([1, 2, 3]);
  });

  test("throws at its end what it was closed with", async () => {
    const channel = new Channel<number>();
    channel.push(1);
    channel.close(new Error("cut"));
    expect((await channel.next()).value).toBe(1);
    await expect(channel.next()).rejects.toThrow("cut");
  });

  test("with a capacity refuses what does not fit", () => {
    const channel = new Channel<number>({ capacity: 2 });
    expect([channel.push(1), channel.push(2), channel.push(3)]).toEqual([true, true, false]);
    expect(channel.size).toBe(2);
    expect(channel.take()).toEqual([1, 2]);
    expect(channel.take()).toEqual([]);
    expect(channel.push(4)).toBe(true);
  });

  test("is closed by a consumer that leaves", async () => {
    const channel = new Channel<number>();
    channel.push(1);
    for await (const _ of channel) break;
    expect(channel.closed).toBe(true);
  });

  test("gives each value to one of several that wait", async () => {
    const channel = new Channel<number>();
    const both = Promise.all([channel.next(), channel.next()]);
    channel.push(1);
    channel.push(2);
    expect((await both).map((step) => step.value).toSorted()).toEqual([1, 2]);
  });
});

describe("a wait", () => {
  test("ends with its promise", async () => {
    expect(await abortable(Promise.resolve(1), never)).toBe(1);
    await expect(abortable(Promise.reject(new Error("x")), never)).rejects.toThrow("x");
  });

  test("ends with the signal's reason, and a later rejection is nobody's concern", async () => {
    const controller = new AbortController();
    const late = Promise.withResolvers<void>();
    const waiting = abortable(late.promise, controller.signal).catch((error: unknown) => error);
    controller.abort("enough");
    expect(await waiting).toBe("enough");
    late.reject(new Error("too late"));
    expect(await abortable(late.promise, AbortSignal.abort("before")).catch((error: unknown) => error)).toBe("before");
  });

  test("a wait of a month, longer than a timer can count, does not end at once", async () => {
    const month = 30 * 24 * HOUR;
    using limit = withTimeout(never, month);
    const controller = new AbortController();
    const asleep = sleep(month, controller.signal).then(
      () => "over",
      () => "asleep",
    );
    await sleep(20, never);
    controller.abort();
    expect(await asleep).toBe("asleep");
    expect(limit.signal.aborted).toBe(false);
  });

  test("sleeping resolves in time, or rejects when aborted", async () => {
    await sleep(1, never);
    const controller = new AbortController();
    const sleeping = sleep(HOUR, controller.signal).catch((error: unknown) => error);
    controller.abort("wake up");
    expect(await sleeping).toBe("wake up");
    expect(await sleep(HOUR, AbortSignal.abort("awake")).catch((error: unknown) => error)).toBe("awake");
  });
});

describe("a time limit", () => {
  test("aborts with a TimeoutError when it is over", async () => {
    using limit = withTimeout(never, 1);
    const reason = await sleep(HOUR, limit.signal).catch((error: unknown) => error);
    expect((reason as Error).name).toBe("TimeoutError");
    expect(limit.expired).toBe(true);
  });

  test("aborts with the outer signal's reason", () => {
    const controller = new AbortController();
    using limit = withTimeout(controller.signal, HOUR);
    controller.abort("stop");
    expect(limit.signal.reason).toBe("stop");
    expect(limit.expired).toBe(false);
    using already = withTimeout(AbortSignal.abort("before"), HOUR);
    expect(already.signal.reason).toBe("before");
  });

  test("stops at the end of its block", () => {
    const controller = new AbortController();
    let signal: AbortSignal;
    {
      using limit = withTimeout(controller.signal, HOUR);
      signal = limit.signal;
    }
    controller.abort();
    expect(signal.aborted).toBe(false);
  });
});
