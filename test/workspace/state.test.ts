import { describe, expect, test } from "bun:test";
import { Stats } from "node:fs";
import { settled } from "../../src/base/file-times.ts";
import { Entries } from "../../src/workspace/entries.ts";
import { type Entry, knownAbsent, type State, untouched } from "../../src/workspace/state.ts";

function stats(times: { mtimeMs: number; ctimeMs: number }, more: Partial<Stats> = {}): Stats {
  return Object.assign(Object.create(Stats.prototype), { mode: 0o100644, size: 3, ino: 7, ...times, ...more });
}

const entry: Entry = {
  path: "a",
  kind: "file",
  mode: 0o644,
  size: 3,
  mtime: 1000.5,
  ctime: 2000.5,
  ino: 7,
  content: "hash",
  place: undefined,
};

describe("times vouch for a file", () => {
  test("only when it was some ticks old as it was read", () => {
    const found = stats({ mtimeMs: 1_000.25, ctimeMs: 10_000.25 });
    expect(settled(found, 10_000)).toBe(false);
    expect(settled(found, 10_040)).toBe(false);
    expect(settled(found, 10_100)).toBe(true);
  });

  test("only after seconds where the file system counts in seconds", () => {
    const found = stats({ mtimeMs: 10_000, ctimeMs: 10_000 });
    expect(settled(found, 11_900)).toBe(false);
    expect(settled(found, 12_600)).toBe(true);
  });

  test("never when they lie in the future", () => {
    expect(settled(stats({ mtimeMs: 99_999.5, ctimeMs: 1.5 }), 50_000)).toBe(false);
  });

  test("and any difference takes it back", () => {
    const times = { mtimeMs: 1000.5, ctimeMs: 2000.5 };
    expect(untouched(entry, stats(times))).toBe(true);
    expect(untouched({ ...entry, ctime: 0 }, stats(times))).toBe(false);
    for (const change of [{ size: 4 }, { ino: 8 }, { mode: 0o100755 }, { mode: 0o120644 }, { ctimeMs: 2000.75 }]) {
      expect(untouched(entry, stats(times, change))).toBe(false);
    }
  });
});

test("the hash does not depend on order, inode or times, but on path, mode and content", () => {
  const of = (...entries: Entry[]): string => Entries.of(entries).hash();
  const other = { ...entry, path: "b" };
  expect(of(entry, other)).toBe(of(other, { ...entry, ino: 1, mtime: 1, ctime: 1 }));
  for (const change of [{ path: "c" }, { mode: 0o600 }, { content: "x" }, { kind: "link" as const }]) {
    expect(of({ ...entry, ...change })).not.toBe(of(entry));
  }
});

test("a path is known to be absent unless a rule or a limit may have hidden it", () => {
  const state: State = {
    entries: Entries.NONE,
    ignored: new Set(["dist", ".env"]),
    covered: new Set([".env"]),
    partial: false,
    uncovered: [],
  };
  expect(["a", "dist", "dist/x/y", "distant", ".env"].map((path) => knownAbsent(state, path))).toEqual([
    true,
    false,
    false,
    true,
    true,
  ]);
  expect(knownAbsent({ ...state, partial: true }, "a")).toBe(false);
});
