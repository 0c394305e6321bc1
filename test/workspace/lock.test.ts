import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../src/contracts/kit.ts";
import { livingClaims } from "../../src/workspace/claims.ts";
import { type LockResult, lockWorkspace, openWorkspace } from "../../src/workspace/index.ts";
import { workspaceKey } from "../../src/workspace/manifest-names.ts";
import { makePlace, never, type Place } from "./tree.ts";

const CHILD = join(import.meta.dir, "child.ts");

let place: Place;
let folder: string;
let time: number;

/** Time that passes only by sleeping. */
const clock: Clock = {
  now: () => time,
  async sleep(ms, signal) {
    time += ms;
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  },
};

beforeEach(() => {
  place = makePlace();
  folder = join(place.dir, workspaceKey(place.workspace), "lock");
  time = Date.now();
});

afterEach(() => rmSync(join(place.workspace, ".."), { recursive: true, force: true }));

const lock = (task: string): Promise<LockResult> =>
  lockWorkspace({ workspace: place.workspace, dir: place.dir, task, clock });

async function held(task: string): Promise<() => Promise<void>> {
  const result = await lock(task);
  if ("heldBy" in result) throw new Error(`held by ${result.heldBy.task}`);
  return result.release;
}

/** A claim as another process would have left it. */
function plant(change: Record<string, unknown>): void {
  const own = JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), "utf8")) as Record<string, unknown>;
  writeFileSync(join(folder, "planted"), JSON.stringify({ ...own, task: "planted", ...change }));
}

test("the second task is told who holds the folder, and since when", async () => {
  const release = await held("first");
  expect(await lock("second")).toEqual({ heldBy: { task: "first", pid: process.pid, since: time } });
  await release();
  await (await held("second"))();
  expect(readdirSync(folder)).toEqual([]);
});

test("two folders do not hinder each other", async () => {
  const release = await held("first");
  const other = await lockWorkspace({ workspace: place.outside, dir: place.dir, task: "other", clock });
  expect(other).toHaveProperty("release");
  await release();
});

describe("a dead owner's lock is taken over", () => {
  test("when its process is gone", async () => {
    const child = Bun.spawn([process.execPath, CHILD, "hold", place.dir, place.workspace, "dead"], { stdout: "pipe" });
    const { value } = await child.stdout.getReader().read();
    expect(Buffer.from(value!).toString()).toBe("got it\n");
    expect(await lock("waiting")).toMatchObject({ heldBy: { task: "dead", pid: child.pid } });
    child.kill("SIGKILL");
    await child.exited;
    await (await held("next"))();
  });

  test.skipIf(!existsSync("/proc/self/stat"))("when its pid was given to another process", async () => {
    const release = await held("first");
    plant({ started: "1" });
    await release();
    await (await held("next"))();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("when it comes from elsewhere and has been silent", async () => {
    const release = await held("first");
    plant({ place: "another machine", pid: 1 });
    await release();
    expect(await lock("next")).toMatchObject({ heldBy: { task: "planted" } });
    time += 31_000;
    await (await held("next"))();
  });
});

test("what is no claim does not hold the folder", async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "rubbish"), "{");
  await (await held("task"))();
});

test("of many that come at the same moment in one process exactly one gets it", async () => {
  const results = await Promise.all(Array.from({ length: 20 }, (_, index) => lock(`task${index}`)));
  const winners = results.filter((result) => "release" in result);
  expect(winners).toHaveLength(1);
  expect(livingClaims(folder, clock.now)).toHaveLength(1);
});

test("of many processes exactly one gets it, also where a dead one held it", async () => {
  mkdirSync(folder, { recursive: true });
  const release = await held("first");
  plant({ pid: 999_999_999 });
  await release();
  for (let round = 0; round < 3; round++) {
    const children = Array.from({ length: 8 }, (_, index) =>
      Bun.spawn([process.execPath, CHILD, "hold", place.dir, place.workspace, `task${index}`], { stdout: "pipe" }),
    );
    const said = await Promise.all(
      children.map(async (child) =>
        Buffer.from((await child.stdout.getReader().read()).value!)
          .toString()
          .trim(),
      ),
    );
    expect(said.filter((line) => line === "got it")).toHaveLength(1);
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exited));
  }
});

describe("a workspace that is claimed", () => {
  const open = (task: string) =>
    openWorkspace({ workspace: place.workspace, addDirs: [], dir: place.dir, task, clock });

  test("lets the next task wait, who says once for whom", async () => {
    const first = open("first");
    const second = open("second");
    const notices: string[] = [];
    await first.claim(never(), (message) => notices.push(message));
    await first.claim(never(), (message) => notices.push(message));
    const waiting = second.claim(never(), (message) => notices.push(message));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(notices).toEqual([
      `task first (process ${process.pid}) has been working in this folder for less than a minute; waiting until it ends`,
    ]);
    await first.close();
    await waiting;
    expect(await lock("third")).toMatchObject({ heldBy: { task: "second" } });
    await second.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("stops waiting when the task is aborted", async () => {
    const first = open("first");
    await first.claim(never(), () => {});
    const abort = new AbortController();
    const waiting = open("second").claim(abort.signal, () => abort.abort(new Error("enough")));
    await expect(waiting).rejects.toThrow("enough");
    await first.close();
  });
});
