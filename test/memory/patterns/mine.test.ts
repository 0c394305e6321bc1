import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { back, DAY, event, find, life, NOW, ofKind, on, WORKDAYS } from "./log.ts";

const NOTES = [
  "write the release notes for v1.4.0",
  "draft release notes for version 1.5",
  "please write release notes for 1.6.2",
  "Can you prepare the release notes for v2?",
];

describe("a recurring task", () => {
  test("is one that was given three times, in other words and with other names in it", () => {
    const found = ofKind("recurring", [...life(), ...on([20, 12, 3], ["10:05", "15:40", "18:20"], NOTES)]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ samples: 3, frequency: "3 times on 3 days" });
    expect(found[0]!.description).toContain("release notes");
    expect(found[0]!.key).toBe("recurring:task:not-releas-writ");
    expect(found[0]!.confidence).toBeGreaterThanOrEqual(0.7);
  });

  test("is none where it was given twice, or often on one day only", () => {
    expect(ofKind("recurring", [...life(), ...on([12, 3], ["10:05", "15:40"], NOTES)])).toEqual([]);
    const burst = on([5, 5, 5, 5, 5], ["10:00", "10:05", "10:20", "10:40", "11:00"], NOTES);
    expect(ofKind("recurring", [...life(), ...burst])).toEqual([]);
  });

  test("does not mix with one that only looks like it", () => {
    const notes = on([21, 14, 7], ["10:05", "15:40", "18:20"], NOTES);
    const plan = on(
      [20, 13, 6],
      ["11:00", "14:30", "9:15"],
      ["write the release plan for v1.4", "write a release plan"],
    );
    const tests = on(
      [19, 11, 4],
      ["11:20", "17:10", "12:45"],
      ["write tests for the parser", "write unit tests for the lexer"],
    );
    const docs = on(
      [18, 10, 2],
      ["11:20", "17:10", "12:45"],
      ["write docs for the parser", "write the docs for the lexer"],
    );
    const found = ofKind("recurring", [...life(), ...notes, ...plan, ...tests, ...docs]);
    expect(found.map(({ samples }) => samples)).toEqual([3, 3, 3, 3]);
  });

  test("may have a blank that is filled in with many things", () => {
    const services = ["auth", "billing", "search", "cart", "gateway", "mailer"];
    const texts = services.map((name) => `fix the failing ${name} tests`);
    const found = ofKind("recurring", [...life(), ...on([25, 21, 16, 11, 6, 2], ["10:00", "13:20", "17:00"], texts)]);
    expect(found.map(({ samples }) => samples)).toEqual([6]);
  });

  test("is found in any language, and with typing mistakes", () => {
    const german = [
      "Schreibe den Wochenbericht",
      "schreib bitte den Wochenbericht für KW 12",
      "Schreibe den Wochenbericht der Abteilung",
    ];
    const japanese = ["議事録を要約して", "議事録を要約してください", "議事録を要約して"];
    const typo = [...NOTES, ...NOTES, "write teh relaese notes for v3"];
    for (const texts of [german, japanese, typo]) {
      const days = texts.map((_, at) => 2 + at * 3);
      const found = ofKind("recurring", [...life(), ...on(days, ["10:05", "15:40", "18:20"], texts)]);
      expect(found.map(({ samples }) => samples)).toEqual([texts.length]);
    }
  });

  test("that ended is told no more", () => {
    const daily = on([28, 27, 26, 25, 24, 23, 22, 21, 20, 19], ["10:05", "15:40", "18:20"], NOTES);
    expect(ofKind("recurring", [...life(), ...daily])).toEqual([]);
    const weekly = on(
      [29, 22, 15].map((day) => day - 0),
      ["10:05", "15:40", "18:20"],
      NOTES,
    );
    expect(ofKind("recurring", [...life(), ...weekly])).toHaveLength(1);
  });

  test("of long ago is none", () => {
    const old = on([58, 51, 44, 37], ["10:00"], NOTES);
    expect(find([...life(), ...old])).toEqual([]);
  });
});

