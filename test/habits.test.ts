import { afterEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Config } from "../src/base/config.ts";
import { resolvePaths } from "../src/base/paths.ts";
import {
  approvePattern,
  dismissPattern,
  type Habits,
  mineHabits,
  mineWhenDue,
  propose,
  withoutTwins,
} from "../src/habits.ts";
import { openDatabase } from "../src/memory/database.ts";
import { storedPatterns } from "../src/memory/patterns/store.ts";
import { putUsage } from "../src/memory/usage.ts";
import { createSkills } from "../src/skills/index.ts";
import { proposals } from "../src/skills/proposals.ts";
import { DAY, life, NOW, on, WORKDAYS } from "./memory/patterns/log.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const DEFAULTS: Config["patterns"] = {
  enabled: true,
  mine_interval_hours: 24,
  min_confidence: 0.7,
  min_samples: 3,
  auto_propose: true,
};

function open(more: Partial<Config["patterns"]> = {}) {
  const home = mkdtempSync(join(tmpdir(), "openkoi-habits-"));
  const paths = resolvePaths({ HOME: home });
  const memory = openDatabase({ path: paths.database, now: () => NOW, onNotice: () => {} });
  ends.push(() => {
    memory.close();
    rmSync(home, { recursive: true, force: true });
  });
  const habits: Habits = { memory, paths, config: { ...DEFAULTS, ...more }, now: NOW };
  return { habits, memory, paths };
}

/** Written as the recorder does; local time is that of the test machine, so that no hours are compared here. */
function record({ memory }: Pick<Habits, "memory">, events: ReturnType<typeof life>): void {
  memory.transaction(() => {
    for (const [at, event] of events.entries()) {
      const id = `${event.text.slice(0, 12)}-${event.at}-${at}`;
      const { kind, outcome, category } = event;
      putUsage(memory, {
        ...{ id, kind, outcome, category, at: event.at, description: event.text },
        ...{ channel: "cli", skills: [], score: null, task: id },
      });
    }
  });
}

const STANDUP = on(WORKDAYS, ["8:50", "9:10", "9:25"], ["summarise the commits for the standup"]);
const NOTES = on([25, 16, 8, 2], ["10:05", "15:40", "18:20", "12:00"], ["write the release notes for v1.4"]);

describe("mining", () => {
  test("proposes an inactive skill for each habit, once", async () => {
    const { habits, paths } = open();
    record(habits, [...life(), ...STANDUP, ...NOTES]);
    const fresh = await mineHabits(habits);
    expect(fresh.map(({ kind, status, skill }) => ({ kind, status, skill }))).toEqual([
      { kind: "time", status: "proposed", skill: "summarise-commits" },
      { kind: "recurring", status: "proposed", skill: "write-release-notes" },
    ]);
    expect(proposals(paths)).toMatchObject([
      { name: "summarise-commits", state: "open", warnings: [] },
      { name: "write-release-notes", state: "open", warnings: [] },
    ]);
    expect(await mineHabits(habits)).toEqual([]);
    expect(proposals(paths)).toHaveLength(2);
  });

  test("writes no skill beside its own place, whatever name an import brought", async () => {
    const { habits, memory, paths } = open({ auto_propose: false });
    record(habits, NOTES);
    const [found] = await mineHabits(habits);
    for (const name of ["../user/evil", "/tmp/evil", "..", "a/b", "A b"]) {
      memory.query("UPDATE usage_patterns SET proposed_skill = ?").run(name);
      const [pattern] = storedPatterns(memory);
      expect(pattern?.skill).toBeNull();
      const written = await propose(habits, pattern!);
      expect(dirname(written.folder)).toBe(realpathSync(paths.skills.proposed));
      await expect(propose(habits, found!, { name, description: "d", body: "b" })).rejects.toThrow("is no name");
    }
    expect(readdirSync(dirname(paths.skills.proposed))).toEqual(["proposed"]);
  });

  test("proposes nothing where that is not wanted, nor a skill for a mere command", async () => {
    const { habits, paths } = open({ auto_propose: false });
    record(habits, [...life(), ...NOTES]);
    expect(await mineHabits(habits)).toMatchObject([{ status: "detected", skill: null }]);
    expect(proposals(paths)).toEqual([]);
    const other = open();
    record(other.habits, [
      ...life(),
      ...STANDUP.map((event) => ({ ...event, kind: "command" as const, text: "status" })),
    ]);
    expect(await mineHabits(other.habits)).toMatchObject([{ kind: "time", status: "detected", skill: null }]);
  });

  test("says where a proposal cannot be written, and keeps what was found", async () => {
    const { habits, memory, paths } = open();
    mkdirSync(join(paths.skills.proposed, ".."), { recursive: true });
    writeFileSync(paths.skills.proposed, "no folder");
    record(habits, [...life(), ...NOTES]);
    const failed = await mineHabits(habits).catch((error: unknown) => error);
    expect(failed).toMatchObject({ name: "UserError", message: expect.stringContaining(paths.skills.proposed) });
    expect(storedPatterns(memory)).toMatchObject([{ status: "detected", skill: null }]);
  });

  test("never gives a proposal the name of a skill that is there", async () => {
    const { habits, paths } = open();
    const own = join(paths.skills.user, "write-release-notes");
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "SKILL.md"), "---\nname: write-release-notes\ndescription: Mine.\n---\n");
    record(habits, [...life(), ...NOTES]);
    expect(await mineHabits(habits)).toMatchObject([{ skill: "write-release-notes-2" }]);
  });

  test("does not ask again what was decided of the same thing", async () => {
    const { habits, memory } = open();
    record(habits, [...life(), ...NOTES]);
    const [recurring] = await mineHabits(habits);
    await dismissPattern(habits, recurring!);
    // The same, but now also at a regular time.
    record(habits, on(WORKDAYS, ["15:30", "15:45"], ["write the release notes for v1.4"]).slice(0, 3));
    await mineHabits(habits);
    const open_ = storedPatterns(memory).filter(({ status }) => status !== "dismissed");
    expect(open_).toEqual([]);
  });

  test("at the end of a task happens at most every so many hours, and says in a line what is new", async () => {
    const { habits, memory, paths } = open();
    const { memory: _, ...rest } = habits;
    const due = (now: number) => mineWhenDue({ ...rest, now }, async () => memory);
    record(habits, [...life(), ...NOTES]);
    expect(await due(NOW)).toBe("1 new pattern: openkoi learn");
    const marker = join(paths.cache, "patterns-mined");
    expect(existsSync(marker)).toBe(true);
    utimesSync(marker, NOW / 1000, NOW / 1000);
    record(habits, STANDUP);
    expect(await due(NOW + DAY - 60_000)).toBeUndefined();
    expect(await due(NOW + DAY)).toBe("1 new pattern: openkoi learn");
    utimesSync(marker, 0, 0);
    const failing = mineWhenDue({ ...rest, now: NOW }, () => Promise.reject(new Error("the disk is full")));
    await expect(failing).rejects.toThrow("the disk is full");
    expect(existsSync(marker)).toBe(false);
    const off = { ...rest, config: { ...DEFAULTS, enabled: false } };
    expect(await mineWhenDue(off, () => Promise.reject(new Error("opened")))).toBeUndefined();
  });
});

