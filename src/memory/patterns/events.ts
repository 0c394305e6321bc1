import type { UsageEvent } from "../../contracts/memory.ts";
import type { MemoryDatabase } from "../database.ts";
import { timeOf } from "../times.ts";
import { LOOK_BACK_MS } from "./pattern.ts";

/** A usage event with the id of its row. */
export interface StoredEvent extends UsageEvent {
  id: string;
}

/** The events of the last 30 days, oldest first. */
export function recentUsage(memory: MemoryDatabase, now: number): StoredEvent[] {
  const since = new Date(now - LOOK_BACK_MS);
  // SQLite's own times have a space where ours have a T: both come after the bare day.
  const rows = memory
    .query<UsageRow, [string]>(
      `SELECT id, event_type AS kind, description, category, outcome, task_id AS task, timestamp FROM usage_events
       WHERE timestamp >= ? AND event_type IN ('task', 'command', 'skill', 'integration') AND description <> ''
       ORDER BY timestamp, id`,
    )
    .all(since.toISOString().slice(0, 10));
  return rows
    .map((row) => ({
      id: row.id,
      at: timeOf(row.timestamp) ?? 0,
      kind: row.kind,
      text: row.description,
      category: row.category ?? "",
      outcome: row.outcome,
      session: row.task ?? row.id,
    }))
    .filter(({ at }) => at > now - LOOK_BACK_MS);
}

interface UsageRow {
  id: string;
  kind: UsageEvent["kind"];
  description: string;
  category: string | null;
  outcome: UsageEvent["outcome"];
  task: string | null;
  timestamp: string;
}

/** The texts of these events, newest first; those that are gone are left out. */
export function wordingsOf(memory: MemoryDatabase, events: readonly string[]): string[] {
  const rows = memory
    .query<{ description: string }, [string]>(
      `SELECT description FROM usage_events WHERE id IN (SELECT value FROM json_each(?)) AND description <> ''
       ORDER BY timestamp DESC, id`,
    )
    .all(JSON.stringify(events));
  return rows.map(({ description }) => description);
}
