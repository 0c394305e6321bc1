import type { Clock } from "../../src/contracts/kit.ts";

export interface FakeClock extends Clock {
  /** Lets time pass: every sleep that is due ends, in order, and what waits for it gets to run in between. */
  advance(ms: number): Promise<void>;
  /** Sleeps that have not ended. */
  readonly sleeping: number;
}

interface Sleeper {
  due: number;
  resolve(): void;
}

/** Time that passes only when a test says so. Begins at 2026-11-23T10:00:00Z. */
export function fakeClock(start = Date.UTC(2026, 10, 23, 10)): FakeClock {
  let now = start;
  let sleepers: Sleeper[] = [];
  return {
    now: () => now,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (ms <= 0) return resolve();
        const sleeper = { due: now + ms, resolve };
        sleepers.push(sleeper);
        signal.addEventListener("abort", () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(signal.reason);
        });
      });
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = sleepers.filter((sleeper) => sleeper.due <= end).sort((a, b) => a.due - b.due)[0];
        if (!next) break;
        sleepers = sleepers.filter((sleeper) => sleeper !== next);
        now = next.due;
        next.resolve();
        await settled();
      }
      now = end;
      await settled();
    },
    get sleeping() {
      return sleepers.length;
    },
  };
}

/** Until everything that can go on without time or input has gone on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
