import type { MemoryDatabase } from "./database.ts";
import { BUILTIN_DIMENSIONS, BUILTIN_REF, Hashing } from "./embedder.ts";
import { indexedChunks } from "./keywords.ts";
import { countRarity, Rarity } from "./rarity.ts";
import { SPAN } from "./scope.ts";
import { Vectors } from "./vectors.ts";

/**
 * A set of vectors that can be compared with each other: those of one provider's model, or those of the built-in embedder
 * under one count of words.
 */
export interface Space {
  id: number;
  ref: string;
  dimensions: number;
  /** Every chunk up to this number has its vector. */
  upto: number;
  complete: boolean;
  /** How many chunks its words were counted in; 0 for a provider's. */
  texts: number;
}

interface SpaceRow extends Omit<Space, "complete"> {
  complete: number;
}

const COLUMNS = "id, ref, dimensions, upto, complete, texts";
/** Words are counted anew when there are so many times as many chunks: a handful of times in a life. */
const GROWTH = 4;
const LEAST_TEXTS = 50;
/** Vectors of a set that is not needed any more, removed at a time. */
const REMOVED_AT_ONCE = 2000;

/** The sets of vectors that there are. */
export class Spaces {
  readonly #database: MemoryDatabase;
  readonly #now: () => number;
  readonly #hashings = new Map<string, Hashing>();
  readonly #vectors = new Map<number, Vectors>();

  constructor(database: MemoryDatabase, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  /** The built-in embedder's set that is searched, and into which every chunk goes at once. Made where there is none. */
  builtin(): Space {
    const found = this.#builtins().findLast(({ complete }) => complete);
    return found ?? this.#make(`${BUILTIN_REF}@0`, BUILTIN_DIMENSIONS, { texts: 0, complete: true });
  }

  /** The one that will take its place, while it is being filled. */
  coming(): Space | undefined {
    const last = this.#builtins().at(-1);
    return last && !last.complete ? last : undefined;
  }

  #builtins(): Space[] {
    return this.#all().filter(({ ref }) => ref.startsWith(`${BUILTIN_REF}@`));
  }

  #all(): Space[] {
    return this.#database.query<SpaceRow, []>(`SELECT ${COLUMNS} FROM embedders ORDER BY id`).all().map(spaceOf);
  }

  /** The set of a provider's model. */
  of(ref: string): Space | undefined {
    const row = this.#database.query<SpaceRow, [string]>(`SELECT ${COLUMNS} FROM embedders WHERE ref = ?`).get(ref);
    return row ? spaceOf(row) : undefined;
  }

  /** The set of a provider's model, made where there is none; anew where its vectors have another length now. */
  provided(ref: string, dimensions: number): Space {
    const found = this.of(ref);
    if (found?.dimensions === dimensions) return found;
    if (found) this.#database.query("UPDATE embedders SET ref = ref || '#' || id WHERE id = ?").run(found.id);
    return this.#make(ref, dimensions, { texts: 0, complete: false });
  }

  /** Begins a new set of the built-in embedder, where there are so many more chunks that words weigh otherwise. */
  renew(): void {
    const texts = indexedChunks(this.#database);
    const { texts: counted } = this.builtin();
    if (this.coming() || texts < Math.max(LEAST_TEXTS, GROWTH * counted)) return;
    const words = this.#database
      .query<{ term: string; texts: number }, []>(
        "SELECT term, chunks AS texts FROM chunk_terms WHERE chunks > 1 AND term <> ''",
      )
      .iterate();
    const rarity = countRarity(words);
    this.#make(`${BUILTIN_REF}@${texts}`, BUILTIN_DIMENSIONS, { texts, complete: false, rarity });
  }

  #make(ref: string, dimensions: number, facts: { texts: number; complete: boolean; rarity?: Uint8Array }): Space {
    // Another process may have made it just now.
    this.#database
      .query(
        "INSERT OR IGNORE INTO embedders (ref, dimensions, complete, texts, rarity, created_at) VALUES (?, ?, ?, ?, ?, ?)",
      )
      .run(
        ref,
        dimensions,
        Number(facts.complete),
        facts.texts,
        facts.rarity ?? null,
        new Date(this.#now()).toISOString(),
      );
    const made = this.of(ref);
    if (!made) throw new Error(`the set of vectors ${ref} cannot be made`);
    return made;
  }

  /** Says that a set has every vector up to chunk number `upto`. In a transaction. */
  advance(space: Space, upto: number, complete: boolean): void {
    this.#database
      .query("UPDATE embedders SET upto = max(upto, ?), complete = max(complete, ?) WHERE id = ?")
      .run(upto, Number(complete), space.id);
  }

  vectors(space: Space): Vectors {
    const known = this.#vectors.get(space.id);
    if (known) return known;
    const vectors = new Vectors(this.#database, space);
    this.#vectors.set(space.id, vectors);
    return vectors;
  }

  /** What embeds into a set of the built-in embedder. */
  hashing({ ref }: Space): Hashing {
    const known = this.#hashings.get(ref);
    if (known) return known;
    const hashing = new Hashing(this.rarity(ref));
    this.#hashings.set(ref, hashing);
    return hashing;
  }

  rarity(ref: string): Rarity {
    const row = this.#database
      .query<{ texts: number; rarity: Uint8Array | null }, [string]>(
        "SELECT texts, rarity FROM embedders WHERE ref = ?",
      )
      .get(ref);
    return new Rarity(row?.texts ?? 0, row?.rarity ?? new Uint8Array(0));
  }

  /**
   * Removes sets that nothing needs: older ones of the built-in embedder, and other providers' once that of `provider`
   * is complete. A piece at a time; false where more is left.
   */
  retire(provider: string | undefined): boolean {
    const keep = new Set([this.builtin().id, this.coming()?.id]);
    const current = provider === undefined ? undefined : this.of(provider);
    const old = this.#all().find(({ id, ref }) => {
      if (keep.has(id) || id === current?.id) return false;
      return ref.startsWith("builtin/") || current?.complete === true;
    });
    if (!old) return true;
    this.#database.transaction(() => {
      const { changes } = this.#database
        .query("DELETE FROM chunk_vectors WHERE id IN (SELECT id FROM chunk_vectors WHERE id BETWEEN ? AND ? LIMIT ?)")
        .run(old.id * SPAN, (old.id + 1) * SPAN - 1, REMOVED_AT_ONCE);
      if (changes === REMOVED_AT_ONCE) return;
      this.#database.query("DELETE FROM vector_segments WHERE embedder = ?").run(old.id);
      this.#database.query("DELETE FROM embedders WHERE id = ?").run(old.id);
    });
    return false;
  }
}

function spaceOf(row: SpaceRow): Space {
  return { ...row, complete: row.complete === 1 };
}
