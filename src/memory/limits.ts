import { giveWay } from "../base/stream.ts";
import type { MemoryDatabase } from "./database.ts";
import { SPAN } from "./scope.ts";

/** Rows that are removed in one transaction. */
const AT_ONCE = 200;
/** What was said is removed by its age; so many pieces are looked for at a time. */
const LOOKED_FOR = 5000;
/** Pages of the keyword index that are put together at a time: only then what was removed gives its room back. */
const MERGED = 16;
/** Another process may write for so long; longer, and the rest is left for the next time, ms. */
const WAIT = 100;

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
  /** Asked between pieces of work; signals and timers are heard there too. */
  isOver: () => boolean;
  /** Hears of what is gone as soon as it is: what comes after it may fail. */
  onRemoved: (removed: Removed) => void;
}

/**
 * Removes what was said in tasks from the search, the oldest first. What tasks were and what they taught stays. False where
 * time was over, or another process was writing, before it was done.
 */
export async function pruneWords(memory: MemoryDatabase, removal: Removal): Promise<boolean> {
  const { most, before, isOver, onRemoved } = removal;
  const oldest = memory.query<{ n: number; at: string }, [string, number]>(
    `SELECT n, created_at AS at FROM memory_chunks WHERE kind IN ('transcript', 'facts') AND created_at < ?
     ORDER BY created_at, n LIMIT ?`,
  );
  let waiting: { n: number; at: string }[] = [];
  while (usedBytes(memory) > most) {
    await giveWay();
    if (isOver()) return false;
    if (waiting.length === 0) {
      if (memory.attempt(WAIT, () => removeDeadSegments(memory)) === "busy") return false;
      waiting = oldest.all(before, LOOKED_FOR);
      if (waiting.length === 0) break;
    }
    const gone = waiting.splice(0, AT_ONCE);
    const numbers = gone.map(({ n }) => n);
    if (memory.attempt(WAIT, () => removePieces(memory, numbers)) === "busy") return false;
    onRemoved({ rows: gone.length, upto: gone.at(-1)!.at });
  }
  await putTogether(memory, isOver);
  return true;
}

/**
 * FTS5 counts each row that is removed as a page written, and puts as many pages together at once: half a millisecond to three
 * a row. That waits until all are removed. What is set here holds for this transaction alone.
 */
function removePieces(memory: MemoryDatabase, numbers: readonly number[]): void {
  const usual = memory
    .query<{ segments: number }, []>("SELECT v AS segments FROM chunk_words_config WHERE k = 'automerge'")
    .get();
  setAutomerge(memory, 0);
  memory.query("DELETE FROM memory_chunks WHERE n IN (SELECT value FROM json_each(?))").run(JSON.stringify(numbers));
  setAutomerge(memory, usual?.segments ?? AUTOMERGE);
}

/** FTS5's own: segments of a level that are put together; 0: never. */
const AUTOMERGE = 4;

/** What was written before is brought into the index first, under the value of before. */
function setAutomerge(memory: MemoryDatabase, segments: number): void {
  memory.query("INSERT INTO chunk_words (chunk_words, rank) VALUES ('automerge', ?)").run(segments);
}

/** Puts the keyword index together where much of it was removed. What time does not allow is done by who writes into it. */
async function putTogether(memory: MemoryDatabase, isOver: () => boolean): Promise<void> {
  const changes = memory.query<{ n: number }, []>("SELECT total_changes() AS n");
  const merge = () => memory.query("INSERT INTO chunk_words (chunk_words, rank) VALUES ('merge', ?)").run(MERGED);
  for (;;) {
    await giveWay();
    if (isOver()) return;
    const before = changes.get()!.n;
    if (memory.attempt(WAIT, merge) === "busy") return;
    // So FTS5 says that there was nothing to do.
    if (changes.get()!.n - before < 2) return;
  }
}

/** Sign bits of which no vector is left. They fill up in the order of the chunks, so that the oldest are looked at. */
function removeDeadSegments(memory: MemoryDatabase): void {
  const oldest = memory.query<{ id: number; embedder: number; numbers: Uint8Array }, []>(
    `SELECT id, embedder, numbers FROM vector_segments
     WHERE id IN (SELECT min(id) FROM vector_segments WHERE scope = 2 GROUP BY embedder HAVING count(*) > 1)`,
  );
  const left = memory.query("SELECT 1 FROM chunk_vectors WHERE id IN (SELECT value FROM json_each(?)) LIMIT 1");
  for (let found = true; found; ) {
    found = false;
    for (const { id, embedder, numbers } of oldest.all()) {
      const ids = Array.from(new Uint32Array(numbers.slice().buffer), (n) => embedder * SPAN + n);
      if (left.get(JSON.stringify(ids))) continue;
      memory.query("DELETE FROM vector_segments WHERE id = ?").run(id);
      found = true;
    }
  }
}

/** Removes usage events of before that time, the oldest first: habits are mined of younger ones. False as in `pruneWords`. */
export async function pruneUsage(
  memory: MemoryDatabase,
  { most, before, isOver, onRemoved }: Removal,
): Promise<boolean> {
  while (usedBytes(memory) > most) {
    await giveWay();
    if (isOver()) return false;
    const gone = memory.attempt(WAIT, () =>
      memory
        .query<{ at: string }, [string, number]>(
          `DELETE FROM usage_events WHERE id IN (SELECT id FROM usage_events WHERE timestamp < ? ORDER BY timestamp LIMIT ?)
           RETURNING timestamp AS at`,
        )
        .all(before, AT_ONCE),
    );
    if (gone === "busy") return false;
    if (gone.length === 0) break;
    onRemoved({ rows: gone.length, upto: gone.reduce((newest, { at }) => (at > newest ? at : newest), "") });
  }
  return true;
}
