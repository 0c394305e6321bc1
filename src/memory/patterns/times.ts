import type { UsageEvent } from "../../contracts/memory.ts";
import { byChance, provenBy } from "./chance.ts";
import { apart, DAY_MINUTES, dayOf, minuteOf, weekdayOf } from "./local-time.ts";
import type { When } from "./pattern.ts";
import type { Timeline } from "./timeline.ts";

/** A regular time at which something is done. */
export interface Regular<E extends UsageEvent> {
  when: When;
  /** The events at that time, oldest first. */
  events: E[];
  confidence: number;
}

/** Events so far from the usual time of day still belong to it, minutes. */
const REACH = 75;
const STEP = 15;
/** Times of day that could each have been the usual one by chance. */
const TIMES_OF_DAY = DAY_MINUTES / (2 * REACH);
/** As unlikely as this is not by chance. */
const UNLIKELY = 0.05;
/** Share of the days on which it is done that must be at the usual time. */
const LEAST_AT_TIME = 0.6;
/** Share of all times that must be on the weekdays that stand out. */
const LEAST_ON_DAY = 0.8;
/** Of the usual share, what makes a weekday one of those on which it is done. */
const ONE_OF_THEM = 0.4;
/** Share of the days it is due on which it is done. */
const LEAST_KEPT = 0.4;
/** Nobody keeps a habit more surely than this. */
const SUREST = 0.9;
/** A silence as unlikely as this is an end. */
const ENDED = 0.02;
/** Regular times of one thing, at most: morning, noon, evening. */
const MOST_TIMES = 3;

/** More weekdays than these are told as every day, or those from Monday to Friday. */
const MOST_NAMED_DAYS = 4;
/** How many sets of so many weekdays there are. */
const SETS_OF_DAYS = [1, 7, 21, 35, 35];

const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];
const ONES = [1, 1, 1, 1, 1, 1, 1];
const WORKDAYS = [1, 2, 3, 4, 5];
const WEEKEND = [0, 6];

interface Hit<E> {
  event: E;
  /** The day it belongs to: that of the usual time, so that a late evening may end after midnight. */
  day: number;
  /** Minutes from the usual time. */
  off: number;
}

/** At which times of day, on which weekdays these events are regular; none where they are not. */
export function regularTimes<E extends UsageEvent>(events: readonly E[], line: Timeline<UsageEvent>): Regular<E>[] {
  const found: Regular<E>[] = [];
  let rest = [...events];
  while (found.length < MOST_TIMES) {
    const regular = atTimeOfDay(rest, events, line);
    if (!regular) break;
    found.push(regular);
    rest = rest.filter((event) => !regular.events.includes(event));
  }
  if (found.length > 0) return found.sort((a, b) => a.when.minute! - b.when.minute!);
  const regular = onWeekdays(events, line);
  return regular ? [regular] : [];
}

function atTimeOfDay<E extends UsageEvent>(
  rest: readonly E[],
  all: readonly E[],
  line: Timeline<UsageEvent>,
): Regular<E> | undefined {
  const peak = peakOf(rest, line);
  if (!peak) return undefined;
  const { minute, hits } = peak;
  const days = daysOf(hits);
  // As often on a day as it is done, so often chance may hit the time.
  const doneOn = Map.groupBy(all, (event) => shiftedDay(line.local(event), minute));
  const share = line.shareAt(minute, REACH, all);
  const chances = [...doneOn.values()].map((own) => 1 - (1 - share) ** own.length);
  const chance = chances.reduce((sum, each) => sum + each, 0) / chances.length;
  const atTime = days.length / doneOn.size;
  if (atTime < LEAST_AT_TIME) return undefined;
  const hourLuck = byChance(doneOn.size, days.length, chance) * TIMES_OF_DAY;
  const week = weekdaysOf(days, line);
  // Few times prove little; the same weekday each time proves more.
  if (hourLuck * Math.min(1, week.luck) >= UNLIKELY) return undefined;
  return regularFrom(hits, { minute, weekdays: week.weekdays }, atTime, line);
}

function onWeekdays<E extends UsageEvent>(events: readonly E[], line: Timeline<UsageEvent>): Regular<E> | undefined {
  const hits = events.map((event) => ({ event, day: dayOf(line.local(event)), off: 0 }));
  const week = weekdaysOf(daysOf(hits), line);
  if (week.luck >= UNLIKELY || week.weekdays.length > 2) return undefined;
  return regularFrom(hits, { minute: null, weekdays: week.weekdays }, 1, line);
}

/** What is left of the hits on these weekdays, if they are kept, still alive and enough. */
function regularFrom<E extends UsageEvent>(
  hits: readonly Hit<E>[],
  when: When,
  atTime: number,
  line: Timeline<UsageEvent>,
): Regular<E> | undefined {
  const own = hits.filter(({ day }) => when.weekdays.includes(weekdayOf(day)));
  const days = daysOf(own);
  const [first, last] = [days[0]!, days.at(-1)!];
  const due = line.activeDays.filter((day) => day >= first && when.weekdays.includes(weekdayOf(day)));
  const until = due.filter((day) => day <= last).length;
  const missed = due.filter((day) => day > last && line.isOver(day, when.minute, REACH)).length;
  const kept = days.length / Math.max(days.length, until + missed);
  if (kept < LEAST_KEPT) return undefined;
  const usual = Math.min(SUREST, days.length / Math.max(days.length, until));
  if ((1 - usual) ** missed < ENDED) return undefined;
  const onDay = days.length / daysOf(hits).length;
  const confidence = provenBy(days.length) * (0.55 + 0.45 * atTime * onDay) * (0.75 + 0.25 * Math.min(1, kept / 0.8));
  return { when, events: own.map(({ event }) => event), confidence };
}

