import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { linkAside } from "../../src/memory/aside.ts";
import { type MemoryDatabase, openDatabase, rollBack } from "../../src/memory/database.ts";
import { backups, schemaOf } from "../../src/memory/migrate.ts";
import { MIGRATIONS } from "../../src/memory/migrations.ts";
import { makeEarlier, sharedRows } from "./earlier.ts";

const LATEST = MIGRATIONS.length;
let dir: string;
let path: string;
let notices: string[];
let clock: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openkoi-db-"));
  path = join(dir, "data", "openkoi.db");
  notices = [];
  clock = Date.parse("2026-11-23T10:15:02Z");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function open(): MemoryDatabase {
  return openDatabase({ path, now: () => clock, onNotice: (text) => notices.push(text) });
}

function makeFolder(): void {
  mkdirSync(join(dir, "data"));
}

/** What a call throws. */
function thrownBy(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a database that is made new", () => {
  test("has the newest schema, its log beside it, and is the user's alone", () => {
    using memory = open();
    expect(schemaOf(memory.db)).toBe(LATEST);
    expect(memory.query("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(memory.query("PRAGMA foreign_keys").get()).toEqual({ foreign_keys: 1 });
    expect(memory.query("PRAGMA synchronous").get()).toEqual({ synchronous: 1 });
    expect(statSync(join(dir, "data")).mode & 0o777).toBe(0o700);
    for (const end of ["", "-wal", "-shm"]) expect(statSync(path + end).mode & 0o777).toBe(0o600);
    expect(backups(path)).toEqual([]);
    expect(notices).toEqual([]);
  });

  test("tells which migrations it had, by the names of the earlier program", () => {
    using memory = open();
    expect(memory.query("SELECT version, name FROM _migrations").all().slice(0, 3)).toEqual([
      { version: 1, name: "initial_schema" },
      { version: 2, name: "vector_search" },
      { version: 3, name: "ledger" },
    ]);
  });

  test("keeps what was written when it is opened again, and after a file of no bytes", () => {
    makeFolder();
    writeFileSync(path, "");
    const first = open();
    first.query("INSERT INTO tasks (id, description) VALUES ('t', 'd')").run();
    first.close();
    first.close();
    using again = open();
    expect(again.query("SELECT id FROM tasks").all()).toEqual([{ id: "t" }]);
  });

  test("waits for other processes as long as it is told to, also after an attempt", () => {
    using memory = openDatabase({ path, now: () => clock, onNotice: () => {}, waitMs: 30 });
    expect(memory.attempt(0, () => "done")).toBe("done");
    expect(memory.query("PRAGMA busy_timeout").get()).toEqual({ timeout: 30 });
  });

  test("a transaction is all or nothing, and one inside of another is part of it", () => {
    using memory = open();
    const insert = (id: string) => memory.query("INSERT INTO tasks (id, description) VALUES (?, '')").run(id);
    const failing = () =>
      memory.transaction(() => {
        memory.transaction(() => insert("inner"));
        throw new Error("no");
      });
    expect(failing).toThrow("no");
    expect(memory.transaction(() => memory.transaction(() => insert("kept").changes))).toBe(1);
    expect(memory.query("SELECT id FROM tasks").all()).toEqual([{ id: "kept" }]);
  });
});

describe("the databases of the earlier program", () => {
  for (const schema of [1, 2] as const) {
    test(`one of schema ${schema} is brought forward with every row`, () => {
      makeFolder();
      makeEarlier(path, schema);
      const before = sharedRows(path);
      open().close();
      expect(sharedRows(path)).toEqual(before);
      expect(notices).toEqual([]);
    });

    test(`a copy from before the first step of one of schema ${schema} is kept`, () => {
      makeFolder();
      makeEarlier(path, schema);
      const before = sharedRows(path);
      open().close();
      expect(backups(path)).toEqual([join(dir, "data", "backups", `openkoi-${schema}-20261123-101502.db`)]);
      expect(sharedRows(backups(path)[0]!)).toEqual(before);
      expect(statSync(backups(path)[0]!).mode & 0o777).toBe(0o600);
    });
  }

  test("a step that fails half-way leaves the database as it was, and the copy from before", () => {
    makeFolder();
    makeEarlier(path, 2);
    {
      using db = new Database(path);
      // In the way of the last part of 003.
      db.run("CREATE TABLE chunks_3 (x)");
    }
    const before = sharedRows(path);
    expect(String(thrownBy(open))).toContain("chunks_3 already exists");
    using db = new Database(path);
    expect(schemaOf(db)).toBe(2);
    expect(db.query("SELECT name FROM pragma_table_info('tasks') WHERE name = 'workspace'").all()).toEqual([]);
    expect(sharedRows(path)).toEqual(before);
    expect(backups(path)).toHaveLength(1);
  });

  test("one that is being carried over lies at its place until the new one takes it", () => {
    makeFolder();
    makeEarlier(path, 4);
    const aside = linkAside(path, "earlier", clock);
    expect(existsSync(path)).toBe(true);
    expect(statSync(aside).ino).toBe(statSync(path).ino);
  });

  test("one that went on to other schemas is carried over, and its file lies beside, unchanged", () => {
    makeFolder();
    makeEarlier(path, 4);
    const bytes = readFileSync(path);
    const before = sharedRows(path);
    using memory = open();
    expect(schemaOf(memory.db)).toBe(LATEST);
    expect(sharedRows(path)).toEqual(before);
    const aside = `${path}.earlier-20261123-101502`;
    expect(readFileSync(aside)).toEqual(bytes);
    expect(notices).toEqual([
      `the memory of the earlier OpenKoi (schema 4) was carried over; its file lies at ${aside}`,
    ]);
  });
});

describe("files that are no memory of ours", () => {
  test("text is set aside and said, and a new memory begins", () => {
    makeFolder();
    writeFileSync(path, "not a database, but somebody's text");
    using memory = open();
    expect(schemaOf(memory.db)).toBe(LATEST);
    const aside = `${path}.broken-20261123-101502`;
    expect(readFileSync(aside, "utf8")).toBe("not a database, but somebody's text");
    expect(notices).toEqual([`${path} is damaged; it was set aside as ${aside}, and a new memory was begun`]);
  });

  test("another program's database is set aside with its log, and two in one second do not overwrite each other", () => {
    makeFolder();
    for (const round of [1, 2]) {
      rmSync(path, { force: true });
      const other = new Database(path, { create: true });
      other.run("PRAGMA journal_mode = WAL");
      other.run(`CREATE TABLE theirs${round} (x)`);
      other.close();
      open().close();
    }
    const stem = "openkoi.db.broken-20261123-101502";
    expect(readdirSync(join(dir, "data"))).toContain(stem);
    expect(readdirSync(join(dir, "data"))).toContain(`${stem}-2`);
    expect(notices[0]).toContain("is not a memory of OpenKoi");
  });

  test("a database whose first page is damaged is set aside", () => {
    open().close();
    const bytes = readFileSync(path);
    bytes.fill(0xff, 100, 4096);
    writeFileSync(path, bytes);
    using memory = open();
    expect(schemaOf(memory.db)).toBe(LATEST);
    expect(readFileSync(`${path}.broken-20261123-101502`)).toEqual(bytes);
  });

  test("one of a later version is left alone, with what to do about it", () => {
    const memory = open();
    memory.query("INSERT INTO _migrations (version, name) VALUES (99, 'later')").run();
    memory.close();
    const bytes = readFileSync(path);
    const error = thrownBy(open);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toContain(`has schema 99, and this version of OpenKoi knows ${LATEST}`);
    expect((error as UserError).remedy).toStartWith("Update OpenKoi");
    expect(readFileSync(path)).toEqual(bytes);
    expect(notices).toEqual([]);
  });
});

describe("a place that cannot be written", () => {
  test("a folder that is a file is an error with a remedy", () => {
    writeFileSync(join(dir, "data"), "");
    const error = thrownBy(open);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).remedy).toContain("OPENKOI_DATA");
  });
});

