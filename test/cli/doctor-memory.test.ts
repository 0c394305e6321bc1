import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryFindings } from "../../src/cli/doctor-memory.ts";
import { openDatabase } from "../../src/memory/database.ts";
import { makeEarlier } from "../memory/earlier.ts";

let dir: string;
let database: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openkoi-doctor-memory-"));
  database = join(dir, "openkoi.db");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = () => openDatabase({ path: database, now: () => Date.UTC(2026, 10, 23), onNotice: () => {} });
const found = (fix = false) => memoryFindings({ database }, fix);
const broken = () => found().filter(({ state }) => state === "broken");

describe("doctor looks at the memory", () => {
  test("that is not there yet: the first task makes it, and doctor does not", () => {
    expect(found()).toEqual([{ state: "ok", text: `${database} (with the first task)` }]);
    expect(statSync(database, { throwIfNoEntry: false })).toBeUndefined();
  });

  test("that is in order: its schema, its size, and that it is whole", () => {
    open().close();
    expect(found().map(({ state }) => state)).toEqual(["ok", "ok"]);
    expect(found()[0]!.text).toMatch(/: schema \d+, \d+ KB$/);
    expect(found()[1]!.text).toBe("it is whole");
  });

  test("that others can read, and mends that", () => {
    open().close();
    chmodSync(database, 0o644);
    expect(broken()).toEqual([
      {
        state: "broken",
        text: `${database} can be read by others (644)`,
        remedy: `openkoi doctor --fix, or: chmod 600 ${database}`,
      },
    ]);
    expect(found(true).some(({ text }) => text === `${database} (600, mended)`)).toBe(true);
    expect(statSync(database).mode & 0o777).toBe(0o600);
    expect(broken()).toEqual([]);
  });

  test("whose log has grown, and empties it", () => {
    using memory = open();
    memory.query("INSERT INTO tasks (id, description) VALUES ('t', ?)").run("x".repeat(100_000));
    expect(statSync(`${database}-wal`).size).toBeGreaterThan(100_000);
    found(true);
    expect(statSync(`${database}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  });

  test("that is mostly room is written anew", () => {
    using memory = open();
    memory.query("INSERT INTO tasks (id, description) VALUES ('t', ?)").run("x".repeat(3_000_000));
    memory.query("DELETE FROM tasks").run();
    found(true);
    expect(statSync(database).size).toBeLessThan(1_000_000);
  });

  test("of an older schema, of a later version, of the earlier program: what becomes of each", () => {
    makeEarlier(database, 2);
    expect(found()[0]!).toMatchObject({ state: "note", remedy: expect.stringContaining("openkoi migrate") });
    rmSync(database);
    makeEarlier(database, 4);
    expect(found()[0]!).toMatchObject({ state: "note", remedy: expect.stringContaining("carries it over") });
    open().close();
    expect(found().at(-1)!.text).toBe("set aside: openkoi.db.earlier-20261123-000000");
    const memory = open();
    memory.query("INSERT INTO _migrations (version, name) VALUES (99, 'later')").run();
    memory.close();
    expect(broken()[0]!.remedy).toStartWith("Update OpenKoi");
  });

  test("that is no database, and leaves it where it is", () => {
    writeFileSync(database, "text");
    expect(broken()[0]!.text).toBe(`${database} is damaged`);
    expect(readFileSync(database, "utf8")).toBe("text");
  });

  test("that is damaged in the middle", () => {
    const memory = open();
    for (let n = 0; n < 200; n++)
      memory.query("INSERT INTO tasks (id, description) VALUES (?, ?)").run(`t${n}`, "x".repeat(500));
    memory.close();
    const bytes = readFileSync(database);
    bytes.fill(0xa5, bytes.length - 8192, bytes.length - 4096);
    writeFileSync(database, bytes);
    expect(broken().length).toBeGreaterThan(0);
    expect(broken()[0]!.remedy).toContain("Move it away");
  });
});
