import { mixed } from "./hash.ts";

/**
 * Turns vectors into sign bits that can be compared by counting: the share of bits that differ estimates the angle.
 * The vector is turned first (random signs, then a Walsh-Hadamard transform, twice), because the signs of a sparse vector's own places say
 * nothing. The bits are stored: what they are made by never changes.
 */
export class SignBits {
  /** Per vector: a power of two, at least 64. */
  readonly bits: number;
  /** 32-bit words per vector. */
  readonly words: number;
  readonly #flips: Float32Array[];
  readonly #turned: Float32Array;

  constructor(dimensions: number) {
    let bits = 64;
    while (bits < dimensions) bits *= 2;
    this.bits = bits;
    this.words = bits / 32;
    this.#flips = [flipsOf(bits, 1), flipsOf(bits, 2)];
    this.#turned = new Float32Array(bits);
  }

  /** Writes the bits of a vector into `out` from word `at` on. */
  write(vector: Float32Array, out: Uint32Array, at: number): void {
    const turned = this.#turned;
    turned.fill(0);
    turned.set(vector.length > this.bits ? vector.subarray(0, this.bits) : vector);
    for (const flips of this.#flips) {
      for (let place = 0; place < turned.length; place++) turned[place]! *= flips[place]!;
      transform(turned);
    }
    for (let word = 0; word < this.words; word++) {
      let value = 0;
      for (let bit = 0; bit < 32; bit++) if (turned[word * 32 + bit]! > 0) value |= 1 << bit;
      out[at + word] = value;
    }
  }

  of(vector: Float32Array): Uint32Array {
    const out = new Uint32Array(this.words);
    this.write(vector, out, 0);
    return out;
  }
}

/** Random signs, the same ones for ever. */
function flipsOf(bits: number, round: number): Float32Array {
  const flips = new Float32Array(bits);
  for (let at = 0; at < bits; at++) flips[at] = mixed(Math.imul(at + 1, 0x9e3779b9) + round) & 1 ? -1 : 1;
  return flips;
}

/** Walsh-Hadamard, in place, without the scale. */
function transform(values: Float32Array): void {
  const { length } = values;
  for (let half = 1; half < length; half *= 2) {
    for (let block = 0; block < length; block += half * 2) {
      for (let at = block; at < block + half; at++) {
        const a = values[at]!;
        const b = values[at + half]!;
        values[at] = a + b;
        values[at + half] = a - b;
      }
    }
  }
}

/** Collects the numbers that are nearest by counted bits: at least `most` where there are so many, ties at the edge included. */
export class Nearest {
  readonly #query: Uint32Array;
  readonly #most: number;
  /** How many were kept at each distance; those beyond `#limit` are not kept. */
  readonly #counts: Uint32Array;
  #limit: number;
  #within = 0;
  readonly #numbers: number[] = [];
  readonly #distances: number[] = [];

  constructor(query: Uint32Array, most: number) {
    this.#query = query;
    this.#most = most;
    this.#limit = query.length * 32;
    this.#counts = new Uint32Array(this.#limit + 1);
  }

  /** Looks at a segment: `bits` holds the words of one vector after the other, `numbers` what each is called. */
  scan(bits: Uint32Array, numbers: ArrayLike<number>): void {
    const query = this.#query;
    const words = query.length;
    const count = Math.min(numbers.length, Math.floor(bits.length / words));
    for (let row = 0, at = 0; row < count; row++) {
      let distance = 0;
      for (let word = 0; word < words; word++, at++) {
        let value = bits[at]! ^ query[word]!;
        value -= (value >>> 1) & 0x55555555;
        value = (value & 0x33333333) + ((value >>> 2) & 0x33333333);
        distance += Math.imul((value + (value >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
      }
      if (distance <= this.#limit) this.#keep(numbers[row]!, distance);
    }
  }

  #keep(number: number, distance: number): void {
    this.#numbers.push(number);
    this.#distances.push(distance);
    this.#counts[distance]!++;
    this.#within++;
    // What lies beyond the edge is not needed any more once there are enough without it.
    while (this.#within - this.#counts[this.#limit]! >= this.#most) this.#within -= this.#counts[this.#limit--]!;
    if (this.#numbers.length >= 8 * this.#most + 1024) this.#drop();
  }

  #drop(): void {
    let kept = 0;
    for (let at = 0; at < this.#numbers.length; at++) {
      if (this.#distances[at]! > this.#limit) continue;
      this.#numbers[kept] = this.#numbers[at]!;
      this.#distances[kept++] = this.#distances[at]!;
    }
    this.#numbers.length = kept;
    this.#distances.length = kept;
  }

  /** Nearest first, each number once, at most `most`. */
  result(): number[] {
    this.#drop();
    // Where those of each distance begin: distances are few, so that nothing needs to be compared.
    const places = new Uint32Array(this.#limit + 2);
    for (const distance of this.#distances) places[distance + 1]!++;
    for (let distance = 0; distance <= this.#limit; distance++) places[distance + 1]! += places[distance]!;
    const ordered = new Array<number>(this.#numbers.length);
    this.#numbers.forEach((number, at) => {
      ordered[places[this.#distances[at]!]!++] = number;
    });
    return [...new Set(ordered)].slice(0, this.#most);
  }
}
