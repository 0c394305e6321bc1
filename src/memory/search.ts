import { termsOf } from "../base/words.ts";
import type { MemoryDatabase } from "./database.ts";
import { fuse, mostFused } from "./fusion.ts";
import { findKeywords, rankByAll, rarest } from "./keywords.ts";
import type { Scope } from "./scope.ts";
import type { Space, Spaces } from "./spaces.ts";
import { freshness } from "./times.ts";
import { RERANKED } from "./vectors.ts";

/** How deep each of the two lists goes. */
const DEPTH = 100;
/** Keyword hits that a thorough search ranks anew. */
const RANKED = 200;
/** What a quick search reads: entries of the keyword index, and vectors that are compared exactly. */
const QUICK_ENTRIES = 3000;
const QUICK_RERANKED = 128;
/**
 * Vectors of the built-in embedder that have nothing in common are this near by chance, about three times in a thousand:
 * three standard deviations of 1/√384.
 */
const BUILTIN_FLOOR = 0.15;
/** What freshness and confidence add at most to a score. They decide between hits that are about as good. */
const FRESH_BONUS = 0.1;
const SURE_BONUS = 0.1;

/** What is searched for. */
export interface SearchQuery {
  text: string;
  /**
   * Ranks keyword hits by all terms of the query and not only by its rarest, and compares more vectors exactly. It costs some
   * milliseconds; who compares the texts himself does without.
   */
  thorough?: boolean;
  /** The query in a provider's vectors, and how near counts as near; else the built-in embedder's are asked. */
  provided?: ProvidedQuery | undefined;
}

/** A query ready to be looked for, in any scope: cut into terms, weighed, as a vector. */
export interface Question {
  terms: readonly string[];
  /** Those that the keyword index is asked for. */
  rarest: readonly string[];
  space: Space;
  vector: Float32Array;
  /** How near counts as near. */
  floor: number;
  /** The vector is a provider's model's: it sees what words do not show. */
  isProvided: boolean;
  thorough: boolean;
}

export interface ProvidedQuery {
  space: Space;
  vector: Float32Array;
  floor: number;
}

/** A chunk that was found. */
export interface Found {
  n: number;
  id: string;
  kind: string;
  source: string;
  text: string;
  workspace: string | null;
  createdAt: string;
  /** 0..1; 1 is the first of both lists. */
  score: number;
  /** By vector; undefined where keywords alone found it. */
  cosine: number | undefined;
}

interface ChunkRow extends Omit<Found, "score" | "cosine"> {
  confidence: number | null;
}

/** Makes a query ready. */
export function questionOf(database: MemoryDatabase, spaces: Spaces, query: SearchQuery): Question {
  const { provided, thorough = false } = query;
  const terms = termsOf(query.text);
  const space = provided?.space ?? spaces.builtin();
  return {
    terms,
    rarest: rarest(database, terms, thorough ? undefined : QUICK_ENTRIES),
    space,
    vector: provided?.vector ?? spaces.hashing(space).embed(terms),
    floor: provided?.floor ?? BUILTIN_FLOOR,
    isProvided: provided !== undefined,
    thorough,
  };
}

/** Keywords and vectors, merged by reciprocal rank; then freshness and confidence as mild factors. Best first. */
export function search(
  database: MemoryDatabase,
  spaces: Spaces,
  question: Question,
  { scopes, most }: { scopes: readonly Scope[]; most: number },
  now: number,
): Found[] {
  const { terms, rarest, thorough } = question;
  const keywords = thorough
    ? rankByAll(database, terms, findKeywords(database, rarest, scopes, RANKED)).slice(0, DEPTH)
    : findKeywords(database, rarest, scopes, DEPTH);
  const near = nearest(spaces, question, scopes);
  const cosines = new Map(near.map(({ n, cosine }) => [n, cosine]));
  const fused = fuse([keywords, [...cosines.keys()]]);
  const best = [...fused].sort((a, b) => b[1] - a[1] || b[0] - a[0]).slice(0, most * 2 + 10);
  const rows = new Map(
    readChunks(
      database,
      best.map(([n]) => n),
    ).map((row) => [row.n, row]),
  );
  const found = best.flatMap(([n, score]) => {
    const row = rows.get(n);
    if (!row) return [];
    const { confidence, ...chunk } = row;
    const bonus = 1 + FRESH_BONUS * freshness(chunk.createdAt, now) + SURE_BONUS * (confidence ?? 0.5);
    const highest = mostFused(2) * (1 + FRESH_BONUS + SURE_BONUS);
    return [{ ...chunk, score: Math.min(1, (score * bonus) / highest), cosine: cosines.get(n) }];
  });
  return found.sort((a, b) => b.score - a.score || b.n - a.n).slice(0, most);
}

function nearest(spaces: Spaces, { space, vector, floor, thorough }: Question, scopes: readonly Scope[]) {
  // A vector of nothing is as near to all.
  if (vector.every((value) => value === 0)) return [];
  return spaces
    .vectors(space)
    .nearest(vector, scopes, DEPTH, thorough ? RERANKED : QUICK_RERANKED)
    .filter(({ cosine }) => cosine >= floor);
}

function readChunks(database: MemoryDatabase, numbers: readonly number[]): ChunkRow[] {
  return database
    .query<ChunkRow, [string]>(
      `SELECT c.n, c.id, c.kind, c.source, c.text, c.workspace, c.created_at AS createdAt, l.confidence
       FROM memory_chunks AS c
       LEFT JOIN learnings AS l ON c.kind = 'learning' AND l.id = substr(c.source, 10)
       WHERE c.n IN (SELECT value FROM json_each(?))`,
    )
    .all(JSON.stringify(numbers));
}
