import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { termsOf } from "../../src/base/words.ts";
import { Nearest, SignBits } from "../../src/memory/bits.ts";
import { dot, Hashing, normalised } from "../../src/memory/embedder.ts";
import { countRarity, Rarity } from "../../src/memory/rarity.ts";
import { ALL_SCOPES, SCOPES } from "../../src/memory/scope.ts";
import { Vectors } from "../../src/memory/vectors.ts";
import { openRig, type Rig } from "./support.ts";

let rig: Rig;
beforeEach(() => {
  rig = openRig();
});
afterEach(() => rig[Symbol.dispose]());

function vectorsOf(id: number, dimensions: number): Vectors {
  return new Vectors(rig.database, { id, dimensions });
}

/** Numbers that look random and are the same in every run. */
function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}

function vector(draw: () => number, dimensions: number): Float32Array {
  return normalised(Float32Array.from({ length: dimensions }, draw));
}

function bruteForce(rows: readonly { n: number; vector: Float32Array }[], query: Float32Array, most: number) {
  return rows
    .map(({ n, vector: each }) => ({ n, cosine: dot(query, each) }))
    .sort((a, b) => b.cosine - a.cosine || b.n - a.n)
    .slice(0, most);
}

describe("vectors that are kept", () => {
  test("few of them are compared exactly: what is found is what brute force finds", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom(3, 64, 100),
        (seed, count, dimensions) => {
          using own = openRig();
          const vectors = new Vectors(own.database, { id: 1, dimensions });
          const draw = draws(seed);
          const rows = Array.from({ length: count }, (_, at) => ({
            n: at * 7 + 1,
            scope: ALL_SCOPES[at % 3]!,
            vector: vector(draw, dimensions),
          }));
          own.database.transaction(() => vectors.put(rows));
          const query = vector(draw, dimensions);
          expect(vectors.nearest(query, ALL_SCOPES, 10)).toEqual(bruteForce(rows, query, 10));
          const tasks = rows.filter(({ scope }) => scope === SCOPES.task);
          expect(vectors.nearest(query, [SCOPES.task], 10)).toEqual(bruteForce(tasks, query, 10));
        },
      ),
      { numRuns: 15 },
    );
  });

  test("of many, sign bits find what brute force finds, if it is near at all", () => {
    const draw = draws(5);
    const vectors = vectorsOf(1, 128);
    const centres = Array.from({ length: 200 }, () => vector(draw, 128));
    const near = (centre: Float32Array) => normalised(centre.map((value) => value + draw() * 0.2));
    const rows = Array.from({ length: 2000 }, (_, at) => ({
      n: at + 1,
      scope: SCOPES.rest,
      vector: near(centres[at % 200]!),
    }));
    rig.database.transaction(() => vectors.put(rows));
    let found = 0;
    for (let at = 0; at < 20; at++) {
      const query = near(centres[at * 10]!);
      const best = bruteForce(rows, query, 10);
      const hits = new Set(vectors.nearest(query, [SCOPES.rest], 10, 100).map(({ n }) => n));
      found += best.filter(({ n }) => hits.has(n)).length;
      expect(vectors.nearest(query, [SCOPES.rest], 10, Number.POSITIVE_INFINITY)).toEqual(best);
    }
    expect(found / 200).toBeGreaterThan(0.99);
  });

  test("go over the edge of a segment, in one piece and in many", () => {
    const draw = draws(9);
    const vectors = vectorsOf(1, 8);
    const rows = Array.from({ length: 9000 }, (_, at) => ({ n: at + 1, scope: SCOPES.rest, vector: vector(draw, 8) }));
    rig.database.transaction(() => {
      vectors.put(rows.slice(0, 1));
      vectors.put(rows.slice(1, 8500));
      vectors.put(rows.slice(8500));
    });
    expect(vectors.count(SCOPES.rest)).toBe(9000);
    for (const row of [rows[0]!, rows[4095]!, rows[4096]!, rows[8191]!, rows[8999]!]) {
      expect(vectors.nearest(row.vector, [SCOPES.rest], 1)[0]?.n).toBe(row.n);
    }
  });

  test("a vector that is replaced is found as the new one alone", () => {
    const vectors = vectorsOf(1, 2);
    const put = (x: number, y: number) => vectors.put([{ n: 1, scope: SCOPES.rest, vector: new Float32Array([x, y]) }]);
    put(1, 0);
    put(0, 1);
    expect(vectors.nearest(new Float32Array([0, 1]), [SCOPES.rest], 5)).toEqual([{ n: 1, cosine: 1 }]);
  });

  test("sets do not see each other's", () => {
    const row = { n: 1, scope: SCOPES.rest, vector: new Float32Array([1, 0]) };
    vectorsOf(1, 2).put([row]);
    expect(vectorsOf(2, 2).nearest(row.vector, ALL_SCOPES, 5)).toEqual([]);
    expect(vectorsOf(2, 2).of(1)).toBeUndefined();
  });

  test("nothing is found where nothing is kept, and vectors of no length harm nobody", () => {
    const vectors = vectorsOf(1, 0);
    expect(vectors.nearest(new Float32Array(0), ALL_SCOPES, 5)).toEqual([]);
    vectors.put([{ n: 1, scope: SCOPES.rest, vector: new Float32Array(0) }]);
    expect(vectors.nearest(new Float32Array(0), ALL_SCOPES, 5)).toEqual([{ n: 1, cosine: 0 }]);
  });
});

