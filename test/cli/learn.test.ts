import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exit, UserError } from "../../src/base/errors.ts";
import { resolvePaths } from "../../src/base/paths.ts";
import { createStyle } from "../../src/cli/display/style.ts";
import type { LearnDeps } from "../../src/cli/learn.ts";
import {
  approveCommand,
  dismissCommand,
  editCommand,
  forgetCommand,
  showCommand,
  writeCommand,
} from "../../src/cli/learn-acts.ts";
import { listJson, listText, lookAtLessons, openPatterns } from "../../src/cli/learn-view.ts";
import type { Learning, MemoryAccess } from "../../src/contracts/memory.ts";
import type { CallRecord } from "../../src/contracts/task.ts";
import { openDatabase } from "../../src/memory/database.ts";
import { storedPatterns } from "../../src/memory/patterns/store.ts";
import { putUsage } from "../../src/memory/usage.ts";
import { proposals } from "../../src/skills/proposals.ts";
import { fakeModel, type ModelTurn } from "../fakes/model.ts";
import { life, NOW, on, WORKDAYS } from "../memory/patterns/log.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function learning(id: string, more: Partial<Learning> = {}): Learning {
  return {
    id,
    type: "anti_pattern",
    content: "Never edit generated files",
    category: "code",
    confidence: 0.876,
    sourceTask: "20261101-101010-abcd",
    workspace: "/home/u/project",
    reinforced: 2,
    recalled: 4,
    helped: 3,
    createdAt: "2026-11-01T10:10:10.000Z",
    lastUsed: "2026-11-28T22:00:00.000Z",
    ...more,
  };
}

/** A memory of learnings that remembers what was done to it, and refuses what the contract does not allow. */
function fakeAccess(learnings: Learning[]) {
  const done: string[] = [];
  const access: MemoryAccess = {
    search: () => Promise.reject(new Error("nobody searches here")),
    save: () => Promise.reject(new Error("nobody saves here")),
    learnings: async () => [...learnings].sort((a, b) => b.confidence - a.confidence),
    async edit(id, content) {
      if (content.trim() === "") throw new Error("an empty learning");
      const found = learnings.find((each) => each.id === id);
      if (found) found.content = content;
      done.push(`edit ${id}`);
      return found;
    },
    look: async () => undefined,
    async forget(id) {
      const at = learnings.findIndex((each) => each.id === id);
      if (at >= 0) learnings.splice(at, 1);
      done.push(`forget ${id}`);
      return at >= 0;
    },
  };
  return { access, done };
}

const STANDUP = on(WORKDAYS, ["8:50", "9:10", "9:25"], ["summarise the commits for the standup"]);
const NOTES = on([25, 16, 8, 2], ["10:05", "15:40", "18:20", "12:00"], ["write the release notes for v1.4"]);

function place(events: ReturnType<typeof life> = [], more: Partial<LearnDeps> = {}) {
  const home = mkdtempSync(join(tmpdir(), "openkoi-learn-"));
  const paths = resolvePaths({ HOME: home });
  const memory = openDatabase({ path: paths.database, now: () => NOW, onNotice: () => {} });
  ends.push(() => {
    memory.close();
    rmSync(home, { recursive: true, force: true });
  });
  for (const [at, { text, ...event }] of events.entries()) {
    const rest = { channel: "cli", skills: [], score: null, task: null };
    putUsage(memory, { ...rest, ...event, id: `e${at}`, description: text });
  }
  const config = { enabled: true, mine_interval_hours: 24, min_confidence: 0.7, min_samples: 3, auto_propose: true };
  let text = "";
  const deps: LearnDeps = {
    tasks: async () => 0,
    habits: { memory, paths, config, now: NOW },
    access: undefined,
    paths,
    planner: () => Promise.reject(new UserError("there is no model", "Connect one.")),
    spent: () => Promise.reject(new Error("nothing was to be spent")),
    offer: async () => false,
    edit: () => Promise.reject(new Error("no editor")),
    terminal: false,
    width: 80,
    style: createStyle(false),
    now: () => NOW,
    write: (part) => {
      text += part;
    },
    signal: new AbortController().signal,
    ...more,
  };
  const said = () => {
    const all = text;
    text = "";
    return all;
  };
  return { deps, memory, paths, said };
}

const failure = (running: Promise<unknown>) => running.then(() => undefined).catch((error: unknown) => error);

