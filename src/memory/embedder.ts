import { termsOf } from "../base/words.ts";
import { hashOf, mixed } from "./hash.ts";
import type { Rarity } from "./rarity.ts";

/** Length of the built-in embedder's vectors. */
export const BUILTIN_DIMENSIONS = 384;
/** What its vectors are made by: another number where the code makes other vectors of the same texts. */
export const BUILTIN_REF = "builtin/hashed-1";

/** A word is spread over so many places, so that a single clash does not hide it. */
const PROBES = 4;
const GRAM_LENGTH = 3;

/**
 * What the parts of a word together, and a pair of neighbours, weigh beside the word itself, and how sharply rarity counts
 * (as a power; both texts are weighed by it).
 */
export interface Recipe {
  grams: number;
  pairs: number;
  sharpness: number;
}

/** Finds the most among many. Chosen on half of the pairs of bench/memory. */
const FINDING: Recipe = { grams: 1.2, pairs: 0.2, sharpness: 0.6 };

/** Pairs are looked for in so many terms at most: a long text has its words, and pairs add only noise. */
const MOST_PAIRED = 200;
const MOST_TERMS = 20_000;

/** A vector of length 1 by those places that may not be zero, in ascending order. */
export interface SparseVector {
  places: Uint16Array;
  values: Float32Array;
}

interface Features {
  hash: number;
  weight: number;
  /** Places of the word and of its parts: twice the place, and 1 where the sign is minus. */
  word: Uint16Array;
  grams: Uint16Array;
  /** Of the text that is read: which one it is, and how often the term came so far. */
  text: number;
  count: number;
}

/** Terms met so far, kept because the same words come again and again. */
const MOST_KEPT = 60_000;

/**
 * Turns terms into vectors by signed hashing: words, their parts of three characters and pairs of neighbours, weighed by
 * their rarity. Deterministic, offline, microseconds a text.
 */
export class Hashing {
  readonly dimensions: number;
  readonly #rarity: Rarity;
  readonly #recipe: Recipe;
  readonly #kept = new Map<string, Features>();
  /** All zero between two calls. */
  #scratch: Float32Array | undefined;
  #texts = 0;

  /** More dimensions mean fewer clashes: 384 are stored, thousands compare two texts almost exactly. At most 32,768. */
  constructor(rarity: Rarity, dimensions = BUILTIN_DIMENSIONS, recipe = FINDING) {
    this.dimensions = dimensions;
    this.#recipe = recipe;
    this.#rarity = rarity;
  }

  /** A vector of length 1; all zero where there are no terms. */
  embed(terms: readonly string[]): Float32Array {
    const vector = new Float32Array(this.dimensions);
    this.#add(terms, vector);
    return normalised(vector);
  }

  /** The same vector without its zeros: with many dimensions most are. */
  embedSparse(terms: readonly string[]): SparseVector {
    this.#scratch ??= new Float32Array(this.dimensions);
    const vector = this.#scratch;
    const pairs: number[] = [];
    const met = this.#add(terms, vector, pairs);
    const touched = new Uint16Array(
      met.reduce((sum, { word, grams }) => sum + word.length + grams.length, pairs.length),
    );
    let count = 0;
    for (const { word, grams } of met) {
      for (let at = 0; at < word.length; at++) touched[count++] = word[at]! >> 1;
      for (let at = 0; at < grams.length; at++) touched[count++] = grams[at]! >> 1;
    }
    touched.set(pairs, count);
    touched.sort();
    let kept = 0;
    for (let at = 0; at < touched.length; at++) {
      if (at === 0 || touched[at] !== touched[at - 1]) touched[kept++] = touched[at]!;
    }
    const places = touched.subarray(0, kept);
    const values = new Float32Array(kept);
    for (let at = 0; at < kept; at++) {
      values[at] = vector[places[at]!]!;
      vector[places[at]!] = 0;
    }
    return { places, values: normalised(values) };
  }

