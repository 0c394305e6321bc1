import { findJsonError } from "../../base/json-error.ts";
import { isObject } from "../../base/schema.ts";
import {
  brokenAt,
  type Cell,
  checkHeader,
  type ExportRow,
  type Header,
  isTableName,
  type OutTable,
  type ReadExport,
} from "./document.ts";

/** An export as one JSON document, a row a line, so that it can be written piece by piece and looked through. */
export async function* jsonText(header: Header, tables: readonly OutTable[]): AsyncGenerator<string> {
  const facts = Object.entries(header).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)},\n`);
  yield `{\n${facts.join("")}"tables": {`;
  for (const [at, { name, rows }] of tables.entries()) {
    yield `${at > 0 ? "," : ""}\n${JSON.stringify(name)}: [`;
    let first = true;
    for await (const row of rows) {
      yield `${first ? "" : ","}\n${jsonRow(row)}`;
      first = false;
    }
    yield "\n]";
  }
  yield "\n}\n}\n";
}

/** An event stays the value that it is. */
function jsonRow(row: ExportRow): string {
  const { event, ...rest } = row;
  if (typeof event !== "string") return JSON.stringify(row);
  return `${JSON.stringify(rest).slice(0, -1)}, "event": ${event}}`;
}

/** The same as YAML: every text is quoted, so that no `yes` or `1e3` becomes something else. */
export async function* yamlText(header: Header, tables: readonly OutTable[]): AsyncGenerator<string> {
  yield Object.entries(header)
    .map(([key, value]) => `${key}: ${quoted(value)}\n`)
    .join("");
  yield "tables:\n";
  for (const { name, rows } of tables) {
    let any = false;
    for await (const row of rows) {
      const lines = Object.entries(row).map(
        ([key, value], at) => `${at === 0 ? "    - " : "      "}${key}: ${quoted(value)}\n`,
      );
      yield `${any ? "" : `  ${name}:\n`}${lines.join("")}`;
      any = true;
    }
    if (!any) yield `  ${name}: []\n`;
  }
}

/** JSON's form of a value is YAML's too, but for characters that YAML does not allow as they are. */
function quoted(value: Cell): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u00a0\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Reads either. @throws UserError with the place where it cannot be read. */
export function readText(whole: string, file: string): ReadExport {
  // Some editors put a byte order mark before it.
  const text = whole.replace(/^\uFEFF/, "");
  const value = text.trimStart().startsWith("{") ? parseJson(text, file) : parseYaml(text, file);
  if (!isObject(value)) return { header: checkHeader({}, file), tables: [] };
  const header = checkHeader(value, file);
  const { tables } = value;
  if (!isObject(tables)) throw brokenAt(file, "tables", "there are none");
  return {
    header,
    tables: Object.entries(tables).map(([name, rows]) => {
      if (!isTableName(name)) throw brokenAt(file, "tables", `${JSON.stringify(name)} is not known`);
      if (!Array.isArray(rows)) throw brokenAt(file, name, "expected a list of rows");
      const placeOf = (at: number) => `${name}, row ${at + 1}`;
      return { name, placeOf, rows: rows.map((row, at) => rowOf(row, () => brokenAt(file, placeOf(at), "not a row"))) };
    }),
  };
}

function rowOf(value: unknown, fault: () => Error): ExportRow {
  if (!isObject(value)) throw fault();
  const row: ExportRow = {};
  for (const [key, cell] of Object.entries(value)) {
    if (typeof cell === "string" || typeof cell === "number" || cell === null) row[key] = cell;
    else if (key === "event" && isObject(cell)) row[key] = JSON.stringify(cell);
    else throw fault();
  }
  return row;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const { at, why } = findJsonError(text);
    const line = text.slice(0, Math.min(at, text.trimEnd().length)).split("\n").length;
    throw brokenAt(file, `line ${line}`, `not JSON: ${why}`);
  }
}

function parseYaml(text: string, file: string): unknown {
  try {
    return Bun.YAML.parse(text);
  } catch {
    throw brokenAt(file, `line ${faultyYamlLine(text)}`, "not YAML, or it ends too early");
  }
}

/** The last line up to which it can be read: the one after that is broken. */
function faultyYamlLine(text: string): number {
  const lines = text.split("\n");
  let [good, bad] = [0, lines.length];
  // The parser does not say where it stopped.
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isYaml(lines.slice(0, middle).join("\n"))) good = middle;
    else bad = middle;
  }
  return bad;
}

function isYaml(text: string): boolean {
  try {
    Bun.YAML.parse(text);
    return true;
  } catch {
    return false;
  }
}
