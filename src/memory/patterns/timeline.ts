import type { UsageEvent } from "../../contracts/memory.ts";
import { apart, DAY_MINUTES, dayOf, localMinutes, minuteOf } from "./local-time.ts";
import type { MineOptions } from "./pattern.ts";

/** Events before an own one is known count as if so many were spread over the hours in which people are awake. */
const ASSUMED = 12;
const AWAKE_MINUTES = 16 * 60;
/** No time of day is so rare that being there would prove everything. */
const LEAST_SHARE = 0.1;

/** The user's days as all their events show them. */
export class Timeline<E extends UsageEvent> {
  readonly #options: Pick<MineOptions, "now" | "offsetAt">;
  readonly #local = new Map<UsageEvent, number>();
  /** How much is done in each minute of the day. */
  readonly #counts = new Uint32Array(DAY_MINUTES);
  /** Days on which the user did anything, ascending. */
  readonly activeDays: readonly number[];

  constructor(events: readonly E[], options: Pick<MineOptions, "now" | "offsetAt">) {
    this.#options = options;
    for (const event of events) {
      const local = localMinutes(event.at, options.offsetAt);
      this.#local.set(event, local);
      this.#counts[minuteOf(local)]!++;
    }
    this.activeDays = [...new Set(events.map((event) => dayOf(this.local(event))))].sort((a, b) => a - b);
  }

  /** Minutes since 1970 on the user's clock. */
  local(event: UsageEvent): number {
    return this.#local.get(event)!;
  }

  /** The share of what the user does otherwise that falls within `reach` minutes of this time of day. */
  shareAt(minute: number, reach: number, except: readonly UsageEvent[]): number {
    let near = 0;
    for (let off = -reach; off <= reach; off++) near += this.#counts[minuteOf(minute + off)]!;
    for (const event of except) if (Math.abs(apart(minute, minuteOf(this.local(event)))) <= reach) near--;
    const all = this.#local.size - except.length;
    return Math.max(LEAST_SHARE, (near + (ASSUMED * 2 * reach) / AWAKE_MINUTES) / (all + ASSUMED));
  }

  /** True where it is too late for something that is done on this day, at this time or at any. */
  isOver(day: number, minute: number | null, reach: number): boolean {
    const end = minute === null ? (day + 1) * DAY_MINUTES : day * DAY_MINUTES + minute + reach;
    return localMinutes(this.#options.now, this.#options.offsetAt) > end;
  }
}
