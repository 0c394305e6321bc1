import type { Similarity } from "./pattern.ts";
import { type Word, wordsOf } from "./words.ts";

/** A text as numbers: its words by number, ascending, with their weights; `norm` is their length. */
interface Vector {
  ids: number[];
  weights: number[];
  norm: number;
}

/** What is done aside, and what occurs too seldom to be a habit, says little of the kind of a task. */
const ASIDE = 0.5;
const SELDOM = 0.5;
/** Fewer occurrences are seldom. */
const OFTEN = 3;
/** The same sentence with so many different words in one place: that place is a blank that is filled in. */
const LEAST_FILLINGS = 4;
const BLANK = 0.3;
/** Shorter words are other words too often when a letter changes. */
const LEAST_MENDED = 5;

/** Compares the texts of a list, by their places in it. */
export interface Comparison {
  between(one: number, other: number): number;
  /** The same for one text and many others; what it returns is good until the next call. */
  to(one: number): (other: number) => number;
}

/** Compares `texts` as somebody else sees it. */
export function compareBy(similarity: Similarity, texts: readonly string[]): Comparison {
  const between = (one: number, other: number) => similarity(texts[one]!, texts[other]!);
  return { between, to: (one) => (other) => between(one, other) };
}

/**
 * How like these texts are: the cosine of their words, weighed by how few of `all` texts have them. `texts` are some of
 * `all`, whose words are `words`.
 */
export function compareWords(
  texts: readonly string[],
  all: readonly string[],
  words: ReadonlyMap<string, readonly Word[]>,
): Comparison {
  const known = vectorsOf(all, new Map(words));
  const vectors = texts.map((text) => known.get(text)!);
  const holders = new Map<number, { place: number; weight: number }[]>();
  for (const [place, { ids, weights }] of vectors.entries()) {
    for (const [at, id] of ids.entries()) {
      const held = holders.get(id);
      if (held) held.push({ place, weight: weights[at]! });
      else holders.set(id, [{ place, weight: weights[at]! }]);
    }
  }
  const sums = new Float64Array(texts.length);
  return {
    between: (one, other) => (one === other ? 1 : cosine(vectors[one]!, vectors[other]!)),
    to(one) {
      const { ids, weights, norm } = vectors[one]!;
      sums.fill(0);
      for (const [at, id] of ids.entries()) {
        const weight = weights[at]!;
        for (const { place, weight: other } of holders.get(id)!) sums[place]! += weight * other;
      }
      return (other) => (other === one ? 1 : norm && Math.min(1, sums[other]! / (norm * vectors[other]!.norm || 1)));
    },
  };
}

/** The words of each text. */
export function wordsByText(texts: readonly string[]): Map<string, Word[]> {
  return new Map([...new Set(texts)].map((text) => [text, wordsOf(text)]));
}

function vectorsOf(texts: readonly string[], words: Map<string, readonly Word[]>): Map<string, Vector> {
  const counted = new Map<string, number>();
  for (const text of texts) counted.set(text, (counted.get(text) ?? 0) + 1);
  mendMistyped(words, counted);
  const occurrences = occurrencesOf(words, counted);
  const sentences = new Map([...words].map(([, list]) => [sentenceOf(list), list]));
  const spread = new Map<string, number>();
  for (const list of sentences.values()) for (const { stem } of list) spread.set(stem, (spread.get(stem) ?? 0) + 1);
  const blanks = blanksOf(sentences);
  const numbers = new Map([...spread.keys()].sort().map((stem, at) => [stem, at]));
  const weigh = ({ stem, aside }: Word, sentence: string): number => {
    const rarity = Math.log(1 + sentences.size / spread.get(stem)!);
    const blank = blanks.has(`${sentence}\n${stem}`) ? BLANK : 1;
    const seldom = occurrences.get(stem)! < OFTEN ? SELDOM : 1;
    return rarity * Math.min(blank, (aside ? ASIDE : 1) * seldom);
  };
  return new Map(
    [...words].map(([text, list]) => {
      const sentence = sentenceOf(list);
      const ordered = list.toSorted((a, b) => numbers.get(a.stem)! - numbers.get(b.stem)!);
      const weights = ordered.map((word) => weigh(word, sentence));
      const norm = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
      return [text, { ids: ordered.map(({ stem }) => numbers.get(stem)!), weights, norm }];
    }),
  );
}

