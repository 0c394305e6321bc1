import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listCheckpoints } from "../../src/workspace/index.ts";
import { loadManifest } from "../../src/workspace/manifest.ts";
import { packFolder, workspaceKey } from "../../src/workspace/manifest-names.ts";
import { STAGING } from "../../src/workspace/scan.ts";
import { PackReader } from "../../src/workspace/store.ts";
import { makePlace, never, open, type Place, put, snapshot } from "./tree.ts";

const CHILD = join(import.meta.dir, "child.ts");

let place: Place;

beforeEach(() => {
  place = makePlace();
});

afterEach(() => rmSync(join(place.workspace, ".."), { recursive: true, force: true }));

function start(...args: string[]): Bun.Subprocess<"ignore", "pipe", "inherit"> {
  return Bun.spawn([process.execPath, CHILD, ...args], { stdout: "pipe", stderr: "inherit", stdin: "ignore" });
}

/** Reads lines until there are `count`, then kills the process as a power cut would. */
async function killAfter(child: ReturnType<typeof start>, count: number): Promise<string[]> {
  let text = "";
  for await (const chunk of child.stdout) {
    text += Buffer.from(chunk).toString();
    if (text.split("\n").length > count) break;
  }
  child.kill("SIGKILL");
  await child.exited;
  return text.split("\n").slice(0, -1);
}

/** Every recorded state of a place, with every content read and proven. */
async function readAll(): Promise<string[]> {
  const reader = new PackReader(packFolder(place.dir, workspaceKey(place.workspace)));
  const ids: string[] = [];
  for (const { checkpoints } of await listCheckpoints(place.dir, place.workspace)) {
    for (const { id } of checkpoints) {
      for (const entry of loadManifest(place.dir, id).state.entries.values()) {
        if (entry.kind === "file") reader.content(entry);
      }
      ids.push(id);
    }
  }
  reader.close();
  return ids;
}

describe("kill -9 while recording", () => {
  test("leaves every checkpoint that was named readable, and the task can go on", async () => {
    for (let index = 0; index < 300; index++) put(place, `many/${index}`, `${index}\n`.repeat(200));
    for (const count of [1, 2, 3, 7, 12]) {
      const named = await killAfter(start("record", place.dir, place.workspace, "task"), count);
      const ids = await readAll();
      expect(ids).toEqual(expect.arrayContaining(named));
    }
    const task = open(place);
    const before = await task.record(never());
    const state = snapshot(place.workspace);
    put(place, "file-1", "changed");
    await task.restore(before, await task.record(never()), never());
    expect(snapshot(place.workspace)).toEqual(state);
    await task.close();
  });
});

describe("kill -9 while restoring", () => {
  test("is mended by restoring again, wherever it struck", async () => {
    for (let index = 0; index < 200; index++) put(place, `many/${index}`, "before");
    put(place, "kind/was/folder", "before");
    put(place, "other", "before");
    const state = snapshot(place.workspace);
    const task = open(place);
    const before = await task.record(never());
    for (let index = 0; index < 200; index++) put(place, `many/${index}`, "after");
    rmSync(join(place.workspace, "kind"), { recursive: true });
    put(place, "kind", "now a file");
    rmSync(join(place.workspace, "other"));
    put(place, "other/now/folder", "after");
    const after = await task.record(never());
    const staged = (): boolean => readdirSync(place.workspace).some((name) => name.startsWith(STAGING));
    const isBack = (path: string) => (): boolean => readFileSync(join(place.workspace, path), "utf8") === "before";
    const gone = (): boolean => !existsSync(join(place.workspace, "other/now"));
    for (const moment of [staged, gone, isBack("many/0"), isBack("many/150"), isBack("many/98")]) {
      const child = start("restore", place.dir, place.workspace, before.id, after.id);
      while (!moment() && child.exitCode === null) await new Promise((resolve) => setImmediate(resolve));
      child.kill("SIGKILL");
      await child.exited;
      const report = await task.restore(before, after, never());
      expect(report.kept).toEqual([]);
      expect(snapshot(place.workspace)).toEqual(state);
      await task.restore(after, before, never());
    }
    await task.close();
  });
});

describe("two processes in one workspace", () => {
  test("record at the same time, and neither harms the other", async () => {
    put(place, "shared", "1\n".repeat(1000));
    const [one, two] = await Promise.all([
      killAfter(start("record", place.dir, place.workspace, "one"), 15),
      killAfter(start("record", place.dir, place.workspace, "two"), 15),
    ]);
    const ids = await readAll();
    expect(ids).toEqual(expect.arrayContaining([...one, ...two]));
  });

  test("even under the same task's name", async () => {
    const both = await Promise.all(
      [1, 2].map(() => killAfter(start("record", place.dir, place.workspace, "task"), 10)),
    );
    const ids = await readAll();
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(both.flat()));
  });
});

