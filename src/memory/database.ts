import { Database } from "bun:sqlite";
import { chmodSync, closeSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { UserError } from "../base/errors.ts";
import { setAside } from "./aside.ts";
import { carryOver } from "./carry-over.ts";
import { databaseFault, isDamage, sqliteCode } from "./faults.ts";
import { alone, migrateBack, migrateForward } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";
import { type Kind, kindOf } from "./schema.ts";

/**
 * How long a statement of a command waits for another process's transaction, ms. Nothing else goes on meanwhile: who shows
 * or hears something gives a shorter one (`DatabaseOptions.waitMs`) and asks again (patience.ts).
 */
const BUSY_MS = 10_000;
/** Statements that are kept compiled; more than all of the program's. */
const MOST_STATEMENTS = 200;

/** With the log a killed process loses nothing; a power cut can take the last transactions, never the database. */
const SYNCHRONOUS = "PRAGMA synchronous = NORMAL";

/** The open memory. Everything is synchronous, as SQLite is: keep transactions short. */
export interface MemoryDatabase extends Disposable {
  readonly path: string;
  /** The connection, for what the rest does not offer. */
  readonly db: Database;
  /** A compiled statement; the same text gives the same one. */
  readonly query: Database["query"];
  /** Runs `body` in one transaction that may write (IMMEDIATE); inside of another one it is part of that. */
  transaction<T>(body: () => T): T;
  /** The same for those who cannot wait: `busy`, with nothing done, where another process writes for longer than that, ms. */
  attempt<T>(waitMs: number, body: () => T): T | "busy";
  /** Closing twice does no harm. */
  close(): void;
}

export interface DatabaseOptions {
  /** Of the file; it and its folder are made with the first use. */
  path: string;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Hears, in one sentence, what the user should know: a file was set aside, or carried over. */
  onNotice: (text: string) => void;
  /** How long a statement waits for another process's transaction, ms; default: as long as a command can. */
  waitMs?: number;
  /** How long it waits for a process that makes the database or brings it forward, ms; default: as long as that may take. */
  waitToBeAloneMs?: number;
}

/**
 * Opens the memory, makes it where there is none, and brings it to the newest schema. A damaged or foreign file is put
 * aside, never deleted.
 * @throws UserError where it cannot be used: no room, no right to write, a schema of a later version.
 */
export function openDatabase(options: DatabaseOptions): MemoryDatabase {
  const { path, waitMs = BUSY_MS, waitToBeAloneMs } = options;
  try {
    const db = openCurrent(path) ?? alone(prepare(path), () => openAny(options), waitToBeAloneMs);
    db.run(`PRAGMA busy_timeout = ${waitMs}`);
    return wrap(db, path, waitMs);
  } catch (error) {
    throw databaseFault(error, path);
  }
}

/** The ordinary case, without a lock: it is there and of our schema. */
function openCurrent(path: string): Database | undefined {
  if (!looksLikeSqlite(path)) return undefined;
  let db: Database | undefined;
  try {
    db = connect(path);
    const kind = kindOf(db);
    if (kind.is === "known" && kind.schema === MIGRATIONS.length) return db;
  } catch (error) {
    if (!isDamage(error)) {
      db?.close();
      throw error;
    }
  }
  db?.close();
  return undefined;
}

/**
 * Takes the database back by one schema; a copy from before is kept. Returns the schema that is there now, and where the
 * copy lies. @throws UserError where there is none to go back to.
 */
export function rollBack(path: string, now: () => number): { schema: number; backup: string } {
  try {
    return alone(path, () => {
      const db = connect(path);
      try {
        return migrateBack(db, { path, now });
      } finally {
        db.close();
      }
    });
  } catch (error) {
    throw databaseFault(error, path);
  }
}

/** Whatever is at the path, even nothing. To be called `alone`. */
function openAny(options: DatabaseOptions): Database {
  const { path, now, onNotice } = options;
  const kind = lookAt(path);
  let fresh = kind.is === "empty";
  switch (kind.is) {
    case "foreign":
    case "damaged": {
      const aside = setAside(path, "broken", now());
      const what = kind.is === "damaged" ? "is damaged" : "is not a memory of OpenKoi";
      onNotice(`${path} ${what}; it was set aside as ${aside}, and a new memory was begun`);
      fresh = true;
      break;
    }
    case "earlier": {
      const aside = carryOver(path, now());
      onNotice(`the memory of the earlier OpenKoi (schema ${kind.schema}) was carried over; its file lies at ${aside}`);
      break;
    }
    case "newer":
      throw new UserError(
        `the memory (${path}) has schema ${kind.schema}, and this version of OpenKoi knows ${MIGRATIONS.length}`,
        "Update OpenKoi, or name another data folder with OPENKOI_DATA; the file is left as it is.",
      );
  }
  // The files that SQLite adds have the mode of this one.
  closeSync(openSync(path, "a", 0o600));
  const db = connect(path);
  try {
    chmodSync(path, 0o600);
    // What is only being made holds nothing that a power cut could take.
    if (fresh) db.run("PRAGMA synchronous = OFF");
    db.run("PRAGMA journal_mode = WAL");
    migrateForward(db, { path, now });
    db.run(SYNCHRONOUS);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What is at the path. It is not changed. */
export function lookAt(path: string): Kind | { is: "damaged" } {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return { is: "empty" };
  if (!looksLikeSqlite(path)) return { is: "damaged" };
  let db: Database | undefined;
  try {
    db = connect(path);
    return kindOf(db);
  } catch (error) {
    if (isDamage(error)) return { is: "damaged" };
    throw error;
  } finally {
    db?.close();
  }
}

function connect(path: string): Database {
  Database.MAX_QUERY_CACHE_SIZE = MOST_STATEMENTS;
  const db = new Database(path, { readwrite: true, create: false, strict: true });
  try {
    db.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    db.run(SYNCHRONOUS);
    db.run("PRAGMA foreign_keys = ON");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The first bytes of every SQLite file. */
const MAGIC = "SQLite format 3\0";

/** False where there is no file or an empty one. */
function looksLikeSqlite(path: string): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(MAGIC.length);
    return readSync(fd, head, 0, head.length, 0) === head.length && head.toString("latin1") === MAGIC;
  } finally {
    closeSync(fd);
  }
}

/** Makes the folder; returns the path. */
function prepare(path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return path;
}

function wrap(db: Database, path: string, usualMs: number): MemoryDatabase {
  const close = () => db.close();
  const transaction = <T>(body: () => T): T => (db.inTransaction ? body() : db.transaction(body).immediate());
  return {
    path,
    db,
    query: db.query.bind(db),
    transaction,
    attempt(waitMs, body) {
      db.run(`PRAGMA busy_timeout = ${waitMs}`);
      try {
        return transaction(body);
      } catch (error) {
        if (sqliteCode(error) === "SQLITE_BUSY") return "busy";
        throw error;
      } finally {
        db.run(`PRAGMA busy_timeout = ${usualMs}`);
      }
    },
    close,
    [Symbol.dispose]: close,
  };
}
