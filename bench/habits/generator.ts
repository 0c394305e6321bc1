/**
 * Synthetic users of 90 days with known habits: the log of usage events that the pattern miner reads, and what it should
 * find in the last 30 days of it (truth.ts says by which definitions, score.ts how findings are compared).
 *
 *   const user = syntheticUser(1);
 *   const found = mine(user.events, user.now, user.utcOffsetMinutes);   // members: indices of user.events
 *   const { precision, recall } = score(found, user.truth);
 *
 * A user has one-off tasks and commands every day, and: tasks that recur at odd times, things done at a fixed time ("every
 * weekday about 9", "Mondays at 16", "first thing in the morning"), sequences with something in between now and then,
 * holidays. And what only looks like a habit (`nearMisses`): tasks given twice, a burst on one day, habits that have
 * ended, a sequence that happened twice, two things on the same day hours apart, other tasks with the same words.
 *
 * Written before the miner, and not to be tuned to it. Seeds for building are 1, 2, …; those of the last run begin at
 * 700001 and are not to be looked at before.
 */
import { type Random, random } from "../draws.ts";
import type { Pattern, UsageEvent } from "./event.ts";
import { DEEDS, THINGS } from "./one-offs.ts";
import { type Act, type Routine, routinesOf } from "./routines.ts";
import { byLabel, doubts, type Habit, habitsIn, type Log, local, runsOf, STEP_MS } from "./truth.ts";

export const FIRST_SEED = { building: 1, final: 700_001 } as const;

export const DAYS = 90;
/** The log ends on the last day at this hour, local time. */
const END_HOUR = 22;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** So often another user is drawn where the truth would be a matter of opinion. */
const ATTEMPTS = 200;
const OFFSETS = [0, 0, 60, 120, 120, -300, -480, 330, 540, 780] as const;

const CHANCES = {
  failed: 0.08,
  /** A failed task is given again soon. */
  retried: 0.6,
  /** Something else comes between two steps. */
  between: 0.3,
  holiday: 0.5,
  /** An event goes on with the session of the one before it. */
  chat: 0.5,
} as const;

export interface NearMiss extends Omit<Pattern, "kind"> {
  /** Why it is none. */
  reason: string;
  what: string;
}

export interface SyntheticUser {
  seed: number;
  /** Ms since 1970, UTC: when the miner runs. */
  now: number;
  utcOffsetMinutes: number;
  /** In order of time. */
  events: UsageEvent[];
  /** For tests and reports: what each event is. Not for the miner. */
  labels: string[];
  truth: Habit[];
  /** What must not be found. A finding that is none of these and not true is wrong all the same. */
  nearMisses: NearMiss[];
}

/** The same seed makes the same user. Throws where none without doubts could be drawn. */
export function syntheticUser(seed: number): SyntheticUser {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const dice = random("user", seed, attempt);
    const routines = routinesOf(dice);
    const log = logOf(routines, dice);
    const chains = routines.filter(({ acts }) => acts.length > 1).map(({ acts }) => acts.map((act) => act.label));
    const timed = routines.filter(({ schedule }) => schedule.at !== undefined).flatMap(({ acts }) => acts);
    const truth = habitsIn(log, chains);
    const byAccident = truth.some(({ kind, what }) => kind === "time" && !timed.some((act) => act.label === what));
    if (byAccident || doubts(log, chains)) continue;
    const { events, labels, now, utcOffsetMinutes } = log;
    return {
      seed,
      now,
      utcOffsetMinutes,
      events: [...events],
      labels: [...labels],
      truth,
      nearMisses: misses(log, routines),
    };
  }
  throw new Error(`no user without doubts could be drawn from seed ${seed}`);
}

interface Draft extends Omit<UsageEvent, "at" | "session"> {
  label: string;
  /** Minutes since the first day began, local time. */
  minute: number;
}

