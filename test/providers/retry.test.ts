import { describe, expect, test } from "bun:test";
import { ProviderError, type ProviderErrorKind } from "../../src/base/errors.ts";
import type { Model, ModelEvent } from "../../src/contracts/provider.ts";
import { withFallback } from "../../src/providers/fallback.ts";
import { withRetry } from "../../src/providers/retry.ts";
import { ask, collect, failure, fakeClock, infoFor, requestOf, user } from "./support.ts";

const usage = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
const request = requestOf([user("hi")]);

/** A model that fails in the given ways, one a call, after a piece of text; then it answers. */
function failing(ref: string, ...failures: (ProviderErrorKind | Error)[]): Model & { calls: number } {
  const model = {
    info: infoFor(ref),
    calls: 0,
    async *stream(): AsyncGenerator<ModelEvent> {
      const next = failures[model.calls++];
      yield { type: "text", text: next ? "half an " : "answer" };
      if (next) throw next instanceof Error ? next : new ProviderError(next, "p", `${ref} ${next}`);
      const blocks = [{ type: "text" as const, text: "answer" }];
      yield { type: "done", message: { role: "assistant", blocks, from: ref }, stop: "end", usage };
    },
  };
  return model;
}

describe("a call that failed", () => {
  test("is repeated after trouble that may pass, and everything before the restart is void", async () => {
    const clock = fakeClock();
    const model = failing("p/m", "capacity", "broken_stream");
    const events = await collect(
      withRetry(model, { clock, random: () => 0.5 }).stream(request, new AbortController().signal),
    );
    expect(events.map((event) => event.type)).toEqual(["text", "restart", "text", "restart", "text", "done"]);
    expect(events[1]).toEqual({ type: "restart", attempt: 2, waitMs: 250, reason: "p/m capacity", model: "p/m" });
    expect(events[3]).toMatchObject({ attempt: 3, waitMs: 500 });
    expect(clock.slept).toEqual([250, 500]);
  });

  test.each(["rate_limit", "capacity", "network", "timeout", "broken_stream", "server"] as const)(
    "%s is tried five times in all",
    async (kind) => {
      const model = failing("p/m", ...Array<ProviderErrorKind>(9).fill(kind));
      const error = await failure(ask(withRetry(model, { clock: fakeClock(), random: () => 0 }), request));
      expect(error["kind"]).toBe(kind);
      expect(model.calls).toBe(5);
    },
  );

  test.each(["auth", "quota", "overflow", "invalid", "content_filter"] as const)("%s is final", async (kind) => {
    const model = failing("p/m", kind);
    expect((await failure(ask(withRetry(model, { clock: fakeClock(), random: () => 0 }), request)))["kind"]).toBe(kind);
    expect(model.calls).toBe(1);
  });

  test("is not repeated sooner than the provider asks", async () => {
    const clock = fakeClock();
    const model = failing("p/m", new ProviderError("rate_limit", "p", "slow down", { retryAfterMs: 7000 }));
    await ask(withRetry(model, { clock, random: () => 0.9 }), request);
    expect(clock.slept).toEqual([7000]);
  });

  test("is given up at once where the provider asks for more than our patience", async () => {
    const clock = fakeClock();
    const model = failing(
      "p/m",
      new ProviderError("rate_limit", "p", "come back tomorrow", { retryAfterMs: 86_400_000 }),
    );
    const error = await failure(ask(withRetry(model, { clock, random: () => 0, patienceMs: 60_000 }), request));
    expect(error.message).toBe("come back tomorrow (it asks to wait 24 h 00 m)");
    expect(clock.slept).toEqual([]);
  });

  test("waits longer each time, with full jitter, up to a bound", async () => {
    const waits = async (random: () => number) => {
      const clock = fakeClock();
      const model = failing("p/m", ...Array<ProviderErrorKind>(9).fill("server"));
      await ask(withRetry(model, { clock, random, attempts: 10, patienceMs: 1e9 }), request);
      return clock.slept;
    };
    expect(await waits(() => 0.999_999)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    expect(await waits(() => 0)).toEqual(Array(9).fill(0));
  });

  test("is not repeated where it is a bug of ours", async () => {
    const model = failing("p/m", new TypeError("undefined is not a function"));
    expect((await failure(ask(withRetry(model, { clock: fakeClock(), random: () => 0 }), request))).name).toBe(
      "TypeError",
    );
    expect(model.calls).toBe(1);
  });

  test("an abort ends the wait", async () => {
    const controller = new AbortController();
    const clock = { now: () => 0, sleep: (_: number, signal: AbortSignal) => Promise.reject(signal.reason) };
    const stream = withRetry(failing("p/m", "server"), { clock, random: () => 1 }).stream(request, controller.signal);
    const work = (async () => {
      for await (const event of stream)
        if (event.type === "restart") controller.abort(new Error("stopped by the user"));
    })();
    expect((await failure(work)).message).toBe("stopped by the user");
  });
});

const link = (model: Model) => ({ ref: model.info.ref, open: async () => model });

describe("the fallback chain", () => {
  test("asks the next model, says so, and names the one that answered with its price", async () => {
    const second = failing("b/two");
    const model = withFallback(failing("a/one", "rate_limit"), [link(second)], fakeClock());
    const events = await collect(model.stream(request, new AbortController().signal));
    expect(events.map((event) => event.type)).toEqual(["text", "restart", "text", "done"]);
    expect(events[1]).toMatchObject({
      model: "b/two",
      waitMs: 0,
      reason: expect.stringContaining("going on with b/two"),
    });
    expect(events[3]).toMatchObject({ message: { from: "b/two" }, info: second.info });
    expect(model.info.ref).toBe("a/one");
  });

  test("leaves a model that failed alone until it has cooled down", async () => {
    const clock = fakeClock();
    const first = failing("a/one", "capacity");
    const model = withFallback(first, [link(failing("b/two"))], clock);
    await ask(model, request);
    expect((await ask(model, request)).message.from).toBe("b/two");
    expect(first.calls).toBe(1);
    await clock.sleep(60_001, new AbortController().signal);
    expect((await ask(model, request)).message.from).toBe("a/one");
  });

  test("cools down as long as the provider asks", async () => {
    const clock = fakeClock();
    const first = failing("a/one", new ProviderError("rate_limit", "p", "x", { retryAfterMs: 3_600_000 }));
    const model = withFallback(first, [link(failing("b/two"))], clock);
    await ask(model, request);
    await clock.sleep(3_599_000, new AbortController().signal);
    expect((await ask(model, request)).message.from).toBe("b/two");
  });

  test("asks the first one where all are cooling down", async () => {
    const model = withFallback(failing("a/one", "server"), [link(failing("b/two", "server"))], fakeClock());
    await failure(ask(model, request));
    expect((await ask(model, request)).message.from).toBe("a/one");
  });

  test("does not hide what another model would share", async () => {
    for (const kind of ["overflow", "invalid", "auth", "content_filter"] as const) {
      const second = failing("b/two");
      const error = await failure(ask(withFallback(failing("a/one", kind), [link(second)], fakeClock()), request));
      expect([error["kind"], second.calls]).toEqual([kind, 0]);
    }
  });

  test("opens the others when the first has failed, and not before", async () => {
    let opened = 0;
    const counting = {
      ref: "b/two",
      async open() {
        opened++;
        return failing("b/two");
      },
    };
    const model = withFallback(failing("a/one"), [counting], fakeClock());
    await ask(model, request);
    expect(opened).toBe(0);
    const broken = withFallback(failing("a/one", "server"), [counting], fakeClock());
    await ask(broken, request);
    expect(opened).toBe(1);
  });

  test("an abort ends the opening of another one", async () => {
    const never = { ref: "b/two", open: () => new Promise<never>(() => {}) };
    const model = withFallback(failing("a/one", "server"), [never], fakeClock());
    const stop = new AbortController();
    const work = collect(model.stream(request, stop.signal));
    stop.abort(new Error("stopped by the user"));
    expect((await failure(work)).message).toBe("stopped by the user");
  });

  test("says which links could not be used when it ends", async () => {
    const links = [{ ref: "c/three", open: () => Promise.reject(new Error("no key is set")) }];
    const error = await failure(ask(withFallback(failing("a/one", "quota"), links, fakeClock()), request));
    expect(error.message).toBe("a/one quota (no fallback: c/three: no key is set)");
  });
});
