import { type App, createApp } from "../app.ts";
import { Exit, type ExitCode, UsageError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { createRedactor, type Redactor } from "../base/redact.ts";
import { closest, plural } from "../base/text.ts";
import { VERSION } from "../base/version.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import { schemaOf } from "../memory/migrate.ts";
import { atOneMoment, columnsOf, type PortableTable, rowsOf } from "../memory/portable.ts";
import { createMemoryStore } from "../readers/memory-store.ts";
import type { CommandLine } from "./args.ts";
import { createWriter, say } from "./display/writer.ts";
import { csvText } from "./portable/csv.ts";
import {
  type ExportRow,
  type Header,
  makeHeader,
  type OutTable,
  PARTS,
  type Part,
  TABLES_OF,
} from "./portable/document.ts";
import { writeFolder, writePieces } from "./portable/output.ts";
import { SKILL_COLUMNS, skillRows } from "./portable/skill-files.ts";
import { SOUL_COLUMNS, soulRows } from "./portable/soul.ts";
import { jsonText, yamlText } from "./portable/text.ts";
import { transcriptRows } from "./portable/transcripts.ts";

/** The file of a CSV export that says what it is. */
export const CSV_HEADER = "export.json";

/** `openkoi export [all|…] --format json|yaml|csv --output PATH`: the user's data, to be read by `import` and by people. */
export async function exportCommand({ argument, flags }: CommandLine): Promise<ExitCode> {
  const what = partOf(argument);
  const format = flags.format ?? "json";
  const output = flags.output;
  if (format === "csv" && output === undefined) {
    throw new UsageError("--format csv writes a folder, with a file for each table", "Name it: --output PATH.");
  }
  const app = createApp();
  const { paths } = app;
  const store = createMemoryStore({ paths, now: () => Date.now() });
  try {
    const redact = flags.redact === true;
    const redactor = createRedactor({ secrets: await ownKeys(app, flags.config), kinds: redact });
    const memory = await store.whole();
    for (const text of store.takeNotices()) say(text);
    const header = makeHeader({
      what,
      schema: schemaOf(memory.db),
      program: VERSION,
      exported: new Date().toISOString(),
    });
    const count = { rows: 0, changed: 0 };
    await atOneMoment(memory, () => {
      const tables = TABLES_OF[what].map((name) => observed(tableOf(name, memory, paths, redact), count, redactor));
      return write(header, tables, format, output);
    });
    if (output !== undefined) say(`${plural(count.rows, "row")} written to ${output}`);
    if (count.changed > 0) say(`secrets were replaced in ${plural(count.changed, "row")}`);
    return Exit.ok;
  } finally {
    store.close();
    app.close();
  }
}

/** The program's own keys, wherever they are kept: none of them is in an export. */
async function ownKeys(app: App, configFile: string | undefined): Promise<string[]> {
  const settings = await app.settings({ dir: ".", ...(configFile === undefined ? {} : { configFile }) });
  return app.providers(settings).secrets();
}

function partOf(argument: string | undefined): Part {
  const part = PARTS.find((each) => each === (argument ?? "all"));
  if (part) return part;
  const meant = closest(argument!, PARTS);
  throw new UsageError(
    `nothing is called "${argument}"${meant ? `: did you mean ${meant}?` : ""}`,
    `It is one of ${PARTS.join(", ")}.`,
  );
}

function tableOf(name: OutTable["name"], memory: MemoryDatabase, paths: Paths, redact: boolean): OutTable {
  const onLeftOut = (path: string) => say(`left out: ${JSON.stringify(path)}`);
  if (name === "soul") return { name, columns: SOUL_COLUMNS, rows: soulRows(paths, onLeftOut) };
  if (name === "skills") {
    return { name, columns: SKILL_COLUMNS, rows: skillRows(paths, redact, onLeftOut) };
  }
  if (name === "transcripts") {
    const onDamaged = (message: string) => say(`left out: ${message}`);
    return { name, columns: ["session", "event"], rows: transcriptRows(paths, onDamaged) };
  }
  return {
    name,
    columns: columnsOf(memory, name as PortableTable).map((column) => column.name),
    rows: rowsOf(memory, name),
  };
}

/** Counts rows on their way, and hides the secrets in them. A file in base64 that holds one is left out: it would be broken. */
function observed(table: OutTable, count: { rows: number; changed: number }, redactor: Redactor): OutTable {
  async function* rows(): AsyncGenerator<ExportRow> {
    for await (const row of table.rows) {
      const hidden: ExportRow = {};
      for (const [key, cell] of Object.entries(row))
        hidden[key] = typeof cell === "string" ? redactor.hide(cell) : cell;
      if (typeof row["base64"] === "string" && hidden["base64"] !== row["base64"]) {
        say(`left out: ${JSON.stringify(hidden["path"])}, which holds a secret`);
        continue;
      }
      count.rows++;
      if (Object.keys(row).some((key) => row[key] !== hidden[key])) count.changed++;
      yield hidden;
    }
  }
  return { ...table, rows: rows() };
}

async function write(
  header: Header,
  tables: readonly OutTable[],
  format: string,
  output: string | undefined,
): Promise<void> {
  if (format === "csv") return writeFolder(output!, csvFiles(header, tables));
  const pieces = format === "yaml" ? yamlText(header, tables) : jsonText(header, tables);
  if (output !== undefined) return writePieces(output, pieces);
  const standard = createWriter();
  for await (const piece of pieces) {
    await standard.write(piece);
    if (standard.fault) throw standard.fault;
    // Whoever reads it may have had enough before its end.
    if (standard.gone) return;
  }
}

async function* csvFiles(
  header: Header,
  tables: readonly OutTable[],
): AsyncGenerator<{ name: string; pieces: AsyncIterable<string> }> {
  async function* headerText() {
    yield `${JSON.stringify(header, null, 2)}\n`;
  }
  yield { name: CSV_HEADER, pieces: headerText() };
  for (const { name, columns, rows } of tables) yield { name: `${name}.csv`, pieces: csvText(columns, rows) };
}
