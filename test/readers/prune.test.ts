import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MemoryDatabase, openDatabase } from "../../src/memory/database.ts";
import { noteSize } from "../../src/memory/tasks.ts";
import { claimTask } from "../../src/readers/interrupted.ts";
import { pruneDaily } from "../../src/readers/prune.ts";

const NOW = Date.now();
const DAY = 86_400_000;
let dir: string;
let paths: { database: string; sessions: string; data: string };
let memory: MemoryDatabase;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openkoi-prune-"));
  paths = { database: join(dir, "openkoi.db"), sessions: join(dir, "sessions"), data: dir };
  mkdirSync(paths.sessions);
  memory = openDatabase({ path: paths.database, now: () => NOW, onNotice: () => {} });
});
afterEach(() => {
  memory.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A transcript of a megabyte that was last written so many days ago. */
function transcript(id: string, days: number, recorded = true): void {
  const path = join(paths.sessions, `${id}.jsonl`);
  writeFileSync(path, "x".repeat(1_000_000));
  const time = new Date(NOW - days * DAY);
  utimesSync(path, time, time);
  if (recorded) noteSize(memory, id, 1_000_000);
}

const prune = (maxMegabytes: number, now = NOW) => pruneDaily({ paths, maxMegabytes, now, memory: async () => memory });
const left = () => readdirSync(paths.sessions).sort();

describe("the storage limit", () => {
  test("takes the oldest transcripts, says so, and keeps what the memory knows of them", async () => {
    for (let days = 10; days < 20; days++) transcript(`t${days}`, days);
    const [line, ...more] = await prune(8);
    expect(more).toEqual([]);
    expect(line).toMatch(
      /^4 transcripts of tasks up to \d{4}-\d\d-\d\d removed \(4\.0 MB\): the limit is max_storage_mb/,
    );
    expect(left()).toEqual(["t10.jsonl", "t11.jsonl", "t12.jsonl", "t13.jsonl", "t14.jsonl", "t15.jsonl"]);
    expect(memory.query("SELECT transcript_bytes AS bytes FROM sessions WHERE id = 't19'").get()).toEqual({ bytes: 0 });
  });

  test("does nothing below it, and looks once a day", async () => {
    transcript("t1", 30);
    expect(await prune(500)).toEqual([]);
    transcript("t2", 30);
    expect(await prune(1)).toEqual([]);
    expect(left()).toHaveLength(2);
    expect(await prune(1, NOW + 2 * DAY)).toHaveLength(1);
  });

  test("never takes what is young, at work, or not in the memory yet, and says that it is not enough", async () => {
    transcript("young", 6);
    transcript("working", 30);
    transcript("unrecorded", 30, false);
    const claim = claimTask(paths, "working", () => NOW);
    const lines = await prune(1);
    claim.release();
    expect(left()).toHaveLength(3);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("more than max_storage_mb = 1");
  });

  test("takes nothing where the database alone is over it, and says so", async () => {
    transcript("old", 30);
    expect((await prune(0))[0]).toContain("more than max_storage_mb = 0");
    expect(left()).toEqual(["old.jsonl"]);
  });

  test("does not even look where there are no transcripts", async () => {
    rmSync(paths.sessions, { recursive: true });
    expect(await prune(0)).toEqual([]);
    expect(existsSync(join(dir, "pruned"))).toBe(false);
  });
});
