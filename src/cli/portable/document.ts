import { UserError } from "../../base/errors.ts";
import type { PortableTable } from "../../memory/portable.ts";

/** What an export may hold; each is a list of tables. */
export const PARTS = ["all", "learnings", "sessions", "patterns", "skills"] as const;
export type Part = (typeof PARTS)[number];

/** Tables of an export: those of the database, and three that are files elsewhere. */
export type TableName = PortableTable | "transcripts" | "skills" | "soul";

/** What belongs to each part. A session is what happened, so its calls, findings and transcript go with it. */
export const TABLES_OF: Record<Part, readonly TableName[]> = {
  all: [
    ...["sessions", "tasks", "iteration_cycles", "findings", "model_calls", "learnings", "learning_uses"],
    ...["skill_effectiveness", "usage_events", "usage_patterns", "memory_chunks", "transcripts", "skills", "soul"],
  ] as TableName[],
  learnings: ["learnings"],
  sessions: ["sessions", "tasks", "iteration_cycles", "findings", "model_calls", "usage_events", "transcripts"],
  patterns: ["usage_events", "usage_patterns"],
  skills: ["skill_effectiveness", "skills"],
};

/** Of an export; a reader refuses a higher one. */
export const EXPORT_VERSION = 3;
const FORMAT = "openkoi-export";

export interface Header {
  format: typeof FORMAT;
  version: number;
  what: Part;
  /** Of the database. */
  schema: number;
  /** Version of the program that wrote it. */
  program: string;
  /** ISO time. */
  exported: string;
}

export type Cell = string | number | null;
/** A row; of a transcript the event is its JSON text. */
export type ExportRow = Record<string, Cell>;

/** A table on its way out. */
export interface OutTable {
  name: TableName;
  columns: readonly string[];
  rows: AsyncIterable<ExportRow> | Iterable<ExportRow>;
}

/** A table as it was read. */
export interface InTable {
  name: TableName;
  rows: ExportRow[];
  /** Where a row stands, for people. */
  placeOf(at: number): string;
}

export interface ReadExport {
  header: Header;
  tables: InTable[];
}

export function makeHeader(facts: Pick<Header, "what" | "schema" | "program" | "exported">): Header {
  return { format: FORMAT, version: EXPORT_VERSION, ...facts };
}

/** Throws UserError where the file is no export, or of a later version. `file`: its name, for people. */
export function checkHeader(value: Record<string, unknown>, file: string): Header {
  const { format, version, schema, what } = value;
  if (format !== FORMAT || typeof version !== "number" || typeof schema !== "number") {
    throw new UserError(`${file} is no export of OpenKoi`, "openkoi export makes one.");
  }
  if (version > EXPORT_VERSION) {
    throw new UserError(
      `${file} was written by a later version of OpenKoi (format ${version}, this one reads ${EXPORT_VERSION})`,
      "Update OpenKoi to read it.",
    );
  }
  if (!PARTS.includes(what as Part)) throw new UserError(`${file} does not say what it holds`, "Export it again.");
  return value as unknown as Header;
}

/** Something in an export that cannot be read. */
export function brokenAt(file: string, place: string, message: string): UserError {
  return new UserError(`${file}, ${place}: ${message}`, "Nothing was imported. Mend it, or export it again.");
}

export function isTableName(name: string): name is TableName {
  return TABLES_OF.all.includes(name as TableName);
}