describe("a pattern", () => {
  test("that is approved makes its skill active; its twin is approved with it", async () => {
    const { habits, memory, paths } = open();
    record(habits, [...life(), ...STANDUP]);
    const [time] = await mineHabits(habits);
    const skills = () => {
      const input = { paths, workspace: tmpdir(), env: {}, config: {}, trusted: false, which: () => undefined };
      return createSkills(input)
        .offered()
        .map(({ name }) => name);
    };
    expect(skills()).not.toContain("summarise-commits");
    expect(await approvePattern(habits, time!, true)).toMatchObject({ name: "summarise-commits", state: "approved" });
    expect(skills()).toContain("summarise-commits");
    const kept = storedPatterns(memory).map(({ kind, status, scheduled }) => ({ kind, status, scheduled }));
    expect(kept).toContainEqual({ kind: "time", status: "approved", scheduled: true });
    expect(kept).toContainEqual({ kind: "recurring", status: "approved", scheduled: false });
    expect(await mineHabits(habits)).toEqual([]);
  });

  test("that is approved without a proposal gets one first", async () => {
    const { habits, paths } = open({ auto_propose: false });
    record(habits, [...life(), ...NOTES]);
    const [pattern] = await mineHabits(habits);
    await approvePattern(habits, pattern!, false);
    const text = readFileSync(join(paths.skills.proposed, "write-release-notes", "SKILL.md"), "utf8");
    expect(text).toContain("openkoi-pattern:");
    expect(proposals(paths)).toMatchObject([{ state: "approved" }]);
  });

  test("that needs no skill is approved without one", async () => {
    const { habits, memory, paths } = open();
    record(habits, [...life(), ...STANDUP.map((event) => ({ ...event, kind: "command" as const, text: "status" }))]);
    const [pattern] = await mineHabits(habits);
    expect(await approvePattern(habits, pattern!, true)).toBeUndefined();
    expect(storedPatterns(memory)).toMatchObject([{ status: "approved", scheduled: true, skill: null }]);
    expect(proposals(paths)).toEqual([]);
  });

  test("that is dismissed takes its proposal with it, and returns when it is done twice as often", async () => {
    const { habits, paths } = open();
    record(habits, [...life(), ...NOTES]);
    const [pattern] = await mineHabits(habits);
    await dismissPattern(habits, pattern!);
    expect(readdirSync(paths.skills.proposed)).toEqual([]);
    record(habits, on([22, 13, 5], ["9:50", "17:00"], ["write the release notes for v2"]));
    expect(await mineHabits(habits)).toEqual([]);
    record(habits, on([11], ["14:00"], ["write the release notes for v2"]));
    expect(await mineHabits(habits)).toMatchObject([{ id: pattern!.id, status: "proposed", samples: 8 }]);
    expect(proposals(paths)).toHaveLength(1);
  });

  test("is not told where a sequence that it is a step of says more", () => {
    const step = (text: string) => ({ kind: "task" as const, text, group: text });
    const common = {
      key: null,
      description: "",
      frequency: "",
      confidence: 1,
      when: null,
      cron: null,
      scheduled: false,
    };
    const rest = { ...common, members: [], skill: null, status: "detected" as const, firstSeen: "", lastSeen: "" };
    const sequence = { ...rest, id: "s", kind: "sequence" as const, samples: 6, steps: [step("a"), step("b")] };
    const often = { ...rest, id: "a", kind: "recurring" as const, samples: 20, steps: [step("a")] };
    const only = { ...rest, id: "b", kind: "recurring" as const, samples: 7, steps: [step("b")] };
    expect(withoutTwins([sequence, often, only]).map(({ id }) => id)).toEqual(["s", "a"]);
  });
});