  /** Adds what terms weigh to a vector; the places of pairs to `pairs`. Returns the terms, each once. */
  #add(terms: readonly string[], vector: Float32Array, pairs?: number[]): Features[] {
    const text = ++this.#texts;
    const met: Features[] = [];
    const read = Math.min(terms.length, MOST_TERMS);
    let before: Features | undefined;
    for (let at = 0; at < read; at++) {
      const features = this.#features(terms[at]!);
      if (features.text !== text) {
        features.text = text;
        features.count = 0;
        met.push(features);
      }
      features.count++;
      if (before && at < MOST_PAIRED) {
        const place = this.#addPair(vector, before, features);
        pairs?.push(place);
      }
      before = features;
    }
    for (const features of met) {
      const weight = features.weight * (1 + Math.log(features.count));
      spread(vector, features.word, weight);
      spread(vector, features.grams, weight * this.#recipe.grams);
    }
    return met;
  }

  embedText(text: string): Float32Array {
    return this.embed(termsOf(text));
  }

  #addPair(vector: Float32Array, a: Features, b: Features): number {
    const hash = mixed(Math.imul(a.hash, 31) ^ b.hash);
    const weight = this.#recipe.pairs * Math.sqrt(a.weight * b.weight);
    const place = (hash >>> 1) % this.dimensions;
    vector[place]! += hash & 1 ? -weight : weight;
    return place;
  }

  #features(term: string): Features {
    const known = this.#kept.get(term);
    if (known) return known;
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    const hash = hashOf(term);
    const features = {
      hash,
      weight: this.#rarity.weight(term) ** this.#recipe.sharpness,
      word: this.#placesOfWord(hash),
      grams: this.#placesOfGrams(term),
      text: 0,
      count: 0,
    };
    this.#kept.set(term, features);
    return features;
  }

  #placesOfWord(hash: number): Uint16Array {
    const places = new Uint16Array(PROBES);
    for (let probe = 0; probe < PROBES; probe++) {
      places[probe] = this.#place(mixed(hash + Math.imul(probe + 1, 0x9e3779b9)));
    }
    return places;
  }

  #placesOfGrams(term: string): Uint16Array {
    const bounded = `^${term}$`;
    const places = new Uint16Array(Math.max(0, bounded.length - GRAM_LENGTH + 1));
    for (let at = 0; at < places.length; at++) places[at] = this.#place(hashOf(bounded, at, at + GRAM_LENGTH));
    return places;
  }

  #place(hash: number): number {
    return (((hash >>> 1) % this.dimensions) << 1) | (hash & 1);
  }
}

/** `weight` in all, so that a long word is no longer vector than a short one. */
function spread(vector: Float32Array, places: Uint16Array, weight: number): void {
  if (places.length === 0) return;
  const each = weight / Math.sqrt(places.length);
  for (let at = 0; at < places.length; at++) {
    const place = places[at]!;
    vector[place >> 1]! += place & 1 ? -each : each;
  }
}

/** Makes a vector's length 1, in place; a zero vector stays. */
export function normalised(vector: Float32Array): Float32Array {
  let sum = 0;
  for (let at = 0; at < vector.length; at++) sum += vector[at]! * vector[at]!;
  if (sum === 0 || !Number.isFinite(sum)) return vector.fill(0);
  const scale = 1 / Math.sqrt(sum);
  for (let at = 0; at < vector.length; at++) vector[at]! *= scale;
  return vector;
}

/** Inner product; the cosine, where both have length 1. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) sum += a[at]! * b[at]!;
  return sum;
}

/** The same of two sparse vectors. */
export function dotSparse(a: SparseVector, b: SparseVector): number {
  let sum = 0;
  for (let left = 0, right = 0; left < a.places.length && right < b.places.length; ) {
    const from = a.places[left]!;
    const to = b.places[right]!;
    if (from === to) sum += a.values[left]! * b.values[right]!;
    if (from <= to) left++;
    if (to <= from) right++;
  }
  return sum;
}
