import type { Random } from "../draws.ts";
import type { UsageEvent } from "./event.ts";
import { ACTIONS, CHATTER, SLOTS, WORDINGS, type Wording } from "./wordings.ts";

/** The last 30 days begin on this one. */
const WINDOW_DAY = 60;
const LAST_DAY = 89;
const DAY = 1440;
/** Between these minutes of a day somebody works. */
const WORK = [8 * 60, 19 * 60] as const;

/** Something that can be done. */
export interface Act {
  label: string;
  kind: UsageEvent["kind"];
  category: string;
  say(dice: Random): string;
}

export interface Place {
  dice: Random;
  /** Days without work. */
  free: ReadonlySet<number>;
  weekdayOf(day: number): number;
}

export interface Schedule {
  /** Minute of the day, where it has a fixed one. */
  at?: number;
  /** When it begins, each time: minutes since the first day began. */
  starts(place: Place): number[];
}

export interface Routine {
  /** One after the other. */
  acts: readonly Act[];
  /** Minutes between them, both ends included. */
  gap: readonly [number, number];
  schedule: Schedule;
  /** It is one; else it only looks like one. */
  habit: boolean;
  /** Why it is none. */
  miss?: string;
}

/** Fixed times, far enough apart that one thing does not seem to follow from another. `spread`: minutes, both ways. */
const TIMES = [
  { at: 8 * 60 + 35, spread: 50 }, // first thing in the morning
  { at: 11 * 60, spread: 25 },
  { at: 13 * 60 + 30, spread: 20 },
  { at: 16 * 60, spread: 25 },
  { at: 18 * 60 + 30, spread: 25 },
] as const;

const WEEKDAYS = [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6], [1], [5], [3], [2, 4], [1, 3, 5]] as const;

const STEPS_APART = [2, 30] as const;

/** What a user does: habits first, then what only looks like one, as far as there is something left to do. */
export function routinesOf(dice: Random): Routine[] {
  const wordings = dice.some(WORDINGS(), WORDINGS().length);
  const actions = dice.some(actionActs(), actionActs().length);
  const times = dice.some(TIMES, TIMES.length);
  const used: Wording[] = [];
  const task = (): Act | undefined => {
    const wording = wordings.pop();
    if (wording) used.push(wording);
    return wording && taskAct(wording);
  };
  const anything = (share: number) => (dice.next() < share ? task() : actions.pop());
  const routines: Routine[] = [];
  const add = (acts: (Act | undefined)[], schedule: Schedule | undefined, more: Partial<Routine> = {}) => {
    const known = acts.filter((act) => act !== undefined);
    if (known.length < acts.length || !schedule) return;
    const gap = more.gap ?? STEPS_APART;
    routines.push({ acts: known, gap, schedule, habit: more.miss === undefined, ...more });
  };
  const repeat = (low: number, high: number, what: () => void) => {
    for (let count = dice.int(low, high); count > 0; count--) what();
  };
  const fixed = (until?: number) => {
    const time = times.pop();
    return time && timed(time, dice.pick(WEEKDAYS), until);
  };
  const begins = () => (dice.next() < 0.2 ? WINDOW_DAY : 0);
  const chain = () => [task(), ...Array.from({ length: dice.int(1, 2) }, () => anything(0.5))];

  repeat(1, 3, () => add([task()], loose(dice.int(3, 7), begins())));
  repeat(1, 3, () => add([anything(0.6)], fixed()));
  repeat(1, 2, () => add(chain(), dice.next() < 0.6 ? loose(dice.int(4, 8), begins()) : fixed()));
  repeat(1, 2, () => add([task()], loose(2, begins()), { miss: "only twice in the last 30 days" }));
  repeat(0, 2, () => add([task()], burst(), { miss: "all on one day" }));
  repeat(0, 1, () => add([task(), anything(0.3)], ended(dice), { miss: "it ended before the last 30 days" }));
  repeat(0, 1, () => add([task()], fixed(dice.int(35, 55)), { miss: "it ended before the last 30 days" }));
  repeat(0, 1, () => add([task(), task()], loose(2, WINDOW_DAY), { miss: "the sequence happened only twice" }));
  if (dice.next() < 0.35) {
    const hoursApart: [number, number] = [150, 230];
    add([task(), task()], loose(dice.int(3, 5), 0, 14 * 60), { gap: hoursApart, miss: "hours lie between the two" });
  }
  for (const wording of used.flatMap((each) => (dice.next() < 0.7 ? dice.some(each.alike, dice.int(1, 2)) : []))) {
    const act: Act = { label: wording, kind: "task", category: "general", say: () => wording };
    add([act], loose(1, WINDOW_DAY), { miss: "the words are those of another task" });
  }
  for (const name of dice.some(["status", "resume", "models", "chat"], 2)) {
    const act: Act = { label: name, kind: "command", category: "", say: () => name };
    add([act], loose(dice.int(2, 7), 0), { miss: "a command now and then" });
  }
  return routines;
}

