import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { giveWay } from "../../src/base/stream.ts";
import { openDatabase } from "../../src/memory/database.ts";
// Loaded already, so that the store looks at once.
import "../../src/memory/patience.ts";
import { recordUndoing } from "../../src/readers/catch-up.ts";
import { createMemoryStore, type MemoryStore } from "../../src/readers/memory-store.ts";

const NOW = Date.parse("2026-11-25T12:00:00Z");
let dir: string;
let database: string;
let store: MemoryStore;
let migrating: Database;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openkoi-store-"));
  database = join(dir, "openkoi.db");
  store = createMemoryStore({
    paths: { database, sessions: join(dir, "sessions"), data: dir, checkpoints: join(dir, "checkpoints") },
    now: () => NOW,
  });
  migrating = new Database(`${database}.lock`, { create: true });
  migrating.run("BEGIN EXCLUSIVE");
});
afterEach(() => {
  store.close();
  migrating.close();
  rmSync(dir, { recursive: true, force: true });
});

describe("a memory that another process is bringing forward", () => {
  test("is waited for while everything else goes on", async () => {
    const opening = store.open();
    // By then it has looked.
    for (let turn = 0; turn < 20; turn++) await giveWay();
    migrating.run("COMMIT");
    expect((await opening).query("SELECT count(*) AS n FROM tasks").get()).toEqual({ n: 0 });
    expect(store.takeNotices()).toEqual([]);
  });

  test("is not waited for by who closes it, and nothing is said of that", async () => {
    const opening = store.open();
    opening.catch(() => {});
    await giveWay();
    store.close();
    await expect(opening).rejects.toThrow();
    expect(store.takeNotices()).toEqual([]);
    migrating.run("COMMIT");
    expect(existsSync(database)).toBe(false);
  });
});

describe("an undo that another process's writing holds up", () => {
  test("is written when that is over, and everything else goes on meanwhile", async () => {
    migrating.run("COMMIT");
    const paths = { sessions: join(dir, "sessions"), data: dir, checkpoints: join(dir, "checkpoints") };
    using memory = openDatabase({ path: database, now: () => NOW, onNotice: () => {}, waitMs: 30 });
    memory.query("INSERT INTO tasks (id, description, undone_at) VALUES ('t1', 'd', '2026-11-25')").run();
    using other = new Database(database);
    other.run("BEGIN IMMEDIATE");
    const task = { id: "t1", workspace: dir };
    const noted = recordUndoing(paths, memory, task, new AbortController().signal);
    for (let turn = 0; turn < 20; turn++) await giveWay();
    other.run("COMMIT");
    await noted;
    expect(memory.query("SELECT undone_at AS at FROM tasks").get()).toEqual({ at: null });
  });
});
