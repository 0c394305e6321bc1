import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { Likeness, saysTheSame } from "../../src/memory/likeness.ts";
import { Rarity } from "../../src/memory/rarity.ts";
import { putUsage } from "../../src/memory/usage.ts";
import { type Followed, noteUndone } from "../../src/memory/uses.ts";
import { DAY, never, openRig, START } from "./support.ts";

const WEEK = 7 * DAY;
const LESSON = "When adding pagination to an endpoint, cap the page size at 100 and test the last page";

/** What a task took from a lesson: two words that stand nowhere else, or nothing. */
const followed = (id: string): Followed => ({
  id,
  own: new Set(["pagination", "endpoint"]),
  taken: new Set(["pagination", "endpoint"]),
});
const ignored = (id: string): Followed => ({ ...followed(id), taken: new Set() });

async function only(rig: ReturnType<typeof openRig>) {
  const all = await rig.memory.learnings();
  expect(all.length).toBe(1);
  return all[0]!;
}

describe("a lesson", () => {
  test("is kept as it was told, with where it came from", async () => {
    using rig = openRig();
    rig.task("t1", "Add pagination");
    expect(await rig.learn(LESSON)).toEqual({
      is: "new",
      learning: {
        id: expect.any(String),
        type: "heuristic",
        content: LESSON,
        category: "code",
        confidence: 0.7,
        sourceTask: "t1",
        workspace: "/work",
        reinforced: 0,
        recalled: 0,
        helped: 0,
        createdAt: "2026-11-23T10:00:00.000Z",
        lastUsed: null,
      },
    });
  });

  test("of a task that the recorder has not come to is kept all the same, and that task is not found by it", async () => {
    using rig = openRig();
    expect((await rig.learn(LESSON))?.learning.sourceTask).toBe("t1");
    expect((await rig.memory.search("t1", 5, never)).map(({ kind }) => kind)).not.toContain("task");
  });

  test("that is told again makes the first one stronger", async () => {
    using rig = openRig();
    await rig.learn(LESSON);
    rig.clock.now += WEEK;
    const again = await rig.learn(
      "When adding pagination to endpoints, cap the page size at 100 and test the last page!",
    );
    expect(again?.is).toBe("reinforced");
    const { content, confidence, reinforced, lastUsed, workspace } = await only(rig);
    expect({ content, reinforced, workspace }).toEqual({ content: LESSON, reinforced: 1, workspace: "/work" });
    expect(confidence).toBeCloseTo(0.75, 5);
    expect(lastUsed).toBe("2026-11-30T10:00:00.000Z");
  });

  test("that is told again and again is not made surer than one that helped", async () => {
    using rig = openRig();
    const id = (await rig.learn(LESSON))!.learning.id;
    for (let time = 0; time < 9; time++) await rig.learn(LESSON);
    expect(await only(rig)).toMatchObject({ confidence: 0.75, reinforced: 9, helped: 0 });
    rig.used("t2", true, [followed(id)]);
    const helped = (await only(rig)).confidence;
    await rig.learn(LESSON);
    expect((await only(rig)).confidence).toBeGreaterThan(helped);
  });

  test("that holds in two places holds anywhere", async () => {
    using rig = openRig();
    await rig.learn(LESSON);
    await rig.learn(LESSON, { workspace: "/other" });
    expect((await only(rig)).workspace).toBeNull();
  });

  const DIFFERENT: [string, string, string][] = [
    [
      "its opposite",
      "Commit the lock file together with the package manifest",
      "Do not commit the lock file together with the package manifest",
    ],
    [
      "never and always",
      "Always run the formatter before the linter in this project",
      "Never run the formatter before the linter in this project",
    ],
    ["another number", LESSON, LESSON.replace("100", "50")],
    [
      "another path",
      "Put shared helpers of the parser into src/base/text.ts",
      "Put shared helpers of the parser into src/base/files.ts",
    ],
    [
      "another name",
      "The release script calls makeArchive before it uploads",
      "The release script calls makeChecksum before it uploads",
    ],
    [
      "the other way round",
      "Use bun instead of npm to install packages here",
      "Use npm instead of bun to install packages here",
    ],
    [
      "another order",
      "Run the linter before the tests in this repository",
      "Run the tests before the linter in this repository",
    ],
    [
      "something else quoted",
      "The flag is called `--quiet` in scripts of the build",
      "The flag is called `--silent` in scripts of the build",
    ],
  ];
  for (const [what, first, second] of DIFFERENT) {
    test(`is not taken for a known one that says ${what}`, async () => {
      using rig = openRig();
      await rig.learn(first);
      expect((await rig.learn(second))?.is).toBe("new");
      expect((await rig.learn(first))?.is).toBe("reinforced");
    });
  }

  test("is not taken for one of another kind", async () => {
    using rig = openRig();
    await rig.learn("Mock the clock in the tests of the scheduler");
    expect((await rig.learn("Mock the clock in the tests of the scheduler", { type: "anti_pattern" }))?.is).toBe("new");
  });

  test("that denies a known one takes weight from it", async () => {
    using rig = openRig();
    await rig.learn("Commit the lock file together with the package manifest");
    await rig.learn("Do not commit the lock file together with the package manifest");
    expect((await rig.memory.learnings()).map(({ confidence }) => confidence)).toEqual([0.7, 0.35]);
  });

  test("of one folder takes no weight from what holds in another, or anywhere", async () => {
    using rig = openRig();
    const [yes, no] = [
      "Commit the lock file together with the manifest",
      "Do not commit the lock file with the manifest",
    ];
    await rig.learn(yes, { workspace: "/other" });
    await rig.learn(no);
    expect((await rig.memory.learnings()).map(({ confidence }) => confidence)).toEqual([0.7, 0.7]);
  });

  test("of no folder takes weight from what holds in any", async () => {
    using rig = openRig();
    const [yes, no] = [
      "Commit the lock file together with the manifest",
      "Do not commit the lock file with the manifest",
    ];
    await rig.learn(yes);
    const lesson = { type: "heuristic", content: no, category: "code", confidence: 0.7 } as const;
    await rig.memory.save(lesson, { task: null, workspace: null }, never);
    expect((await rig.memory.learnings()).map(({ confidence }) => confidence)).toEqual([0.7, 0.35]);
  });

  test("is cleaned of what could steer a terminal, made one paragraph, and clipped", async () => {
    using rig = openRig();
    const content = (await rig.learn(`One\u001b[31m red\n\n  lesson ${"long ".repeat(500)}`))?.learning.content;
    expect(content).toStartWith("One red lesson long");
    expect(content?.length).toBe(1000);
  });

  test("is kept when another process has written, and nothing stands still meanwhile", async () => {
    using rig = openRig();
    await rig.learn("Put shared helpers of the parser into src/base/text.ts");
    rig.database.db.run("PRAGMA busy_timeout = 0");
    using other = new Database(rig.database.path);
    other.run("BEGIN IMMEDIATE");
    const learned = rig.learn(LESSON);
    await Bun.sleep(0);
    other.run("COMMIT");
    expect((await learned)?.is).toBe("new");
  });

  test("of one endless word is compared as any other", () => {
    const likeness = new Likeness(new Rarity(0, new Uint8Array(0)));
    const endless = likeness.portrait(`Put helpers of the parser into base ${"a".repeat(500_000)}`);
    expect(saysTheSame(endless, endless)).toBe(true);
  });

  test("of nothing is not kept", async () => {
    using rig = openRig();
    expect(await rig.learn(" \n ")).toBeUndefined();
    expect(await rig.memory.learnings()).toEqual([]);
  });
});

