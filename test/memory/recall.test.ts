import { describe, expect, test } from "bun:test";
import type { Cue, Lesson, Memento } from "../../src/contracts/memory.ts";
import { DAY, never, openRig, type Rig } from "./support.ts";

function cue(text: string, more: Partial<Cue> = {}): Cue {
  return { text, workspace: "/work", task: "now", tokens: 4000, ...more };
}

async function recalled(rig: Rig, text: string, more: Partial<Cue> = {}): Promise<Memento[]> {
  return rig.memory.recall(cue(text, more), never);
}

function kinds(mementos: readonly Memento[]): string {
  return mementos.map(({ kind }) => kind).join(" ");
}

/** A task of some kind, one like it in other words, and what the first one taught. */
const SUBJECTS: { task: string; like: string; lesson: string; type: Lesson["type"] }[] = [
  {
    task: "Add pagination to the users endpoint in src/api/users.ts",
    like: "Add pagination to the orders endpoint",
    lesson: "When adding pagination to an endpoint, cap the page size at 100",
    type: "heuristic",
  },
  {
    task: "Fix the flaky date test in the billing module",
    like: "The invoice date test of the billing module fails at night",
    lesson: "Dates in billing tests must be made in UTC, local time breaks at midnight",
    type: "anti_pattern",
  },
  {
    task: "Write a SQL migration that adds an index on orders.created_at",
    like: "Add a SQL migration with a unique index on customers.email",
    lesson: "Create an index concurrently in a SQL migration, or the table is locked",
    type: "heuristic",
  },
  {
    task: "Implement the CSV export of reports",
    like: "The CSV export of reports breaks on commas",
    lesson: "CSV fields with commas and quotes must be quoted in the export",
    type: "heuristic",
  },
  {
    task: "Find out why the websocket server leaks memory",
    like: "The websocket server leaks memory after clients disconnect",
    lesson: "Listeners of closed websocket connections must be removed or they leak",
    type: "anti_pattern",
  },
  {
    task: "Set up GitHub Actions to run the tests on push",
    like: "Add a GitHub Actions workflow that lints pull requests",
    lesson: "Pin GitHub Actions to a commit hash",
    type: "preference",
  },
];

/** What was said in the end of each. */
const WORDS = SUBJECTS.map(({ task }, at) => {
  return `Mended in test/${/billing|users|orders|CSV|websocket|GitHub/.exec(task)?.[0].toLowerCase()}-${at}.ts.`;
});

async function learnAll(rig: Rig): Promise<void> {
  for (const [at, { task, lesson, type }] of SUBJECTS.entries()) {
    rig.task(`t${at}`, task, { summary: WORDS[at]! });
    await rig.learn(lesson, { type, task: `t${at}` });
  }
}