function logOf(routines: readonly Routine[], dice: Random): Log {
  const free = holidays(dice);
  const things = dice.some(THINGS, THINGS.length).flatMap((thing) => [thing, thing]);
  let deeds: string[] = [];
  const oneOff = (): Act => {
    if (deeds.length === 0) deeds = dice.some(DEEDS, DEEDS.length);
    const text = `${deeds.pop()} ${things.splice(dice.int(0, Math.min(things.length, 40) - 1), 1)[0]}`;
    return { label: text, kind: "task", category: dice.pick(["code", "code", "general", "test"]), say: () => text };
  };
  const first = Math.floor(Date.UTC(2026, 0, 1) / DAY_MS) + dice.int(0, 300);
  const weekdayOf = (day: number) => new Date((first + day) * DAY_MS).getUTCDay();
  const drafts: Draft[] = [];
  const add = (act: Act, minute: number) => {
    const failed = act.kind === "task" && dice.next() < CHANCES.failed;
    const outcome = act.kind === "command" ? "none" : failed ? "failed" : "ok";
    drafts.push({ label: act.label, kind: act.kind, category: act.category, text: act.say(dice), outcome, minute });
    return failed;
  };
  for (const routine of routines) {
    for (const start of routine.schedule.starts({ dice, free, weekdayOf })) {
      let minute = start;
      for (const [step, act] of routine.acts.entries()) {
        if (step > 0) {
          const gap = dice.int(routine.gap[0], routine.gap[1]);
          if (gap > 5 && gap < 60 && dice.next() < CHANCES.between) add(oneOff(), minute + Math.floor(gap / 2));
          minute += gap;
        }
        const failed = add(act, minute);
        // A retry of something that is done once or twice would make it look like more.
        if (failed && routine.habit && routine.acts.length === 1 && dice.next() < CHANCES.retried) {
          add(act, minute + dice.int(4, 15));
        }
      }
    }
  }
  for (let day = 0; day < DAYS; day++) {
    if (free.has(day)) continue;
    const weekend = [0, 6].includes(weekdayOf(day));
    const many = weekend ? Number(dice.next() < 0.3) : dice.int(0, 2);
    for (let count = 0; count < many && things.length > 0; count++)
      add(oneOff(), day * 1440 + dice.int(8 * 60, 19 * 60));
  }
  return finished(drafts, first, dice);
}

function finished(drafts: readonly Draft[], first: number, dice: Random): Log {
  const utcOffsetMinutes = dice.pick(OFFSETS);
  const zero = first * DAY_MS - utcOffsetMinutes * MINUTE_MS;
  const sorted = [...drafts].sort((a, b) => a.minute - b.minute);
  let session = "";
  let last = Number.NEGATIVE_INFINITY;
  const events = sorted.map(({ label: _, minute, ...rest }): UsageEvent => {
    const at = zero + minute * MINUTE_MS + dice.int(0, 59_999);
    if (at - last > STEP_MS || dice.next() >= CHANCES.chat) session = `s${dice.int(100_000, 999_999)}`;
    last = at;
    return { at, ...rest, session };
  });
  const order = events.map((_, index) => index).sort((a, b) => events[a]!.at - events[b]!.at);
  return {
    events: order.map((index) => events[index]!),
    labels: order.map((index) => sorted[index]!.label),
    now: zero + (DAYS - 1) * DAY_MS + END_HOUR * 60 * MINUTE_MS,
    utcOffsetMinutes,
  };
}

/** Days without any event. */
function holidays(dice: Random): Set<number> {
  if (dice.next() >= CHANCES.holiday) return new Set();
  const start = dice.int(20, 75);
  return new Set(Array.from({ length: dice.int(4, 9) }, (_, at) => start + at));
}

function misses(log: Log, routines: readonly Routine[]): NearMiss[] {
  const recent = byLabel(log);
  const isMember = (label: string) => (index: number) => log.labels[index] === label;
  const all = log.labels.map((_, index) => index);
  return routines.flatMap((routine) => {
    if (routine.miss === undefined) return [];
    const labels = routine.acts.map((act) => act.label);
    const together = labels.length > 1 ? runsOf(log, labels).flat() : [];
    const apart = labels.flatMap((label) => recent.get(label) ?? all.filter(isMember(label)));
    const members = (together.length > 0 ? together : apart).sort((a, b) => a - b);
    return [{ reason: routine.miss, what: labels.join(" > "), members }];
  });
}

/** For reports: when an event was, in the user's own time. */
export function shown(user: SyntheticUser, index: number): string {
  const { minute, weekday } = local(user, index);
  const { at, kind, text } = user.events[index]!;
  const date = new Date(at + user.utcOffsetMinutes * MINUTE_MS).toISOString().slice(0, 10);
  const time = `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
  return `${"Su Mo Tu We Th Fr Sa".split(" ")[weekday]} ${date} ${time} ${kind}: ${text}`;
}