describe("a time pattern", () => {
  const standup = ["summarise yesterday's commits for the standup", "standup summary of yesterday's commits"];

  test("is every weekday about nine", () => {
    const found = ofKind("time", [...life(), ...on(WORKDAYS, ["8:50", "9:10", "9:25", "8:40"], standup)]);
    expect(found).toMatchObject([{ frequency: "every weekday about 9", when: { weekdays: [1, 2, 3, 4, 5] } }]);
    expect(found[0]!.confidence).toBeGreaterThan(0.9);
  });

  test("holds where some days are left out", () => {
    const days = WORKDAYS.filter((_, at) => at % 4 !== 1);
    const found = ofKind("time", [...life(), ...on(days, ["8:50", "9:10", "9:25"], standup)]);
    expect(found).toMatchObject([{ frequency: "every weekday about 9" }]);
  });

  test("is every Monday, and on two days of the week", () => {
    const mondays = ofKind("time", [...life(), ...on([27, 20, 13, 6], ["16:10", "16:30", "15:50"], standup)]);
    expect(mondays).toMatchObject([{ frequency: "every Monday about 16", when: { weekdays: [1] } }]);
    const anyTime = ofKind("time", [...life(), ...on([27, 20, 13, 6], ["8:10", "18:30", "12:50", "15:00"], standup)]);
    expect(anyTime).toMatchObject([{ frequency: "every Monday", when: { minute: null, weekdays: [1] } }]);
    const twice = on([26, 24, 19, 17, 12, 10, 5, 3], ["16:10", "16:30", "15:50"], standup);
    expect(ofKind("time", [...life(), ...twice])).toMatchObject([{ frequency: "every Tuesday and Thursday about 16" }]);
  });

  test("is told in the user's own time, also where the clock was changed and around midnight", () => {
    const tokyo = 9 * 60;
    const evening = WORKDAYS.map((day, at) => event(back(day, at % 2 ? "23:40" : "24:15", tokyo), "write the diary"));
    expect(ofKind("time", [...life(), ...evening], { offsetAt: () => tokyo })).toMatchObject([
      { frequency: "every weekday about 0" },
    ]);
    const change = back(14, "3:00");
    const offsetAt = (at: number) => (at < change ? 120 : 60);
    const local = WORKDAYS.map((day) => event(back(day, "9:00", day > 14 ? 120 : 60), "write the diary"));
    expect(ofKind("time", [...life(), ...local], { offsetAt })[0]!.when!.minute).toBe(9 * 60);
  });

  test("may be twice a day", () => {
    const twice = [...on(WORKDAYS, ["9:00", "9:20"], standup), ...on(WORKDAYS, ["16:50", "17:10"], standup)];
    const found = ofKind("time", [...life(), ...twice]);
    expect(found.map(({ frequency }) => frequency)).toEqual(["every weekday about 9", "every weekday about 17"]);
    expect(new Set(found.map(({ key }) => key)).size).toBe(2);
  });

  test("is none where the times are any, where all was on one day, and where it ended", () => {
    const any = on(WORKDAYS, ["8:10", "10:40", "13:05", "15:30", "17:50", "11:55", "9:20"], standup);
    expect(ofKind("time", [...life(), ...any])).toEqual([]);
    const burst = on([6, 6, 6, 6, 6, 6], ["9:00", "9:10", "9:20", "9:30"], standup);
    expect(ofKind("time", [...life(), ...burst])).toEqual([]);
    const ended = on(
      WORKDAYS.filter((day) => day > 12),
      ["9:00", "9:10"],
      standup,
    );
    expect(ofKind("time", [...life(), ...ended])).toEqual([]);
  });

  test("is not the time at which the user does everything", () => {
    const early = life().map((each) => ({
      ...each,
      at: each.at - ((each.at % DAY) - (9 * 60 + (each.at % 37)) * 60_000),
    }));
    expect(ofKind("time", [...early, ...on([25, 17, 12, 4], ["9:05", "9:20", "9:35"], standup)])).toEqual([]);
  });
});