describe("a secret", () => {
  const SECRETS: [string, string][] = [
    ["the program's own key", "Log in with hunter2hunter2 before the tests"],
    ["a placeholder of one", "Log in with [[secret:1f0c92ab]] before the tests"],
    ["a known kind of key", "Set the token ghp_0123456789abcdefghijklmnopqrstuvwxyz before the tests"],
  ];
  for (const [what, text] of SECRETS) {
    test(`is never learned, saved or written into a learning: ${what}`, async () => {
      using rig = openRig({ hide: (each) => each.replace("hunter2hunter2", "[[secret:00]]") });
      expect(await rig.learn(text)).toBeUndefined();
      const lesson = { type: "heuristic", content: text, category: "code", confidence: 1 } as const;
      await expect(rig.memory.save(lesson, { task: null, workspace: null }, never)).rejects.toThrow(UserError);
      const { id } = (await rig.learn(LESSON))!.learning;
      await expect(rig.memory.edit(id, text, never)).rejects.toThrow("a text that holds a secret is not remembered");
      expect((await only(rig)).content).toBe(LESSON);
    });
  }
});

describe("confidence", () => {
  test("fades with the weeks since a learning was last used", async () => {
    using rig = openRig();
    await rig.learn(LESSON);
    rig.clock.now += 10 * WEEK;
    expect((await only(rig)).confidence).toBeCloseTo(0.7 * Math.exp(-0.5), 10);
  });

  test("below a tenth a learning is forgotten, and its text is found no more", async () => {
    using rig = openRig();
    await rig.learn(LESSON);
    await rig.learn("Write the changelog by hand", { confidence: 0.95 });
    rig.clock.now = START + 40 * WEEK;
    await rig.memory.tend(1000, never);
    expect((await rig.memory.learnings()).map(({ content }) => content)).toEqual(["Write the changelog by hand"]);
    expect(await rig.memory.search("pagination", 5, never)).toEqual([]);
  });

  test("grows and is renewed where it was followed and the task accepted; unused it stays and goes on fading", async () => {
    using rig = openRig();
    const helping = (await rig.learn(LESSON))!.learning;
    const idle = (await rig.learn("Write the changelog by hand"))!.learning;
    rig.clock.now += WEEK;
    rig.used("t2", true, [followed(helping.id), ignored(idle.id), followed("forgotten meanwhile")]);
    const week = Math.exp(-0.05);
    const [first, second] = await rig.memory.learnings();
    expect(first).toMatchObject({ id: helping.id, recalled: 1, helped: 1, lastUsed: "2026-11-30T10:00:00.000Z" });
    expect(first!.confidence).toBeCloseTo(0.7 * week + (1 - 0.7 * week) * 0.2, 10);
    expect(second).toMatchObject({ id: idle.id, recalled: 1, helped: 0, lastUsed: null });
    expect(second!.confidence).toBeCloseTo(0.7 * week, 10);
  });

  test("shrinks where the lesson was followed and the task not accepted, and is counted once", async () => {
    using rig = openRig();
    const { id } = (await rig.learn(LESSON))!.learning;
    rig.used("t2", false, [followed(id)]);
    for (let time = 0; time < 3; time++) expect((await only(rig)).confidence).toBeCloseTo(0.7 * 0.9, 10);
    expect(await only(rig)).toMatchObject({ recalled: 1, helped: 0, lastUsed: null });
  });

  test("that cannot be counted now, because another process writes, is counted later and holds no recall up", async () => {
    using rig = openRig();
    const { id } = (await rig.learn(LESSON))!.learning;
    rig.used("t2", true, [followed(id)]);
    rig.database.db.run("PRAGMA busy_timeout = 0");
    using other = new Database(rig.database.path);
    other.run("BEGIN IMMEDIATE");
    const cue = { text: "Add pagination to the endpoint", workspace: "/work", task: "now", tokens: 1000 };
    expect((await rig.memory.recall(cue, never)).map((memento) => memento.id)).toContain(id);
    expect(await only(rig)).toMatchObject({ recalled: 0 });
    other.run("ROLLBACK");
    expect(await only(rig)).toMatchObject({ recalled: 1, helped: 1 });
  });

  test("of a lesson is not moved by one word of it, nor by words that say nothing", async () => {
    using rig = openRig();
    const { id } = (await rig.learn(LESSON))!.learning;
    rig.used("t2", true, [{ id, own: new Set(["endpoint", "pagination", "test"]), taken: new Set(["endpoint"]) }]);
    rig.used("t3", true, [{ id, own: new Set(["test", "file", "run"]), taken: new Set(["test", "file", "run"]) }]);
    expect(await only(rig)).toMatchObject({ recalled: 2, helped: 0, confidence: 0.7 });
  });

  test("goes down again where the user undoes the task that it helped, and up where it is redone", async () => {
    using rig = openRig();
    const { id } = (await rig.learn(LESSON, { type: "preference" }))!.learning;
    const taught = (await rig.learn("Write the changelog by hand", { task: "t2" }))!.learning;
    rig.used("t2", true, [followed(id)]);
    const confidenceOf = async (of: string) =>
      (await rig.memory.learnings()).find((each) => each.id === of)!.confidence;
    const helped = await confidenceOf(id);
    const event = { kind: "task", channel: "cli", description: "d", category: null, skills: [], score: 1 } as const;
    putUsage(rig.database, { ...event, id: "t2:task", at: START, task: "t2", outcome: "ok" });
    const outcome = () => rig.database.query("SELECT outcome FROM usage_events").get();
    expect(noteUndone(rig.database, "t2", "2026-11-23T12:00:00.000Z")).toBe(true);
    expect(outcome()).toEqual({ outcome: "failed" });
    expect(noteUndone(rig.database, "t2", "2026-11-23T12:30:00.000Z")).toBe(true);
    expect((await rig.memory.learnings()).find((each) => each.id === id)).toMatchObject({ recalled: 1, helped: 0 });
    expect(await confidenceOf(id)).toBeCloseTo(0.7 * 0.9, 10);
    expect(await confidenceOf(taught.id)).toBeCloseTo(0.7 * 0.9, 10);
    noteUndone(rig.database, "t2", null);
    expect(outcome()).toEqual({ outcome: "ok" });
    expect(await confidenceOf(id)).toBeCloseTo(helped, 10);
    expect(await confidenceOf(taught.id)).toBeCloseTo(0.7, 10);
    expect(noteUndone(rig.database, "nobody", null)).toBe(false);
  });

  test("that helped in a task which was undone fades as one that misled", async () => {
    const weighs = async (isUndone: boolean) => {
      using rig = openRig();
      const { id } = (await rig.learn(LESSON))!.learning;
      rig.clock.now += 4 * WEEK;
      rig.used("t2", isUndone, [followed(id)]);
      expect((await only(rig)).helped).toBe(isUndone ? 1 : 0);
      if (isUndone) noteUndone(rig.database, "t2", new Date(rig.clock.now).toISOString());
      rig.clock.now += 10 * WEEK;
      return (await only(rig)).confidence;
    };
    expect(await weighs(true)).toBeCloseTo(await weighs(false), 10);
  });

  test("does not grow by a clock that is put back, nor stay for ever by one that was ahead", async () => {
    using rig = openRig();
    rig.clock.now = START + 500 * WEEK;
    await rig.learn(LESSON);
    await rig.learn(LESSON);
    rig.clock.now = START;
    expect((await only(rig)).confidence).toBeLessThanOrEqual(1);
    await rig.memory.tend(1000, never);
    rig.clock.now = START + 10 * WEEK;
    expect((await only(rig)).confidence).toBeCloseTo(0.75 * Math.exp(-0.5), 5);
  });

  test("of what another program wrote is read as far as it makes sense", async () => {
    using rig = openRig();
    const insert = rig.database.query(
      "INSERT INTO learnings (id, type, content, confidence, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
    );
    insert.run("a", "heuristic", "Keep functions short", 7, "2026-11-16 10:00:00", null);
    insert.run("b", "gossip", "Somebody said so", 0.5, "nonsense", null);
    insert.run("c", "heuristic", "Only until Sunday", 0.9, "2026-11-16 10:00:00", "2026-11-22 10:00:00");
    const all = await rig.memory.learnings();
    expect(all.map(({ id, type, category }) => ({ id, type, category }))).toEqual([
      { id: "a", type: "heuristic", category: "general" },
      { id: "c", type: "heuristic", category: "general" },
      { id: "b", type: "heuristic", category: "general" },
    ]);
    expect(all[0]!.confidence).toBeCloseTo(Math.exp(-0.05), 10);
    await rig.memory.tend(1000, never);
    expect((await rig.memory.learnings()).map(({ id }) => id)).toEqual(["a", "b"]);
  });
});

