import { termsOf } from "../base/words.ts";
import type { MemoryDatabase } from "./database.ts";
import { hashOf, mixed } from "./hash.ts";
import { putKeywords, type TermCounts, writeCounts } from "./keywords.ts";
import { patiently } from "./patience.ts";
import { SPAN, scopeOf } from "./scope.ts";
import type { Space, Spaces } from "./spaces.ts";
import type { VectorRow } from "./vectors.ts";

/** Chunks in one transaction: other processes wait a few dozen milliseconds at most. */
const AT_ONCE = 1024;
/** Terms whose counts wait to be written. */
const MOST_COUNTS = 50_000;
/** Texts in one request of ours to a provider's embedder, which batches by its own limits too: what a cut loses. */
const PAID_AT_ONCE = 64;

interface ChunkRow {
  n: number;
  kind: string;
  text: string;
}

/** Until when work may go on. `spent` is asked between pieces of work. */
export interface Allowance {
  spent(): boolean;
}

/**
 * Puts the chunks that wait into the keyword index and the built-in embedder's vectors, learnings first, then tasks.
 * True where none is left. Two processes that do so at once do no harm.
 */
export function indexWaiting(database: MemoryDatabase, spaces: Spaces, allowance: Allowance): boolean {
  const counts: TermCounts = new Map();
  try {
    for (;;) {
      const waiting = nextWaiting(database);
      if (waiting.length === 0) return true;
      indexChunks(database, spaces, waiting, counts);
      if (counts.size > MOST_COUNTS) writeCounts(database, counts);
      if (allowance.spent()) return nextWaiting(database, 1).length === 0;
    }
  } finally {
    if (counts.size > 0) writeCounts(database, counts);
  }
}

/** A piece of work may hold every kind, so that however short the time, what is first in each is there. */
function nextWaiting(database: MemoryDatabase, most = AT_ONCE): ChunkRow[] {
  const rows: ChunkRow[] = [];
  for (const kinds of ["= 'learning'", "= 'task'", "NOT IN ('learning', 'task')"]) {
    if (rows.length >= most) break;
    rows.push(
      ...database
        .query<ChunkRow, [number]>(
          `SELECT n, kind, text FROM memory_chunks INDEXED BY idx_chunks_waiting WHERE terms IS NULL AND kind ${kinds} LIMIT ?`,
        )
        .all(most - rows.length),
    );
  }
  return rows;
}

/** In one transaction; chunks that another process has put there meanwhile are left out. */
function indexChunks(database: MemoryDatabase, spaces: Spaces, chunks: readonly ChunkRow[], counts: TermCounts): void {
  // The arithmetic comes before the lock.
  const before = spaces.builtin();
  const hashing = spaces.hashing(before);
  const made = chunks.map((chunk) => {
    const terms = termsOf(chunk.text);
    return { ...chunk, scope: scopeOf(chunk.kind), terms, vector: hashing.embed(terms), hash: textHash(chunk.text) };
  });
  database.transaction(() => {
    const mark = database.query(
      "UPDATE memory_chunks SET terms = ?, hash = ? WHERE n = ? AND terms IS NULL AND text = ?",
    );
    const ours = made.filter(({ n, terms, hash, text }) => mark.run(terms.length, hash, n, text).changes > 0);
    putKeywords(database, ours, counts);
    const space = spaces.builtin();
    // Another process has made a newer set the one that is searched.
    const other = space.id === before.id ? undefined : spaces.hashing(space);
    spaces.vectors(space).put(other ? ours.map((row) => ({ ...row, vector: other.embed(row.terms) })) : ours);
  });
}

/** Of a text, within 52 bits; who finds one compares the texts too. */
export function textHash(text: string): number {
  return hashOf(text) * 2 ** 20 + (mixed(hashOf(text, text.length >>> 1) ^ text.length) >>> 12);
}

/** What makes vectors of texts, in order; undefined where it failed. */
export type Embed = (texts: readonly string[]) => Promise<readonly Float32Array[] | undefined>;

/**
 * Gives chunks that have none their vector in this set, oldest first, as long as the allowance lasts. True where the
 * set has caught up or nothing can be embedded.
 */
export async function fillSpace(
  database: MemoryDatabase,
  spaces: Spaces,
  name: Pick<Space, "ref">,
  embed: Embed,
  allowance: Allowance,
): Promise<boolean> {
  while (!allowance.spent()) {
    const space = spaces.of(name.ref);
    if (!space) return true;
    const isPaid = !space.ref.startsWith("builtin/");
    const chunks = database
      .query<ChunkRow, [number, number]>("SELECT n, kind, text FROM memory_chunks WHERE n > ? ORDER BY n LIMIT ?")
      .all(space.upto, isPaid ? PAID_AT_ONCE : AT_ONCE);
    if (chunks.length === 0) return finish(database, spaces, space);
    const known = chunks.map(({ text }) => (isPaid ? knownVector(database, spaces, space, text) : undefined));
    const fresh = chunks.filter((_, at) => !known[at]);
    const vectors = fresh.length === 0 ? [] : await embed(fresh.map(({ text }) => text));
    if (!vectors) return true;
    const made = vectors.values();
    const rows = chunks.map(({ n, kind }, at): VectorRow => {
      const vector = known[at] ?? made.next().value ?? new Float32Array(space.dimensions);
      return { n, scope: scopeOf(kind), vector };
    });
    const put = () => {
      if (spaces.of(name.ref)?.id !== space.id) return;
      const there = database.query<{ n: number }, [number, string]>(
        "SELECT n FROM memory_chunks WHERE n = ? AND text = ?",
      );
      const texts = new Map(chunks.map(({ n, text }) => [n, text]));
      spaces.vectors(space).put(rows.filter(({ n }) => there.get(n, texts.get(n) ?? "") !== null));
      spaces.advance(space, chunks.at(-1)!.n, false);
    };
    // They may have been paid for.
    await patiently(() => database.transaction(put));
  }
  return false;
}

/** A set is complete where nothing was written since it was looked at. */
function finish(database: MemoryDatabase, spaces: Spaces, space: Space): boolean {
  return database.transaction(() => {
    const more = database.query("SELECT 1 FROM memory_chunks WHERE n > ?").get(space.upto) !== null;
    if (!more && !space.complete) spaces.advance(space, space.upto, true);
    return !more;
  });
}

/** The vector of another chunk with the same text: nobody pays for a text twice. */
function knownVector(database: MemoryDatabase, spaces: Spaces, space: Space, text: string): Float32Array | undefined {
  const same = database
    .query<{ n: number }, [number, string, number, number]>(
      "SELECT n FROM memory_chunks AS c WHERE hash = ? AND text = ? AND EXISTS (SELECT 1 FROM chunk_vectors WHERE id = ? * ? + c.n) LIMIT 1",
    )
    .get(textHash(text), text, space.id, SPAN);
  return same ? spaces.vectors(space).of(same.n) : undefined;
}
