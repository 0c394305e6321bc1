import type { UsageEvent } from "../../contracts/memory.ts";
import { byChance } from "./chance.ts";
import type { Group } from "./groups.ts";
import { dayOf, minuteOf, weekdayOf } from "./local-time.ts";
import { daysDone, hasEnded } from "./recurring.ts";
import type { Timeline } from "./timeline.ts";

/** Steps that were done one after the other. */
export interface Sequence<E extends UsageEvent> {
  steps: Group<E>[];
  /** Each time it was done: one event a step. */
  runs: E[][];
  confidence: number;
}

/** A step follows within this, minutes. */
const WITHIN = 60;
/** Pauses that are looked at: what is tight proves more. */
const PAUSES = [10, 20, 40, WITHIN];
/** As unlikely as this is not by chance. */
const UNLIKELY = 0.005;
/** Of one step's occurrences, the share that has the other with it. */
const MOSTLY = 0.5;
const AT_LEAST = 0.2;
/** Two steps of which neither is done without the other belong together, … */
const ALWAYS = 0.9;
/** … unless they were done so often that it would show if the one came later whenever the other did. */
const ENOUGH = 8;
const ALONG = 0.5;
/** Share of the meetings of two steps that are in this order. */
const IN_ORDER = 0.75;
/** A part of a longer sequence is told only if it is done so much more often. */
const MORE_OFTEN = 1.6;
const MOST_STEPS = 6;

interface Link {
  from: number;
  to: number;
  /** How often it was done. */
  count: number;
  /** 0..1: how surely the one is with the other. */
  bound: number;
}

/** What is done again and again in the same order, with anything else in between, and more often so than by chance. */
export function findSequences<E extends UsageEvent>(
  groups: readonly Group<E>[],
  line: Timeline<UsageEvent>,
  minSamples: number,
): Sequence<E>[] {
  const often = groups.filter(({ events }) => events.length >= minSamples);
  const links = linksOf(often, line, minSamples);
  const chains = chainsOf(links, often, line, minSamples);
  return chains.flatMap(({ path, runs }) => {
    const days = daysDone(
      runs.map((run) => run[0]!),
      line,
    );
    if (hasEnded(days, line)) return [];
    const bound = Math.min(...path.slice(1).map((to, at) => linkBetween(links, path[at]!, to)!.bound));
    return {
      steps: path.map((place) => often[place]!),
      runs,
      confidence: (1 - Math.exp(-days.length / 2)) * (0.7 + 0.3 * bound),
    };
  });
}

function linkBetween(links: readonly Link[], from: number, to: number): Link | undefined {
  return links.find((link) => link.from === from && link.to === to);
}

interface Moment {
  group: number;
  /** Minutes since 1970, local. */
  local: number;
}

function linksOf<E extends UsageEvent>(
  groups: readonly Group<E>[],
  line: Timeline<UsageEvent>,
  minSamples: number,
): Link[] {
  const moments: Moment[] = groups
    .flatMap(({ events }, group) => events.map((event) => ({ group, local: line.local(event) })))
    .sort((a, b) => a.local - b.local || a.group - b.group);
  const met = meetings(moments, groups.length);
  const byDay = groups.map(({ events }) =>
    Map.groupBy(
      events.map((event) => line.local(event)),
      dayOf,
    ),
  );
  const links: Link[] = [];
  for (const [key, times] of met) {
    const pauses = times.map(({ from, to }) => to - from);
    const [from, to] = [Math.floor(key / groups.length), key % groups.length];
    if (pauses.length < minSamples) continue;
    const backwards = met.get(to * groups.length + from)?.length ?? 0;
    if (pauses.length / (pauses.length + backwards) < IN_ORDER) continue;
    const forth = pauses.length / groups[from]!.events.length;
    const back = pauses.length / groups[to]!.events.length;
    if (Math.max(forth, back) < MOSTLY || Math.min(forth, back) < AT_LEAST) continue;
    const isBound = Math.min(forth, back) >= ALWAYS && (pauses.length < ENOUGH || correlation(times) > ALONG);
    if (!isBound && luckOf(byDay[from]!, byDay[to]!, pauses, line) >= UNLIKELY) continue;
    links.push({ from, to, count: pauses.length, bound: Math.max(forth, back) });
  }
  return links;
}

/** When the one was done and then the other, minutes since 1970, local. */
interface Meeting {
  from: number;
  to: number;
}

/** The times that each pair met, by `from × groups + to`. Each event meets once. */
function meetings(moments: readonly Moment[], groups: number): Map<number, Meeting[]> {
  const met = new Map<number, Meeting[]>();
  for (const [at, { group: to, local }] of moments.entries()) {
    const seen = new Set<number>();
    for (let before = at - 1; before >= 0 && local - moments[before]!.local <= WITHIN; before--) {
      const from = moments[before]!.group;
      // Done again: what came before belongs to the earlier time.
      if (from === to) break;
      if (seen.has(from)) continue;
      seen.add(from);
      const key = from * groups + to;
      const meeting = { from: moments[before]!.local, to: local };
      const known = met.get(key);
      if (known) known.push(meeting);
      else met.set(key, [meeting]);
    }
  }
  return met;
}

