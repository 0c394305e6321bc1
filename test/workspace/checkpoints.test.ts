import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { listCheckpoints, loadCheckpoint } from "../../src/workspace/index.ts";
import { STAGING } from "../../src/workspace/scan.ts";
import type { TaskCheckpoints } from "../../src/workspace/task-checkpoints.ts";
import { makePlace, never, open, type Place, put, snapshot } from "./tree.ts";

let place: Place;
let task: TaskCheckpoints;
const inside = (path: string): string => join(place.workspace, path);
const text = (path: string): string => readFileSync(inside(path), "utf8");

beforeEach(() => {
  place = makePlace();
  task = open(place);
});

afterEach(async () => {
  await task.close();
  rmSync(join(place.workspace, ".."), { recursive: true, force: true });
});

describe("recording", () => {
  test("covers hidden files, but neither .git nor what is ignored", async () => {
    put(place, ".gitignore", "*.log\nbuild/\n");
    put(place, ".hidden", "1");
    put(place, ".git/config", "before");
    put(place, "x.log", "before");
    put(place, "build/out", "before");
    const before = await task.record(never());
    expect(before).toMatchObject({ files: 2, uncovered: [] });
    for (const path of [".hidden", ".git/config", "x.log", "build/out"]) put(place, path, "after");
    const report = await task.restore(before, await task.record(never()), never());
    expect(report).toEqual({ restored: [".hidden"], kept: [] });
    expect([text(".git/config"), text("x.log"), text("build/out")]).toEqual(["after", "after", "after"]);
  });

  test("an unchanged workspace needs no second record", async () => {
    put(place, "a", "1");
    const first = await task.record(never());
    expect(await task.record(never())).toEqual(first);
    utimesSync(inside("a"), new Date(0), new Date(0));
    expect(await task.record(never())).toEqual(first);
  });

  test("equal workspaces have equal hashes, whoever recorded them and when", async () => {
    put(place, "a", "1");
    const first = await task.record(never());
    put(place, "a", "2");
    const second = await task.record(never());
    put(place, "a", "1");
    const other = open(place, "other");
    const third = await other.record(never());
    await other.close();
    expect(second.hash).not.toBe(first.hash);
    expect(third.hash).toBe(first.hash);
    expect(third.id).not.toBe(first.id);
  });

  test("a file changed within one tick of the clock, with the same size, is not missed", async () => {
    const path = put(place, "a", "0000");
    const hashes = new Set<string>();
    for (let round = 0; round < 100; round++) {
      writeFileSync(path, String(1000 + round));
      hashes.add((await task.record(never())).hash);
    }
    expect(hashes.size).toBe(100);
  });

  test("what comes, goes and is ignored in folders that were looked at before is seen", async () => {
    for (const path of ["a/stays", "a/goes", "a/moves", "b/c/stays", "b/c/x.log"]) put(place, path, path);
    put(place, ".gitignore", "*.log");
    const past = new Date(Date.now() - 3_600_000);
    for (const folder of ["", "a", "b", "b/c"]) utimesSync(inside(folder), past, past);
    const late = open(place, "late", { now: () => Date.now() + 60_000 });
    const before = await late.record(never());
    expect(await late.record(never())).toBe(before);
    unlinkSync(inside("a/goes"));
    renameSync(inside("a/moves"), inside("b/c/moved"));
    put(place, "new/file", "made");
    const after = await late.record(never());
    expect((await late.diff(before, after, 1e6)).changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      "deleted a/goes",
      "deleted a/moves",
      "created b/c/moved",
      "created new/file",
    ]);
    writeFileSync(inside(".gitignore"), "*.tmp\n");
    writeFileSync(inside("b/c/y.tmp"), "ignored");
    const later = await late.record(never());
    expect((await late.diff(after, later, 1e6)).changes.map(({ path }) => path)).toEqual([".gitignore"]);
    await late.close();
  });

  test("what is not covered is said in words", async () => {
    const limited = open(place, "limited", { limits: { fileBytes: 100, totalBytes: 150, files: 7 } });
    put(place, "a.bin", "x".repeat(101));
    for (const name of ["b", "c", "d", "e", "f"]) put(place, name, name.repeat(50));
    Bun.spawnSync(["mkfifo", inside("g")]);
    symlinkSync("nowhere", inside("h"));
    expect(await limited.record(never())).toMatchObject({
      files: 3,
      uncovered: [
        "1 file over 100 bytes (a.bin)",
        "2 files beyond 150 bytes in all (e, f)",
        "1 socket, pipe or device (g)",
        "everything after the first 7 files",
      ],
    });
    await limited.close();
  });

  test("past the limit on files nothing that was not recorded is deleted", async () => {
    const limited = open(place, "limited", { limits: { files: 2 } });
    for (const name of ["b", "c", "d"]) put(place, name, name);
    const before = await limited.record(never());
    expect(before.uncovered).toEqual(["everything after the first 2 files"]);
    put(place, "a", "new, and in the way of c");
    unlinkSync(inside("b"));
    const report = await limited.restore(before, await limited.record(never()), never());
    expect(report.restored).toEqual(["b"]);
    expect(report.failed?.join()).toContain("that were not recorded before");
    expect(Object.keys(snapshot(place.workspace))).toEqual(["a", "b", "c", "d"]);
    await limited.close();
  });

  test("our own data folder in the workspace is left out", async () => {
    const dir = inside("data/checkpoints");
    const own = open({ ...place, dir });
    put(place, "a", "1");
    const first = await own.record(never());
    expect(first.files).toBe(1);
    expect((await own.record(never())).hash).toBe(first.hash);
    await own.close();
  });

  test("an aborted record leaves nothing behind and can be repeated", async () => {
    put(place, "a", "1");
    await expect(task.record(AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
    expect((await task.record(never())).files).toBe(1);
    expect(await listCheckpoints(place.dir, place.workspace)).toHaveLength(1);
  });

  test("a missing workspace is reported, and nothing counts as deleted for it", async () => {
    put(place, "a", "1");
    const before = await task.record(never());
    renameSync(place.workspace, `${place.workspace}-away`);
    const away = await task.record(never());
    expect(away.uncovered.join()).toContain("cannot be read");
    renameSync(`${place.workspace}-away`, place.workspace);
    expect(await task.restore(away, before, never())).toMatchObject({ restored: [] });
    expect(text("a")).toBe("1");
  });
});

describe("added folders", () => {
  test("are recorded and restored like the workspace", async () => {
    const added = join(place.outside, "added");
    mkdirSync(added);
    writeFileSync(join(added, "lib"), "before");
    put(place, "a", "before");
    const both = open(place, "both", { addDirs: [added] });
    const before = await both.record(never());
    writeFileSync(join(added, "lib"), "after");
    writeFileSync(join(added, "new"), "after");
    put(place, "a", "after");
    const after = await both.record(never());
    const diff = await both.diff(before, after, 1e5);
    expect(diff.changes.map(({ path }) => path)).toEqual(["../outside/added/lib", "../outside/added/new", "a"]);
    await both.close();
    const later = open(place, "later");
    expect((await later.restore(before, after, never())).kept).toEqual([]);
    expect([readFileSync(join(added, "lib"), "utf8"), readdirSync(added), text("a")]).toEqual([
      "before",
      ["lib"],
      "before",
    ]);
    await later.close();
  });

  test("one that a link to itself has replaced holds nothing", async () => {
    const added = join(place.outside, "added");
    mkdirSync(added);
    writeFileSync(join(added, "lib"), "before");
    put(place, "a", "before");
    const both = open(place, "both", { addDirs: [added] });
    const before = await both.record(never());
    rmSync(added, { recursive: true });
    symlinkSync("added", added);
    put(place, "a", "after");
    const after = await both.record(never());
    expect(await both.restore(before, after, never())).toEqual({ restored: ["a"], kept: ["../outside/added/lib"] });
    await both.close();
  });

  test("one that holds the workspace does not record it twice", async () => {
    put(place, "a", "1");
    writeFileSync(join(place.outside, "b"), "1");
    const all = open(place, "all", { addDirs: [join(place.workspace, "..")] });
    expect((await all.record(never())).files).toBe(2);
    await all.close();
  });

  test("what is deleted beside one that lies in the workspace is missed, and put back", async () => {
    put(place, "sub/b", "1");
    const gone = put(place, "x", "1");
    const both = open(place, "both", { addDirs: [inside("sub")] });
    const before = await both.record(never());
    unlinkSync(gone);
    const after = await both.record(never());
    expect([before.files, after.files]).toEqual([2, 1]);
    expect((await both.restore(before, after, never())).restored).toEqual(["x"]);
    await both.close();
  });
});

describe("the rules change during the task", () => {
  test("a file that the task ignores from now on is still put back", async () => {
    put(place, "a.log", "before");
    const before = await task.record(never());
    put(place, ".gitignore", "*.log\n");
    put(place, "a.log", "after");
    await task.restore(before, await task.record(never()), never());
    expect(text("a.log")).toBe("before");
    expect(existsSync(inside(".gitignore"))).toBe(false);
  });

  test("a file that was ignored before and is not any more is not deleted", async () => {
    put(place, ".gitignore", ".env\ndist/\n");
    put(place, ".env", "the user's");
    put(place, "dist/deep/old.js", "the user's");
    const before = await task.record(never());
    put(place, ".gitignore", "");
    const after = await task.record(never());
    expect((await task.diff(before, after, 1e5)).changes.map(({ path }) => path)).toEqual([".gitignore"]);
    const report = await task.restore(before, after, never());
    expect(report.restored).toEqual([".gitignore"]);
    expect([text(".env"), text("dist/deep/old.js")]).toEqual(["the user's", "the user's"]);
  });
});

describe("cover", () => {
  test("brings back an ignored file, in the very first checkpoint too, also for another process", async () => {
    put(place, ".gitignore", ".env\n");
    put(place, ".env", "before");
    const before = await task.record(never());
    put(place, "a", "1");
    await task.record(never());
    await task.cover(inside(".env"));
    put(place, ".env", "after");
    const after = await task.record(never());
    await task.close();
    const later = open(place, "undo");
    expect(await later.restore(before, after, never())).toEqual({ restored: [".env", "a"], kept: [] });
    expect(text(".env")).toBe("before");
    await later.restore(after, before, never());
    expect(text(".env")).toBe("after");
    await later.close();
  });

  test("removes an ignored file that was not there, with its folders", async () => {
    put(place, ".gitignore", "build/\n");
    const before = await task.record(never());
    await task.cover(inside("build/deep/out"));
    put(place, "build/deep/out", "new");
    await task.restore(before, await task.record(never()), never());
    expect(readdirSync(place.workspace)).toEqual([".gitignore"]);
  });

  test("works before the first record as well", async () => {
    put(place, ".gitignore", ".env\n");
    put(place, ".env", "before");
    await task.cover(inside(".env"));
    const before = await task.record(never());
    put(place, ".env", "after");
    await task.restore(before, await task.record(never()), never());
    expect(text(".env")).toBe("before");
  });

  test("includes a file that is over the limit", async () => {
    const limited = open(place, "limited", { limits: { fileBytes: 10 } });
    put(place, "big", "x".repeat(20));
    const before = await limited.record(never());
    await limited.cover(inside("big"));
    put(place, "big", "y".repeat(30));
    await limited.restore(before, await limited.record(never()), never());
    expect(text("big")).toBe("x".repeat(20));
    await limited.close();
  });

  test("reaches neither outside nor .git, nor through a link", async () => {
    writeFileSync(join(place.outside, "x"), "1");
    symlinkSync(place.outside, inside("link"));
    put(place, ".git/config", "1");
    await task.record(never());
    for (const path of [join(place.outside, "x"), inside(".git/config"), inside("link/x")]) await task.cover(path);
    expect(readdirSync(join(place.dir), { recursive: true }).join()).not.toContain("cover-");
  });
});

describe("restoring", () => {
  test("keeps what the user changed, made, or deleted meanwhile", async () => {
    for (const name of ["changed", "deleted", "both", "mode"]) put(place, name, "before", 0o644);
    const before = await task.record(never());
    for (const name of ["changed", "deleted", "both", "mode"]) put(place, name, "by the task");
    const after = await task.record(never());
    put(place, "changed", "by the user");
    unlinkSync(inside("deleted"));
    chmodSync(inside("mode"), 0o600);
    put(place, "new", "by the user");
    const report = await task.restore(before, after, never());
    expect(report).toEqual({ restored: ["both"], kept: ["changed", "deleted", "mode"] });
    expect([text("changed"), text("both"), text("mode"), text("new")]).toEqual([
      "by the user",
      "before",
      "by the task",
      "by the user",
    ]);
    expect(existsSync(inside("deleted"))).toBe(false);
  });

  test("a folder of the task stays while it holds a file of somebody else", async () => {
    const before = await task.record(never());
    put(place, "made/by-task", "1");
    const after = await task.record(never());
    put(place, "made/by-user", "1");
    const report = await task.restore(before, after, never());
    expect(snapshot(place.workspace)).toMatchObject({ "made/by-user": expect.any(String) });
    expect(existsSync(inside("made/by-task"))).toBe(false);
    expect(report).toMatchObject({
      restored: ["made/by-task"],
      failed: ["made: it holds files that were not recorded"],
    });
  });

  test("a folder that became a link is never followed", async () => {
    put(place, "folder/file", "before");
    const before = await task.record(never());
    put(place, "folder/file", "after");
    const after = await task.record(never());
    rmSync(inside("folder"), { recursive: true });
    symlinkSync(place.outside, inside("folder"));
    writeFileSync(join(place.outside, "file"), "after");
    const report = await task.restore(before, after, never());
    expect(report.kept).toEqual(["folder/file"]);
    expect(readFileSync(join(place.outside, "file"), "utf8")).toBe("after");
  });

  test("a link that the task put in place of a folder goes, and what it points to stays", async () => {
    put(place, "folder/file", "before");
    writeFileSync(join(place.outside, "file"), "outside");
    const state = snapshot(place.workspace);
    const before = await task.record(never());
    rmSync(inside("folder"), { recursive: true });
    symlinkSync(place.outside, inside("folder"));
    const after = await task.record(never());
    await task.restore(before, after, never());
    expect(snapshot(place.workspace)).toEqual(state);
    expect(readFileSync(join(place.outside, "file"), "utf8")).toBe("outside");
  });

  test("a file replaced by a folder, and a folder by a file, come back", async () => {
    put(place, "a", "file");
    put(place, "b/c/d", "deep");
    const state = snapshot(place.workspace);
    const before = await task.record(never());
    unlinkSync(inside("a"));
    put(place, "a/x/y", "1");
    rmSync(inside("b"), { recursive: true });
    put(place, "b", "file");
    const after = await task.record(never());
    const left = snapshot(place.workspace);
    await task.restore(before, after, never());
    expect(snapshot(place.workspace)).toEqual(state);
    await task.restore(after, before, never());
    expect(snapshot(place.workspace)).toEqual(left);
  });

  test("goes on where a killed one stopped", async () => {
    put(place, "a", "1");
    put(place, "b", "1");
    const before = await task.record(never());
    put(place, "a", "2");
    put(place, "b", "2");
    const after = await task.record(never());
    put(place, "a", "1");
    put(place, `${STAGING}999999999-dead/0`, "1");
    const report = await task.restore(before, after, never());
    expect(report).toEqual({ restored: ["b"], kept: [] });
    expect(Object.keys(snapshot(place.workspace))).toEqual(["a", "b"]);
  });

  test("leftovers of a killed restore are not recorded, and swept", async () => {
    put(place, "a", "1");
    put(place, `${STAGING}999999999-dead/0`, "1");
    expect((await task.record(never())).files).toBe(1);
    expect(readdirSync(place.workspace)).toEqual(["a"]);
  });

  test("a file too large to record is left alone, and named", async () => {
    const limited = open(place, "limited", { limits: { fileBytes: 10 } });
    put(place, "grown", "small");
    put(place, "big", "x".repeat(20));
    const before = await limited.record(never());
    put(place, "grown", "y".repeat(20));
    put(place, "big", "z".repeat(30));
    put(place, "new", "n".repeat(30));
    const after = await limited.record(never());
    expect(after.hash).not.toBe(before.hash);
    const report = await limited.restore(before, after, never());
    expect(report.restored).toEqual(["grown"]);
    expect(report.failed).toEqual([
      "big: it is too large to be recorded",
      "new: left in place, because it is too large to be recorded",
    ]);
    await limited.close();
  });

  test("times are not put back, so that a build sees the change", async () => {
    put(place, "a", "1");
    utimesSync(inside("a"), 1000, 1000);
    const before = await task.record(never());
    put(place, "a", "2");
    await task.restore(before, await task.record(never()), never());
    expect(lstatSync(inside("a")).mtimeMs).toBeGreaterThan(1e12);
  });

  test("a folder that forbids writing is no hindrance, and forbids it again afterwards", async () => {
    put(place, "locked/file", "before");
    chmodSync(inside("locked"), 0o555);
    const state = snapshot(place.workspace);
    const before = await task.record(never());
    chmodSync(inside("locked"), 0o755);
    put(place, "locked/file", "after");
    put(place, "locked/new", "after");
    chmodSync(inside("locked"), 0o555);
    const after = await task.record(never());
    expect(await task.restore(before, after, never())).toEqual({ restored: ["locked/file", "locked/new"], kept: [] });
    expect(snapshot(place.workspace)).toEqual(state);
    chmodSync(inside("locked"), 0o755);
  });

  test("another folder's checkpoint is refused", async () => {
    const other = makePlace();
    const foreign = open({ ...other, dir: place.dir }, "foreign");
    const theirs = await foreign.record(never());
    await foreign.close();
    const ours = await task.record(never());
    await expect(task.restore(theirs, ours, never())).rejects.toThrow(UserError);
    rmSync(join(other.workspace, ".."), { recursive: true });
  });
});

describe("later", () => {
  test("a resumed task goes on counting, and knows its own last state", async () => {
    put(place, "a", "1");
    const first = await task.record(never());
    await task.close();
    const resumed = open(place);
    expect(await resumed.record(never())).toEqual(first);
    put(place, "a", "2");
    const second = await resumed.record(never());
    expect(second.id).toMatch(/\/task\/002-/);
    await resumed.close();
    expect(await loadCheckpoint(place.dir, second.id)).toEqual(second);
    expect(await listCheckpoints(place.dir, place.workspace)).toEqual([{ task: "task", checkpoints: [first, second] }]);
  });

  test("content that is stored already is not stored again by another task", async () => {
    put(place, "a", crypto.getRandomValues(new Uint8Array(50_000)));
    await task.record(never());
    const other = open(place, "other");
    await other.record(never());
    await other.close();
    const packs = readdirSync(place.dir, { recursive: true }).filter((name) => String(name).endsWith(".pack"));
    expect(packs).toHaveLength(1);
  });

  test("a torn hint of what was recorded last is passed over", async () => {
    put(place, "a", "one");
    const before = await task.record(never());
    const hint = [...new Bun.Glob("*/latest").scanSync(place.dir)].map((path) => join(place.dir, path))[0]!;
    for (const torn of ["", before.id.slice(0, -3), "../../etc/passwd"]) {
      writeFileSync(hint, torn);
      const other = open(place, `other${torn.length}`);
      expect((await other.record(never())).hash).toBe(before.hash);
      await other.close();
    }
  });

  test("a missing pack is noticed and its files are read again", async () => {
    put(place, "a", "1");
    await task.record(never());
    await task.close();
    const packs = join(place.dir, readdirSync(place.dir)[0]!, "packs");
    rmSync(packs, { recursive: true });
    const other = open(place, "other");
    const before = await other.record(never());
    put(place, "a", "2");
    await other.restore(before, await other.record(never()), never());
    expect(text("a")).toBe("1");
    await other.close();
  });

  test("damaged content is an error with a name, and the workspace stays as it is", async () => {
    put(place, "a", "before");
    const before = await task.record(never());
    put(place, "a", "after");
    const after = await task.record(never());
    await task.close();
    const packs = join(place.dir, readdirSync(place.dir)[0]!, "packs");
    for (const name of readdirSync(packs)) writeFileSync(join(packs, name), "rubbish".repeat(10));
    const later = open(place, "undo");
    await expect(later.restore(before, after, never())).rejects.toThrow("recorded content of a is missing or damaged");
    expect(snapshot(place.workspace)).toEqual({ a: expect.stringContaining(Buffer.from("after").toString("base64")) });
    await later.close();
  });

  test("a damaged manifest hides no other, and is named when asked for", async () => {
    put(place, "a", "1");
    const first = await task.record(never());
    put(place, "a", "2");
    const second = await task.record(never());
    const [key, name, file] = second.id.split("/");
    appendFileSync(join(place.dir, key!, "tasks", name!, `${file}.json`), "}");
    expect((await listCheckpoints(place.dir, place.workspace))[0]?.checkpoints).toEqual([first]);
    await expect(loadCheckpoint(place.dir, second.id)).rejects.toThrow("is damaged");
  });

  test("an id that is no id leads nowhere", async () => {
    for (const id of ["", "../../etc/passwd", "0123456789abcdef/../x", "0123456789abcdef/task/001-missing"]) {
      await expect(loadCheckpoint(place.dir, id)).rejects.toThrow(`there is no checkpoint ${id}`);
    }
  });
});
