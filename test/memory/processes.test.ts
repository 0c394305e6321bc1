import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../../src/memory/database.ts";
import { faultsOf } from "../../src/memory/inspect.ts";
import { schemaOf } from "../../src/memory/migrate.ts";
import { MIGRATIONS } from "../../src/memory/migrations.ts";
import { BINARY } from "../e2e/openkoi.ts";
import { makeEarlier, sharedRows } from "./earlier.ts";

const CHILD = join(import.meta.dir, "child.ts");
const LATEST = MIGRATIONS.length;
let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openkoi-processes-"));
  path = join(dir, "openkoi.db");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function child(...args: string[]) {
  return Bun.spawn([process.execPath, CHILD, ...args], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
}

/** What it said, after it ended well. */
async function said(process: ReturnType<typeof child>): Promise<string> {
  const [code, out, err] = await Promise.all([process.exited, process.stdout.text(), process.stderr.text()]);
  expect(`${code} ${err}`).toBe("0 ");
  return out.trim();
}

/** Reads lines as they come, until the stream ends. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Kills it at a random moment after its first line; returns the whole lines that it said. */
async function killed(process: ReturnType<typeof child>, within: number): Promise<string[]> {
  const lines: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const line of linesOf(process.stdout)) {
    lines.push(line);
    timer ??= setTimeout(() => process.kill("SIGKILL"), Math.random() * within);
  }
  clearTimeout(timer);
  await process.exited;
  return lines;
}

function ids(): Set<string> {
  using db = new Database(path);
  return new Set(
    db
      .query<{ id: string }, []>("SELECT id FROM tasks")
      .all()
      .map(({ id }) => id),
  );
}

describe("many processes at once", () => {
  test("two write 10,000 rows each while a third searches: all rows are there, and nobody fails", async () => {
    const [a, b, c] = [child("write", path, "a", "10000"), child("write", path, "b", "10000"), child("search", path)];
    expect(await Promise.all([said(a), said(b)])).toEqual(["done", "done"]);
    c.stdin.end();
    expect(await said(c)).toBe("searched true found 5");
    expect(ids().size).toBe(20_000);
    expect(faultsOf(path)).toEqual([]);
  }, 240_000);

  test("eight that find an old database bring it forward once, and all of them go on", async () => {
    makeEarlier(path, 2);
    const before = sharedRows(path);
    const ends = await Promise.all(Array.from({ length: 8 }, () => said(child("open", path))));
    expect(new Set(ends)).toEqual(new Set([`begin\nschema ${LATEST}`]));
    expect(sharedRows(path)).toEqual(before);
    expect(readdirSync(join(dir, "backups"))).toHaveLength(1);
  }, 60_000);

  test("eight that find nothing make one database, and eight that find a foreign file set it aside once", async () => {
    expect(new Set(await Promise.all(Array.from({ length: 8 }, () => said(child("open", path)))))).toEqual(
      new Set([`begin\nschema ${LATEST}`]),
    );
    rmSync(path);
    await Bun.write(path, "not a database");
    const ends = await Promise.all(Array.from({ length: 8 }, () => said(child("open", path))));
    expect(ends.filter((end) => end.includes("notice"))).toHaveLength(1);
    expect(readdirSync(dir).filter((name) => name.includes(".broken-"))).toHaveLength(1);
  }, 60_000);
});

