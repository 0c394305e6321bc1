import { appendFileSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Learning } from "../contracts/memory.ts";
import type { MemoryDatabase } from "./database.ts";
import { ensureTask } from "./tasks.ts";
import { timeOf } from "./times.ts";

/**
 * What a database had that is gone (damaged, removed) is told by transcripts that are older than the one which took its
 * place. What is younger was written here as it happened, and may have been forgotten since.
 */
export function isFromBefore(memory: MemoryDatabase, at: string): boolean {
  const began = memory.query<{ at: string | null }, []>("SELECT min(applied_at) AS at FROM _migrations").get()?.at;
  return (timeOf(at) ?? 0) < (timeOf(began ?? null) ?? 0);
}

/**
 * Keeps a lesson of an earlier database as it was at that time (ISO). One that is here already is a later state of it, and
 * one that the user had forgotten stays so. Transcripts are read newest first, so what became of it afterwards is here: that
 * is counted on top (uses.ts), and what was before is in its numbers.
 */
export function restoreLearning(memory: MemoryDatabase, learning: Learning, at: string): void {
  const { id, sourceTask } = learning;
  if (!isFromBefore(memory, at) || forgottenIds(memory).has(id)) return;
  if (sourceTask !== null) ensureTask(memory, sourceTask);
  const { changes } = memory
    .query(
      `INSERT OR IGNORE INTO learnings (id, type, content, category, confidence, source_task, workspace, reinforced, recalled,
         helped, created_at, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      learning.type,
      learning.content,
      learning.category,
      learning.confidence,
      sourceTask,
      learning.workspace,
      learning.reinforced,
      learning.recalled,
      learning.helped,
      learning.createdAt,
      learning.lastUsed,
    );
  if (changes === 0) return;
  memory
    .query("UPDATE learning_uses SET counted = CASE WHEN used_at <= ?2 THEN verdict END WHERE learning_id = ?1")
    .run(id, at);
}

/** Remembers outside of the database what the user had forgotten, a lesson or a piece: it must not come back with a new one. */
export function noteForgotten(memory: MemoryDatabase, id: string): void {
  appendFileSync(forgottenPath(memory), `${id}\n`, { mode: 0o600 });
}

export function forgottenIds(memory: MemoryDatabase): ReadonlySet<string> {
  try {
    return new Set(readFileSync(forgottenPath(memory), "utf8").split("\n"));
  } catch {
    return new Set();
  }
}

function forgottenPath({ path }: MemoryDatabase): string {
  return join(dirname(path), "forgotten");
}
