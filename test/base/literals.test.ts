import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LiteralFinder } from "../../src/base/literals.ts";

/** The same by looking everywhere. */
function slowNext(literals: readonly string[], text: string, from: number): string | undefined {
  for (let start = from; start < text.length; start++) {
    const here = literals.filter((literal) => text.startsWith(literal, start)).toSorted((a, b) => b.length - a.length);
    if (here[0] !== undefined) return `${start} ${here[0]}`;
  }
  return;
}

function next(finder: LiteralFinder, text: string, from: number): string | undefined {
  const hit = finder.next(text, from);
  return hit && `${hit.start} ${finder.literals[hit.index]}`;
}

const few = fc.constantFrom("a", "b", "c", "é");
const literals = fc.uniqueArray(fc.string({ unit: few, minLength: 2, maxLength: 6 }), { minLength: 1, maxLength: 6 });

describe("finding any of many strings", () => {
  test("gives the first place, and there the longest", () => {
    const finder = new LiteralFinder(["abc", "abcdef", "zzz"]);
    expect(next(finder, "xx abcdef zzz", 0)).toBe("3 abcdef");
    expect(next(finder, "xx abcdef zzz", 4)).toBe("10 zzz");
    expect(next(finder, "xx abcdef zzz", 11)).toBeUndefined();
    expect(next(finder, "ab", 0)).toBeUndefined();
  });

  test("agrees with looking everywhere", () => {
    fc.assert(
      fc.property(literals, fc.string({ unit: few, maxLength: 40 }), fc.nat(10), (words, text, from) => {
        expect(next(new LiteralFinder(words), text, from)).toBe(slowNext(words, text, from));
      }),
      { numRuns: 3000 },
    );
  });

  test("works with strings longer than its window", () => {
    const long = "x".repeat(1000);
    expect(next(new LiteralFinder([long]), `a${long}b`, 0)).toBe(`1 ${long}`);
  });
});

describe("where the end may have cut a string", () => {
  test("is the first beginning of one that reaches the end", () => {
    const finder = new LiteralFinder(["secret-one", "two-secret"]);
    expect(finder.cutAt("all of it: secr", 0)).toBe(11);
    expect(finder.cutAt("all of it: secre!", 0)).toBe(17);
    expect(finder.cutAt("secret-one", 0)).toBe(10);
    expect(finder.cutAt("secret-on", 1)).toBe(9);
  });

  test("agrees with looking everywhere", () => {
    fc.assert(
      fc.property(literals, fc.string({ unit: few, maxLength: 12 }), (words, text) => {
        const starts = Array.from({ length: text.length }, (_, start) => start);
        const cut = starts.find((start) =>
          words.some((word) => word.length > text.length - start && word.startsWith(text.slice(start))),
        );
        expect(new LiteralFinder(words).cutAt(text, 0)).toBe(cut ?? text.length);
      }),
      { numRuns: 2000 },
    );
  });
});