/** The time of day around which these are done on most days. */
function peakOf<E extends UsageEvent>(
  events: readonly E[],
  line: Timeline<UsageEvent>,
): { minute: number; hits: Hit<E>[] } | undefined {
  let best: { days: number; off: number; minute: number } | undefined;
  // It is near one of the times themselves.
  const times = events.map((event) => minuteOf(Math.round(line.local(event) / STEP) * STEP));
  for (const minute of [...new Set(times)].sort((a, b) => a - b)) {
    const hits = hitsAt(events, minute, line);
    const days = daysOf(hits).length;
    const off = hits.reduce((sum, hit) => sum + Math.abs(hit.off), 0) / hits.length;
    if (days > 0 && (!best || days > best.days || (days === best.days && off < best.off))) best = { days, off, minute };
  }
  if (!best) return undefined;
  const offs = hitsAt(events, best.minute, line).map(({ off }) => off);
  const mean = offs.reduce((sum, off) => sum + off, 0) / offs.length;
  const minute = minuteOf(Math.round(best.minute + mean));
  return { minute, hits: hitsAt(events, minute, line) };
}

function hitsAt<E extends UsageEvent>(events: readonly E[], minute: number, line: Timeline<UsageEvent>): Hit<E>[] {
  return events.flatMap((event) => {
    const local = line.local(event);
    const off = apart(minute, minuteOf(local));
    return Math.abs(off) <= REACH ? [{ event, off, day: shiftedDay(local, minute) }] : [];
  });
}

/** The day whose `minute` is nearest. */
function shiftedDay(local: number, minute: number): number {
  return dayOf(local - minute + DAY_MINUTES / 2);
}

/** Each once, ascending. */
function daysOf(hits: readonly Hit<unknown>[]): number[] {
  return [...new Set(hits.map(({ day }) => day))].sort((a, b) => a - b);
}

/**
 * The weekdays on which something is done on these days, and how likely they are by chance, given the days on which the
 * user does anything at all. Where no few days stand out: every day, or those from Monday to Friday.
 */
function weekdaysOf(days: readonly number[], line: Timeline<UsageEvent>): { weekdays: number[]; luck: number } {
  const done = byWeekday(days);
  const due = byWeekday(line.activeDays);
  const rates = EVERY_DAY.map((day) => done[day]! / Math.max(1, done[day]!, due[day]!));
  let best: { days: number; luck: number } | undefined;
  // A set of days is a number of seven bits: Sunday is the lowest.
  for (let set = 1; set < 1 << EVERY_DAY.length; set++) {
    const size = sumOver(set, ONES);
    if (size > MOST_NAMED_DAYS || sumOver(set, done) < days.length * LEAST_ON_DAY) continue;
    const usual = sumOver(set, rates) / size;
    // A day on which it is done half as often as on the others is one of them.
    if (EVERY_DAY.some((day) => isIn(set, day) !== rates[day]! > usual * ONE_OF_THEM)) continue;
    const luck = byChance(days.length, sumOver(set, done), sumOver(set, due) / line.activeDays.length);
    if (!best || luck < best.luck) best = { days: set, luck };
  }
  // Which few days they are was looked for, too.
  if (best && best.luck < UNLIKELY) {
    const weekdays = EVERY_DAY.filter((day) => isIn(best.days, day));
    return { weekdays, luck: best.luck * SETS_OF_DAYS[weekdays.length]! };
  }
  const atWork = days.every((day) => WORKDAYS.includes(weekdayOf(day)));
  return { weekdays: atWork ? WORKDAYS : EVERY_DAY, luck: 1 };
}

/** How many of these days are a Sunday, a Monday, … */
function byWeekday(days: readonly number[]): number[] {
  const counts = EVERY_DAY.map(() => 0);
  for (const day of days) counts[weekdayOf(day)]!++;
  return counts;
}

function isIn(set: number, day: number): boolean {
  return (set & (1 << day)) !== 0;
}

function sumOver(set: number, counts: readonly number[]): number {
  let sum = 0;
  for (let day = 0; day < counts.length; day++) if (isIn(set, day)) sum += counts[day]!;
  return sum;
}

/** What these days are called together. */
export function namedDays(weekdays: readonly number[]): "every day" | "every weekday" | "every weekend" | undefined {
  const same = (set: readonly number[]) => set.length === weekdays.length && set.every((day) => weekdays.includes(day));
  if (same(EVERY_DAY)) return "every day";
  if (same(WORKDAYS)) return "every weekday";
  return same(WEEKEND) ? "every weekend" : undefined;
}
