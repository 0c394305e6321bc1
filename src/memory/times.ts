const DAY = 24 * 60 * 60 * 1000;
export const WEEK = 7 * DAY;

/** Milliseconds of a time as the database holds it: ISO 8601, or as SQLite writes it, in UTC. Undefined where it is none. */
export function timeOf(text: string | null): number | undefined {
  if (!text) return undefined;
  const plain = /^\d{4}-\d\d-\d\d \d\d:\d\d/.test(text);
  const time = Date.parse(plain ? `${text.replace(" ", "T")}Z` : text);
  return Number.isNaN(time) ? undefined : time;
}

/** Milliseconds from a time until now; 0 where it lies ahead, because the clock was put back, or is unknown. */
export function ageOf(text: string | null, now: number): number {
  return Math.max(0, now - (timeOf(text) ?? now));
}

/** From 1 for what is new towards 0, halved every 60 days. */
export function freshness(text: string | null, now: number): number {
  return 0.5 ** (ageOf(text, now) / (60 * DAY));
}

/** `2026-11-20`. */
export function dayOf(text: string): string {
  const time = timeOf(text);
  return time === undefined ? "an unknown day" : new Date(time).toISOString().slice(0, 10);
}