/** Whether the one comes later on days on which the other does: -1..1, 0 for two things that each have their own time. */
function correlation(times: readonly Meeting[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const own = (values: readonly number[]) => values.map((value) => value - mean(values));
  // Counted from the first step's midnight, so that midnight itself does no harm.
  const from = own(times.map((meeting) => minuteOf(meeting.from)));
  const to = own(times.map((meeting) => minuteOf(meeting.from) + meeting.to - meeting.from));
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, at) => sum + value * b[at]!, 0);
  return dot(from, to) / Math.sqrt(dot(from, from) * dot(to, to) || 1);
}

/**
 * How likely it is that the two follow each other so often by chance. What the one does on its day is laid beside what
 * the other does on all its days: two habits of nine o'clock and of half past nine follow each other there as often.
 */
function luckOf(
  from: ReadonlyMap<number, readonly number[]>,
  to: ReadonlyMap<number, readonly number[]>,
  pauses: readonly number[],
  line: Timeline<UsageEvent>,
): number {
  const both = [...from.keys()].filter((day) => to.has(day));
  const trials = both.reduce((sum, day) => sum + from.get(day)!.length, 0);
  const times = [...to.values()].map((own) => own.map(minuteOf));
  const lucks = PAUSES.map((most) => {
    const hits = Math.min(trials, pauses.filter((pause) => pause <= most).length);
    let near = 0;
    let looks = 0;
    for (const [day, own] of from) {
      for (const local of own) {
        const minute = minuteOf(local);
        for (const other of times) {
          looks++;
          if (other.some((time) => time >= minute && time - minute <= most)) near++;
        }
        // Its own day is no other day.
        const same = to.get(day);
        if (!same) continue;
        looks--;
        if (same.some((time) => time >= local && time - local <= most)) near--;
      }
    }
    return byChance(trials, hits, (near + 0.5) / (looks + 1));
  });
  return Math.min(...lucks) * PAUSES.length * togetherness(both.length, from, to, line);
}

/** How likely it is by chance that on so many days of the one the other is done too, given its weekdays. */
function togetherness(
  both: number,
  from: ReadonlyMap<number, unknown>,
  to: ReadonlyMap<number, unknown>,
  line: Timeline<UsageEvent>,
): number {
  const weekdays = new Set([...from.keys()].map(weekdayOf));
  const days = line.activeDays.filter((day) => weekdays.has(weekdayOf(day)));
  const share = days.filter((day) => to.has(day)).length / Math.max(1, days.length);
  return byChance(from.size, both, share);
}

interface Chain<E> {
  /** Places of its steps among the groups. */
  path: number[];
  runs: E[][];
}

/** The longest ways along links that are done often enough; parts of them only where they are done much more often. */
function chainsOf<E extends UsageEvent>(
  links: readonly Link[],
  groups: readonly Group<E>[],
  line: Timeline<UsageEvent>,
  minSamples: number,
): Chain<E>[] {
  const found: Chain<E>[] = [];
  const grow = (path: number[]): void => {
    for (const { to, count } of links.filter(({ from }) => from === path.at(-1))) {
      // What comes later follows all that came before.
      if (path.includes(to) || !path.every((from) => linkBetween(links, from, to))) continue;
      const longer = [...path, to];
      const runs = runsOf(longer, groups, line);
      if (runs.length < Math.max(minSamples, count * MOSTLY)) continue;
      found.push({ path: longer, runs });
      if (longer.length < MOST_STEPS) grow(longer);
    }
  };
  for (const start of new Set(links.map(({ from }) => from))) grow([start]);
  found.sort((a, b) => b.path.length - a.path.length || b.runs.length - a.runs.length || compare(a.path, b.path));
  const kept: Chain<E>[] = [];
  for (const chain of found) {
    const longer = kept.find(({ path }) => isPart(chain.path, path));
    if (!longer || chain.runs.length > longer.runs.length * MORE_OFTEN) kept.push(chain);
  }
  return kept;
}

/** Each time the steps were done one after the other; an event belongs to one run. */
function runsOf<E extends UsageEvent>(
  path: readonly number[],
  groups: readonly Group<E>[],
  line: Timeline<UsageEvent>,
): E[][] {
  const runs: E[][] = [];
  let from = Number.NEGATIVE_INFINITY;
  for (const [at, start] of groups[path[0]!]!.events.entries()) {
    if (line.local(start) < from) continue;
    const again = groups[path[0]!]!.events[at + 1];
    const run = [start];
    for (const place of path.slice(1)) {
      const earliest = line.local(run.at(-1)!);
      const next = groups[place]!.events.find((event) => line.local(event) >= earliest && event.at >= run.at(-1)!.at);
      if (!next || line.local(next) - earliest > WITHIN) break;
      run.push(next);
    }
    // Begun anew before it went on: the later beginning counts.
    if (run.length < path.length || (again && again.at < run[1]!.at)) continue;
    runs.push(run);
    from = line.local(run.at(-1)!);
  }
  return runs;
}

/** True where all of `part` stands in `whole` in the same order. */
function isPart(part: readonly number[], whole: readonly number[]): boolean {
  let at = 0;
  for (const place of whole) if (place === part[at]) at++;
  return at === part.length;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [at, place] of a.entries()) if (place !== b[at]) return place - b[at]!;
  return 0;
}
