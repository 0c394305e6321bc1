import type { MemoryDatabase } from "../../src/memory/database.ts";
import { dot } from "../../src/memory/embedder.ts";
import { SPAN } from "../../src/memory/scope.ts";

/**
 * For each query the `most` chunks whose vectors of a set are nearest by their floats, nearest first: what sign bits are
 * compared with. One pass for all queries, because reading a million vectors costs seconds.
 */
export function exactNearest(
  database: MemoryDatabase,
  space: number,
  queries: readonly Float32Array[],
  most: number,
): number[][] {
  const best = queries.map(() => new Best(most));
  const rows = database
    .query<{ id: number; vector: Uint8Array }, [number, number]>(
      "SELECT id, vector FROM chunk_vectors WHERE id BETWEEN ? AND ?",
    )
    .iterate(space * SPAN, (space + 1) * SPAN - 1);
  for (const { id, vector } of rows) {
    const floats = new Float32Array(vector.slice().buffer);
    for (const [at, query] of queries.entries()) best[at]!.offer(id - space * SPAN, dot(query, floats));
  }
  return best.map((each) => each.numbers());
}

/** The `most` best of many: room for as many again before the worse half is thrown away. */
class Best {
  readonly #most: number;
  #kept: { n: number; cosine: number }[] = [];
  #least = Number.NEGATIVE_INFINITY;

  constructor(most: number) {
    this.#most = most;
  }

  offer(n: number, cosine: number): void {
    if (cosine <= this.#least) return;
    this.#kept.push({ n, cosine });
    if (this.#kept.length < 2 * this.#most) return;
    this.#sort();
    this.#least = this.#kept.at(-1)!.cosine;
  }

  numbers(): number[] {
    this.#sort();
    return this.#kept.map(({ n }) => n);
  }

  #sort(): void {
    this.#kept.sort((a, b) => b.cosine - a.cosine || b.n - a.n);
    this.#kept.length = Math.min(this.#kept.length, this.#most);
  }
}
