import { expect, test } from "bun:test";
import type { Pattern, UsageEvent } from "../../bench/habits/event.ts";
import { DAYS, type SyntheticUser, syntheticUser } from "../../bench/habits/generator.ts";
import { measureMiner } from "../../bench/habits/measure.ts";
import { pooled, score } from "../../bench/habits/score.ts";
import { doubts, habitsIn, local, STEP_MS, WINDOW_MS } from "../../bench/habits/truth.ts";
import { WORDINGS } from "../../bench/habits/wordings.ts";

const USERS = Array.from({ length: 24 }, (_, at) => syntheticUser(at + 1));
const DAY_MS = 86_400_000;

const textsOf = ({ events }: SyntheticUser, members: readonly number[]) => members.map((at) => events[at]!.text);

test("the same seed makes the same user, another seed another one", () => {
  expect(syntheticUser(7)).toEqual(USERS[6]!);
  expect(syntheticUser(8).events).not.toEqual(USERS[6]!.events);
});

test("a user's log is 90 days in order of time and ends when the miner runs", () => {
  for (const { events, now, labels } of USERS) {
    expect(labels).toHaveLength(events.length);
    expect(events.length).toBeGreaterThan(100);
    for (const [at, event] of events.entries()) {
      expect(event.at).toBeGreaterThanOrEqual(events[at - 1]?.at ?? 0);
      expect(event.at).toBeLessThanOrEqual(now);
      expect(event.at).toBeGreaterThan(now - DAYS * DAY_MS);
    }
  }
});

test("every true habit lies in the last 30 days, at least three times on at least three days", () => {
  for (const user of USERS) {
    for (const { kind, members, steps } of user.truth) {
      const times = kind === "sequence" ? members.length / steps!.length : members.length;
      expect(times).toBeGreaterThanOrEqual(3);
      expect(new Set(members.map((at) => local(user, at).day)).size).toBeGreaterThanOrEqual(3);
      for (const at of members) expect(user.now - user.events[at]!.at).toBeLessThan(WINDOW_MS);
      if (kind === "recurring") expect(new Set(members.map((at) => user.events[at]!.kind))).toEqual(new Set(["task"]));
    }
  }
});

test("a time pattern keeps its hour and its weekdays on the user's own clock", () => {
  const timed = USERS.flatMap((user) =>
    user.truth.filter(({ kind }) => kind === "time").map((habit) => ({ user, habit })),
  );
  expect(timed.length).toBeGreaterThan(30);
  for (const { user, habit } of timed) {
    for (const at of habit.members) {
      const { minute, weekday } = local(user, at);
      expect(Math.abs(minute / 60 - habit.hour!)).toBeLessThan(2.5);
      expect(habit.weekdays).toContain(weekday);
    }
  }
  expect(new Set(USERS.map((user) => user.utcOffsetMinutes)).size).toBeGreaterThan(4);
});

test("the steps of a sequence follow each other within an hour", () => {
  let between = 0;
  for (const user of USERS) {
    for (const { steps, members } of user.truth.filter(({ kind }) => kind === "sequence")) {
      for (let at = 0; at < members.length; at++) {
        const [index, before] = [members[at]!, members[at - 1]];
        expect(user.labels[index]).toBe(steps![at % steps!.length]);
        if (at % steps!.length === 0 || before === undefined) continue;
        expect(user.events[index]!.at - user.events[before]!.at).toBeLessThanOrEqual(STEP_MS);
        if (index - before > 1) between++;
      }
    }
  }
  expect(between).toBeGreaterThan(10);
});

test("what only looks like a habit is in nobody's truth", () => {
  const reasons = new Set<string>();
  for (const { truth, nearMisses } of USERS) {
    for (const miss of nearMisses) {
      reasons.add(miss.reason);
      if (/twice|one day|ended|words/.test(miss.reason)) expect(truth.map(({ what }) => what)).not.toContain(miss.what);
    }
  }
  expect([...reasons].sort()).toEqual([
    "a command now and then",
    "all on one day",
    "hours lie between the two",
    "it ended before the last 30 days",
    "only twice in the last 30 days",
    "the sequence happened only twice",
    "the words are those of another task",
  ]);
});

test("people word the same task differently, and nearer to itself than to any other", () => {
  for (const user of USERS.slice(0, 6)) {
    const recurring = user.truth.filter(({ kind }) => kind === "recurring");
    for (const { members, what } of recurring) {
      const own = [...new Set(textsOf(user, members))];
      if (own.length < 2) continue;
      for (const [at, text] of own.entries()) {
        const nearest = Math.max(...own.filter((_, other) => other !== at).map((other) => likeness(text, other)));
        const others = user.events.filter(
          (_, index) => user.labels[index] !== what && user.events[index]!.kind === "task",
        );
        expect(nearest).toBeGreaterThan(Math.max(...others.map((other) => likeness(text, other.text))));
      }
    }
  }
  const plain = USERS.flatMap((user) =>
    user.truth.filter(({ kind }) => kind === "recurring").map(({ members }) => new Set(textsOf(user, members)).size),
  );
  expect(plain.filter((count) => count > 1).length / plain.length).toBeGreaterThan(0.8);
  expect(new Set(WORDINGS().map(({ key }) => key)).size).toBe(WORDINGS().length);
});

