import { Database } from "bun:sqlite";
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../base/errors.ts";
import { stampOf } from "./aside.ts";
import { MIGRATIONS } from "./migrations.ts";
import { appliedTo } from "./schema.ts";

/** How long one process waits for another one that brings the database forward, ms. */
export const PATIENCE = 60_000;
/** Copies from before a schema changed that are kept. */
const MOST_BACKUPS = 3;

/**
 * Runs `body` while no other process creates, migrates or replaces the database. The lock is the kernel's (base/lock.ts);
 * this one waits without giving way, for so long at most (ms): who shows or hears something waits a moment, and asks again.
 */
export function alone<T>(path: string, body: () => T, waitMs = PATIENCE): T {
  closeSync(openSync(`${path}.lock`, "a", 0o600));
  const lock = new Database(`${path}.lock`);
  try {
    lock.run(`PRAGMA busy_timeout = ${waitMs}`);
    lock.run("BEGIN EXCLUSIVE");
    return body();
  } finally {
    lock.close();
  }
}

/** Brings the database forward to the newest schema, each migration in one transaction, after a copy was kept. To be called `alone`. */
export function migrateForward(db: Database, place: { path: string; now: () => number }): void {
  db.run(
    "CREATE TABLE IF NOT EXISTS _migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL DEFAULT (datetime('now')))",
  );
  const from = schemaOf(db);
  // What this process has just made holds nothing.
  if (from > 0 && from < MIGRATIONS.length) backUp(db, place);
  for (const { version, name, up } of MIGRATIONS) {
    if (version <= schemaOf(db)) continue;
    withoutForeignKeys(db, () => {
      if (schemaOf(db) >= version) return;
      db.run(up);
      db.query("INSERT INTO _migrations (version, name, applied_at) VALUES (?, ?, ?)").run(
        version,
        name,
        new Date(place.now()).toISOString(),
      );
    });
  }
}

/** Goes back one schema, after a copy was kept; returns the schema that is there now, and where the copy lies. To be called `alone`. */
export function migrateBack(
  db: Database,
  place: { path: string; now: () => number },
): { schema: number; backup: string } {
  const migration = MIGRATIONS.find(({ version }) => version === schemaOf(db));
  if (!migration || migration.version === 1) {
    throw new UserError(`schema ${schemaOf(db)} is the first: there is none to go back to`, "Nothing was changed.");
  }
  const backup = backUp(db, place);
  withoutForeignKeys(db, () => {
    if (schemaOf(db) !== migration.version) throw new UserError("another process changed the schema", "Look again.");
    db.run(migration.down);
    db.query("DELETE FROM _migrations WHERE version = ?").run(migration.version);
  });
  return { schema: schemaOf(db), backup };
}

/** Where copies are kept. */
export function backupFolder(path: string): string {
  return join(dirname(path), "backups");
}

/** Copies the whole database to `backups/openkoi-SCHEMA-STAMP.db`, and removes the oldest copies. Returns the path. */
function backUp(db: Database, { path, now }: { path: string; now: () => number }): string {
  const folder = backupFolder(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stem = join(folder, `openkoi-${schemaOf(db)}-${stampOf(now())}`);
  let copy = `${stem}.db`;
  for (let n = 2; existsSync(copy); n++) copy = `${stem}-${n}.db`;
  const unfinished = `${copy}.${process.pid}.tmp`;
  try {
    rmSync(unfinished, { force: true });
    db.query("VACUUM INTO ?").run(unfinished);
    chmodSync(unfinished, 0o600);
    renameSync(unfinished, copy);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  for (const old of backups(path).slice(MOST_BACKUPS)) rmSync(old, { force: true });
  return copy;
}

/** The copies that are there, newest first. */
export function backups(path: string): string[] {
  const folder = backupFolder(path);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const stamped = names.flatMap((name) => {
    const [, stamp] = /^openkoi-\d+-(\d{8}-\d{6}(?:-\d+)?)\.db$/.exec(name) ?? [];
    return stamp === undefined ? [] : [{ name, stamp }];
  });
  return stamped.sort((a, b) => (a.stamp < b.stamp ? 1 : -1)).map(({ name }) => join(folder, name));
}

/** 0 where nothing was applied yet. */
export function schemaOf(db: Database): number {
  return appliedTo(db).at(-1)?.version ?? 0;
}

/** A table that is rebuilt would otherwise take along what refers to it. */
function withoutForeignKeys(db: Database, body: () => void): void {
  db.run("PRAGMA foreign_keys = OFF");
  try {
    db.transaction(body).immediate();
  } finally {
    db.run("PRAGMA foreign_keys = ON");
  }
}
