import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MemoryDatabase, openDatabase } from "../../src/memory/database.ts";
import { usedBytes } from "../../src/memory/limits.ts";
import { createMemory } from "../../src/memory/memory.ts";
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

const prune = (maxMegabytes: number, now = NOW, isOver = () => false) =>
  pruneDaily({ paths, maxMegabytes, now, memory: async () => memory, isOver });
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

  test("does not even look where there is nothing", async () => {
    rmSync(paths.sessions, { recursive: true });
    paths.database = join(dir, "none.db");
    expect(await prune(0)).toEqual([]);
    expect(existsSync(join(dir, "pruned"))).toBe(false);
  });

  describe("where transcripts are not enough", () => {
    const iso = (days: number) => new Date(NOW - days * DAY).toISOString();
    const count = (table: string, where = "1") =>
      memory.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).get()!.n;

    /** So many pieces of about a kilobyte, said so many days ago, in the indexes. */
    async function said(pieces: number, days: number): Promise<void> {
      const insert = memory.query(
        "INSERT INTO memory_chunks (id, source, text, created_at, kind) VALUES (?1, ?1, ?2, ?3, 'transcript')",
      );
      memory.transaction(() => {
        for (let at = 0; at < pieces; at++) insert.run(`${days}-${at}`, `word${days}x${at} `.repeat(80), iso(days));
      });
      const options = { now: () => NOW, decayRate: 0, hide: (text: string) => text, onWarning: () => {} };
      const open = { ...options, database: () => memory, embedder: async () => undefined, skills: async () => [] };
      while (!(await createMemory(open).tend(10_000, new AbortController().signal)));
    }

    function learned(content: string): void {
      memory
        .query("INSERT INTO learnings (id, type, content, confidence, created_at) VALUES (?1, 'heuristic', ?1, 1, ?2)")
        .run(content, iso(300));
    }

    test("takes what was said out of the search, the oldest first, with its indexes; what was learned stays", async () => {
      learned("Never edit generated files");
      await said(300, 200);
      await said(300, 100);
      await said(100, 3);
      const before = usedBytes(memory);
      const limit = (before * 0.9) / 1e6;
      const lines = await prune(limit);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(
        /^\d+ pieces of what was said in tasks up to \d{4}-\d\d-\d\d found no more: the limit is/,
      );
      expect(usedBytes(memory)).toBeLessThanOrEqual(limit * 1e6);
      expect(count("memory_chunks", "id LIKE '200-%'")).toBeLessThan(300);
      expect(count("memory_chunks", "id LIKE '100-%'")).toBe(300);
      expect(count("memory_chunks", "id LIKE '3-%'")).toBe(100);
      expect(count("memory_chunks", "kind = 'learning'")).toBe(1);
      expect(count("chunk_vectors")).toBe(count("memory_chunks"));
      expect(memory.query("SELECT v FROM chunk_words_config WHERE k = 'automerge'").get()).toEqual({ v: 4 });
      expect(memory.query("SELECT rowid FROM chunk_words WHERE chunk_words MATCH 'word100x7'").all()).toHaveLength(1);
      expect(memory.query("SELECT rowid FROM chunk_words WHERE chunk_words MATCH 'word200x0'").all()).toEqual([]);
    });

    test("takes usage events that habits are no longer mined of, and leaves the others", async () => {
      const insert = memory.query(
        "INSERT INTO usage_events (id, event_type, description, timestamp, day) VALUES (?, 'task', ?, ?, '')",
      );
      memory.transaction(() => {
        for (let at = 0; at < 1000; at++) insert.run(`e${at}`, "x".repeat(1000), iso(at % 2 === 0 ? 120 : 20));
      });
      const lines = await prune((usedBytes(memory) * 0.7) / 1e6);
      expect(lines[0]).toMatch(/^\d+ usage events up to \d{4}-\d\d-\d\d removed: the limit is/);
      expect(count("usage_events", `timestamp < '${iso(90)}'`)).toBeLessThan(500);
      expect(count("usage_events", `timestamp > '${iso(90)}'`)).toBe(500);
    });

    test("stops where its time is over, and goes on after the next task", async () => {
      await said(50, 200);
      expect(await prune(0.001, NOW, () => true)).toEqual([]);
      expect(count("memory_chunks")).toBe(50);
      expect((await prune(0.001))[0]).toMatch(/^50 pieces of what was said/);
    });

    /** Time is over as soon as anything else has its turn. */
    function untilHeard(left: () => number): () => boolean {
      const all = left();
      let over = false;
      return () => {
        if (left() < all) setImmediate(() => (over = true));
        return over;
      };
    }

    test("hears timers and signals between pieces of what was said", async () => {
      await said(1000, 200);
      const pieces = () => count("memory_chunks");
      await prune(0.001, NOW, untilHeard(pieces));
      expect(pieces()).toBe(600);
    });

    test("hears timers and signals between usage events", async () => {
      const insert = memory.query(
        "INSERT INTO usage_events (id, event_type, timestamp, day) VALUES (?, 'task', ?, '')",
      );
      for (let at = 0; at < 1000; at++) insert.run(`e${at}`, iso(120));
      const events = () => count("usage_events");
      await prune(0.001, NOW, untilHeard(events));
      expect(events()).toBe(600);
    });

    test("hears timers and signals between transcripts", async () => {
      for (let days = 10; days < 14; days++) transcript(`t${days}`, days);
      const files = () => left().length;
      await prune(1, NOW, untilHeard(files));
      expect(files()).toBe(2);
    });

    test("takes no transcript while another process writes, and goes on after the next task", async () => {
      for (let days = 10; days < 14; days++) transcript(`t${days}`, days);
      {
        using other = openDatabase({ path: paths.database, now: () => NOW, onNotice: () => {} });
        other.db.run("BEGIN IMMEDIATE");
        expect(await prune(2)).toEqual([]);
        expect(left()).toHaveLength(4);
      }
      expect(await prune(2)).toHaveLength(1);
      expect(left()).toHaveLength(1);
    });

    test("says what is gone also where the rest fails, and the memory knows it", async () => {
      for (let days = 10; days < 14; days++) transcript(`t${days}`, days);
      await said(50, 200);
      memory.db.run(
        "CREATE TRIGGER refused BEFORE DELETE ON memory_chunks BEGIN SELECT raise(ABORT, 'no room for that'); END",
      );
      const lines = await prune((usedBytes(memory) * 1.05) / 1e6);
      expect(lines[0]).toMatch(/^\d transcripts of tasks up to/);
      expect(lines[1]).toMatch(/^what is beyond max_storage_mb could not all be removed: .*no room for that/);
      const gone = 4 - left().length;
      expect(gone).toBeGreaterThan(0);
      expect(count("sessions", "transcript_bytes = 0")).toBe(gone);
    });

    test("leaves transcripts half of the limit before anything else goes, and gives that up last", async () => {
      for (let days = 10; days < 14; days++) transcript(`t${days}`, days);
      await said(100, 3);
      // Nothing of what was said three days ago may go.
      await prune(3);
      expect(left()).toEqual(["t10.jsonl", "t11.jsonl"]);
    });
  });
});
