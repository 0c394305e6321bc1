/**
 * What a careful reader of the log would call a habit, with the definitions of PRODUCT.md section 6 at hand and knowing
 * which events are the same thing. All of it is over the last 30 days, in the user's local time:
 *
 * - recurring: a *task* given at least 3 times, on at least 3 days. (Commands, skills and actions that are often used are
 *   nothing to propose. A burst on one day is one piece of work.)
 * - time: anything done on at least 3 days, three quarters of it or more within an hour and a half of one hour. Its
 *   weekdays are those on which it then happens.
 * - sequence: 2 or more steps, each within an hour of the one before, at least 3 times. A longer one counts as a whole;
 *   a part of it is not a second one.
 *
 * The generator makes no user of whom this would be a matter of opinion (`doubts`).
 */
import type { Pattern, UsageEvent } from "./event.ts";

export const WINDOW_MS = 30 * 86_400_000;
/** Steps of a sequence are no further apart. */
export const STEP_MS = 3_600_000;
const LEAST = 3;
const HOUR_SHARE = 0.75;
/** Less than this is no fixed hour; what lies between is doubtful. */
const LOOSE_SHARE = 0.5;
const NEAR_MINUTES = 90;
const DAY_MINUTES = 1440;

export interface Log {
  events: readonly UsageEvent[];
  /** What each event is, in the same order: two with the same label are the same thing. */
  labels: readonly string[];
  /** Ms since 1970, UTC. */
  now: number;
  utcOffsetMinutes: number;
}

export interface Habit extends Pattern {
  /** The label, or the labels of the steps joined by ` > `. */
  what: string;
}

/** `chains`: the sequences that the user has, as labels. */
export function habitsIn(log: Log, chains: readonly (readonly string[])[]): Habit[] {
  const habits: Habit[] = [];
  for (const [label, members] of byLabel(log)) {
    if (members.length < LEAST || daysOf(log, members) < LEAST) continue;
    const first = log.events[members[0]!]!;
    if (first.kind === "task") habits.push({ kind: "recurring", what: label, members });
    const { near, hour } = busiest(log, members);
    if (near.length >= LEAST && near.length >= HOUR_SHARE * members.length) {
      const weekdays = [...new Set(near.map((at) => local(log, at).weekday))].sort();
      habits.push({ kind: "time", what: label, members: near, hour, weekdays });
    }
  }
  for (const chain of chains) {
    const runs = runsOf(log, chain);
    if (runs.length < LEAST || daysOf(log, runs.flat()) < LEAST) continue;
    habits.push({
      kind: "sequence",
      what: chain.join(" > "),
      members: runs.flat().sort((a, b) => a - b),
      steps: chain,
    });
  }
  return habits;
}

/** Why somebody could see it differently, or undefined. */
export function doubts(log: Log, chains: readonly (readonly string[])[]): string | undefined {
  const groups = byLabel(log);
  for (const [label, members] of groups) {
    const days = daysOf(log, members);
    if (members.length >= LEAST && days > 1 && days < LEAST) return `${label}: ${members.length} times on ${days} days`;
    const { near } = busiest(log, members);
    const share = near.length / members.length;
    if (near.length >= LEAST && days >= LEAST && share > LOOSE_SHARE && share < HOUR_SHARE) {
      return `${label}: ${near.length} of ${members.length} near one hour`;
    }
  }
  const often = [...groups].filter(([, members]) => members.length >= LEAST).map(([label]) => label);
  for (const from of often) {
    for (const to of often) {
      const known = chains.some((chain) => chain.includes(from) && chain.indexOf(to) > chain.indexOf(from));
      if (from !== to && !known && runsOf(log, [from, to]).length >= LEAST) return `${from} > ${to} by accident`;
    }
  }
  return undefined;
}

/** The events of each label in the last 30 days. */
export function byLabel(log: Log): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const [at, label] of log.labels.entries()) {
    if (!isRecent(log, at)) continue;
    groups.set(label, [...(groups.get(label) ?? []), at]);
  }
  return groups;
}

/** The times that the steps followed each other, as indices; each event is in one of them. */
export function runsOf(log: Log, chain: readonly string[]): number[][] {
  const used = new Set<number>();
  const runs: number[][] = [];
  for (const [start, label] of log.labels.entries()) {
    if (label !== chain[0] || !isRecent(log, start)) continue;
    const run = [start];
    for (const step of chain.slice(1)) {
      const last = run.at(-1)!;
      const next = log.events.findIndex((event, at) => {
        const gap = event.at - log.events[last]!.at;
        return at > last && gap <= STEP_MS && log.labels[at] === step && !used.has(at);
      });
      if (next < 0) break;
      run.push(next);
    }
    if (run.length < chain.length) continue;
    for (const at of run) used.add(at);
    runs.push(run);
  }
  return runs;
}

/** Days, hours and weekdays are those of the user's clock. */
export function local(log: Log, at: number): { day: number; minute: number; weekday: number } {
  const minutes = Math.floor(log.events[at]!.at / 60_000) + log.utcOffsetMinutes;
  const day = Math.floor(minutes / DAY_MINUTES);
  return { day, minute: minutes - day * DAY_MINUTES, weekday: new Date(day * 86_400_000).getUTCDay() };
}

function isRecent(log: Log, at: number): boolean {
  const age = log.now - log.events[at]!.at;
  return age >= 0 && age < WINDOW_MS;
}

function daysOf(log: Log, members: readonly number[]): number {
  return new Set(members.map((at) => local(log, at).day)).size;
}

/** The most events around the time of day of one of them, and their mean hour. */
function busiest(log: Log, members: readonly number[]): { near: number[]; hour: number } {
  let near: number[] = [];
  let hour = 0;
  for (const centre of members) {
    const middle = local(log, centre).minute;
    const around = members.filter((at) => Math.abs(distance(local(log, at).minute, middle)) <= NEAR_MINUTES);
    if (around.length <= near.length) continue;
    near = around;
    const shift = around.reduce((sum, at) => sum + distance(local(log, at).minute, middle), 0) / around.length;
    hour = Math.round((middle + shift) / 60 + 24) % 24;
  }
  return { near, hour };
}

/** Minutes from `b` to `a`, the short way round the clock. */
function distance(a: number, b: number): number {
  return ((a - b + DAY_MINUTES * 1.5) % DAY_MINUTES) - DAY_MINUTES / 2;
}