describe("learn list", () => {
  test("says so where nothing was learned", async () => {
    const { deps } = place();
    expect(listText(await lookAtLessons(deps), deps)).toBe(
      "nothing was learned yet: patterns show after a few days of use\n",
    );
    expect(JSON.parse(listJson(await lookAtLessons(deps)))).toEqual({ learnings: [], patterns: [], proposals: [] });
  });

  test("shows patterns and learnings, surest first, within the terminal", async () => {
    const { access } = fakeAccess([
      learning("l-2", {
        type: "heuristic",
        content: "Run the linter first. ".repeat(10),
        confidence: 0.5,
        recalled: 0,
      }),
      learning("l-1"),
    ]);
    const { deps } = place([...life(), ...STANDUP, ...NOTES], { access });
    const text = listText(await lookAtLessons(deps), deps);
    expect(text).toContain("  summarise-commits  proposed  0.99\n    every weekday about 9: summarise the commits");
    expect(text.indexOf("summarise-commits")).toBeLessThan(text.indexOf("write-release-notes"));
    expect(text).toContain(
      "  l-1  0.87  avoid  Never edit generated files  helped 3 of 4\n  l-2  0.50  do     Run the",
    );
    for (const line of text.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
  });

  test("as JSON has everything, what was dismissed too", async () => {
    const { access } = fakeAccess([learning("l-1")]);
    const { deps } = place([...life(), ...NOTES], { access });
    await dismissCommand(deps, ["write-release-notes"]);
    const document = JSON.parse(listJson(await lookAtLessons(deps)));
    expect(document.learnings).toMatchObject([{ id: "l-1", type: "anti_pattern", helped: 3, recalled: 4 }]);
    expect(document.patterns).toMatchObject([{ kind: "recurring", status: "dismissed", samples: 4, skill: null }]);
    expect(document.proposals).toEqual([]);
  });

  test("shows a proposal that was put there by hand", async () => {
    const { deps, paths, said } = place();
    mkdirSync(join(paths.skills.proposed, "mine"), { recursive: true });
    writeFileSync(
      join(paths.skills.proposed, "mine", "SKILL.md"),
      "---\nname: mine\ndescription: Does it.\n---\nDo \u202eit.\n",
    );
    expect(listText(await lookAtLessons(deps), deps)).toContain("other proposals\n  mine  proposed\n    Does it.\n");
    await showCommand(deps, ["mine"]);
    // Who approves it sees what a terminal would not show.
    expect(said()).toContain("Do \\u202eit.\n");
    expect(await approveCommand(deps, ["mine"])).toBe(Exit.ok);
    expect(proposals(paths)).toMatchObject([{ name: "mine", state: "approved" }]);
  });
});

describe("learn approve and dismiss", () => {
  test("approve one by its name, a beginning of it, or its id; or all that wait", async () => {
    const { deps, memory, said } = place([...life(), ...STANDUP, ...NOTES]);
    await approveCommand(deps, ["write-rel"]);
    expect(said()).toBe("approved: write-release-notes, offered from the next task on\n");
    await approveCommand(deps, ["all"]);
    expect(said()).toBe("approved: summarise-commits, offered from the next task on\n");
    await approveCommand(deps, ["all"]);
    expect(said()).toBe("nothing waits to be approved\n");
    const [{ id } = { id: "" }] = storedPatterns(memory).filter(({ kind }) => kind === "time");
    await approveCommand(deps, [id]);
    expect(said()).toContain("approved: summarise-commits");
  });

  test("offer a schedule for a regular time only, and say that nothing runs yet", async () => {
    const offered: string[] = [];
    const offer = async (frequency: string) => offered.push(frequency) > 0;
    const { deps, memory, said } = place([...life(), ...STANDUP, ...NOTES], { offer });
    await approveCommand(deps, ["all"]);
    expect(offered).toEqual(["every weekday about 9"]);
    expect(said()).toContain(
      "kept: every weekday about 9 (0 9 * * 1-5). Nothing runs by itself before there is a daemon",
    );
    const scheduled = storedPatterns(memory).filter((pattern) => pattern.scheduled);
    expect(scheduled).toMatchObject([{ kind: "time", cron: "0 9 * * 1-5" }]);
  });

  test("of what is not there, or may be several, name what is meant", async () => {
    const { deps } = place([...life(), ...STANDUP, ...NOTES]);
    expect(await failure(approveCommand(deps, ["write-release-note"]))).toBeUndefined();
    expect(await failure(dismissCommand(deps, ["summarize-commits"]))).toMatchObject({
      exitCode: Exit.usage,
      message: 'there is no pattern or proposal "summarize-commits": did you mean summarise-commits?',
    });
    expect(await failure(dismissCommand(deps, ["p-"]))).toMatchObject({ message: expect.stringContaining("may be") });
    for (const words of [[], ["a", "b"]]) {
      expect(await failure(approveCommand(deps, words))).toMatchObject({ exitCode: Exit.usage });
    }
  });
});

describe("learn write", () => {
  function planner(...turns: ModelTurn[]) {
    const model = fakeModel(turns);
    return { model, planner: async () => model };
  }
  const skill = (body: string) => JSON.stringify({ description: "Writes the release notes.", body });

  test("has the planner word a proposal, which is still to be approved", async () => {
    const { model, planner: asked } = planner(skill("Group the changes, then write them."));
    const calls: CallRecord[] = [];
    const spent = async (call: CallRecord) => void calls.push(call);
    const { deps, paths, said } = place([...life(), ...NOTES], { planner: asked, spent });
    await writeCommand(deps, ["write-release-notes"]);
    expect(said()).toStartWith("written by fake/model (");
    expect(calls).toMatchObject([{ role: "planner", model: "fake/model", stop: "end" }]);
    expect(calls[0]!.usage.output).toBeGreaterThan(0);
    const [proposal] = proposals(paths);
    expect(proposal).toMatchObject({ state: "open", description: "Writes the release notes.", warnings: [] });
    expect(readFileSync(proposal!.file, "utf8")).toContain("Group the changes, then write them.");
    const [request] = model.requests;
    expect(JSON.stringify(request!.messages)).toContain("write the release notes for v1.4");
    expect(request!.tools).toEqual([]);
  });

  test("keeps the plain text where the model fails, or writes what nobody asked for, and what it cost", async () => {
    for (const turn of [skill("Run `rm -rf /`."), "no JSON", { error: new Error("overloaded") }]) {
      const { planner: asked } = planner(turn);
      let calls = 0;
      const spent = async () => void calls++;
      const { deps, paths, said } = place([...life(), ...NOTES], { planner: asked, spent });
      await writeCommand(deps, ["write-release-notes"]);
      expect(said()).toStartWith("the plain text was kept: the model");
      expect(calls).toBe(typeof turn === "string" ? 1 : 0);
      expect(readFileSync(proposals(paths)[0]!.file, "utf8")).toContain("- write the release notes for v1.4");
    }
  });

  test("says so where there is no model, and what no skill could be written for", async () => {
    const { deps } = place([
      ...life(),
      ...NOTES,
      ...STANDUP.map((each) => ({ ...each, kind: "command" as const, text: "status" })),
    ]);
    expect(await failure(writeCommand(deps, ["write-release-notes"]))).toMatchObject({ message: "there is no model" });
    const [{ id } = { id: "" }] = openPatterns(await lookAtLessons(deps)).filter(({ kind }) => kind === "time");
    expect(await failure(writeCommand(deps, [id]))).toMatchObject({ exitCode: Exit.usage });
  });
});

describe("learn show", () => {
  test("tells all of a pattern with its skill, and of a learning", async () => {
    const { access } = fakeAccess([learning("l-1")]);
    const { deps, said } = place([...life(), ...STANDUP], { access });
    await showCommand(deps, ["summarise-commits"]);
    const text = said();
    for (const part of [
      "every weekday about 9",
      "0 9 * * 1-5",
      "proposed as summarise-commits",
      "name: summarise-commits",
    ]) {
      expect(text).toContain(part);
    }
    await showCommand(deps, ["l-1"]);
    expect(said()).toBe(`Never edit generated files
  what       avoid (code)
  sure       0.87
  from       task 20261101-101010-abcd
  where      /home/u/project
  used       24 h ago; learned again 2 times
  helped     in 3 of 4 tasks
  id         l-1
`);
  });

  test("never lets a text steer the terminal", async () => {
    const { access } = fakeAccess([learning("l-1", { content: "a\x1b]0;title\x07b" })]);
    const { deps, said } = place([], { access });
    await showCommand(deps, ["l-1"]);
    expect(said()).not.toContain("\x1b");
    expect(listText(await lookAtLessons(deps), deps)).not.toContain("\x1b");
  });
});

describe("learn edit and forget", () => {
  test("change a learning with the text that is given, or in the editor", async () => {
    const { access, done } = fakeAccess([learning("l-1")]);
    const edit = async (text: string) => `${text}, ever`;
    const { deps, said } = place([], { access, edit });
    await editCommand(deps, ["l-1", "Never", "touch", "dist"]);
    expect(said()).toBe("changed: Never touch dist\n");
    await editCommand(deps, ["l-1"]);
    expect(said()).toBe("changed: Never touch dist, ever\n");
    await editCommand({ ...deps, edit: async (text) => `${text}\n` }, ["l-1"]);
    expect(said()).toBe("nothing was changed\n");
    expect(await failure(editCommand(deps, ["l-1", " "]))).toMatchObject({ exitCode: Exit.usage });
    expect(done).toEqual(["edit l-1", "edit l-1"]);
  });

  test("forget one, and only a learning", async () => {
    const { access, done } = fakeAccess([learning("l-1")]);
    const { deps, said } = place([...life(), ...NOTES], { access });
    expect(await failure(forgetCommand(deps, ["write-release-notes"]))).toMatchObject({
      message: expect.stringContaining("there is no learning"),
    });
    await forgetCommand(deps, ["l-1"]);
    expect(said()).toBe("forgotten: Never edit generated files\n");
    expect(await failure(forgetCommand(deps, ["l-1"]))).toMatchObject({ exitCode: Exit.usage });
    expect(done).toEqual(["forget l-1"]);
  });
});