/** Share of words that two texts have in common (Dice), numbers and small words aside. */
function likeness(a: string, b: string): number {
  const words = (text: string) =>
    new Set(
      (text.toLowerCase().match(/[a-z]+/g) ?? []).filter((word) => !/^(the|in|of|for|to|a|s|is|it|and)$/.test(word)),
    );
  const [left, right] = [words(a), words(b)];
  return (2 * left.intersection(right).size) / (left.size + right.size);
}

const event = (at: number, text: string): UsageEvent => {
  return { at, kind: "task", text, category: "code", outcome: "ok", session: "s" };
};
const NOW = Date.UTC(2026, 5, 30, 22);
const logOf = (...what: [daysAgo: number, hour: number, label: string][]) => {
  const events = what.map(([ago, hour, label]) => event(Date.UTC(2026, 5, 30 - ago, 0, hour * 60), label));
  return { events, labels: what.map(([, , label]) => label), now: NOW, utcOffsetMinutes: 0 };
};

test("three times on three days is a habit; a burst, two times or what is over is none", () => {
  const kinds = (...what: Parameters<typeof logOf>) => habitsIn(logOf(...what), []).map(({ kind }) => kind);
  expect(kinds([9, 9, "a"], [6, 13, "a"], [2, 18, "a"])).toEqual(["recurring"]);
  expect(kinds([9, 9, "a"], [9, 10, "a"], [9, 12, "a"], [9, 13, "a"])).toEqual([]);
  expect(kinds([9, 9, "a"], [6, 13, "a"])).toEqual([]);
  expect(kinds([50, 9, "a"], [45, 13, "a"], [40, 18, "a"], [35, 10, "a"])).toEqual([]);
  expect(kinds([9, 9, "a"], [6, 9.5, "a"], [2, 8.75, "a"])).toEqual(["recurring", "time"]);
});

test("what could be seen differently is called doubtful", () => {
  expect(doubts(logOf([9, 9, "a"], [9, 10, "a"], [2, 18, "a"]), [])).toContain("3 times on 2 days");
  expect(doubts(logOf([9, 9, "a"], [8, 9, "a"], [7, 9, "a"], [2, 18, "a"], [1, 13, "a"]), [])).toContain("3 of 5 near");
  const pair = [9, 6, 2].flatMap((ago, at) => [[ago, 8 + at * 4, "a"] as const, [ago, 8.5 + at * 4, "b"] as const]);
  const log = logOf(...pair.map((each): [number, number, string] => [...each]));
  expect(doubts(log, [])).toContain("a > b");
  expect(doubts(log, [["a", "b"]])).toBeUndefined();
});

const recurring = (...members: number[]): Pattern => ({ kind: "recurring", members });
const time = (hour: number, weekdays?: number[]): Pattern => {
  return { kind: "time", members: [1, 2, 3], hour, ...(weekdays ? { weekdays } : {}) };
};

test("the truth itself scores 1, nothing scores no recall", async () => {
  for (const { truth } of USERS) expect(score(truth, truth)).toMatchObject({ precision: 1, recall: 1 });
  const truths = new Map(USERS.map(({ events, truth }) => [JSON.stringify(events), truth]));
  const perfect = await measureMiner((events) => truths.get(JSON.stringify(events)) ?? [], "building", 3);
  expect(perfect).toMatchObject({ users: 3, precision: 1, recall: 1, byKind: { time: { precision: 1, recall: 1 } } });
  expect(score([], [recurring(1, 2, 3)])).toMatchObject({ precision: 1, recall: 0 });
  expect(score([recurring(1, 2, 3)], [])).toMatchObject({ precision: 0, recall: 1 });
});

test("a pattern is met by one of its kind that shares at least half of its events, and only once", () => {
  const truth = [recurring(1, 2, 3, 4)];
  expect(score([recurring(1, 2)], truth).recall).toBe(1);
  expect(score([recurring(1)], truth).recall).toBe(0);
  expect(score([recurring(1, 2, 5, 6, 7)], truth).recall).toBe(0);
  expect(score([{ kind: "sequence", members: [1, 2, 3, 4] }], truth).recall).toBe(0);
  const twice = score([recurring(1, 2), recurring(1, 2, 3)], truth);
  expect(twice).toMatchObject({ precision: 0.5, recall: 1, wrong: [recurring(1, 2)] });
});

test("a time pattern has the right hour or its neighbour, also across midnight, and the right weekdays", () => {
  const meets = (found: Pattern, truth: Pattern) => score([found], [truth]).recall === 1;
  expect(meets(time(10, [1]), time(9, [1]))).toBe(true);
  expect(meets(time(11, [1]), time(9, [1]))).toBe(false);
  expect(meets(time(0, [1]), time(23, [1]))).toBe(true);
  expect(meets(time(9, [1, 2]), time(9, [1]))).toBe(false);
  expect(meets(time(9, [1, 2, 3, 4]), time(9, [1, 2, 3, 4, 5]))).toBe(true);
  expect(meets(time(9), time(9, [0, 1, 2, 3, 4, 5, 6]))).toBe(true);
  expect(meets(time(9), time(9, [1, 2, 3, 4, 5]))).toBe(false);
  expect(meets({ kind: "time", members: [1, 2, 3] }, time(9))).toBe(false);
});

test("pooled scores count every pattern once", () => {
  const right = score([recurring(1), recurring(2), recurring(3)], [recurring(1), recurring(2), recurring(3)]);
  const wrong = score([recurring(9)], [recurring(1)]);
  expect(pooled([right, wrong])).toEqual({ precision: 0.75, recall: 0.75 });
});
