import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import type { MemorySize } from "../contracts/memory.ts";
import { lookAt, type MemoryDatabase } from "./database.ts";
import { databaseFault, isDamage } from "./faults.ts";
import { usedBytes } from "./limits.ts";
import { schemaOf } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";
import { appliedTo, type Kind } from "./schema.ts";
import { databaseBytes, folderBytes } from "./size.ts";

/** What lies at the database's place, without bringing it forward. */
export interface Inspection {
  kind: Kind | { is: "damaged" };
  /** The migrations that it had, oldest first. */
  applied: { version: number; name: string; applied_at: string }[];
  /** The newest schema that this program knows. */
  latest: number;
  /** Of the file and its log. */
  bytes: number;
  /** Mode bits; undefined where there is no file. */
  mode: number | undefined;
}

/** Looks at the database's place, and changes nothing. @throws UserError where it cannot be read. */
export function inspect(path: string): Inspection {
  try {
    const kind = lookAt(path);
    const mode = statSync(path, { throwIfNoEntry: false })?.mode;
    const readable = kind.is === "known" || kind.is === "newer" || kind.is === "earlier";
    return {
      kind,
      applied: readable ? withReader(path, appliedTo) : [],
      latest: MIGRATIONS.length,
      bytes: databaseBytes(path),
      mode: mode === undefined ? undefined : mode & 0o777,
    };
  } catch (error) {
    throw databaseFault(error, path);
  }
}

/** True where it has an earlier schema, ours or the earlier program's. False where that cannot be told. */
export function isBehind(path: string): boolean {
  try {
    const { kind, latest } = inspect(path);
    return kind.is === "earlier" || (kind.is === "known" && kind.schema < latest);
  } catch {
    return false;
  }
}

/** What SQLite finds wrong with the file (`PRAGMA quick_check`); empty where it is whole. */
export function faultsOf(path: string): string[] {
  try {
    const rows = withReader(path, (db) => db.query<{ quick_check: string }, []>("PRAGMA quick_check(5)").all());
    return rows.map(({ quick_check }) => quick_check).filter((text) => text !== "ok");
  } catch (error) {
    if (isDamage(error)) return [(error as Error).message];
    throw databaseFault(error, path);
  }
}

/** Of the file, what may be empty before it is written anew. */
const MOST_FREE = 0.25;

/** Moves what is in the log into the file itself, and gives room back that nothing fills. */
export function tidyLog(memory: MemoryDatabase): void {
  memory.db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  if (usedBytes(memory) >= (1 - MOST_FREE) * databaseBytes(memory.path)) return;
  memory.db.run("VACUUM");
  memory.db.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

/** How many tasks there ever were. */
export function countTasks(memory: MemoryDatabase): number {
  return memory.query<{ n: number }, []>("SELECT count(*) AS n FROM tasks").get()!.n;
}

/** How much is remembered. `sessions`: the folder of the transcripts. */
export function sizeOf({ db, path }: Pick<MemoryDatabase, "db" | "path">, sessions: string): MemorySize {
  const count = (table: string) => db.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()!.n;
  return {
    learnings: count("learnings"),
    tasks: count("tasks"),
    sessions: count("sessions"),
    chunks: count("memory_chunks"),
    patterns: count("usage_patterns"),
    databaseBytes: databaseBytes(path),
    transcriptBytes: folderBytes(sessions),
    schema: schemaOf(db),
  };
}

/** The same of one that is behind, which is left as it is. @throws UserError where it cannot be read. */
export function sizeOfBehind(path: string, sessions: string): MemorySize {
  try {
    return { ...withReader(path, (db) => sizeOf({ db, path }, sessions)), nextSchema: MIGRATIONS.length };
  } catch (error) {
    throw databaseFault(error, path);
  }
}

function withReader<T>(path: string, body: (db: Database) => T): T {
  const db = new Database(path, { readwrite: true, create: false });
  try {
    db.run("PRAGMA query_only = ON");
    return body(db);
  } finally {
    db.close();
  }
}
