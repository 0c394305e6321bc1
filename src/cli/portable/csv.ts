import { brokenAt, type Cell, type ExportRow } from "./document.ts";

/** One table as CSV (RFC 4180): texts are quoted, numbers are not, and nothing at all is null. */
export async function* csvText(
  columns: readonly string[],
  rows: AsyncIterable<ExportRow> | Iterable<ExportRow>,
): AsyncGenerator<string> {
  yield `${columns.map((name) => csvCell(name)).join(",")}\r\n`;
  for await (const row of rows) yield `${columns.map((name) => csvCell(row[name] ?? null)).join(",")}\r\n`;
}

function csvCell(value: Cell): string {
  if (value === null) return "";
  return typeof value === "number" ? JSON.stringify(value) : `"${value.replaceAll('"', '""')}"`;
}

/** A cell as it stands there; a quoted one is a text whatever it looks like. */
interface RawCell {
  text: string;
  quoted: boolean;
}

/**
 * Reads a table. Every cell is a text, or null where nothing stands there and not even quotes: what it is meant to be
 * its column says. `file`: its name, for people. @throws UserError with the line
 */
export function readCsv(text: string, file: string): { rows: ExportRow[]; lines: number[] } {
  const records = recordsOf(text.replace(/^\ufeff/, ""), file);
  const head = records.shift();
  if (!head) throw brokenAt(file, "line 1", "the names of the columns are missing");
  const names = head.cells.map((cell) => cell.text);
  const rows = records.map(({ cells, line }) => {
    if (cells.length !== names.length) {
      throw brokenAt(file, `line ${line}`, `${names.length} cells are expected, and there are ${cells.length}`);
    }
    return Object.fromEntries(cells.map(({ text, quoted }, at) => [names[at]!, text === "" && !quoted ? null : text]));
  });
  return { rows, lines: records.map(({ line }) => line) };
}

interface CsvRecord {
  cells: RawCell[];
  line: number;
}

function recordsOf(text: string, file: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let cells: RawCell[] = [];
  let line = 1;
  let begun = 1;
  let at = 0;
  while (at < text.length) {
    let cell: RawCell;
    if (text[at] === '"') {
      const end = closingQuote(text, at + 1);
      if (end < 0) throw brokenAt(file, `line ${line}`, "a quote is never closed");
      const inside = text.slice(at + 1, end);
      line += inside.split("\n").length - 1;
      cell = { text: inside.replaceAll('""', '"'), quoted: true };
      at = end + 1;
    } else {
      const end = plainEnd(text, at);
      cell = { text: text.slice(at, end), quoted: false };
      if (cell.text.includes('"')) throw brokenAt(file, `line ${line}`, "a quote stands in the middle of a cell");
      at = end;
    }
    cells.push(cell);
    const next = text[at];
    if (next === ",") {
      at++;
      // A line that ends with a comma has one more cell.
      if (at < text.length && text[at] !== "\r" && text[at] !== "\n") continue;
      cells.push({ text: "", quoted: false });
    } else if (next !== undefined && next !== "\r" && next !== "\n") {
      throw brokenAt(file, `line ${line}`, "something follows a closing quote");
    }
    records.push({ cells, line: begun });
    cells = [];
    at += text.startsWith("\r\n", at) ? 2 : 1;
    begun = ++line;
  }
  return records;
}

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) if (text[at + 1] !== '"') return at;
  return -1;
}

function plainEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === "," || character === "\n" || character === "\r") return at;
  }
  return text.length;
}
