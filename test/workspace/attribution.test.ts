import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Checkpoint } from "../../src/contracts/workspace.ts";
import { recordIds } from "../../src/workspace/manifest-names.ts";
import type { TaskCheckpoints } from "../../src/workspace/task-checkpoints.ts";
import { makePlace, never, open, type Place, put, snapshot } from "./tree.ts";

let place: Place;
let records: TaskCheckpoints;
let spans: { from: number; to: number }[] = [];
let named = new Map<string, number>();

beforeEach(() => {
  place = makePlace();
  spans = [];
  named = new Map();
  records = reopened();
});

afterEach(async () => {
  await records.close();
  rmSync(join(place.workspace, ".."), { recursive: true, force: true });
});

const reopened = () => open(place, "task", { activity: () => ({ spans, named }) });
const record = () => records.record(never());
const text = (path: string) => readFileSync(join(place.workspace, path), "utf8");

/** Something that the task does; the clock of files needs a moment around it. */
async function task(act: () => void): Promise<void> {
  await Bun.sleep(45);
  const from = Date.now();
  act();
  spans.push({ from, to: Date.now() });
  await Bun.sleep(45);
}

const paths = async (from: Checkpoint, to: Checkpoint) => {
  const { changes, foreign } = await records.diff(from, to, 10_000);
  return { changes: changes.map(({ path }) => path), foreign };
};

