import { termsOf } from "../base/words.ts";
import type { MemoryDatabase } from "./database.ts";
import { type Scope, SPAN } from "./scope.ts";

/** A query's terms are looked up at most so many; the rarest of them are asked for. */
const MOST_LOOKED_UP = 64;
const MOST_ASKED = 12;
/**
 * A query reads about so many entries of the index at most: its cost grows with how often its words occur. The rarest
 * word is asked for in any case, unless it is in nearly everything.
 */
const MOST_ENTRIES = 6000;
const MOST_ENTRIES_OF_ONE = 60_000;

/** A chunk that is to be found by its terms. */
export interface KeywordRow {
  n: number;
  scope: Scope;
  terms: readonly string[];
}

/** In how many chunks each term was met; "" counts the chunks. */
export type TermCounts = Map<string, number>;

/** Puts chunks into the keyword index, where none of them is yet, and adds to `counts`. To be called in a transaction. */
export function putKeywords(database: MemoryDatabase, rows: readonly KeywordRow[], counts: TermCounts): void {
  const add = (term: string, chunks: number) => counts.set(term, (counts.get(term) ?? 0) + chunks);
  add("", rows.length);
  const insert = database.query("INSERT INTO chunk_words (rowid, words) VALUES (?, ?)");
  for (const { n, scope, terms } of rows) {
    insert.run(scope * SPAN + n, terms.join(" "));
    for (const term of new Set(terms)) add(term, 1);
  }
}

/**
 * Writes counts down and empties them. They only say which words are rare, so that those of a process that was killed
 * before it came to this are no loss.
 */
export function writeCounts(database: MemoryDatabase, counts: TermCounts): void {
  database.transaction(() => {
    const count = database.query(
      "INSERT INTO chunk_terms (term, chunks) VALUES (?, ?) ON CONFLICT (term) DO UPDATE SET chunks = chunks + excluded.chunks",
    );
    for (const [term, chunks] of counts) count.run(term, chunks);
  });
  counts.clear();
}

/** How many chunks were put into the index. */
export function indexedChunks(database: MemoryDatabase): number {
  return chunksWith(database, [""]).get("") ?? 0;
}

/** In how many chunks each of these terms is; those that are nowhere are left out. */
function chunksWith(database: MemoryDatabase, terms: readonly string[]): TermCounts {
  const rows = database
    .query<{ term: string; chunks: number }, [string]>(
      "SELECT term, chunks FROM chunk_terms WHERE term IN (SELECT value FROM json_each(?))",
    )
    .all(JSON.stringify(terms));
  return new Map(rows.map(({ term, chunks }) => [term, chunks]));
}

/**
 * The terms of a query that are asked for: those that occur, rarest first, as many as are cheap. `most`: entries of the
 * index that they may have together.
 */
export function rarest(database: MemoryDatabase, terms: readonly string[], most = MOST_ENTRIES): string[] {
  const looked = [...new Set(terms)].slice(0, MOST_LOOKED_UP);
  const counts = chunksWith(database, looked);
  const known = looked
    .map((term) => ({ term, chunks: counts.get(term) ?? 0 }))
    .filter(({ chunks }) => chunks > 0)
    .sort((a, b) => a.chunks - b.chunks);
  let entries = 0;
  const asked = known.filter(({ chunks }, index) => {
    if (index >= MOST_ASKED) return false;
    entries += chunks;
    return entries <= most || (index === 0 && chunks <= MOST_ENTRIES_OF_ONE);
  });
  return asked.map(({ term }) => term);
}

/** Chunks with at least one of these terms, best first (bm25). `scopes` stand without a gap between them. */
export function findKeywords(
  database: MemoryDatabase,
  asked: readonly string[],
  scopes: readonly Scope[],
  most: number,
): number[] {
  if (asked.length === 0) return [];
  // Terms hold letters and digits alone, so that quotes need no care.
  const match = asked.map((term) => `"${term}"`).join(" OR ");
  return database
    .query<{ id: number }, [string, number, number, number]>(
      "SELECT rowid AS id FROM chunk_words WHERE chunk_words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rank LIMIT ?",
    )
    .all(match, Math.min(...scopes) * SPAN, (Math.max(...scopes) + 1) * SPAN - 1, most)
    .map(({ id }) => id % SPAN);
}

/** BM25's constants, as FTS5 has them. */
const K1 = 1.2;
const B = 0.75;

/**
 * Orders chunks anew by every term of a query, also those that were too frequent to ask the index for: the rarest ones
 * find, all of them rank.
 */
export function rankByAll(database: MemoryDatabase, terms: readonly string[], numbers: readonly number[]): number[] {
  const total = indexedChunks(database);
  const weights = new Map<string, number>();
  const ranking = [...new Set(terms.slice(0, MOST_LOOKED_UP))];
  const known = chunksWith(database, ranking);
  for (const term of ranking) {
    const chunks = Math.min(total, known.get(term) ?? 0);
    weights.set(term, Math.log(1 + (total - chunks + 0.5) / (chunks + 0.5)));
  }
  const texts = database
    .query<{ n: number; text: string }, [string]>(
      "SELECT n, substr(text, 1, 4000) AS text FROM memory_chunks WHERE n IN (SELECT value FROM json_each(?))",
    )
    .all(JSON.stringify(numbers))
    .map(({ n, text }) => ({ n, terms: termsOf(text) }));
  const usual = texts.reduce((sum, each) => sum + each.terms.length, 0) / Math.max(1, texts.length);
  const scored = texts.map((each) => {
    const counts = new Map<string, number>();
    for (const term of each.terms) if (weights.has(term)) counts.set(term, (counts.get(term) ?? 0) + 1);
    const long = K1 * (1 - B + (B * each.terms.length) / usual);
    let score = 0;
    for (const [term, count] of counts) score += (weights.get(term)! * count * (K1 + 1)) / (count + long);
    return { n: each.n, score };
  });
  return scored.sort((a, b) => b.score - a.score || b.n - a.n).map(({ n }) => n);
}
