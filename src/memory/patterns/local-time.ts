import type { MineOptions } from "./pattern.ts";

const MINUTE_MS = 60_000;
export const DAY_MINUTES = 24 * 60;

/** Minutes since 1970 on the user's clock. */
export function localMinutes(at: number, offsetAt: MineOptions["offsetAt"]): number {
  return Math.floor(at / MINUTE_MS) + offsetAt(at);
}

/** The day's number, counted from 1970-01-01. */
export function dayOf(local: number): number {
  return Math.floor(local / DAY_MINUTES);
}

/** Minutes after midnight. */
export function minuteOf(local: number): number {
  return ((local % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
}

/** 0 = Sunday; 1970-01-01 was a Thursday. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

/** From one time of day to another, the short way round the clock: -720..719. */
export function apart(from: number, to: number): number {
  return ((((to - from + DAY_MINUTES / 2) % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES) - DAY_MINUTES / 2;
}

/** Minutes ahead of UTC on the clock of this machine. */
export function systemOffset(at: number): number {
  return -new Date(at).getTimezoneOffset();
}
