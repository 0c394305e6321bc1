import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
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
import { dirname, join } from "node:path";
import fc from "fast-check";
import { resolvePaths } from "../../src/base/paths.ts";
import { fitRows } from "../../src/cli/portable/cells.ts";
import { csvText, readCsv } from "../../src/cli/portable/csv.ts";
import { EXPORT_VERSION, type ExportRow, makeHeader, type OutTable } from "../../src/cli/portable/document.ts";
import { writeFolder, writePieces } from "../../src/cli/portable/output.ts";
import { skillRows } from "../../src/cli/portable/skill-files.ts";
import { jsonText, readText, yamlText } from "../../src/cli/portable/text.ts";
import { openDatabase } from "../../src/memory/database.ts";
import { columnsOf, mergeRows, PORTABLE_TABLES, type PortableRow, rowsOf } from "../../src/memory/portable.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "openkoi-portable-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (name: string) =>
  openDatabase({ path: join(dir, name, "openkoi.db"), now: () => Date.UTC(2026, 10, 23), onNotice: () => {} });

const header = makeHeader({ what: "all", schema: 3, program: "2026.11.23", exported: "2026-11-23T10:15:02.000Z" });

async function joined(pieces: AsyncIterable<string>): Promise<string> {
  return (await Array.fromAsync(pieces)).join("");
}

