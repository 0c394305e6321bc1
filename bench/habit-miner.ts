import { mine } from "../src/memory/patterns/mine.ts";
import type { FIRST_SEED } from "./habits/generator.ts";
import { type Measured, measureMiner } from "./habits/measure.ts";

/** The program's own miner, with the settings of a new config, and how long each user took it, ms. */
export async function measurePatterns(
  which: keyof typeof FIRST_SEED,
  users: number,
): Promise<{ measured: Measured; ms: number[] }> {
  const ms: number[] = [];
  const measured = await measureMiner(
    (events, { now, utcOffsetMinutes }) => {
      const places = new Map(events.map((event, at) => [event, at]));
      const started = performance.now();
      const found = mine(events, { now, offsetAt: () => utcOffsetMinutes, minConfidence: 0.7, minSamples: 3 });
      ms.push(performance.now() - started);
      return found.map(({ kind, members, when, steps }) => ({
        kind,
        members: members.map((event) => places.get(event)!),
        ...(when?.minute === undefined || when.minute === null ? {} : { hour: Math.round(when.minute / 60) % 24 }),
        ...(when ? { weekdays: when.weekdays } : {}),
        ...(kind === "sequence" ? { steps: steps.map(({ text }) => text) } : {}),
      }));
    },
    which,
    users,
  );
  return { measured, ms };
}
