import type { SQLQueryBindings } from "bun:sqlite";
import type { MemoryDatabase } from "./database.ts";

/** What a column of a table holds, as an export has it. */
export type Value = string | number | null;
export type PortableRow = Record<string, Value>;

export interface Column {
  name: string;
  /** `time` is a text that says one. */
  type: "text" | "integer" | "real" | "time";
  /** May not be null. */
  required: boolean;
}

/**
 * The tables that are the user's data, in an order in which every row finds what it refers to. Indexes, vectors and
 * searchable texts that the database makes of other rows by itself are left out: they are made again.
 */
export const PORTABLE_TABLES = [
  "sessions",
  "tasks",
  "iteration_cycles",
  "findings",
  "model_calls",
  "learnings",
  "learning_uses",
  "skill_effectiveness",
  "usage_events",
  "usage_patterns",
  "memory_chunks",
] as const;
export type PortableTable = (typeof PORTABLE_TABLES)[number];

/** Columns that number or count for indexes. */
const OWN_COLUMNS: Partial<Record<PortableTable, readonly string[]>> = { memory_chunks: ["n", "terms", "hash"] };
/** Columns of text that hold times (times.ts). */
const TIMES = /^(?:.+_at|first_seen|last_seen|last_used|timestamp)$/;
/** Searchable texts that triggers make of learnings and tasks (004). */
const NOT_DERIVED = "id NOT LIKE 'learning:%' AND id NOT LIKE 'task:%'";

/** The columns of a table that are exported. */
export function columnsOf(memory: MemoryDatabase, table: PortableTable): Column[] {
  return memory
    .query<{ name: string; type: string; notnull: number; pk: number }, [string]>(
      'SELECT name, type, "notnull", pk FROM pragma_table_info(?)',
    )
    .all(table)
    .filter(({ name }) => !OWN_COLUMNS[table]?.includes(name))
    .map(({ name, type, notnull, pk }) => ({
      name,
      type: type === "INTEGER" ? "integer" : type === "REAL" ? "real" : TIMES.test(name) ? "time" : "text",
      required: notnull === 1 || pk > 0,
    }));
}

/** Every row of a table, one after the other. */
export function* rowsOf(memory: MemoryDatabase, table: PortableTable): Generator<PortableRow> {
  const list = columnsOf(memory, table)
    .map(({ name }) => `"${name}"`)
    .join(", ");
  const where = table === "memory_chunks" ? `WHERE ${NOT_DERIVED}` : "";
  yield* memory.query<PortableRow, []>(`SELECT ${list} FROM ${table} ${where} ORDER BY rowid`).iterate();
}

/** Runs `body`, which only reads, on the database as it is at one moment, whoever writes meanwhile. */
export async function atOneMoment<T>(memory: MemoryDatabase, body: () => Promise<T>): Promise<T> {
  memory.db.run("BEGIN");
  try {
    return await body();
  } finally {
    memory.db.run("COMMIT");
  }
}

/** Rows to be taken in, and where each stood, for people. */
export interface Incoming {
  table: PortableTable;
  rows: readonly PortableRow[];
  /** `line 12`, `learnings, row 3`. */
  placeOf(at: number): string;
}

export interface Merged {
  added: number;
  /** Rows that were there already; what is here stays. */
  known: number;
}

/**
 * Takes rows in, all or none: what is there already stays as it is. A reference to a row that is neither here nor among
 * them is left out where it may be missing.
 * @throws what `refuse` makes of a row whose reference may not be missing
 */
export function mergeRows(
  memory: MemoryDatabase,
  incoming: readonly Incoming[],
  refuse: (place: string, message: string) => Error,
): Merged {
  return memory.transaction(() => {
    const merged: Merged = { added: 0, known: 0 };
    // Calls have numbers that mean nothing elsewhere: those of a task that is here already are here too.
    const tasksHere = idsOf(memory, "tasks", "id");
    const isHere = (row: PortableRow) => (row["task_id"] ? tasksHere.has(row["task_id"]) : hasCall(memory, row));
    for (const table of PORTABLE_TABLES) {
      for (const part of incoming.filter((each) => each.table === table)) {
        const add = adder(memory, part, refuse);
        part.rows.forEach((row, at) => {
          const added = table === "model_calls" && isHere(row) ? false : add(row, at);
          merged[added ? "added" : "known"]++;
        });
      }
    }
    return merged;
  });
}

/** Whether a call that belongs to no task is here already. */
function hasCall(memory: MemoryDatabase, row: PortableRow): boolean {
  const same = memory.query<object, SQLQueryBindings[]>(
    `SELECT 1 FROM model_calls
     WHERE model = ? AND at = ? AND task_id IS NULL AND role = ? AND input = ? AND output = ? AND ms = ?`,
  );
  return same.get(...["model", "at", "role", "input", "output", "ms"].map((name) => row[name] ?? null)) !== null;
}

interface Reference {
  column: string;
  parent: string;
  key: string;
  required: boolean;
}

/** Adds one row; false where it is there already. */
function adder(
  memory: MemoryDatabase,
  { table, placeOf }: Incoming,
  refuse: (place: string, message: string) => Error,
): (row: PortableRow, at: number) => boolean {
  const columns = columnsOf(memory, table);
  const references = referencesOf(memory, table, columns);
  const names = columns.map(({ name }) => name);
  const taken =
    table === "model_calls" ? memory.query<object, [number]>("SELECT 1 FROM model_calls WHERE id = ?") : undefined;
  const insert = new Map<string, (row: PortableRow) => number>();
  const inserter = (present: readonly string[]) => {
    const key = present.join(" ");
    const known = insert.get(key);
    if (known) return known;
    const list = present.map((name) => `"${name}"`).join(", ");
    const marks = present.map(() => "?").join(", ");
    const statement = memory.query<unknown, SQLQueryBindings[]>(
      `INSERT OR IGNORE INTO ${table} (${list}) VALUES (${marks})`,
    );
    const run = (row: PortableRow) => statement.run(...present.map((name) => row[name] ?? null)).changes;
    insert.set(key, run);
    return run;
  };
  return (given, at) => {
    const row = { ...given };
    for (const { column, parent, key, required } of references) {
      const value = row[column];
      if (value === undefined || value === null) continue;
      if (memory.query(`SELECT 1 FROM ${parent} WHERE ${key} = ?`).get(value)) continue;
      if (required) throw refuse(placeOf(at), `${column}: there is no ${parent} with ${key} ${JSON.stringify(value)}`);
      row[column] = null;
    }
    if (taken && typeof row["id"] === "number" && taken.get(row["id"])) delete row["id"];
    // A column that an older export does not know gets what the schema says.
    const present = names.filter((name) => row[name] !== undefined);
    return inserter(present)(row) > 0;
  };
}

function referencesOf(memory: MemoryDatabase, table: PortableTable, columns: readonly Column[]): Reference[] {
  return memory
    .query<{ column: string; parent: string; key: string }, [string]>(
      'SELECT "from" AS column, "table" AS parent, "to" AS key FROM pragma_foreign_key_list(?)',
    )
    .all(table)
    .map((reference) => ({
      ...reference,
      // A call may belong to no task, but not to one that is nowhere.
      required: table === "model_calls" || columns.some(({ name, required }) => name === reference.column && required),
    }));
}

/** What stands in a column of the rows that are here. */
export function idsOf(memory: MemoryDatabase, table: PortableTable, column: string): Set<Value> {
  const rows = memory.query<{ id: Value }, []>(`SELECT ${column} AS id FROM ${table}`).all();
  return new Set(rows.map(({ id }) => id));
}