describe("kill -9", () => {
  test("at 50 random moments of writing loses nothing that was committed", async () => {
    openDatabase({ path, now: () => Date.now(), onNotice: () => {} }).close();
    const committed = new Set<string>();
    for (let round = 0; round < 50; round++) {
      for (const line of await killed(child("commit", path, `r${round}-`), 60)) committed.add(line);
    }
    expect(committed.size).toBeGreaterThan(50);
    const there = ids();
    expect([...committed].filter((id) => !there.has(id))).toEqual([]);
    expect(faultsOf(path)).toEqual([]);
  }, 240_000);

  test("at 40 random moments of migrating loses nothing, and the next opening ends the work", async () => {
    let cut = 0;
    for (let round = 0; round < 40; round++) {
      makeEarlier(path, round % 4 === 3 ? 4 : round % 2 === 0 ? 1 : 2);
      const before = sharedRows(path);
      const lines = await killed(child("open", path), 40);
      if (!lines.some((line) => line.startsWith("schema"))) cut++;
      {
        using memory = openDatabase({ path, now: () => Date.now(), onNotice: () => {} });
        expect(schemaOf(memory.db)).toBe(LATEST);
      }
      expect(faultsOf(path)).toEqual([]);
      const after = sharedRows(path);
      // What is made searchable comes on top.
      const chunks = (after["memory_chunks"] ?? []).filter(
        (row) => !/^(?:learning|task):/.test(String((row as { id: string }).id)),
      );
      expect({ ...after, memory_chunks: chunks }).toEqual({ ...before, memory_chunks: before["memory_chunks"] ?? [] });
      for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
    }
    expect(cut).toBeGreaterThan(0);
  }, 240_000);

  test("of the binary, at 10 random moments of migrating, loses nothing either", async () => {
    expect(existsSync(BINARY)).toBe(true);
    const data = join(dir, "data");
    for (let round = 0; round < 10; round++) {
      await Bun.$`mkdir -p ${data}`.quiet();
      path = join(data, "openkoi.db");
      makeEarlier(path, 2);
      const before = sharedRows(path);
      const process_ = Bun.spawn([BINARY, "migrate"], {
        env: { HOME: dir, OPENKOI_HOME: dir, PATH: "/usr/bin:/bin" },
        stdout: "ignore",
        stderr: "ignore",
      });
      const timer = setTimeout(() => process_.kill("SIGKILL"), 5 + Math.random() * 60);
      await process_.exited;
      clearTimeout(timer);
      const again = Bun.spawnSync([BINARY, "migrate"], {
        env: { HOME: dir, OPENKOI_HOME: dir, PATH: "/usr/bin:/bin" },
      });
      expect(again.exitCode).toBe(0);
      expect(again.stdout.toString()).toContain(`schema ${LATEST}`);
      expect(sharedRows(path)["learnings"]).toEqual(before["learnings"]!);
      expect(sharedRows(path)["tasks"]).toEqual(before["tasks"]!);
      rmSync(data, { recursive: true });
    }
  }, 120_000);
});

describe("a full disk", () => {
  /** Runs a child that may write files of so many blocks of 512 bytes at most: what a full disk is, without being root. */
  async function limited(blocks: number, ...args: string[]): Promise<string> {
    const script = `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`;
    const process_ = Bun.spawn(["bash", "-c", script, "bash", process.execPath, CHILD, ...args], {
      stdout: "pipe",
      stderr: "pipe",
    });
    return (await process_.stdout.text()).trim();
  }

  test("while the database is made is an error with a remedy, and the next opening makes it", async () => {
    expect(await limited(20, "fill", path)).toStartWith("UserError");
    using memory = openDatabase({ path, now: () => Date.now(), onNotice: () => {} });
    expect(schemaOf(memory.db)).toBe(LATEST);
  }, 60_000);

  test("while rows are written loses none that was committed", async () => {
    const lines = (await limited(1000, "fill", path)).split("\n");
    expect(lines.at(-1)).toStartWith("UserError");
    expect(lines.length).toBeGreaterThan(10);
    const there = ids();
    expect(lines.slice(0, -1).filter((id) => !there.has(id))).toEqual([]);
    expect(faultsOf(path)).toEqual([]);
    using memory = openDatabase({ path, now: () => Date.now(), onNotice: () => {} });
    memory.query("INSERT INTO tasks (id, description) VALUES ('after', '')").run();
  }, 60_000);
});
