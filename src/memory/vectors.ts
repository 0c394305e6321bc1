import { Nearest, SignBits } from "./bits.ts";
import type { MemoryDatabase } from "./database.ts";
import { dot } from "./embedder.ts";
import { type Scope, SPAN } from "./scope.ts";

/** Vectors of a segment. */
const SEGMENT = 4096;
/**
 * So many of the nearest by sign bits are compared exactly. Where there are no more than these, all are. On the pairs of
 * bench/memory 256 lose nearly two points, and reading them is most of what a search costs.
 */
export const RERANKED = 512;

/** A vector that is to be kept. */
export interface VectorRow {
  n: number;
  scope: Scope;
  vector: Float32Array;
}

/** How near a chunk is. */
export interface Near {
  n: number;
  cosine: number;
}

interface SegmentRow {
  id: number;
  count: number;
  numbers: Uint8Array;
  bits: Uint8Array;
}

/** The vectors of one set (spaces.ts): the floats of each chunk, which are the truth, and segments of sign bits to scan. */
export class Vectors {
  readonly #database: MemoryDatabase;
  readonly #space: number;
  readonly #signs: SignBits;

  constructor(database: MemoryDatabase, space: { id: number; dimensions: number }) {
    this.#database = database;
    this.#space = space.id;
    this.#signs = new SignBits(space.dimensions);
  }

  /** Keeps vectors; one that a chunk has already is replaced. To be called in a transaction. */
  put(rows: readonly VectorRow[]): void {
    const insert = this.#database.query("INSERT OR REPLACE INTO chunk_vectors (id, vector) VALUES (?, ?)");
    for (const { n, vector } of rows) insert.run(this.#space * SPAN + n, bytesOf(vector));
    for (const scope of new Set(rows.map((row) => row.scope))) {
      this.#append(
        scope,
        rows.filter((row) => row.scope === scope),
      );
    }
  }

  #append(scope: Scope, rows: readonly VectorRow[]): void {
    const { words } = this.#signs;
    for (let at = 0; at < rows.length; ) {
      const last = this.#lastSegment(scope);
      const open = last && last.count < SEGMENT ? last : undefined;
      const before = open?.count ?? 0;
      const added = rows.slice(at, at + SEGMENT - before);
      const numbers = new Uint32Array(before + added.length);
      const bits = new Uint32Array(numbers.length * words);
      if (open) {
        numbers.set(wordsOf(open.numbers));
        bits.set(wordsOf(open.bits));
      }
      added.forEach(({ n, vector }, index) => {
        numbers[before + index] = n;
        this.#signs.write(vector, bits, (before + index) * words);
      });
      this.#database
        .query(
          "INSERT OR REPLACE INTO vector_segments (id, embedder, scope, count, numbers, bits) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .run(open?.id ?? null, this.#space, scope, numbers.length, bytesOf(numbers), bytesOf(bits));
      at += added.length;
    }
  }

  #lastSegment(scope: Scope): SegmentRow | null {
    return this.#database
      .query<SegmentRow, [number, number]>(
        "SELECT id, count, numbers, bits FROM vector_segments WHERE embedder = ? AND scope = ? ORDER BY id DESC LIMIT 1",
      )
      .get(this.#space, scope);
  }

  /** How many places there are to scan; a chunk that was replaced or forgotten may count still. */
  count(scope: Scope): number {
    const row = this.#database
      .query<{ count: number | null }, [number, number]>(
        "SELECT sum(count) AS count FROM vector_segments WHERE embedder = ? AND scope = ?",
      )
      .get(this.#space, scope);
    return row?.count ?? 0;
  }

  /** The vector of a chunk, where it has one. */
  of(n: number): Float32Array | undefined {
    const row = this.#database
      .query<{ vector: Uint8Array }, [number]>("SELECT vector FROM chunk_vectors WHERE id = ?")
      .get(this.#space * SPAN + n);
    return row ? floatsOf(row.vector) : undefined;
  }

  /**
   * The chunks of these scopes that are nearest to `query`, nearest first, at most `most`. `reranked`: how many
   * candidates the sign bits give for the exact comparison; Infinity compares every vector.
   */
  nearest(query: Float32Array, scopes: readonly Scope[], most: number, reranked = RERANKED): Near[] {
    const candidates = this.#candidates(query, scopes, reranked);
    // One statement for all of them: a call for each would cost more than the reading.
    const rows = this.#database
      .query<[number, Uint8Array], [string]>(
        "SELECT id, vector FROM chunk_vectors WHERE id IN (SELECT value FROM json_each(?))",
      )
      .values(JSON.stringify(candidates.map((n) => this.#space * SPAN + n))) as [number, Uint8Array][];
    const near = rows.map(([id, vector]) => ({ n: id - this.#space * SPAN, cosine: dot(query, floatsOf(vector)) }));
    return near.sort((a, b) => b.cosine - a.cosine || b.n - a.n).slice(0, most);
  }

  /** In the order in which they lie on disk. */
  #candidates(query: Float32Array, scopes: readonly Scope[], most: number): number[] {
    const total = scopes.reduce<number>((sum, scope) => sum + this.count(scope), 0);
    if (total <= most) return this.#numbers(scopes);
    const nearest = new Nearest(this.#signs.of(query), most);
    const segments = this.#database.query<SegmentRow, [number, number]>(
      "SELECT id, count, numbers, bits FROM vector_segments WHERE embedder = ? AND scope = ?",
    );
    for (const scope of scopes) {
      for (const { bits, numbers } of segments.iterate(this.#space, scope))
        nearest.scan(wordsOf(bits), wordsOf(numbers));
    }
    return nearest.result().sort((a, b) => a - b);
  }

  #numbers(scopes: readonly Scope[]): number[] {
    const numbers = new Set<number>();
    const segments = this.#database.query<{ numbers: Uint8Array }, [number, number]>(
      "SELECT numbers FROM vector_segments WHERE embedder = ? AND scope = ?",
    );
    for (const scope of scopes) {
      for (const row of segments.all(this.#space, scope)) for (const n of wordsOf(row.numbers)) numbers.add(n);
    }
    return [...numbers].sort((a, b) => a - b);
  }
}

function bytesOf(values: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Blobs may begin anywhere in their buffer; numbers may not. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const from = aligned(bytes);
  return new Uint32Array(from.buffer, from.byteOffset, from.byteLength >>> 2);
}

function floatsOf(bytes: Uint8Array): Float32Array {
  const from = aligned(bytes);
  return new Float32Array(from.buffer, from.byteOffset, from.byteLength >>> 2);
}