describe("what somebody else changes while a task runs", () => {
  test("is none of its changes, and stays on the way back", async () => {
    put(place, "a", "1");
    put(place, "mine", "1");
    const before = await record();
    await task(() => put(place, "a", "2"));
    put(place, "mine", "edited");
    put(place, "new/notes.txt", "notes");
    mkdirSync(join(place.workspace, "bare"));
    const after = await record();
    expect(await paths(before, after)).toEqual({ changes: ["a"], foreign: ["mine", "new/notes.txt"] });
    expect(await records.restore(before, after, never())).toEqual({
      restored: ["a"],
      kept: [],
      foreign: ["mine", "new/notes.txt"],
    });
    expect([text("a"), text("mine"), text("new/notes.txt")]).toEqual(["1", "edited", "notes"]);
    expect(snapshot(place.workspace)).toHaveProperty("bare");
  });

  test("is known in another process, too", async () => {
    const before = await record();
    await task(() => put(place, "made", "by the task"));
    put(place, "mine", "1");
    const after = await record();
    await records.close();
    records = open(place);
    expect(await paths(before, after)).toEqual({ changes: ["made"], foreign: ["mine"] });
    expect(await records.restore(before, after, never())).toEqual({ restored: ["made"], kept: [], foreign: ["mine"] });
    // And forth again.
    expect(await records.restore(after, before, never())).toMatchObject({ restored: ["made"], kept: [] });
  });

  test("leaves the task what it does later to the same file", async () => {
    put(place, "a", "1\n");
    const before = await record();
    put(place, "a", "1\nmine\n");
    const middle = await record();
    await task(() => put(place, "a", "1\nmine\ntask\n"));
    const after = await record();
    const { changes, text: shown } = await records.diff(before, after, 10_000);
    expect(changes).toEqual([{ path: "a", kind: "changed", added: 1, removed: 0 }]);
    expect(shown).toContain("+task");
    expect(shown).not.toContain("+mine");
    expect((await paths(before, middle)).changes).toEqual([]);
    await records.restore(before, after, never());
    expect(text("a")).toBe("1\nmine\n");
  });

  test("to a file that the task changed is kept and reported", async () => {
    put(place, "a", "1");
    put(place, "b", "1");
    const before = await record();
    await task(() => {
      put(place, "a", "2");
      put(place, "b", "2");
    });
    await record();
    put(place, "a", "mine");
    const after = await record();
    expect(await paths(before, after)).toEqual({ changes: ["a", "b"], foreign: ["a"] });
    expect(await records.restore(before, after, never())).toEqual({ restored: ["b"], kept: ["a"] });
    expect(text("a")).toBe("mine");
  });

  test("to a file that a file tool named is both's work", async () => {
    const before = await record();
    await task(() => put(place, "dir/a", "task"));
    named.set(join(place.workspace, "dir/a"), Date.now());
    put(place, "dir/a", "mine");
    const after = await record();
    expect(await paths(before, after)).toEqual({ changes: ["dir/a"], foreign: ["dir/a"] });
    expect(await records.restore(before, after, never())).toMatchObject({ kept: ["dir/a"] });
    expect(text("dir/a")).toBe("mine");
  });

  test("between two of its edits of the same file is both's work, noticed before the second", async () => {
    put(place, "a", "1\n2\n");
    const before = await record();
    await task(() => put(place, "a", "1\ntwo\n"));
    put(place, "a", "mine\n1\ntwo\n");
    await Bun.sleep(45);
    spans.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
    named.set(join(place.workspace, "a"), spans[0]!.to);
    await records.cover(join(place.workspace, "a"));
    put(place, "a", "mine\none\ntwo\n");
    const after = await record();
    expect(await paths(before, after)).toEqual({ changes: ["a"], foreign: ["a"] });
    await records.close();
    records = open(place);
    expect(await records.restore(before, after, never())).toEqual({ restored: [], kept: ["a"] });
    expect(text("a")).toBe("mine\none\ntwo\n");
  });

  test("before its first edit of a file is what that goes back to, also where a command edits it", async () => {
    put(place, "a", "1\n");
    put(place, "b", "1\n");
    const before = await record();
    await task(() => put(place, "c", "made"));
    put(place, "a", "mine\n1\n");
    put(place, "b", "mine\n1\n");
    await Bun.sleep(45);
    spans.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
    await records.notice();
    put(place, "a", "mine\none\n");
    put(place, "b", "mine\none\n");
    const after = await record();
    expect(await paths(before, after)).toEqual({ changes: ["a", "b", "c"], foreign: ["a", "b"] });
    const back = await records.restore(before, after, never());
    expect(back).toEqual({ restored: ["a", "b", "c"], kept: [], foreign: ["a", "b"] });
    expect([text("a"), text("b")]).toEqual(["mine\n1\n", "mine\n1\n"]);
  });

  test("to a file that a command made is kept, also where the next command edits it", async () => {
    put(place, "old/a", "1");
    const before = await record();
    for (const path of ["new", "old/new", "made/deep/new"]) {
      await task(() => put(place, path, "made\n"));
      await records.acted();
      put(place, path, "made\nmine\n");
      await Bun.sleep(45);
      spans.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
      await records.notice();
      put(place, path, "again\nmine\n");
      spans.push({ ...spans.pop()!, to: Date.now() });
      const after = await record();
      expect((await records.restore(before, after, never())).kept).toContain(path);
      expect(text(path)).toBe("again\nmine\n");
    }
  });

  test("is looked for before each effect, and where there is nothing no record is made", async () => {
    put(place, "a", "1");
    await record();
    await task(() => put(place, "a", "2"));
    named.set(join(place.workspace, "a"), spans[0]!.to);
    await records.notice();
    await records.cover(join(place.workspace, "a"));
    expect(recordIds({ ...place, task: "task" })).toHaveLength(1);
    rmSync(join(place.workspace, "a"));
    await records.notice();
    expect(recordIds({ ...place, task: "task" })).toHaveLength(1);
  });

  test("is told from it where a folder with old files was moved here", async () => {
    put({ ...place, workspace: place.outside }, "stuff/old.txt", "old");
    const before = await record();
    await task(() => put(place, "a", "1"));
    renameSync(join(place.outside, "stuff"), join(place.workspace, "stuff"));
    const after = await record();
    expect((await paths(before, after)).changes).toEqual(["a"]);
    await records.restore(before, after, never());
    expect(text("stuff/old.txt")).toBe("old");
  });

  test("is told from it where a folder was renamed whose files are young", async () => {
    for (const folder of ["one", "two"]) {
      put(place, `${folder}/a`, folder);
      put(place, `${folder}/deep/b`, `${folder} b`);
    }
    mkdirSync(join(place.workspace, "one/bare"));
    await Bun.sleep(45);
    const before = await record();
    const was = snapshot(place.workspace);
    const rename = (from: string, to: string) => renameSync(join(place.workspace, from), join(place.workspace, to));
    await task(() => rename("one", "uno"));
    rename("two", "due");
    const after = await record();
    expect(await paths(before, after)).toEqual({
      changes: ["one/a", "one/deep/b", "uno/a", "uno/deep/b"],
      foreign: ["due/a", "due/deep/b", "two/a", "two/deep/b"],
    });
    await records.restore(before, after, never());
    rename("due", "two");
    expect(snapshot(place.workspace)).toEqual(was);
  });

  test("is a deletion where the folder tells so, and the task's where it does not", async () => {
    put(place, "one/a", "1");
    put(place, "two/a", "1");
    put(place, "two/b", "1");
    const before = await record();
    rmSync(join(place.workspace, "one/a"));
    await task(() => rmSync(join(place.workspace, "two/a")));
    rmSync(join(place.workspace, "two/b"));
    const after = await record();
    expect(await paths(before, after)).toEqual({ changes: ["two/a", "two/b"], foreign: ["one/a"] });
    await records.restore(before, after, never());
    expect(Object.keys(snapshot(place.workspace))).toEqual(["one", "two", "two/a", "two/b"]);
  });

  test("is not what the way back itself brought", async () => {
    put(place, "a", "1");
    const before = await record();
    await task(() => {
      put(place, "a", "2");
      put(place, "made", "2");
    });
    const best = await record();
    await task(() => {
      put(place, "a", "3");
      rmSync(join(place.workspace, "made"));
    });
    const worse = await record();
    await records.restore(best, worse, never());
    await records.close();
    records = reopened();
    const again = await record();
    expect(await paths(before, again)).toEqual({ changes: ["a", "made"], foreign: undefined });
    expect(await records.restore(before, again, never())).toEqual({ restored: ["a", "made"], kept: [] });
  });

  test("cannot be told by the times of another clock: then it was the task", async () => {
    const before = await record();
    put(place, "a", "1");
    await records.close();
    // An hour before, as the files have it.
    const late = () => Date.now() + 3_600_000;
    records = open(place, "task", { activity: () => ({ spans, named }), now: late });
    put(place, "seen", "1");
    const seen = await record();
    put(place, "b", "1");
    const after = await record();
    expect((await paths(seen, after)).changes).toEqual(["b"]);
    expect(before.files).toBe(0);
  });
});
