import { stem, wordSet } from "../base/words.ts";
import { hashOf } from "./hash.ts";

/** Rows and columns of the sketch. */
const ROWS = 2;
const COLUMNS = 1 << 16;
/** Counts are kept as their logarithm, in steps of a twelfth of a doubling: 255 stands for over two million. */
const STEPS = 12;

/** So many made-up texts without a word in them make the first weights even. */
const ASSUMED_TEXTS = 40;
/**
 * Words that say little in what people ask of a coding agent, however rare they are in one user's memory: they weigh this
 * share of a word that was never met at most.
 */
const COMMON_SHARE = 0.3;
const common = wordSet(
  `about add all allow already also always any api app apply are ask avoid back bad because before after best better both
   break bug build call case change check class clean code command commit correct create current data default delete do
   docs done down each edit either end ensure error every example exist fail feature file find first fix folder follow
   format found full function general get give good handle help here how if implement improve include input instead issue
   keep kind know last leave less like line list load long look main make many may method missing mode more most move
   must name need never new next no not note nothing now number object off old once one only open option order other out
   output over page pass path place please point problem program project provide put rather read refactor remove rename
   repo repository request result return right run same save script search second see select send set should show simple
   since single small some something source src start state step still stop string style support sure system table take
   task test text thing three time tool try turn two type under unit until up update use user value version want way well
   when whether while whole without word work write wrong`,
  stem,
);

/** Weights that are kept: the same words come again and again. */
const MOST_WEIGHTS = 30_000;
/** What occurs in more than one of six texts tells little. */
const TELLING = 1.8;

/**
 * How rare words are in the user's own texts, frozen at one moment: vectors can be compared only where the same words
 * weigh the same, so a newer count makes a new set of vectors (spaces.ts).
 */
export class Rarity {
  /** How many texts were counted. */
  readonly texts: number;
  readonly #sketch: Uint8Array;
  readonly #weights = new Map<string, number>();

  /** `sketch` as `countRarity` made it; empty where nothing was counted. */
  constructor(texts: number, sketch: Uint8Array) {
    this.texts = texts;
    this.#sketch = sketch.length === ROWS * COLUMNS ? sketch : new Uint8Array(0);
  }

  /** The weight of a term (IDF), above 0; most for a term that was never met. */
  weight(term: string): number {
    const known = this.#weights.get(term);
    if (known !== undefined) return known;
    const own = Math.max(0.1, this.#weightOf(this.#sketch.length === 0 ? 0 : this.#met(term)));
    const weight = common().has(term) ? Math.min(own, COMMON_SHARE * this.#weightOf(0)) : own;
    if (this.#weights.size >= MOST_WEIGHTS) this.#weights.clear();
    this.#weights.set(term, weight);
    return weight;
  }

  #weightOf(texts: number): number {
    return Math.log((this.texts + ASSUMED_TEXTS + 1) / (texts + 0.5));
  }

  /** Whether a term says what a text is about, and not only that it is a text about code. */
  isTelling(term: string): boolean {
    return !common().has(term) && this.weight(term) >= TELLING;
  }

  #met(term: string): number {
    const hash = hashOf(term);
    const level = Math.min(this.#sketch[firstCell(hash)]!, this.#sketch[secondCell(hash)]!);
    return level === 0 ? 0 : 2 ** (level / STEPS) - 1;
  }
}

/** A sketch of in how many texts each term occurs: 128 KiB however many terms there are; never too rare, seldom too frequent. */
export function countRarity(counts: Iterable<{ term: string; texts: number }>): Uint8Array {
  const sketch = new Uint8Array(ROWS * COLUMNS);
  for (const { term, texts } of counts) {
    const level = Math.min(255, Math.round(Math.log2(texts + 1) * STEPS));
    const hash = hashOf(term);
    for (const cell of [firstCell(hash), secondCell(hash)]) if (sketch[cell]! < level) sketch[cell] = level;
  }
  return sketch;
}

function firstCell(hash: number): number {
  return hash & 0xffff;
}

function secondCell(hash: number): number {
  return COLUMNS + (hash >>> 16);
}
