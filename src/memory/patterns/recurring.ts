import type { UsageEvent } from "../../contracts/memory.ts";
import { provenBy } from "./chance.ts";
import type { Group } from "./groups.ts";
import { dayOf, weekdayOf } from "./local-time.ts";
import type { Timeline } from "./timeline.ts";

/** Nobody keeps a habit more surely than this. */
const SUREST = 0.8;
/** A silence as unlikely as this is an end. */
const ENDED = 0.01;
/** Days of silence that mean nothing yet. */
const LEAST_SILENCE = 2;

/** How sure it is that this comes again and again, 0..1; 0 where it has ended. */
export function recurrence(group: Group<UsageEvent>, line: Timeline<UsageEvent>): number {
  const days = daysDone(group.events, line);
  if (hasEnded(days, line)) return 0;
  return provenBy(days.length) * (0.8 + 0.2 * Math.min(1, group.likeness / 0.9));
}

/** The days of these events, each once, ascending. */
export function daysDone(events: readonly UsageEvent[], line: Timeline<UsageEvent>): number[] {
  return [...new Set(events.map((event) => dayOf(line.local(event))))].sort((a, b) => a - b);
}

/**
 * True where the silence since the last day is longer than the habit explains. Only days count on which the user did
 * anything, of those weekdays on which it is ever done: nobody works on holiday.
 */
export function hasEnded(days: readonly number[], line: Timeline<UsageEvent>): boolean {
  const weekdays = new Set(days.map(weekdayOf));
  const possible = line.activeDays.filter((day) => weekdays.has(weekdayOf(day)));
  const places = days.map((day) => possible.indexOf(day));
  const [first, last] = [places[0]!, places.at(-1)!];
  const silence = possible.length - 1 - last;
  if (days.length < 2 || silence < LEAST_SILENCE) return false;
  const rate = Math.min(SUREST, (places.length - 1) / (last - first));
  return (1 - rate) ** silence < ENDED;
}