/** What a text of a person, a model or a terminal may hold. */
const anyText = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom(
    "",
    "null",
    "~",
    "1e3",
    "007",
    "a: b",
    "- x",
    "#",
    'say "hi", he said',
    "\r\n",
    "\u0000\u0007\u007f\u0085\u2028\ufeff",
    "=1+1",
    "yes",
    "🐟",
  ),
);
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const score = maybe(fc.double({ min: 0, max: 1, noNaN: true }));
const count = fc.integer({ min: 0, max: 2 ** 40 });
const time = fc
  .date({ min: new Date(0), max: new Date("2099-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString());

/** Rows of every table that refer to each other as those of tasks do. */
const home = fc
  .record({
    sessions: fc.uniqueArray(
      fc.record({
        id: fc.uuid(),
        channel: maybe(anyText),
        created_at: time,
        total_tokens: maybe(count),
        total_cost_usd: score,
        transcript_path: maybe(anyText),
        seq: count,
      }),
      { selector: ({ id }) => id, maxLength: 4 },
    ),
    tasks: fc.uniqueArray(
      fc.record({
        id: fc.uuid(),
        description: anyText,
        category: maybe(anyText),
        final_score: score,
        decision: maybe(anyText),
        created_at: time,
        summary: maybe(anyText),
        cost_known: fc.constantFrom(0, 1),
        saved_delta: count,
      }),
      { selector: ({ id }) => id, maxLength: 5 },
    ),
    learnings: fc.uniqueArray(
      fc.record({
        id: fc.uuid(),
        type: fc.constantFrom("heuristic", "anti_pattern"),
        content: anyText,
        confidence: fc.double({ min: 0, max: 1, noNaN: true }),
        last_used: maybe(time),
        recalled: count,
      }),
      { selector: ({ id }) => id, maxLength: 5 },
    ),
    usage_events: fc.uniqueArray(
      fc.record({
        id: fc.uuid(),
        event_type: anyText,
        description: maybe(anyText),
        timestamp: time,
        day: fc.constant("2026-11-23"),
        hour: maybe(fc.integer({ min: 0, max: 23 })),
        outcome: fc.constantFrom("ok", "none"),
      }),
      { selector: ({ id }) => id, maxLength: 4 },
    ),
    usage_patterns: fc.uniqueArray(
      fc.record({
        id: fc.uuid(),
        pattern_type: anyText,
        description: anyText,
        confidence: fc.double({ min: 0, max: 1, noNaN: true }),
        sample_count: count,
        key: fc.uuid(),
        members: fc.constant('["a"]'),
        dismissed_at: score,
      }),
      { selector: ({ id }) => id, maxLength: 3 },
    ),
    memory_chunks: fc.uniqueArray(
      fc.record({
        id: fc.uuid(),
        source: anyText,
        text: anyText,
        created_at: time,
        kind: fc.constantFrom("note", "facts"),
        workspace: maybe(anyText),
      }),
      { selector: ({ id }) => id, maxLength: 4 },
    ),
    skill_effectiveness: fc.uniqueArray(
      fc.record({
        skill_name: anyText,
        task_category: anyText,
        avg_score: fc.double({ min: 0, max: 1, noNaN: true }),
        sample_count: count,
      }),
      { selector: (row) => `${row.skill_name}\u0000${row.task_category}`, maxLength: 4 },
    ),
    calls: fc.array(
      fc.record({
        at: count,
        role: anyText,
        model: anyText,
        input: count,
        output: count,
        cache_read: count,
        cache_write: count,
        reasoning: count,
        cost_usd: score,
        ms: count,
      }),
      { maxLength: 4 },
    ),
    findings: fc.uniqueArray(
      fc.record({ id: fc.uuid(), severity: anyText, dimension: anyText, title: anyText, description: maybe(anyText) }),
      { selector: ({ id }) => id, maxLength: 4 },
    ),
  })
  .map(({ calls, findings, ...rest }): Record<string, PortableRow[]> => {
    const task = rest.tasks[0]?.id ?? null;
    const session = rest.sessions[0]?.id ?? null;
    const cycles =
      task === null ? [] : [{ id: `${task}:1`, task_id: task, iteration: 1, score: 0.5, decision: "accept" }];
    return {
      ...rest,
      tasks: rest.tasks.map((row) => ({ ...row, session_id: session })),
      learnings: rest.learnings.map((row) => ({ ...row, source_task: task })),
      iteration_cycles: cycles,
      findings: findings.map((row) => ({ ...row, cycle_id: cycles[0]?.id ?? null, resolved_in: null })),
      model_calls: task === null ? [] : calls.map((row, at) => ({ ...row, id: at + 3, task_id: task })),
    };
  });

const refuse = (place: string, message: string) => new Error(`${place}: ${message}`);

function fill(memory: ReturnType<typeof open>, rows: Record<string, PortableRow[]>): void {
  const incoming = PORTABLE_TABLES.map((table) => ({
    table,
    rows: rows[table] ?? [],
    placeOf: (at: number) => `${table} ${at}`,
  }));
  mergeRows(memory, incoming, refuse);
}

function outTables(memory: ReturnType<typeof open>): OutTable[] {
  return PORTABLE_TABLES.map((name) => ({
    name,
    columns: columnsOf(memory, name).map((column) => column.name),
    rows: rowsOf(memory, name),
  }));
}

/** Everything in the tables, also what is made of other rows. */
function everything(name: string): Record<string, unknown[]> {
  using db = new Database(join(dir, name, "openkoi.db"), { readonly: true });
  return Object.fromEntries(
    PORTABLE_TABLES.map((table) => [table, db.query(`SELECT * FROM ${table} ORDER BY 1, 2`).all()]),
  );
}

describe("an export that is read back", () => {
  test("gives the same database in every format, whatever is in it, and once more changes nothing", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(home, async (rows) => {
        const from = `from${++run}`;
        using memory = open(from);
        fill(memory, rows);
        for (const format of ["json", "yaml", "csv"] as const) {
          const to = `${format}${run}`;
          using target = open(to);
          for (let time = 0; time < 2; time++) {
            const tables =
              format === "csv"
                ? await Promise.all(
                    outTables(memory).map(async (table) => {
                      const { rows, lines } = readCsv(await joined(csvText(table.columns, table.rows)), "x.csv");
                      return { name: table.name, rows, placeOf: (at: number) => `line ${lines[at]}` };
                    }),
                  )
                : readText(await joined((format === "json" ? jsonText : yamlText)(header, outTables(memory))), "x")
                    .tables;
            const incoming = tables.map((table) => {
              const name = table.name as (typeof PORTABLE_TABLES)[number];
              return {
                table: name,
                placeOf: table.placeOf,
                rows: fitRows(table, columnsOf(target, name), "x", format === "csv"),
              };
            });
            const { added } = mergeRows(target, incoming, refuse);
            if (time > 0) expect(added).toBe(0);
            const [there, here] = [everything(to), everything(from)];
            // How far chunks are indexed is the index's business.
            expect(there).toEqual(here);
          }
        }
        for (const name of [from, `json${run}`, `yaml${run}`, `csv${run}`])
          rmSync(join(dir, name), { recursive: true });
      }),
      { numRuns: 25 },
    );
  }, 120_000);

  test("keeps what is here, and numbers calls of other tasks anew", () => {
    using memory = open("m");
    const call = {
      at: 1,
      role: "executor",
      model: "a/b",
      input: 1,
      output: 1,
      cache_read: 0,
      cache_write: 0,
      reasoning: 0,
      cost_usd: 1,
      ms: 1,
    };
    fill(memory, { tasks: [{ id: "t1", description: "here" }], model_calls: [{ ...call, id: 1, task_id: "t1" }] });
    fill(memory, {
      tasks: [
        { id: "t1", description: "there" },
        { id: "t2", description: "other" },
      ],
      model_calls: [
        { ...call, id: 1, task_id: "t2" },
        { ...call, id: 2, task_id: "t1" },
      ],
    });
    expect(memory.query("SELECT id, description FROM tasks ORDER BY id").all()).toEqual([
      { id: "t1", description: "here" },
      { id: "t2", description: "other" },
    ]);
    expect(memory.query("SELECT id, task_id FROM model_calls").all()).toEqual([
      { id: 1, task_id: "t1" },
      { id: 2, task_id: "t2" },
    ]);
  });

  test("takes a call that belongs to no task in once", () => {
    using memory = open("m");
    const tokens = { input: 1, output: 1, cache_read: 0, cache_write: 0, reasoning: 0 };
    const call = { id: 7, task_id: null, at: 1, role: "planner", model: "a/b", ...tokens, cost_usd: 1, ms: 1 };
    const other = { ...call, id: 8, at: 2 };
    for (let time = 0; time < 2; time++) fill(memory, { model_calls: [call, other] });
    expect(memory.query("SELECT at, task_id FROM model_calls").all()).toEqual([
      { at: 1, task_id: null },
      { at: 2, task_id: null },
    ]);
  });

  test("lets go of a task that is nowhere, and refuses a row that is nothing without it", () => {
    using memory = open("m");
    fill(memory, { learnings: [{ id: "l", type: "heuristic", content: "c", confidence: 1, source_task: "gone" }] });
    expect(memory.query("SELECT source_task FROM learnings").all()).toEqual([{ source_task: null }]);
    const orphan = { iteration_cycles: [{ id: "c", task_id: "gone", iteration: 1, decision: "accept" }] };
    expect(() => fill(memory, orphan)).toThrow('iteration_cycles 0: task_id: there is no tasks with id "gone"');
  });

  test("of an older schema gets what the columns say that it does not know", () => {
    using memory = open("m");
    fill(memory, { learnings: [{ id: "l", type: "heuristic", content: "c", confidence: 1 }] });
    expect(memory.query("SELECT recalled, reinforced FROM learnings").all()).toEqual([{ recalled: 0, reinforced: 0 }]);
  });
});

/** What a call throws, as a person reads it. */
function messageFrom(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was thrown";
}

describe("a broken export is refused with the place", () => {
  const rows = [1, 2, 3].map((n): ExportRow => ({ id: `l${n}`, type: "heuristic", content: "text", confidence: 0.5 }));
  const tables = (): OutTable[] => [{ name: "learnings", columns: ["id", "type", "content", "confidence"], rows }];

  test("JSON: the line, wherever it is broken, and what is wrong there", async () => {
    const text = await joined(jsonText(header, tables()));
    const read = (broken: string) => messageFrom(() => readText(broken, "x.json"));
    const lines = text.split("\n");
    const pretty = JSON.stringify(JSON.parse(text), null, 2).split("\n");
    const without = (all: string[], at: number, what: string) =>
      all.with(at - 1, all[at - 1]!.replace(what, "")).join("\n");
    expect(read(without(lines, 3, ","))).toStartWith("x.json, line 4: not JSON: a comma or } was expected");
    expect(read(without(lines, 9, "["))).toStartWith("x.json, line 11: not JSON: a name in double quotes");
    expect(read(without(lines, 10, ","))).toStartWith("x.json, line 10: not JSON: a comma or } was expected");
    expect(read(without(lines, 11, ":"))).toBe("x.json, line 11: not JSON: a colon was expected");
    expect(read(text.replace('"l2"', '"l2'))).toStartWith("x.json, line 11: not JSON: a comma or } was expected");
    expect(read(text.replace('0.5},\n{"id":"l3"', '0.5}\n{"id":"l3"'))).toStartWith("x.json, line 12: not JSON");
    expect(read(text.replace('"heuristic"', '"heur\nistic"'))).toBe(
      "x.json, line 10: not JSON: the line ends within a string",
    );
    expect(read(text.slice(0, -20))).toBe("x.json, line 12: not JSON: it ends too early");
    expect(read(`${text}}\n`)).toBe(`x.json, line ${lines.length}: not JSON: something follows after its end`);
    const at = pretty.findIndex((line) => line.includes('"l3"')) + 1;
    expect(read(without(pretty, at, ":"))).toBe(`x.json, line ${at}: not JSON: a colon was expected`);
  });

  test("but not for a byte order mark that an editor left", async () => {
    const text = await joined(jsonText(header, tables()));
    expect(readText(`\ufeff${text}`, "x.json").tables[0]?.rows).toHaveLength(3);
    expect(readText(`\ufeff${await joined(yamlText(header, tables()))}`, "x.yaml").tables[0]?.rows).toHaveLength(3);
  });

  test("YAML: the line", async () => {
    const text = await joined(yamlText(header, tables()));
    const line = text.split("\n").findIndex((each) => each.includes('"l2"')) + 1;
    expect(messageFrom(() => readText(text.replace('"l2"', '"l2'), "x.yaml"))).toContain(
      `x.yaml, line ${line}: not YAML`,
    );
  });

  test("CSV: the line, also behind a cell of several lines", () => {
    const read = (text: string) => messageFrom(() => readCsv(text, "x.csv"));
    expect(read('"id","text"\r\n"a","one\ntwo"\r\n"b"\r\n')).toBe(
      "x.csv, line 4: 2 cells are expected, and there are 1",
    );
    expect(read('"id"\r\n"a')).toBe("x.csv, line 2: a quote is never closed");
    expect(read('"id"\r\n"a"b\r\n')).toBe("x.csv, line 2: something follows a closing quote");
    expect(read("")).toBe("x.csv, line 1: the names of the columns are missing");
  });

  test("a cell of the wrong kind, an unknown column, a missing key", () => {
    using memory = open("m");
    const fit = (row: ExportRow, texts = false) =>
      messageFrom(() =>
        fitRows({ name: "learnings", rows: [row], placeOf: () => "row 1" }, columnsOf(memory, "learnings"), "x", texts),
      );
    const good = rows[0]!;
    expect(fit(good)).toBe("nothing was thrown");
    expect(fit({ ...good, confidence: "high" })).toBe('x, row 1: confidence: expected a number, got "high"');
    expect(fit({ ...good, reinforced: 1.5 })).toBe("x, row 1: reinforced: expected a whole number, got 1.5");
    expect(fit({ ...good, content: 5 })).toBe("x, row 1: content: expected a text, got 5");
    expect(fit({ ...good, last_used: "yesterday" })).toBe('x, row 1: last_used: expected a time, got "yesterday"');
    expect(fit({ ...good, last_used: "2026-11-23 10:15:02" })).toBe("nothing was thrown");
    expect(fit({ ...good, content: null })).toBe("x, row 1: content: missing");
    expect(fit({ ...good, colour: "red" })).toBe('x, row 1: "colour" is no column of this table');
    expect(fit({ type: "heuristic", content: "c", confidence: 1 })).toBe("x, row 1: id: missing");
    expect(fit({ ...good, confidence: "0.5" }, true)).toBe("nothing was thrown");
  });

  test("what is no export, of a later version, or holds an unknown table", async () => {
    expect(messageFrom(() => readText("{}", "x"))).toBe("x is no export of OpenKoi");
    expect(messageFrom(() => readText("hello", "x"))).toBe("x is no export of OpenKoi");
    const later = await joined(jsonText({ ...header, version: EXPORT_VERSION + 1 }, []));
    expect(messageFrom(() => readText(later, "x"))).toContain("was written by a later version of OpenKoi");
    const other = (await joined(jsonText(header, tables()))).replace('"learnings"', '"secrets"');
    expect(messageFrom(() => readText(other, "x"))).toBe('x, tables: "secrets" is not known');
  });
});

describe("writing an export", () => {
  test("takes every file of a skill along, and with secrets hidden none in which nobody would see one", () => {
    const paths = resolvePaths({ HOME: dir });
    const folder = join(paths.skills.user, "group/a");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "SKILL.md"), "x");
    writeFileSync(join(folder, "logo.png"), Buffer.from([0xff]));
    writeFileSync(join(folder, ".approved"), "x");
    const leftOut: string[] = [];
    const pathsIn = (textsOnly: boolean) =>
      [...skillRows(paths, textsOnly, (path) => leftOut.push(path))].map(({ path }) => path);
    expect(pathsIn(false)).toEqual(["skills/user/group/a/SKILL.md", "skills/user/group/a/logo.png"]);
    expect(leftOut).toEqual([]);
    expect(pathsIn(true)).toEqual(["skills/user/group/a/SKILL.md"]);
    expect(leftOut).toEqual(["skills/user/group/a/logo.png"]);
  });

  test("a failure leaves the old file as it was, and nothing beside it", async () => {
    const path = join(dir, "out.json");
    writeFileSync(path, "old");
    async function* failing() {
      yield "new";
      throw new Error("boom");
    }
    await expect(writePieces(path, failing())).rejects.toThrow("boom");
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(dir)).toEqual(["out.json"]);
  });

  test("is the user's alone, and a folder that is not empty is not touched", async () => {
    async function* one() {
      yield "text";
    }
    async function* files() {
      yield { name: "a.csv", pieces: one() };
    }
    const path = join(dir, "out");
    await writeFolder(path, files());
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(path, "a.csv")).mode & 0o777).toBe(0o600);
    await expect(writeFolder(path, files())).rejects.toThrow("is there already");
    const missing = join(dir, "no", "such", "folder", "x.json");
    await expect(writePieces(missing, one())).rejects.toThrow("cannot be written");
    expect(existsSync(dirname(missing))).toBe(false);
    mkdirSync(join(dir, "empty"));
    await writeFolder(join(dir, "empty"), files());
  });
});