function occurrencesOf(
  words: ReadonlyMap<string, readonly Word[]>,
  counted: ReadonlyMap<string, number>,
): Map<string, number> {
  const occurrences = new Map<string, number>();
  for (const [text, list] of words) {
    for (const { stem } of list) occurrences.set(stem, (occurrences.get(stem) ?? 0) + counted.get(text)!);
  }
  return occurrences;
}

/** Words whatever their order. */
export function sentenceOf(words: readonly Word[]): string {
  return words
    .map(({ stem }) => stem)
    .sort()
    .join(" ");
}

/** Words that fill a blank, as `sentence\nword`. */
function blanksOf(sentences: ReadonlyMap<string, readonly Word[]>): Set<string> {
  const fillings = new Map<string, string[]>();
  for (const [sentence, words] of sentences) {
    // Two words must be left that say what is done.
    if (words.length < 3) continue;
    for (const [at, { stem }] of words.entries()) {
      // The first word is what is done, not on what.
      if (at === 0) continue;
      const rest = sentenceOf(words.filter((word) => word.stem !== stem));
      const found = fillings.get(rest);
      if (found) found.push(`${sentence}\n${stem}`);
      else fillings.set(rest, [`${sentence}\n${stem}`]);
    }
  }
  return new Set([...fillings.values()].filter((found) => found.length >= LEAST_FILLINGS).flat());
}

/** Words that occur once or twice, and are one that occurs more often but for a letter, are taken for that one. */
function mendMistyped(words: Map<string, readonly Word[]>, counted: ReadonlyMap<string, number>): void {
  const occurrences = occurrencesOf(words, counted);
  const commonFirst = [...occurrences]
    .filter(([stem, count]) => count > 1 && stem.length >= LEAST_MENDED)
    .sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
  const known = new Map<string, string>();
  for (const [stem] of commonFirst) {
    for (const shape of [stem, ...withoutOne(stem)]) if (!known.has(shape)) known.set(shape, stem);
  }
  const mended = new Map<string, string>();
  for (const [stem, count] of occurrences) {
    if (count >= OFTEN || stem.length < LEAST_MENDED) continue;
    const meant = [stem, ...withoutOne(stem)]
      .flatMap((shape) => known.get(shape) ?? [])
      .find((found) => occurrences.get(found)! > count);
    if (meant !== undefined) mended.set(stem, meant);
  }
  if (mended.size === 0) return;
  for (const [text, list] of words) {
    if (!list.some(({ stem }) => mended.has(stem))) continue;
    const all = list.map((word) => ({ ...word, stem: mended.get(word.stem) ?? word.stem }));
    words.set(
      text,
      all.filter(({ stem }, at) => all.findIndex((other) => other.stem === stem) === at),
    );
  }
}

/** The word with one letter missing, each in turn. */
function withoutOne(word: string): string[] {
  return Array.from({ length: word.length }, (_, at) => word.slice(0, at) + word.slice(at + 1));
}

function cosine(a: Vector, b: Vector): number {
  if (a.norm === 0 || b.norm === 0) return 0;
  let sum = 0;
  for (let i = 0, j = 0; i < a.ids.length && j < b.ids.length; ) {
    if (a.ids[i]! < b.ids[j]!) i++;
    else if (a.ids[i]! > b.ids[j]!) j++;
    else sum += a.weights[i++]! * b.weights[j++]!;
  }
  return Math.min(1, sum / (a.norm * b.norm));
}