describe("a sequence", () => {
  const at = (day: number, hour: number, minutes: number) => back(day, `${hour}:${String(minutes).padStart(2, "0")}`);
  const DAYS = [26, 23, 19, 16, 11, 8, 3];
  const hour = (place: number) => [10, 14, 9, 16, 11, 13, 15][place % 7]!;

  test("is what follows, with something else in between", () => {
    const events = DAYS.flatMap((day, place) => [
      event(at(day, hour(place), 0), "run the benchmarks"),
      event(at(day, hour(place), 10 + place), life()[place * 5]!.text),
      event(at(day, hour(place), 25 + place), "post the benchmark results to slack", { kind: "integration" }),
    ]);
    const found = ofKind("sequence", [...life(), ...events]);
    expect(found).toMatchObject([{ samples: 7, steps: [{ kind: "task" }, { kind: "integration" }] }]);
    expect(found[0]!.members).toHaveLength(14);
  });

  test("of three steps is told once, as a whole", () => {
    const events = DAYS.flatMap((day, place) => [
      event(at(day, hour(place), 0), "bump the version"),
      event(at(day, hour(place), 12 + place), "write the changelog"),
      event(at(day, hour(place), 35), "tag the release"),
    ]);
    const found = ofKind("sequence", [...life(), ...events]);
    expect(found.map(({ description }) => description)).toEqual([
      "bump the version → write the changelog → tag the release",
    ]);
  });

  test("that is done at the same time each day is one still", () => {
    const events = WORKDAYS.flatMap((day, place) => [
      event(at(day, 9, (place * 17) % 50), "fetch the sales numbers"),
      event(at(day, 9, ((place * 17) % 50) + 5 + (place % 4)), "write the sales summary"),
    ]);
    expect(ofKind("sequence", [...life(), ...events])).toHaveLength(1);
  });

  test("is not two habits of neighbouring hours", () => {
    const events = WORKDAYS.flatMap((day, place) => [
      event(at(day, 9, (place * 7) % 20), "fetch the sales numbers"),
      event(at(day, 9, 30 + ((place * 11) % 20)), "triage the inbox"),
    ]);
    expect(ofKind("sequence", [...life(), ...events])).toEqual([]);
  });

  test("is not two frequent things that meet by chance", () => {
    const often = Array.from({ length: 80 }, (_, n) => [
      event(back(n % 28, `${8 + ((n * 7) % 10)}:${(n * 13) % 60}`), "run the tests"),
      event(back((n * 3) % 28, `${8 + ((n * 5) % 10)}:${(n * 29) % 60}`), "commit my changes"),
    ]).flat();
    expect(ofKind("sequence", [...life(), ...often])).toEqual([]);
  });

  test("is none in changing order, when done twice, or when the second step comes the next day", () => {
    const mixed = DAYS.flatMap((day, place) => [
      event(at(day, hour(place), place % 2 ? 20 : 0), "run the benchmarks"),
      event(at(day, hour(place), 10), "update the dashboard"),
    ]);
    expect(ofKind("sequence", [...life(), ...mixed])).toEqual([]);
    const ordered = DAYS.flatMap((day, place) => [
      event(at(day, hour(place), 0), "run the benchmarks"),
      event(at(day, hour(place), 10), "update the dashboard"),
    ]);
    expect(ofKind("sequence", [...life(), ...ordered])).toHaveLength(1);
    expect(ofKind("sequence", [...life(), ...ordered.slice(-4)])).toEqual([]);
    const later = ordered.map((each) => (each.text.startsWith("update") ? { ...each, at: each.at + DAY } : each));
    expect(ofKind("sequence", [...life(), ...later])).toEqual([]);
  });

  test("that ended is told no more", () => {
    const ended = [28, 27, 26, 25, 24, 23, 22].flatMap((day, place) => [
      event(at(day, hour(place), 0), "run the benchmarks"),
      event(at(day, hour(place), 10), "update the dashboard"),
    ]);
    expect(ofKind("sequence", [...life(), ...ended])).toEqual([]);
  });

  test("does not count the command that a task is begun with", () => {
    const events = DAYS.flatMap((day, place) => [
      event(at(day, hour(place), 0), "run", { kind: "command" }),
      event(at(day, hour(place), 1), "run the benchmarks"),
      event(at(day, hour(place), 9), "status", { kind: "command" }),
    ]);
    const found = ofKind("sequence", [...life(), ...events]);
    expect(found.map(({ description }) => description)).toEqual(["run the benchmarks → status"]);
  });
});

