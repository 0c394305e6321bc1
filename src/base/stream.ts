/** Asynchronous generators, queues and waits that an AbortSignal ends. */

/**
 * Runs generators side by side and yields what they yield as it comes; each goes on only after its last value was
 * taken. Returns their return values in their order. When one throws, or the consumer stops, the others are ended with
 * `return()` and waited for. A generator that is waiting for something ends only when its wait does: hand in the
 * controller whose signal ends those waits.
 */
export async function* merge<T, R>(
  generators: readonly AsyncGenerator<T, R>[],
  abort?: AbortController,
): AsyncGenerator<T, R[]> {
  type Step = { index: number; result: IteratorResult<T, R> } | { index: number; error: unknown };
  const steps = new Channel<Step>();
  const open = new Set(generators.keys());
  const returned = new Map<number, R>();
  const advance = (index: number): void => {
    generators[index]!.next().then(
      (result) => steps.push({ index, result }),
      (error: unknown) => steps.push({ index, error }),
    );
  };
  let finished = false;
  try {
    for (const index of open) advance(index);
    while (open.size > 0) {
      const { value: step, done } = await steps.next();
      if (done) break;
      if ("error" in step) {
        open.delete(step.index);
        throw step.error;
      }
      if (step.result.done) {
        open.delete(step.index);
        returned.set(step.index, step.result.value);
      } else {
        yield step.result.value;
        advance(step.index);
      }
    }
    finished = true;
    return generators.map((_, index) => returned.get(index) as R);
  } finally {
    if (!finished) abort?.abort(new DOMException("A generator beside this one ended", "AbortError"));
    await Promise.allSettled([...open].map((index) => generators[index]!.return(undefined as R)));
  }
}

/**
 * A queue between one producer and one consumer. What was pushed before `close` is still delivered; then the iteration
 * ends, or throws what `close` was given.
 */
export class Channel<T> implements AsyncIterable<T> {
  readonly #capacity: number;
  #values: T[] = [];
  #waiting: PromiseWithResolvers<void> | undefined;
  #closed = false;
  #error: { reason: unknown } | undefined;

  /** `capacity`: values that may wait; no limit by default. */
  constructor(options: { capacity?: number } = {}) {
    this.#capacity = options.capacity ?? Number.POSITIVE_INFINITY;
  }

  /** Values that wait. */
  get size(): number {
    return this.#values.length;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** False where the channel is closed or full: the value was not taken. */
  push(value: T): boolean {
    if (this.#closed || this.#values.length >= this.#capacity) return false;
    this.#values.push(value);
    this.#wake();
    return true;
  }

  /** Nothing more will come. With `reason`, the consumer's loop throws it after the last value. */
  close(reason?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    if (reason !== undefined) this.#error = { reason };
    this.#wake();
  }

  /** Everything that waits now, without waiting. */
  take(): T[] {
    const values = this.#values;
    this.#values = [];
    return values;
  }

  /** The next value, as soon as there is one. */
  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#values.length === 0) {
      if (this.#closed) {
        if (this.#error) throw this.#error.reason;
        return { done: true, value: undefined };
      }
      this.#waiting ??= Promise.withResolvers<void>();
      await this.#waiting.promise;
    }
    return { done: false, value: this.#values.shift() as T };
  }

  /** Leaving the loop closes the channel. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined> {
    try {
      for (;;) {
        const step = await this.next();
        if (step.done) return;
        yield step.value;
      }
    } finally {
      this.close();
    }
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}

/**
 * Waits for `promise`, but no longer than until `signal` aborts; then it rejects with the signal's reason. What the
 * promise does afterwards is nobody's concern: also its rejection is not reported.
 */
export function abortable<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const settled = () => signal.removeEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => {
        settled();
        resolve(value);
      },
      (error: unknown) => {
        settled();
        reject(error);
      },
    );
  });
}

/** The longest time that a timer of the runtime can count, ms: with a longer one it would ring at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Calls `run` after `ms` milliseconds, however many these are; returns how to call it off. */
export function later(ms: number, run: () => void): () => void {
  let left = ms;
  let timer: ReturnType<typeof setTimeout>;
  const wind = () => {
    const part = Math.min(left, LONGEST_TIMER);
    left -= part;
    timer = setTimeout(left > 0 ? wind : run, part);
  };
  wind();
  return () => clearTimeout(timer);
}

/** Lets timers, signals and everything else that waits have their turn, in the middle of long work. */
export function giveWay(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Tells whether `ms` milliseconds are over, or the signal aborted: for work that is asked between its pieces. Real time,
 * whatever the clock says; a timer could not end work that gives no way.
 */
export function timeLimit(ms: number, signal?: AbortSignal): () => boolean {
  const end = performance.now() + ms;
  return () => signal?.aborted === true || performance.now() >= end;
}

/** Resolves after `ms` milliseconds. @throws the signal's reason when it aborts before. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = later(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** A signal with a time limit of its own. `using limit = withTimeout(…)` stops the clock at the block's end. */
export interface TimeLimit extends Disposable {
  readonly signal: AbortSignal;
  /** True when the time was over, not the outer signal aborted. */
  readonly expired: boolean;
}

/** Aborts when `signal` does (same reason), or after `ms` milliseconds with a `TimeoutError`. */
export function withTimeout(signal: AbortSignal, ms: number): TimeLimit {
  const controller = new AbortController();
  let expired = false;
  const onAbort = () => controller.abort(signal.reason);
  const cancel = later(ms, () => {
    expired = !controller.signal.aborted;
    controller.abort(new DOMException(`The time limit of ${ms / 1000} s is over`, "TimeoutError"));
  });
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    [Symbol.dispose]() {
      cancel();
      signal.removeEventListener("abort", onAbort);
    },
  };
}
