import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { Span } from "../../src/contracts/workspace.ts";
import { type GitBegin, noteGit } from "../../src/workspace/git-begin.ts";
import { gitBegin, gitMoves } from "../../src/workspace/index.ts";
import { taskFolder } from "../../src/workspace/manifest-names.ts";
import { makePlace, type Place, put } from "./tree.ts";

let place: Place;
let spans: Span[];
/** git's clock: each commit is a minute later. ms. */
let time: number;

beforeEach(() => {
  place = makePlace();
  spans = [];
  time = Date.parse("2026-11-23T10:00:00Z");
});

afterEach(() => rmSync(join(place.workspace, ".."), { recursive: true, force: true }));

/** A command of the user's, in the workspace; what it says. */
function git(...args: string[]): string {
  time += 60_000;
  const date = new Date(time).toISOString();
  const who = { NAME: "a", EMAIL: "a@example.org", DATE: date };
  const env = Object.fromEntries(
    Object.entries(who).flatMap(([key, value]) => ["AUTHOR", "COMMITTER"].map((role) => [`GIT_${role}_${key}`, value])),
  );
  const { exitCode, stdout, stderr } = Bun.spawnSync(["git", ...args], {
    cwd: place.workspace,
    env: { PATH: process.env.PATH, HOME: place.outside, GIT_CONFIG_NOSYSTEM: "1", ...env },
  });
  if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
  return stdout.toString().trim();
}

/** The same, of the task's. */
function task(...args: string[]): void {
  git(...args);
  spans.push({ from: time + 200, to: time + 300 });
}

const moves = (begin?: GitBegin) => movesIn(place.workspace, begin);
const movesIn = (folder: string, begin?: GitBegin) => gitMoves(folder, { spans, named: new Map() }, begin);

/** What a task that begins now finds. */
async function noted(): Promise<GitBegin> {
  const folder = taskFolder(place.dir, place.workspace, "task");
  mkdirSync(folder, { recursive: true });
  await noteGit(folder, place.workspace, Date.now());
  return gitBegin({ ...place, task: "task" })!;
}

const commit = (message: string) => ["commit", "-q", "--allow-empty", "-m", message];

function begin(): string {
  git("init", "-q", "-b", "main");
  git(...commit("one"));
  return git("rev-parse", "HEAD");
}

describe("what became of a repository while a task acted", () => {
  test("is nothing where it only changed files, or where there is no repository", () => {
    expect(moves()).toBeUndefined();
    begin();
    spans.push({ from: time + 60_000, to: time + 90_000 });
    put(place, "a", "1");
    expect(moves()).toBeUndefined();
    git(...commit("the user's"));
    git("branch", "theirs");
    time += 100_000;
    spans = [{ from: time, to: time + 1 }];
    expect(moves()).toBeUndefined();
  });

  test("is where HEAD was and is, and which branches were made", () => {
    const was = begin();
    task("switch", "-q", "-c", "topic/new");
    task(...commit("two"));
    task("branch", "other");
    const is = git("rev-parse", "HEAD");
    mkdirSync(join(place.workspace, "deep"));
    for (const folder of [place.workspace, join(place.workspace, "deep")]) {
      const { head, branches } = movesIn(folder)!;
      expect(head).toEqual({
        was: { commit: was, branch: "main" },
        is: { commit: is, branch: "topic/new" },
        others: false,
      });
      expect(branches.sort()).toEqual(["other", "topic/new"]);
    }
  });

  test("is nothing any more where somebody went back", () => {
    const was = begin();
    task(...commit("two"));
    git("reset", "-q", was);
    expect(moves()).toBeUndefined();
  });

  test("says that others moved it, too", () => {
    begin();
    task(...commit("two"));
    git(...commit("the user's"));
    expect(moves()?.head?.others).toBe(true);
  });

  test("is what is staged, where that is something else than before it", async () => {
    begin();
    for (const path of ["a", "folder/a", "folder/long-name-b"]) put(place, path, "1");
    git("add", "folder");
    const was = await noted();
    // Times are no entries.
    utimesSync(join(place.workspace, "folder/a"), 1, 1);
    git("status");
    expect(moves(was)).toBeUndefined();
    for (const version of ["2", "4"]) {
      git("update-index", "--index-version", version);
      const before = await noted();
      for (const change of [
        ["add", "a"],
        ["rm", "-q", "--cached", "folder/a"],
        ["add", "-N", "folder/a"],
      ]) {
        task(...change);
        expect(moves(before)).toEqual({ branches: [], index: true });
      }
      git("rm", "-q", "--cached", "a");
      git("add", "folder");
      expect(moves(before)).toBeUndefined();
    }
    // With a commit all that is staged is another.
    git("add", "a");
    git(...commit("the user's"));
    expect(moves(was)).toBeUndefined();
  });

  test("is what is staged in a repository with hashes of SHA-256, and in one without an index", async () => {
    git("init", "-q", "-b", "main", "--object-format=sha256");
    put(place, "a", "1");
    const was = await noted();
    task("add", "a");
    expect(moves(was)).toEqual({ branches: [], index: true });
    expect(moves(await noted())).toBeUndefined();
  });

  test("is which stash entries were made, and which are gone", async () => {
    begin();
    put(place, "a", "1");
    git("add", ".");
    git(...commit("two"));
    for (const text of ["2", "3"]) {
      put(place, "a", text);
      git("stash", "-q");
    }
    const gone = git("rev-parse", "stash@{1}");
    const was = await noted();
    expect(moves(was)).toBeUndefined();
    git("stash", "drop", "-q", "stash@{1}");
    put(place, "a", "4");
    task("stash", "-q");
    put(place, "a", "5");
    git("stash", "-q");
    expect(moves(was)?.stash).toEqual({ made: ["stash@{1}"], gone: [gone] });
  });

  test("is nothing of what was there when it began, though the second be the same", async () => {
    begin();
    git("branch", "theirs");
    spans.push({ from: time, to: time + 500 });
    expect(moves()?.branches).toEqual(["theirs"]);
    await Bun.sleep(45);
    expect(moves(await noted())).toBeUndefined();
  });

  test("is told of a first commit, of no branch, and of a linked work tree", () => {
    git("init", "-q", "-b", "main");
    task(...commit("one"));
    const first = git("rev-parse", "HEAD");
    expect(moves()).toEqual({
      head: { was: { commit: undefined, branch: "main" }, is: { commit: first, branch: "main" }, others: false },
      branches: [],
    });
    git("checkout", "-q", "--detach");
    spans = [];
    task("switch", "-q", "-c", "next");
    expect(moves()?.head).toMatchObject({ was: { commit: first, branch: undefined }, is: { branch: "next" } });
    const linked = join(place.outside, "linked");
    git("worktree", "add", "-q", linked, "main");
    spans = [];
    task("-C", linked, ...commit("two"));
    expect(movesIn(linked)?.head?.was).toEqual({ commit: first, branch: "main" });
  });
});
