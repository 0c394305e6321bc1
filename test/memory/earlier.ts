import { Database } from "bun:sqlite";
import up1 from "../../embed/sql/001_initial.up.sql" with { type: "text" };
import up2 from "../../embed/sql/002_embeddings.up.sql" with { type: "text" };

/** Rows in every table, as the program that OpenKoi follows left them. */
const ROWS = [
  "INSERT INTO sessions VALUES ('s1', 'cli', 'anthropic', 'claude', '2026-01-02 03:04:05', '2026-01-02 03:09:05', 1200, 0.04, '/home/u/s1.jsonl')",
  "INSERT INTO tasks VALUES ('t1', 'Fix the parser', 'code', 's1', 0.91, 2, 'accept', 1200, 0.04, '2026-01-02 03:04:05', '2026-01-02 03:09:05')",
  "INSERT INTO tasks VALUES ('t2', 'Cut short', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-01-03 03:04:05', NULL)",
  "INSERT INTO iteration_cycles VALUES ('c1', 't1', 1, 0.6, 'continue', 500, 100, 4000, '2026-01-02 03:05:05')",
  "INSERT INTO iteration_cycles VALUES ('c2', 't1', 2, 0.91, 'accept', 500, 100, 4000, '2026-01-02 03:08:05')",
  "INSERT INTO findings VALUES ('f1', 'c1', 'Blocker', 'correctness', 'Off by one', 'The loop ends early', 'src/a.rs:3', 'Use <=', 'c2')",
  "INSERT INTO learnings VALUES ('l1', 'anti_pattern', 'Never edit generated files', 'code', 0.9, 't1', 2, '2026-01-02 03:09:05', NULL, NULL)",
  "INSERT INTO skill_effectiveness VALUES ('general', 'code', 0.8, 4, '2026-01-02 03:09:05')",
  "INSERT INTO memory_chunks VALUES ('m1', 'learning:l1', 'Never edit generated files', '2026-01-02 03:09:05')",
  "INSERT INTO memory_chunks VALUES ('m2', 'note', 'Café 🐟', '2026-01-02 03:09:06')",
  "INSERT INTO usage_events VALUES ('u1', 'task', 'cli', 'Fix the parser', 'code', '[\"general\"]', 0.91, '2026-01-02 03:04:05', '2026-01-02', 3, 5)",
  "INSERT INTO usage_patterns VALUES ('p1', 'recurring_task', 'Fixes parsers', 'weekly', '{}', 0.8, 3, '2026-01-01 00:00:00', '2026-01-02 00:00:00', 'fix-parser', 'detected')",
];

/** Tables of schema 1, and of the ones after it. */
export const SHARED_TABLES = [
  ...["sessions", "tasks", "iteration_cycles", "findings", "learnings", "skill_effectiveness"],
  ...["memory_chunks", "usage_events", "usage_patterns"],
];

/** Makes a database as the Rust program of the same name left it: of schema 1, 2, or 4 (which is not our 4). */
export function makeEarlier(path: string, schema: 1 | 2 | 4): void {
  using db = new Database(path, { create: true });
  db.run("PRAGMA journal_mode = WAL");
  db.run(
    "CREATE TABLE _migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL DEFAULT (datetime('now')))",
  );
  const apply = (version: number, name: string, sql: string) => {
    db.run(sql);
    db.run("INSERT INTO _migrations (version, name) VALUES (?, ?)", [version, name]);
  };
  apply(1, "initial_schema", up1);
  if (schema >= 2) apply(2, "vector_search", up2);
  for (const row of ROWS) db.run(row);
  if (schema >= 2) {
    db.run("INSERT INTO memory_embeddings (chunk_id, embedding, dimensions) VALUES ('m1', x'00000000', 1)");
  }
  if (schema < 4) return;
  apply(3, "mind_world_trust", "CREATE TABLE trust_levels (id TEXT PRIMARY KEY, level REAL)");
  apply(4, "session_lifecycle", "ALTER TABLE sessions ADD COLUMN ended_at TEXT");
}

/**
 * Every row of the tables of schema 1, with the columns of that schema, in the order of their first column. Chunks that
 * the database makes of learnings and tasks (004) are not counted: they hold nothing of their own.
 */
export function sharedRows(path: string): Record<string, unknown[]> {
  using plain = new Database(":memory:");
  plain.run(up1);
  using db = new Database(path, { readonly: true });
  return Object.fromEntries(
    SHARED_TABLES.map((table) => {
      const columns = plain.query<{ name: string }, []>(`PRAGMA table_info(${table})`).all();
      const list = columns.map(({ name }) => name).join(", ");
      const own = table === "memory_chunks" ? "WHERE id NOT GLOB 'learning:*' AND id NOT GLOB 'task:*'" : "";
      return [table, db.query(`SELECT ${list} FROM ${table} ${own} ORDER BY 1`).all()];
    }),
  );
}