describe("counting bits", () => {
  test("finds the nearest as brute force does, ties aside", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 50 }), (seed, count, most) => {
        const draw = draws(seed);
        const word = () => Math.floor((draw() + 0.5) * 2 ** 32) >>> 0;
        const query = Uint32Array.from([word(), word()]);
        const bits = Uint32Array.from({ length: count * 2 }, word);
        const numbers = Array.from({ length: count }, (_, at) => at + 1);
        const nearest = new Nearest(query, most);
        for (let at = 0; at < count; at += 700) {
          nearest.scan(bits.subarray(at * 2, (at + 700) * 2), numbers.slice(at, at + 700));
        }
        const distance = (n: number) => ones(bits[n * 2 - 2]! ^ query[0]!) + ones(bits[n * 2 - 1]! ^ query[1]!);
        const expected = numbers
          .map(distance)
          .sort((a, b) => a - b)
          .slice(0, most);
        expect(nearest.result().map(distance)).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  test("tells the angle of sparse vectors too", () => {
    const signs = new SignBits(384);
    const [a, b, far] = [
      [3, 40, 211],
      [3, 40, 99],
      [7, 8, 9],
    ].map((places) => {
      const sparse = new Float32Array(384);
      for (const place of places) sparse[place] = 1;
      return signs.of(normalised(sparse));
    }) as [Uint32Array, Uint32Array, Uint32Array];
    const share = (x: Uint32Array, y: Uint32Array) =>
      x.reduce((sum, word, at) => sum + ones(word ^ y[at]!), 0) / signs.bits;
    expect(share(a, a)).toBe(0);
    // Two of three in common: a cosine of 2/3, an angle of 48°, so 0.27 of the bits.
    expect(Math.abs(share(a, b) - Math.acos(2 / 3) / Math.PI)).toBeLessThan(0.08);
    expect(Math.abs(share(a, far) - 0.5)).toBeLessThan(0.12);
  });
});

function ones(value: number): number {
  return (value >>> 0).toString(2).replaceAll("0", "").length;
}

describe("the built-in embedder", () => {
  const embed = (text: string) => new Hashing(new Rarity(0, new Uint8Array(0))).embed(termsOf(text));

  test("gives the same vector for the same text, of length 1, and none for nothing", () => {
    expect(embed("Fix the parser")).toEqual(embed("Fix the parser"));
    expect(dot(embed("Fix the parser"), embed("Fix the parser"))).toBeCloseTo(1, 5);
    expect(embed("…").every((value) => value === 0)).toBe(true);
    expect(Math.hypot(...embed("日本語 🐟 ".repeat(10_000)))).toBeCloseTo(1, 4);
  });

  test("sees other forms of a word, and what has nothing in common as far", () => {
    expect(dot(embed("paginate the orders"), embed("pagination of an order"))).toBeGreaterThan(0.2);
    expect(Math.abs(dot(embed("paginate the orders"), embed("a haiku on autumn rain")))).toBeLessThan(0.15);
  });

  test("a rare word counts for more than one that is everywhere", () => {
    const counts = [
      { term: "widget", texts: 1000 },
      { term: "quux", texts: 2 },
    ];
    const rarity = new Rarity(1000, countRarity(counts));
    expect(rarity.weight("widget")).toBeLessThan(rarity.weight("quux"));
    expect(rarity.weight("quux")).toBeLessThan(rarity.weight("unheard"));
    expect(rarity.weight("widget")).toBeGreaterThan(0);
  });

  test("counts of words are never forgotten by the sketch, and seldom too high", () => {
    const counts = Array.from({ length: 5000 }, (_, at) => ({ term: `word${at}`, texts: 2 + (at % 50) }));
    const rarity = new Rarity(5000, countRarity(counts));
    const exact = (texts: number) => Math.log((5000 + 41) / (texts + 0.5));
    const off = counts.filter(({ term, texts }) => Math.abs(rarity.weight(term) - exact(texts)) > 0.1);
    expect(off.length).toBeLessThan(50);
  });
});
