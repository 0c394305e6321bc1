import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { makeClaim } from "../../src/workspace/claims.ts";
import { collectDaily, gc, listCheckpoints } from "../../src/workspace/index.ts";
import { packFolder, taskFolder, workspaceKey } from "../../src/workspace/manifest-names.ts";
import { makePlace, never, open, type Place, put, snapshot } from "./tree.ts";

let place: Place;
const now = Date.now();
const HOUR = 3_600_000;

beforeEach(() => {
  place = makePlace();
});

afterEach(() => rmSync(join(place.workspace, ".."), { recursive: true, force: true }));

const noise = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

/** Records a task that was last seen so many hours ago. */
async function recorded(name: string, hoursAgo: number): Promise<void> {
  const task = open(place, name);
  await task.record(never());
  await task.close();
  const folder = taskFolder(place.dir, place.workspace, name);
  const time = new Date(now - hoursAgo * HOUR);
  for (const file of readdirSync(folder)) utimesSync(join(folder, file), time, time);
}

const tasks = async (): Promise<string[]> =>
  (await listCheckpoints(place.dir, place.workspace)).map(({ task }) => task).sort();

const packs = (): number[] => {
  const folder = packFolder(place.dir, workspaceKey(place.workspace));
  return readdirSync(folder).map((name) => statSync(join(folder, name)).size);
};

test("the newest tasks are kept, by number or by age", async () => {
  for (const [name, hours] of [
    ["a", 30],
    ["b", 20],
    ["c", 10],
  ] as const) {
    put(place, "file", name);
    await recorded(name, hours);
  }
  expect((await gc({ dir: place.dir, keepTasks: 2, now })).removed).toEqual(["a"]);
  expect((await gc({ dir: place.dir, keepMs: 15 * HOUR, now })).removed).toEqual(["b"]);
  expect(await tasks()).toEqual(["c"]);
});

test("what there is no time for is left for the next collection", async () => {
  for (const [name, hours] of [
    ["a", 30],
    ["b", 20],
  ] as const) {
    put(place, "file", name);
    await recorded(name, hours);
  }
  const nothing = await gc({ dir: place.dir, keepTasks: 0, maxBytes: 0, now, isOver: () => true });
  expect(nothing).toMatchObject({ removed: [], freedBytes: 0 });
  expect((await gc({ dir: place.dir, keepTasks: 0, now })).removed.sort()).toEqual(["a", "b"]);
});

test("old tasks go until the rest fits", async () => {
  for (const [name, hours] of [
    ["a", 30],
    ["b", 20],
    ["c", 10],
  ] as const) {
    put(place, "file", noise(60_000));
    await recorded(name, hours);
  }
  const report = await gc({ dir: place.dir, maxBytes: 130_000, now });
  expect(report.removed).toEqual(["a"]);
  expect(report.freedBytes).toBeGreaterThan(59_000);
  expect(packs()).toEqual([60_000, 60_000]);
});

test("content that a kept task still needs outlives the task that stored it", async () => {
  put(place, "file", noise(1000));
  await recorded("a", 30);
  await recorded("b", 10);
  const state = snapshot(place.workspace);
  await gc({ dir: place.dir, keepTasks: 1, now });
  const [b] = await listCheckpoints(place.dir, place.workspace);
  put(place, "file", "changed");
  const task = open(place, "undo");
  const after = await task.record(never());
  await task.restore(b!.checkpoints[0]!, after, never());
  expect(snapshot(place.workspace)).toEqual(state);
  await task.close();
});

test("a pack that is mostly garbage is written anew, and what is kept can still be restored", async () => {
  put(place, "small", "kept");
  put(place, "block", noise(1 << 20));
  for (const name of ["x", "y", "z"]) put(place, name, noise(1 << 20));
  await recorded("a", 30);
  for (const name of ["x", "y", "z"]) rmSync(join(place.workspace, name));
  await recorded("b", 10);
  const state = snapshot(place.workspace);
  expect(packs()[0]).toBeGreaterThan(4_000_000);
  await gc({ dir: place.dir, keepTasks: 1, now });
  expect(packs()).toHaveLength(1);
  expect(packs()[0]).toBeLessThan(2_200_000);
  const [b] = await listCheckpoints(place.dir, place.workspace);
  rmSync(join(place.workspace, "small"));
  put(place, "block", "changed");
  const task = open(place, "undo");
  const after = await task.record(never());
  await task.restore(b!.checkpoints[0]!, after, never());
  expect(snapshot(place.workspace)).toEqual(state);
  await task.close();
});

test("a workspace in use is left alone", async () => {
  put(place, "file", "1");
  await recorded("a", 30);
  const task = open(place, "running");
  await task.record(never());
  expect(await gc({ dir: place.dir, keepTasks: 0, now })).toMatchObject({ removed: [], busy: 1 });
  await task.close();
  expect((await gc({ dir: place.dir, keepTasks: 0, now })).removed.sort()).toEqual(["a", "running"]);
  expect(packs()).toEqual([]);
});

test("a task that starts during a collection waits for its end", async () => {
  put(place, "file", "1");
  await recorded("a", 30);
  const collector = makeClaim(join(place.dir, workspaceKey(place.workspace), "collectors"), "gc", () => now);
  const task = open(place, "waiting");
  let done = false;
  const waiting = task.record(never()).then(() => {
    done = true;
  });
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(false);
  collector.release();
  await waiting;
  await task.close();
});

test("where nothing was ever recorded there is nothing to do", async () => {
  expect(await gc({ dir: place.dir, keepTasks: 1, now })).toEqual({ removed: [], freedBytes: 0, busy: 0 });
});

test("it is done once a day, and what goes wrong with it is nobody's trouble", async () => {
  put(place, "file", "a");
  await recorded("a", 24 * 40);
  await collectDaily({ dir: place.dir, now });
  expect(await tasks()).toEqual([]);
  await recorded("b", 24 * 40);
  await collectDaily({ dir: place.dir, now: Date.now() + HOUR });
  expect(await tasks()).toEqual(["b"]);
  await collectDaily({ dir: place.dir, now: Date.now() + 25 * HOUR });
  expect(await tasks()).toEqual([]);
  await collectDaily({ dir: join(place.dir, "missing", "folder"), now });
});