function taskAct({ key, category, texts }: Wording): Act {
  return {
    label: key,
    kind: "task",
    category,
    say(dice) {
      // Half of the time people use the words that they always use.
      const text = dice.next() < 0.5 ? texts[0] : dice.pick(texts);
      const before = dice.next() < 0.1 ? dice.pick(CHATTER.before) : "";
      const after = dice.next() < 0.15 ? dice.pick(CHATTER.after) : "";
      const said = `${before}${text}${after}`
        .replace("{n}", () => String(dice.int(2, 52)))
        .replace("{version}", () => `${dice.int(1, 4)}.${dice.int(0, 12)}`)
        .replaceAll("{name}", () => dice.pick(SLOTS.name))
        .replace("{part}", () => dice.pick(SLOTS.part));
      return dice.next() < 0.05 ? mistyped(said, dice) : said;
    },
  };
}

/** Two letters in the middle of a word have changed places. */
function mistyped(text: string, dice: Random): string {
  const places = [...text.matchAll(/\B[a-z]{2}\B/g)].map((match) => match.index);
  const at = places.length > 0 ? dice.pick(places) : text.length;
  return `${text.slice(0, at)}${text[at + 1] ?? ""}${text[at] ?? ""}${text.slice(at + 2)}`;
}

function actionActs(): Act[] {
  return (["command", "skill", "integration"] as const).flatMap((kind) =>
    ACTIONS[kind].map((name): Act => ({ label: name, kind, category: "", say: () => name })),
  );
}

/** `perMonth` times in the last 30 days, and as often before from day `from` on, at odd times until `latest`. */
function loose(perMonth: number, from: number, latest: number = WORK[1]): Schedule {
  return {
    starts(place) {
      const starts = oddTimes(place, perMonth, WINDOW_DAY, LAST_DAY, latest);
      for (let day = from; day < WINDOW_DAY; day += 30) {
        starts.push(...oddTimes(place, perMonth, day, Math.min(day + 29, WINDOW_DAY - 1), latest));
      }
      return starts;
    },
  };
}

function ended(dice: Random): Schedule {
  const until = dice.int(35, 55);
  return { starts: (place) => oddTimes(place, 9, 0, until, WORK[1]) };
}

/** No weekday and no hour has most of them, as far as chance can be asked for that. */
function oddTimes(place: Place, count: number, from: number, to: number, latest: number): number[] {
  const { dice, free, weekdayOf } = place;
  const days = Array.from({ length: to - from + 1 }, (_, at) => from + at).filter((day) => !free.has(day));
  let starts: number[] = [];
  for (let attempt = 0; attempt < 50; attempt++) {
    const workdays = days.filter((day) => ![0, 6].includes(weekdayOf(day)) || dice.next() < 0.2);
    starts = dice.some(workdays, count).map((day) => day * DAY + dice.int(WORK[0], latest));
    const weekdays = starts.map((start) => weekdayOf(Math.floor(start / DAY)));
    const most = Math.max(...weekdays.map((day) => weekdays.filter((other) => other === day).length));
    const near = (start: number) => starts.filter((other) => Math.abs((other % DAY) - (start % DAY)) <= 90).length;
    const isOdd = (many: number) => many < 3 || many <= count / 2;
    if (isOdd(most) && isOdd(Math.max(...starts.map(near)))) break;
  }
  return starts;
}

/** On these weekdays at about this time, now and then not. */
function timed(time: (typeof TIMES)[number], weekdays: readonly number[], until = LAST_DAY): Schedule {
  return {
    at: time.at,
    starts({ dice, free, weekdayOf }) {
      const skipped = weekdays.length > 2 ? 0.15 : 0.05;
      const starts: number[] = [];
      for (let day = 0; day <= until; day++) {
        const due = weekdays.includes(weekdayOf(day)) && !free.has(day) && dice.next() >= skipped;
        if (due) starts.push(day * DAY + dice.int(time.at - time.spread, time.at + time.spread));
      }
      return starts;
    },
  };
}

/** Four to six times on one of the last days, within three hours. */
function burst(): Schedule {
  return {
    starts({ dice, free }) {
      const days = Array.from({ length: 28 }, (_, at) => WINDOW_DAY + at).filter((day) => !free.has(day));
      const start = dice.pick(days) * DAY + dice.int(9 * 60, 15 * 60);
      return Array.from({ length: dice.int(4, 6) }, () => start + dice.int(0, 180));
    },
  };
}
