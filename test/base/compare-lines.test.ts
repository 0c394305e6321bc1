import { expect, test } from "bun:test";
import fc from "fast-check";
import { compareLines, splitLines } from "../../src/base/compare-lines.ts";

/** Length of the longest common subsequence, the slow and certain way. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const line of a) {
    const next = [0];
    for (let j = 0; j < b.length; j++) {
      next.push(line === b[j] ? row[j]! + 1 : Math.max(row[j + 1]!, next[j]!));
    }
    row = next;
  }
  return row[b.length]!;
}

const kept = (lines: readonly string[], marks: Uint8Array): string[] => lines.filter((_, index) => !marks[index]);

const line = fc.constantFrom("a\n", "b\n", "c\n", "d\n", "{\n", "}\n");
const lines = fc.array(line, { maxLength: 60 });

test("what is not marked is common to both sides, and as long as can be", () => {
  fc.assert(
    fc.property(lines, lines, (a, b) => {
      const { removed, added } = compareLines(a, b);
      expect(kept(a, removed)).toEqual(kept(b, added));
      expect(kept(a, removed).length).toBe(longestCommon(a, b));
    }),
    { numRuns: 500 },
  );
});

test("equal texts differ nowhere", () => {
  const { removed, added } = compareLines(["x\n", "y\n"], ["x\n", "y\n"]);
  expect([...removed, ...added]).toEqual([0, 0, 0, 0]);
});

test("two large texts with little in common end, and what is kept is common", () => {
  let seed = 7;
  const next = (): string => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return `${seed % 500}\n`;
  };
  const a = Array.from({ length: 20_000 }, next);
  const b = Array.from({ length: 20_000 }, next);
  const { removed, added } = compareLines(a, b);
  expect(kept(a, removed)).toEqual(kept(b, added));
});

test("lines keep their line feed, and a last one without it stays without", () => {
  expect(splitLines("a\r\nb\n\nc")).toEqual(["a\r\n", "b\n", "\n", "c"]);
  expect(splitLines("")).toEqual([]);
});