describe("recall", () => {
  test("of an empty memory is nothing", async () => {
    using rig = openRig();
    expect(await recalled(rig, "Add pagination")).toEqual([]);
  });

  test("brings for each task what one like it taught, and that task, and nothing of the others", async () => {
    using rig = openRig();
    await learnAll(rig);
    for (const [at, { like, lesson, type }] of SUBJECTS.entries()) {
      const mementos = await recalled(rig, like);
      expect(kinds(mementos)).toBe(`${type} task`);
      expect(mementos[0]!.text).toContain(lesson);
      expect(mementos[1]!.id).toBe(`t${at}`);
    }
  });

  test("brings nothing for a task that is like none", async () => {
    using rig = openRig();
    await learnAll(rig);
    for (const text of [
      "Write a haiku about autumn rain",
      "Translate the welcome letter into French",
      "How do I read a file?",
      "Rename getUser to fetchUser in the whole code base",
      "Run the tests and fix what fails",
      "Please add a new feature to the project",
      "日本語で答えて",
      "",
    ]) {
      expect({ text, mementos: await recalled(rig, text) }).toEqual({ text, mementos: [] });
    }
  });

  test("says what each is and from when, why it came up, and what it costs", async () => {
    using rig = openRig();
    await learnAll(rig);
    rig.clock.now += 10 * DAY;
    const mementos = await recalled(rig, SUBJECTS[1]!.like);
    expect(mementos.map(({ text }) => text)).toEqual([
      "Went wrong before (2026-11-23): Dates in billing tests must be made in UTC, local time breaks at midnight",
      'Similar task (2026-11-23, accepted): "Fix the flaky date test in the billing module". Mended in test/billing-1.ts.',
    ]);
    expect(mementos[0]!.why).toMatch(
      /^(like the task in words|taught by a task like this one) \(0\.\d\d\), confidence 0\.6\d, in this folder$/,
    );
    expect(mementos[0]!.tokens).toBe(Math.ceil(mementos[0]!.text.length / 4));
  });

  test("keeps apart what was noted and what the user was heard to wish, and neither reads like an order", async () => {
    using rig = openRig();
    await rig.learn("Pagination of the widgets endpoint needs column_1 as its key");
    await rig.learn("Pagination of the widgets endpoint by cursor_2 is liked", { type: "preference" });
    const mementos = await recalled(rig, "Add pagination to the endpoint of widgets");
    expect(mementos.map(({ text }) => text).sort()).toEqual([
      "Noted as the user's wish: Pagination of the widgets endpoint by cursor_2 is liked",
      "Noted before: Pagination of the widgets endpoint needs column_1 as its key",
    ]);
  });

  test("is in the order anti-patterns, skills, heuristics and preferences, tasks, and within the limits of each", async () => {
    const skill: Memento = { kind: "skill", id: "paging", text: "paging: adds pages", why: "it fits", tokens: 5 };
    using rig = openRig({ skills: async () => [skill] });
    for (let at = 0; at < 9; at++) {
      rig.task(`t${at}`, `Add pagination to the endpoint of widgets, part ${at}`, {
        summary: `Part ${100 + at} was hard.`,
      });
      await rig.learn(`Pagination of the widgets endpoint needs column_${at} as its key`, { task: `t${at}` });
      await rig.learn(`Pagination of the widgets endpoint must leave column_${at} alone`, { type: "anti_pattern" });
      await rig.learn(`Pagination of the widgets endpoint by cursor_${at} is liked`, { type: "preference" });
    }
    const mementos = await recalled(rig, "Add pagination to the endpoint of widgets");
    expect(kinds(mementos)).toMatch(/^(anti_pattern ){5}skill ((heuristic|preference) ){5}task task task$/);
  });

  test("stays within the tokens that it may take, and brings tasks only while half of them are left", async () => {
    using rig = openRig();
    await learnAll(rig);
    const [lesson, task] = await recalled(rig, SUBJECTS[0]!.like);
    const needed = lesson!.tokens + task!.tokens;
    expect(kinds(await recalled(rig, SUBJECTS[0]!.like, { tokens: lesson!.tokens * 2 + task!.tokens * 2 }))).toBe(
      "heuristic task",
    );
    expect(kinds(await recalled(rig, SUBJECTS[0]!.like, { tokens: lesson!.tokens * 2 - 1 }))).toBe("heuristic");
    expect(needed).toBeGreaterThan(0);
    expect(await recalled(rig, SUBJECTS[0]!.like, { tokens: 5 })).toEqual([]);
    expect(await recalled(rig, SUBJECTS[0]!.like, { tokens: 0 })).toEqual([]);
  });

  test("leaves out what the task itself left in an earlier run", async () => {
    using rig = openRig();
    await learnAll(rig);
    expect(await recalled(rig, SUBJECTS[0]!.task, { task: "t0" })).toEqual([]);
  });

  test("brings what a task like this one taught, even where the lesson has other words", async () => {
    using rig = openRig();
    rig.task("t1", "Speed up the start of the command line tool");
    await rig.learn("Import heavy modules lazily", { task: "t1" });
    const [memento] = await recalled(rig, "The command line tool is slow to start, speed it up");
    expect(memento).toMatchObject({
      kind: "heuristic",
      why: expect.stringContaining("taught by a task like this one"),
    });
  });

  test("asks what was learned in other folders only where this one has nothing to say", async () => {
    using rig = openRig();
    await rig.learn("Pagination of an endpoint is tested with 3 pages", { workspace: "/other" });
    await rig.learn("Pagination of an endpoint is tested with 2 pages", { workspace: "/work" });
    const text = "Add pagination to the orders endpoint and test it";
    const here = await recalled(rig, text);
    expect(here.map(({ text: each }) => /\d(?= pages)/.exec(each)?.[0])).toEqual(["2"]);
    const there = await recalled(rig, text, { workspace: "/other" });
    expect(there.map(({ text: each }) => /\d(?= pages)/.exec(each)?.[0])).toEqual(["3"]);
    const nowhere = await recalled(rig, text, { workspace: "/third" });
    expect(nowhere.map(({ text: each }) => /\d(?= pages)/.exec(each)?.[0]).sort()).toEqual(["2", "3"]);
    expect(nowhere[0]!.text).toContain("in another folder");
  });

  test("brings the newer of two lessons about the same thing, and not the one that it denies", async () => {
    using rig = openRig();
    await rig.learn("Commit the lock file together with the package manifest", { confidence: 0.95 });
    rig.clock.now += 30 * DAY;
    await rig.learn("Do not commit the lock file together with the package manifest", { confidence: 0.6 });
    const found = await recalled(rig, "Update the package manifest and the lock file, then commit");
    expect(found.map(({ text }) => text)).toEqual([expect.stringContaining("Do not commit")]);
  });

  test("brings of two lessons with other values for the same thing the newer one alone, and both where they name other things", async () => {
    using rig = openRig();
    await rig.learn("The page size of the orders endpoint must be 100");
    rig.clock.now += DAY;
    await rig.learn("The page size of the orders endpoint must be 50");
    const sizes = await recalled(rig, "Set the page size of the orders endpoint");
    expect(sizes.map(({ text }) => text)).toEqual([expect.stringContaining("must be 50")]);
    await rig.learn("The page size of `ordersEndpoint` must not be read from `config.ts`");
    await rig.learn("The page size of `usersEndpoint` must not be read from `limits.ts`");
    expect(await recalled(rig, "Read the page size of an endpoint from a file")).toHaveLength(3);
  });

  test("forgets what has faded away before anybody has tidied up", async () => {
    using rig = openRig();
    await rig.learn(SUBJECTS[3]!.lesson);
    rig.clock.now += 400 * DAY;
    expect(await recalled(rig, SUBJECTS[3]!.like)).toEqual([]);
  });

  test("brings a task that comes every day once, the last time it ran", async () => {
    using rig = openRig();
    for (let at = 0; at < 10; at++) {
      rig.clock.now += DAY;
      rig.task(`t${at}`, "Write the weekly report about open tickets", {
        status: at % 2 ? "accepted" : "below",
        summary: "The numbers stand in tickets.csv.",
      });
    }
    const mementos = await recalled(rig, "Write the weekly report about open tickets");
    expect(mementos.map(({ id }) => id)).toEqual(["t9"]);
  });

  test("tells how tasks ended that went wrong, and leaves out those that still run", async () => {
    using rig = openRig();
    rig.task("bad", "Port the login form to React hooks", {
      status: "below",
      summary: "Focus is lost after an error. The reducer is new.",
    });
    rig.database
      .query(
        "INSERT INTO tasks (id, description, workspace) VALUES ('running', 'Port the login form to React', '/work')",
      )
      .run();
    const mementos = await recalled(rig, "Port the signup form to React hooks");
    expect(mementos.map(({ text }) => text)).toEqual([
      'Similar task (below): "Port the login form to React hooks". Claimed: Focus is lost after an error. The reducer is new.',
    ]);
    rig.database
      .query("UPDATE tasks SET status = 'accepted', summary = 'The state moved into a reducer.' WHERE id = 'running'")
      .run();
    expect((await recalled(rig, "Port the signup form to React hooks")).length).toBe(2);
  });

  test("is one paragraph each, without what could steer a terminal", async () => {
    using rig = openRig();
    rig.task("t", "Port the login form\n\nto React \u001b[31mhooks", { summary: "the state lives\n\nin a reducer" });
    const [memento] = await recalled(rig, "Port the signup form to React hooks");
    expect(memento!.text).not.toMatch(/[\n\u001b]/);
  });

  test("what it weighs is the same however large the rest of the memory is", async () => {
    using rig = openRig();
    await learnAll(rig);
    for (let at = 0; at < 800; at++) rig.note(`Log ${at}: planet ${at % 7} has moon ${at % 31}`, "transcript");
    while (!(await rig.memory.tend(10_000, never)));
    const mementos = await recalled(rig, SUBJECTS[0]!.like);
    expect(kinds(mementos)).toBe("heuristic task");
  });
});