/** A command in a mount namespace of its own, in which `setup` has run; undefined where the system forbids it. */
function mounted(setup: string, command: readonly string[]): string | undefined {
  const line = `${setup} && echo ready && exec "$@"`;
  const run = Bun.spawnSync(["unshare", "-Urm", "sh", "-c", line, "sh", ...command], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = run.stdout.toString();
  return output.startsWith("ready\n") ? output.slice("ready\n".length).trim() : undefined;
}

const namespaces = Bun.which("unshare") !== null && mounted("true", ["true"]) === "";

describe.skipIf(!namespaces)("a disk that cannot be written", () => {
  const noise = (bytes: number): Uint8Array => {
    const content = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(content.subarray(at, at + 65_536));
    return content;
  };

  test("a full data folder is an error with a remedy, and nothing half-written is left there", () => {
    put(place, "large", noise(4_000_000));
    const state = snapshot(place.workspace);
    mkdirSync(place.dir);
    const setup = `mount -t tmpfs -o size=1m none ${place.dir}`;
    const fill = [process.execPath, CHILD, "fill", place.dir, place.workspace, "task"];
    const after = `"$@"; find ${place.dir} -type f`;
    const output = mounted(setup, ["sh", "-c", after, "sh", ...fill])!;
    expect(output).toContain("UserError");
    expect(output).toContain("the disk is full");
    expect(output.split("\n")).toHaveLength(1);
    expect(snapshot(place.workspace)).toEqual(state);
  });

  test("a read-only data folder is an error with a remedy", () => {
    put(place, "a", "1");
    mkdirSync(place.dir);
    const fill = [process.execPath, CHILD, "fill", place.dir, place.workspace, "task"];
    const output = mounted(`mount -t tmpfs -o ro none ${place.dir}`, fill);
    expect(output).toStartWith("UserError");
    expect(output).toContain("read-only");
  });

  test("a workspace that is full while it is restored stays as it is", async () => {
    put(place, "large", noise(4_000_000));
    put(place, "small", "before");
    const task = open(place);
    const before = await task.record(never());
    put(place, "large", "after");
    put(place, "small", "after");
    const after = await task.record(never());
    await task.close();
    const { workspace, dir } = place;
    const kept = join(place.outside, "kept");
    const setup = `mkdir ${kept} && cp -a ${workspace}/. ${kept} && mount -t tmpfs -o size=1m none ${workspace} && cp -a ${kept}/. ${workspace}`;
    const restore = [process.execPath, CHILD, "restore", dir, workspace, before.id, after.id];
    const output = mounted(setup, ["sh", "-c", `"$@"; ls -A ${workspace}; cat ${workspace}/*`, "sh", ...restore])!;
    expect(output).toContain("UserError");
    expect(output).toContain("the disk is full");
    expect(output).toEndWith("large\nsmall\nafterafter");
  });

  test("a read-only workspace is recorded, and refuses to be restored", async () => {
    put(place, "a", "before");
    const task = open(place);
    const before = await task.record(never());
    put(place, "a", "after");
    const after = await task.record(never());
    await task.close();
    const { workspace, dir } = place;
    const setup = `mount --bind ${workspace} ${workspace} && mount -o remount,ro,bind ${workspace}`;
    const record = mounted(setup, [process.execPath, CHILD, "fill", dir, workspace, "other"]);
    expect(record).toMatch(/\/other\/001-/);
    const output = mounted(setup, [process.execPath, CHILD, "restore", dir, workspace, before.id, after.id]);
    expect(output).toStartWith("UserError");
    expect(snapshot(workspace)).toMatchObject({ a: expect.stringContaining(Buffer.from("after").toString("base64")) });
  });
});

test("files left over in the data folder do no harm", async () => {
  const task = open(place);
  put(place, "a", "1");
  const { id } = await task.record(never());
  await task.close();
  const [key, name] = id.split("/");
  writeFileSync(join(place.dir, key!, "tasks", name!, "002-half.json.tmp"), "{");
  writeFileSync(join(place.dir, key!, "packs", "torn.pack"), "torn");
  expect(await readAll()).toEqual([id]);
  expect(readdirSync(place.workspace)).toEqual(["a"]);
});
