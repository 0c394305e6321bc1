import { termsOf, wordSet } from "../base/words.ts";
import { dotSparse, Hashing, type Recipe, type SparseVector } from "./embedder.ts";
import type { Rarity } from "./rarity.ts";

/** So many places that words hardly ever clash: two texts are compared, not searched for. */
const DIMENSIONS = 2048;
/** Words and their order decide here, and rare words more: what only looks alike is not about the same. */
const COMPARING: Recipe = { grams: 0.6, pairs: 0.4, sharpness: 1 };
/**
 * Two texts are about the same where they are this much alike, by how many telling terms they share: none, one, two or
 * more. Chosen on made-up tasks and lessons (test/memory/recall.test.ts has some) so that of unrelated pairs none pass.
 */
const ALIKE = [0.3, 0.2, 0.1];
/** Names are looked for in so much of a text, UTF-16 units: one endless word would take for ever. */
const MOST_NAMED = 2000;
/** What is as like as this says the same, if nothing in it says otherwise (PRODUCT.md section 3). */
const SAME = 0.8;
/** Of the terms of two texts, those that both have, from which on they speak of the same thing. */
const SAME_SUBJECT = 0.55;
/** Of the terms of both, those that both have; and of the shorter one's, those that stand in the same order. */
const SAME_TERMS = 0.6;
const SAME_ORDER = 0.8;

/** A text ready to be compared. */
export interface Portrait {
  text: string;
  terms: string[];
  /** Those of its terms that say what it is about. */
  telling: ReadonlySet<string>;
  vector: SparseVector;
}

/** How two texts compare. `score`: the cosine of their weighed words, 0 to 1. */
export interface Comparison {
  score: number;
  /** Telling terms that both have. */
  shared: number;
}

/** Compares texts word by word, weighed by how rare the words are. */
export class Likeness {
  readonly #hashing: Hashing;
  readonly #rarity: Rarity;

  constructor(rarity: Rarity) {
    this.#rarity = rarity;
    this.#hashing = new Hashing(rarity, DIMENSIONS, COMPARING);
  }

  portrait(text: string): Portrait {
    const terms = termsOf(text);
    const telling = new Set(terms.filter((term) => this.#rarity.isTelling(term)));
    return { text, terms, telling, vector: this.#hashing.embedSparse(terms) };
  }
}

export function compare(a: Portrait, b: Portrait): Comparison {
  const shared = [...b.telling].filter((term) => a.telling.has(term)).length;
  return { score: Math.max(0, dotSparse(a.vector, b.vector)), shared };
}

/** Whether two texts are about the same thing: a wrong memory costs more than none. `factor` above 1 is more generous. */
export function isRelated({ score, shared }: Comparison, factor = 1): boolean {
  return score * factor >= ALIKE[Math.min(shared, ALIKE.length - 1)]!;
}

/** Words that turn a sentence round or say what comes before what. Stems, as terms are. */
const turning = wordSet(
  `not never no dont doesnt didnt cannot cant wont isnt arent without avoid neither nor stop instead rather than over befor
   after first last alway onli except unless until with enabl disabl allow deni add remov true fals more less min max
   minimum maximum upper lower ascend descend left right open close start on off`,
);

/**
 * Whether two lessons say the same, so that one of them is enough. Alike alone does not do: "do" and "do not", other
 * numbers, names or paths, or what stands on which side of "instead of" make another lesson.
 */
export function saysTheSame(a: Portrait, b: Portrait): boolean {
  if (compare(a, b).score <= SAME) return false;
  const [left, right] = [new Set(a.terms), new Set(b.terms)];
  const both = [...left].filter((term) => right.has(term));
  if (both.length < SAME_TERMS * new Set([...left, ...right]).size) return false;
  const differing = [...left, ...right].filter((term) => !left.has(term) || !right.has(term));
  if (differing.some((term) => turning().has(term) || /\d/.test(term))) return false;
  if (!sameEntries(namesIn(a.text), namesIn(b.text)) || turns(a.terms) !== turns(b.terms)) return false;
  return !a.terms.some((term) => turning().has(term)) || inOrder(a.terms, b.terms);
}

/**
 * Whether one says of the same thing something else than the other: nearly the same words, about the same names, but another
 * value or direction. Then what was said later counts.
 */
export function saysOtherwise(a: Portrait, b: Portrait): boolean {
  const [left, right] = [new Set(a.terms), new Set(b.terms)];
  const both = [...left].filter((term) => right.has(term)).length;
  if (both < SAME_SUBJECT * (left.size + right.size - both) || saysTheSame(a, b)) return false;
  const named = (text: string) => namesIn(text).filter((name) => /[a-z]/i.test(name));
  return sameEntries(named(a.text), named(b.text));
}

/** How often a text turns round: "do not" and "do not … not" are two things. */
function turns(terms: readonly string[]): number {
  return terms.filter((term) => turning().has(term)).length;
}

/** Whether one is about what the other forbids: alike, and only one of the two says no. */
export function contradicts(a: Portrait, b: Portrait): boolean {
  return compare(a, b).score >= 0.5 && negations(a.terms) % 2 !== negations(b.terms) % 2;
}

const negating = wordSet("not never no dont doesnt didnt cannot cant wont isnt arent without avoid neither nor");

function negations(terms: readonly string[]): number {
  return terms.filter((term) => negating().has(term)).length;
}

/** What is no word of prose: paths, names with capitals or underscores inside, what stands in quotation marks, numbers. */
function namesIn(text: string): string[] {
  const found =
    text.slice(0, MOST_NAMED).match(/`[^`\n]+`|"[^"\n]+"|[\w./:@-]*(?:[\w][./:@_][\w]|[a-z][A-Z]|\d)[\w./:@-]*/g) ?? [];
  return [...new Set(found.map((name) => name.replace(/^[`"]|[`".,:]$/g, "").replace(/[.,:]+$/, "")))].sort();
}

function sameEntries(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((entry, at) => entry === b[at]);
}

/** Whether most of the terms stand in the same order (longest common subsequence). */
function inOrder(a: readonly string[], b: readonly string[]): boolean {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const term of a) {
    const next = [0];
    for (let at = 1; at <= b.length; at++) {
      next[at] = term === b[at - 1] ? row[at - 1]! + 1 : Math.max(row[at]!, next[at - 1]!);
    }
    row = next;
  }
  return row[b.length]! >= SAME_ORDER * Math.min(a.length, b.length);
}
