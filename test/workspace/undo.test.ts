import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { isUndone, type Leaving, lockWorkspace, recordedTasks, undoable, undoTask } from "../../src/workspace/index.ts";
import { taskFolder } from "../../src/workspace/manifest-names.ts";
import { DEFAULT_LIMITS } from "../../src/workspace/record-limits.ts";
import { makePlace, never, open, type Place, put, snapshot } from "./tree.ts";

let place: Place;
const clock = { now: () => Date.now(), sleep: (ms: number) => Bun.sleep(ms) };

beforeEach(() => {
  place = makePlace();
});

afterEach(() => rmSync(join(place.workspace, ".."), { recursive: true, force: true }));

const of = (leaving: Leaving, task = "20261123-100000-aaaa") => ({
  workspace: place.workspace,
  dir: place.dir,
  task,
  leaving,
  clock,
});

/** A task that writes `a` and creates `b`; returns how it left the workspace. */
async function worked(task?: string): Promise<Leaving> {
  put(place, "a", "before");
  const records = open(place, task ?? of({ seq: 1, left: undefined }).task);
  await records.record(never());
  put(place, "a", "after");
  put(place, "b", "new");
  const left = await records.record(never());
  await records.close();
  return { seq: 7, left: left.id };
}

describe("undo", () => {
  test("goes back, and forth again, and keeps what was changed in between", async () => {
    const input = of(await worked());
    expect(undoable(input)).toMatchObject({ changed: { paths: 2, files: 2 }, undone: false });
    expect(await undoTask(input, never())).toEqual({
      turn: "undo",
      done: true,
      guessed: false,
      restored: ["a", "b"],
      kept: [],
    });
    expect(undoable(input)).toMatchObject({ undone: true });
    expect(isUndone(input)).toBe(true);
    put(place, "a", "mine");
    expect(await undoTask(input, never())).toEqual({
      turn: "redo",
      done: true,
      guessed: false,
      restored: ["b"],
      kept: ["a"],
    });
    expect(snapshot(place.workspace)).toMatchObject({ a: `file 644 ${btoa("mine")}`, b: `file 644 ${btoa("new")}` });
    expect(isUndone(input)).toBe(false);
  });

  test("that put nothing back because all of it was changed since leaves everything as it was", async () => {
    const input = of(await worked());
    put(place, "a", "mine");
    put(place, "b", "mine");
    expect(await undoTask(input, never())).toMatchObject({ turn: "undo", done: false, restored: [], kept: ["a", "b"] });
    expect(undoable(input)).toMatchObject({ undone: false });
    expect(isUndone(input)).toBe(false);
    put(place, "a", "after");
    expect(await undoTask(input, never())).toMatchObject({ turn: "undo", done: true, restored: ["a"], kept: ["b"] });
    put(place, "a", "mine again");
    expect(await undoTask(input, never())).toMatchObject({ turn: "redo", done: false, restored: [], kept: ["a", "b"] });
    expect(isUndone(input)).toBe(true);
  });

  test("counts files, and folders apart", async () => {
    const records = open(place, of({ seq: 1, left: undefined }).task);
    await records.record(never());
    put(place, "deep/er/still/a", "1");
    const left = await records.record(never());
    await records.close();
    expect(undoable(of({ seq: 7, left: left.id }))).toMatchObject({ changed: { paths: 4, files: 1 } });
  });

  test("that is forced puts back what somebody changed since, too, and the next one brings it again, byte for byte", async () => {
    const input = of(await worked());
    put(place, "a", "mine");
    rmSync(join(place.workspace, "b"));
    put(place, "b/c", "mine");
    put(place, "other", "mine");
    const mine = snapshot(place.workspace);
    const undone = { other: `file 644 ${btoa("mine")}`, a: `file 644 ${btoa("before")}` };
    const report = await undoTask({ ...input, force: true }, never());
    expect(report).toMatchObject({ turn: "undo", done: true, forced: true, restored: ["a"], kept: [] });
    expect(snapshot(place.workspace)).toMatchObject(undone);
    expect(isUndone(input)).toBe(true);
    for (let round = 0; round < 2; round++) {
      expect(await undoTask(input, never())).toMatchObject({ turn: "redo", done: true, restored: ["a"], kept: [] });
      expect(snapshot(place.workspace)).toEqual(mine);
      expect(isUndone(input)).toBe(false);
      expect(await undoTask(input, never())).toMatchObject({ turn: "undo", done: true, restored: ["a"], kept: [] });
      expect(snapshot(place.workspace)).toMatchObject(undone);
    }
    put(place, "a", "mine anew");
    expect(await undoTask(input, never())).toMatchObject({ turn: "redo", done: false, kept: ["a"] });
    expect(await undoTask({ ...input, force: true }, never())).toMatchObject({ turn: "redo", restored: ["a"] });
    expect(snapshot(place.workspace)).toEqual(mine);
    expect(await undoTask(input, never())).toMatchObject({ turn: "undo", restored: ["a"] });
    expect(snapshot(place.workspace)).toMatchObject({ a: `file 644 ${btoa("mine anew")}` });
  });

  test("that kept something is completed by a forced one; the next one brings all of it again", async () => {
    const input = of(await worked());
    put(place, "b", "mine");
    const mine = snapshot(place.workspace);
    expect(await undoTask(input, never())).toMatchObject({ turn: "undo", restored: ["a"], kept: ["b"] });
    expect(await undoTask({ ...input, force: true }, never())).toMatchObject({
      turn: "undo",
      restored: ["b"],
      kept: [],
    });
    expect(snapshot(place.workspace)).toEqual({ a: `file 644 ${btoa("before")}` });
    expect(await undoTask(input, never())).toMatchObject({ turn: "redo", restored: ["a", "b"], kept: [] });
    expect(snapshot(place.workspace)).toEqual(mine);
  });

  test("that was forced and killed is finished by the next one, and nothing is lost", async () => {
    const input = of(await worked());
    put(place, "a", "mine");
    put(place, "b", "mine");
    const mine = snapshot(place.workspace);
    await undoTask({ ...input, force: true }, never());
    const path = join(taskFolder(place.dir, place.workspace, input.task), "undone");
    writeFileSync(path, readFileSync(path, "utf8").replace('"done":true', '"done":false'));
    // Half of it is not done.
    put(place, "b", "mine");
    expect(await undoTask(input, never())).toMatchObject({ turn: "undo", done: true, restored: ["b"], kept: [] });
    expect(snapshot(place.workspace)).toEqual({ a: `file 644 ${btoa("before")}` });
    expect(await undoTask(input, never())).toMatchObject({ turn: "redo", restored: ["a", "b"], kept: [] });
    expect(snapshot(place.workspace)).toEqual(mine);
  });

  test("leaves, also when forced, what is too large to be recorded, and says so", async () => {
    const input = of(await worked());
    put(place, "a", "m".repeat(5000));
    const limits = { ...DEFAULT_LIMITS, fileBytes: 4000 };
    const report = await undoTask({ ...input, limits, force: true }, never());
    expect(report).toMatchObject({ turn: "undo", restored: ["b"] });
    expect(report.failed).toEqual(["a: what is there now is not recorded, and would be lost"]);
    expect(snapshot(place.workspace)).toEqual({ a: `file 644 ${btoa("m".repeat(5000))}` });
  });

  test("of a task that was cut short leaves what changed while it did not act", async () => {
    const { seq } = await worked();
    const ctime = (path: string) => lstatSync(join(place.workspace, path)).ctimeMs;
    const spans = ["a", "b"].map((path) => ({ from: ctime(path), to: ctime(path) }));
    // Only what lies well outside counts as somebody else's.
    await Bun.sleep(45);
    put(place, "mine", "mine");
    const input = of({ seq, left: undefined, activity: { spans, named: new Map() } });
    expect(await undoTask(input, never())).toMatchObject({
      turn: "undo",
      done: true,
      guessed: true,
      foreign: ["mine"],
    });
    expect(snapshot(place.workspace)).toEqual({ a: `file 644 ${btoa("before")}`, mine: `file 644 ${btoa("mine")}` });
  });

  test("that was killed is finished by the next one", async () => {
    const input = of(await worked());
    const before = `{"v":1,"seq":7,"at":"","done":false,`;
    const ids = readdirSync(taskFolder(place.dir, place.workspace, input.task))
      .sort()
      .map((name) => `${input.leaving.left!.split("/").slice(0, 2).join("/")}/${name.replace(".json", "")}`);
    const path = join(taskFolder(place.dir, place.workspace, input.task), "undone");
    writeFileSync(path, `${before}"from":"${ids[1]}","to":"${ids[0]}"}`);
    // Half of it is done already.
    put(place, "a", "before");
    expect(isUndone(input)).toBe(true);
    expect(await undoTask(input, never())).toMatchObject({ turn: "undo", done: true, restored: ["b"], kept: [] });
    expect((await undoTask(input, never())).turn).toBe("redo");
  });

  test("of a task that was cut short takes all that changed since it began as its work, and can be undone itself", async () => {
    const { seq } = await worked();
    const input = of({ seq, left: undefined });
    put(place, "c", "later");
    expect(undoable(input)).toMatchObject({ changed: undefined, undone: false });
    const killed = snapshot(place.workspace);
    expect(await undoTask(input, never())).toMatchObject({ turn: "undo", done: true, guessed: true, kept: [] });
    expect(Object.keys(snapshot(place.workspace))).toEqual(["a"]);
    await undoTask(input, never());
    expect(snapshot(place.workspace)).toEqual(killed);
  });

  test("forgets its last turn where the task went on since", async () => {
    const input = of(await worked());
    await undoTask(input, never());
    await undoTask(input, never());
    expect(undoable({ ...input, leaving: { ...input.leaving, seq: 9 } })).toMatchObject({ undone: false });
    put(place, "a", "further");
    const records = open(place, input.task);
    const left = (await records.record(never())).id;
    await records.close();
    const again = of({ seq: 9, left });
    expect(await undoTask(again, never())).toMatchObject({ turn: "undo", done: true, restored: ["a", "b"], kept: [] });
  });

  test("is refused while somebody works in the folder, and of what was never recorded", async () => {
    const input = of(await worked());
    const lock = await lockWorkspace({ ...input, task: "other" });
    expect(undoTask(input, never())).rejects.toThrow("task other");
    if ("release" in lock) await lock.release();
    expect(undoTask(of({ seq: 0, left: undefined }, "20261123-100000-none"), never())).rejects.toBeInstanceOf(
      UserError,
    );
    expect(undoable(of({ seq: 0, left: undefined }, "20261123-100000-none"))).toBeUndefined();
  });

  test("lists tasks newest first", async () => {
    for (const task of ["20261123-100000-zzzz", "20261123-100000-bbbb", "20261122-100000-cccc"]) {
      await worked(task);
      await Bun.sleep(2);
    }
    expect(recordedTasks(place.dir, place.workspace)).toEqual([
      "20261123-100000-bbbb",
      "20261123-100000-zzzz",
      "20261122-100000-cccc",
    ]);
  });
});
