import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Span } from "../../src/contracts/workspace.ts";
import { gitMoves } from "../../src/workspace/index.ts";
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

const moves = (folder = place.workspace) => gitMoves(folder, { spans, named: new Map() });
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
      const { head, branches } = moves(folder)!;
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
    expect(moves(linked)?.head?.was).toEqual({ commit: first, branch: "main" });
  });
});
