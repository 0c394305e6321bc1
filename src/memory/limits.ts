import type { MemoryDatabase } from "./database.ts";
import { SPAN } from "./scope.ts";

/** Rows that are removed in one transaction. */
const AT_ONCE = 200;
/** What was said is removed by its age; so many pieces are looked for at a time. */
const LOOKED_FOR = 2000;
/** Pages of the keyword index that are put together after a removal: only then what was removed gives its room back. */
const MERGED = 500;

/** Bytes of the database that hold something: what was removed leaves room in the file, which is filled first. */
export function usedBytes(memory: MemoryDatabase): number {
  const { pages, free, size } = memory
    .query<{ pages: number; free: number; size: number }, []>(
      "SELECT page_count AS pages, freelist_count AS free, page_size AS size FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    )
    .get()!;
  return (pages - free) * size;
}

export interface Removed {
  rows: number;
  /** ISO time of the newest that went. */
  upto: string;
}

interface Removal {
  /** Removes until the database holds no more than this, bytes. */
  most: number;
  /** What is younger stays, ISO time. */
  before: string;
  isOver: () => boolean;
}

/** Removes what was said in tasks from the search, the oldest first. What tasks were and what they taught stays. */
export function pruneWords(memory: MemoryDatabase, { most, before, isOver }: Removal): Removed {
  const removed: Removed = { rows: 0, upto: "" };
  const oldest = memory.query<{ n: number; at: string }, [string, number]>(
    `SELECT n, created_at AS at FROM memory_chunks WHERE kind IN ('transcript', 'facts') AND created_at < ?
     ORDER BY created_at, n LIMIT ?`,
  );
  const remove = memory.query("DELETE FROM memory_chunks WHERE n IN (SELECT value FROM json_each(?))");
  const isDone = () => isOver() || usedBytes(memory) <= most;
  for (let rows = oldest.all(before, LOOKED_FOR); rows.length > 0 && !isDone(); rows = oldest.all(before, LOOKED_FOR)) {
    for (let at = 0; at < rows.length && !isDone(); at += AT_ONCE) {
      const gone = rows.slice(at, at + AT_ONCE);
      remove.run(JSON.stringify(gone.map(({ n }) => n)));
      removed.rows += gone.length;
      removed.upto = gone.at(-1)!.at;
    }
    memory.query("INSERT INTO chunk_words (chunk_words, rank) VALUES ('merge', ?)").run(-MERGED);
    removeDeadSegments(memory);
  }
  return removed;
}

/** Sign bits of which no vector is left. They fill up in the order of the chunks, so that the oldest are looked at. */
function removeDeadSegments(memory: MemoryDatabase): void {
  const oldest = memory
    .query<{ id: number; embedder: number; numbers: Uint8Array }, []>(
      `SELECT id, embedder, numbers FROM vector_segments
       WHERE id IN (SELECT min(id) FROM vector_segments WHERE scope = 2 GROUP BY embedder HAVING count(*) > 1)`,
    )
    .all();
  for (const { id, embedder, numbers } of oldest) {
    const ids = Array.from(new Uint32Array(numbers.slice().buffer), (n) => embedder * SPAN + n);
    const left = memory.query("SELECT 1 FROM chunk_vectors WHERE id IN (SELECT value FROM json_each(?)) LIMIT 1");
    if (!left.get(JSON.stringify(ids))) memory.query("DELETE FROM vector_segments WHERE id = ?").run(id);
  }
}

/** Removes usage events of before that time (ISO), the oldest first: habits are mined of younger ones. */
export function pruneUsage(memory: MemoryDatabase, { most, before, isOver }: Removal): Removed {
  const removed: Removed = { rows: 0, upto: "" };
  while (!isOver() && usedBytes(memory) > most) {
    const gone = memory
      .query<{ at: string }, [string, number]>(
        `DELETE FROM usage_events WHERE id IN (SELECT id FROM usage_events WHERE timestamp < ? ORDER BY timestamp LIMIT ?)
         RETURNING timestamp AS at`,
      )
      .all(before, AT_ONCE);
    if (gone.length === 0) break;
    removed.rows += gone.length;
    for (const { at } of gone) if (at > removed.upto) removed.upto = at;
  }
  return removed;
}