describe("a person", () => {
  test("saves, edits and forgets what is remembered", async () => {
    using rig = openRig();
    const lesson = {
      type: "preference",
      content: "Small commits are liked",
      category: "general",
      confidence: 1,
    } as const;
    const saved = await rig.memory.save(lesson, { task: null, workspace: null }, never);
    expect(saved).toMatchObject({ is: "new", learning: { workspace: null, sourceTask: null, confidence: 1 } });
    const { id } = saved.learning;
    expect((await rig.memory.edit(id, "Large commits are liked", never))?.content).toBe("Large commits are liked");
    expect((await rig.memory.search("large commits", 5, never)).map(({ id }) => id)).toEqual([id]);
    expect((await rig.memory.search("small", 5, never)).map(({ id }) => id)).toEqual([]);
    expect(await rig.memory.forget(id)).toBe(true);
    expect(await rig.memory.forget(id)).toBe(false);
    expect(await rig.memory.edit(id, "Gone", never)).toBeUndefined();
    expect(await rig.memory.search("commits", 5, never)).toEqual([]);
  });

  test("is told why nothing is saved", async () => {
    using rig = openRig();
    const lesson = { type: "preference", content: " ", category: "general", confidence: 1 } as const;
    await expect(rig.memory.save(lesson, { task: null, workspace: null }, never)).rejects.toThrow("an empty lesson");
  });
});
