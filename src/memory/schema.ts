import type { Database } from "bun:sqlite";
import { LAST_SHARED, MIGRATIONS } from "./migrations.ts";

/** What a file at the database's place is. */
export type Kind =
  /** Nothing is in it yet. */
  | { is: "empty" }
  /** Ours, or that of the program that OpenKoi follows, of a schema that both share. */
  | { is: "known"; schema: number }
  /** A later schema of ours. */
  | { is: "newer"; schema: number }
  /** Of the earlier program, beyond the schema that is shared: these numbers mean something else there. */
  | { is: "earlier"; schema: number }
  /** Somebody else's. */
  | { is: "foreign" };

/** Tables without which it is no memory of either program. */
const CORE = ["sessions", "tasks", "learnings", "memory_chunks"] as const;

/** Looks at a database without changing it. Throws what SQLite says of a damaged file. */
export function kindOf(db: Database): Kind {
  const tables = new Set(
    db
      .query<{ name: string }, []>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all()
      .map(({ name }) => name),
  );
  if (tables.size === 0) return { is: "empty" };
  if (!tables.has("_migrations")) return { is: "foreign" };
  const applied = appliedTo(db);
  if (applied.length === 0) return { is: tables.size === 1 ? "empty" : "foreign" };
  if (CORE.some((name) => !tables.has(name))) return { is: "foreign" };
  const schema = applied.at(-1)!.version;
  const other = applied.some(({ version, name }) => version > LAST_SHARED && isOthers(version, name));
  if (other) return { is: "earlier", schema };
  return { is: schema > MIGRATIONS.length ? "newer" : "known", schema };
}

/** A version that we know under another name is not ours. */
function isOthers(version: number, name: string): boolean {
  const own = MIGRATIONS.find((migration) => migration.version === version);
  return own !== undefined && own.name !== name;
}

/** The migrations that the database has had, oldest first. */
export function appliedTo(db: Database): { version: number; name: string; applied_at: string }[] {
  return db
    .query<{ version: number; name: string; applied_at: string }, []>(
      "SELECT version, name, applied_at FROM _migrations ORDER BY version",
    )
    .all();
}