describe("going back a schema", () => {
  test("keeps a copy, keeps every shared row, and can be brought forward again", () => {
    makeFolder();
    makeEarlier(path, 2);
    const before = sharedRows(path);
    open().close();
    const backed: string[] = [];
    for (let schema = LATEST; schema > 2; schema--) {
      clock += 1000;
      const went = rollBack(path, () => clock);
      expect(went.schema).toBe(schema - 1);
      backed.push(went.backup);
    }
    expect(sharedRows(path)).toEqual(before);
    for (const copy of backed) expect(existsSync(copy)).toBe(true);
    open().close();
    expect(sharedRows(path)).toEqual(before);
  });

  test("and forward again keeps a copy from before each way", () => {
    open().close();
    rollBack(path, () => clock);
    clock += 1000;
    open().close();
    const stem = (schema: number, stamp: string) =>
      join(dir, "data", "backups", `openkoi-${schema}-20261123-${stamp}.db`);
    expect(backups(path)).toEqual([stem(LATEST - 1, "101503"), stem(LATEST, "101502")]);
  });

  test("ends at the first schema", () => {
    open().close();
    const back = () => {
      clock += 1000;
      return rollBack(path, () => clock).schema;
    };
    while (back() > 1);
    expect(back).toThrow("schema 1 is the first");
    expect(backups(path)).toHaveLength(Math.min(3, LATEST - 1));
  });
});

test("a file that others could read is closed to them when it is taken over", () => {
  makeFolder();
  makeEarlier(path, 2);
  chmodSync(path, 0o644);
  open().close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