describe("mining", () => {
  const habits = [
    ...on(WORKDAYS, ["8:50", "9:10", "9:25", "8:40"], ["summarise the commits for the standup"]),
    ...on([27, 20, 13, 6], ["16:10", "16:30"], NOTES),
  ];
  const log = [...life(), ...habits];
  const keys = (events: typeof log) => find(events).map(({ key }) => key);

  test("finds nothing in an empty log, nor in one of a single event", () => {
    expect(find([])).toEqual([]);
    expect(find([event(NOW - DAY, "write the release notes")])).toEqual([]);
  });

  test("finds the same in any order of the events, and the same again", () => {
    const found = find(log);
    expect(found.length).toBeGreaterThanOrEqual(4);
    fc.assert(
      fc.property(fc.shuffledSubarray(log, { minLength: log.length }), (shuffled) => {
        expect(find(shuffled)).toEqual(found);
      }),
      { numRuns: 15 },
    );
  });

  test("finds a clear habit whatever else is done", () => {
    const noise = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 29 * 24 * 60 }),
        fc.array(fc.stringMatching(/^[a-z]{3,9}$/), { minLength: 2, maxLength: 6 }),
      ),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(noise, (tasks) => {
        const more = tasks.map(([minutes, words]) => event(NOW - minutes * 60_000, words.join(" ")));
        const found = keys([...log, ...more]);
        for (const key of keys(log)) expect(found).toContain(key);
      }),
      { numRuns: 15 },
    );
  });

  test("tells of a task that is pages long in one short line", () => {
    const long = `write the weekly report\n\n${"with every detail of it, ".repeat(200)}`;
    const [found] = find([...life(), ...on([20, 12, 3], ["10:00", "15:00"], [long])]);
    expect(found!.description).toStartWith("write the weekly report with every detail");
    expect(found!.description.length).toBeLessThanOrEqual(200);
  });

  test("keeps its keys from day to day", () => {
    const later = find(log, { now: NOW + DAY }).map(({ key }) => key);
    expect(later.sort()).toEqual(keys(log).sort());
  });

  test("takes any text", () => {
    const odd = fc.constantFrom(..."aabbé字ー \u0000\n\"'`[{/.@#19\u202e", "😀", "\ud800", "://", "...");
    fc.assert(
      fc.property(fc.array(fc.string({ unit: odd, maxLength: 60 }), { maxLength: 30 }), (texts) => {
        const events = texts.flatMap((text, at) => on([9, 6, 3], [`${at % 24}:00`], [text]));
        for (const pattern of find(events)) {
          expect(pattern.confidence).toBeGreaterThanOrEqual(0.7);
          expect(pattern.confidence).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("can be given another sense of what is alike", () => {
    const events = on([20, 12, 3], ["10:00", "15:00"], ["alpha", "beta", "gamma"]);
    expect(ofKind("recurring", [...life(), ...events])).toEqual([]);
    const greek = new Set(["alpha", "beta", "gamma"]);
    const similarity = (a: string, b: string) => (a === b || (greek.has(a) && greek.has(b)) ? 1 : 0);
    expect(ofKind("recurring", [...life(), ...events], { similarity })).toMatchObject([{ samples: 3 }]);
  });
});
