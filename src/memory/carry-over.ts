import { Database } from "bun:sqlite";
import { closeSync, openSync, renameSync, rmSync } from "node:fs";
import { linkAside } from "./aside.ts";
import { LAST_SHARED, MIGRATIONS } from "./migrations.ts";

/** What both programs have, in an order in which every row finds what it refers to. */
const SHARED = [
  ...["sessions", "tasks", "iteration_cycles", "findings", "learnings", "skill_effectiveness"],
  ...["memory_chunks", "usage_events", "usage_patterns"],
] as const;

/**
 * Makes a database of the last shared schema out of one of the earlier program that has gone on from there, and puts it
 * in its place. The old file lies beside it afterwards, unchanged; returns where. To be called `alone`.
 */
export function carryOver(path: string, now: number): string {
  const made = `${path}.${process.pid}.new`;
  removeAll(made);
  try {
    copyShared(path, made);
    const aside = linkAside(path, "earlier", now);
    renameSync(made, path);
    return aside;
  } finally {
    removeAll(made);
  }
}

function copyShared(from: string, to: string): void {
  closeSync(openSync(to, "a", 0o600));
  const db = new Database(to);
  try {
    db.run("PRAGMA foreign_keys = OFF");
    db.run(
      "CREATE TABLE _migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL DEFAULT (datetime('now')))",
    );
    for (const { version, name, up } of MIGRATIONS.slice(0, LAST_SHARED)) {
      db.run(up);
      db.query("INSERT INTO _migrations (version, name) VALUES (?, ?)").run(version, name);
    }
    db.query("ATTACH ? AS old").run(from);
    for (const table of SHARED) {
      const there = new Set(columnsOf(db, "old", table));
      const columns = columnsOf(db, "main", table).filter((name) => there.has(name));
      if (columns.length === 0) continue;
      const list = columns.map((name) => `"${name}"`).join(", ");
      db.run(`INSERT OR IGNORE INTO main.${table} (${list}) SELECT ${list} FROM old.${table} ORDER BY rowid`);
    }
    db.run("DETACH old");
  } finally {
    db.close();
  }
}

function columnsOf(db: Database, schema: "main" | "old", table: string): string[] {
  return db
    .query<{ name: string }, [string, string]>("SELECT name FROM pragma_table_info(?, ?)")
    .all(table, schema)
    .map(({ name }) => name);
}

function removeAll(path: string): void {
  for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(path + end, { force: true });
}
