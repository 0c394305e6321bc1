import { expect, test } from "bun:test";
import fc from "fast-check";
import { HeadAndTail, OutputSink } from "../../src/exec/output.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Cuts bytes into pieces at the given places. */
function pieces(whole: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return places.slice(1).map((end, index) => whole.slice(places[index], end));
}

test("text that fits is kept whole, however it was cut", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.array(fc.nat()), (text, cuts) => {
      const kept = new HeadAndTail(100_000);
      for (const piece of pieces(bytes(text), cuts)) kept.add(piece);
      expect(kept.take(true)).toEqual({ text, omitted: 0 });
    }),
  );
});

test("of too much text whole characters of both ends are kept, and what is missing is counted", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 1 }),
      fc.array(fc.nat()),
      fc.integer({ min: 0, max: 60 }),
      (text, cuts, limit) => {
        const whole = bytes(text);
        const kept = new HeadAndTail(limit);
        for (const piece of pieces(whole, cuts)) kept.add(piece);
        const { text: result, omitted } = kept.take(true);
        if (whole.length <= limit) return expect(result).toBe(text);
        const [head, tail] = result.split(`\n[${omitted} bytes of output left out here]\n`) as [string, string];
        expect(text.startsWith(head) && text.endsWith(tail)).toBe(true);
        expect(bytes(head).length + bytes(tail).length + omitted).toBe(whole.length);
      },
    ),
  );
});

test("reading piece by piece loses and invents nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.array(fc.nat()), (text, cuts) => {
      const kept = new HeadAndTail(100_000);
      let read = "";
      for (const piece of pieces(bytes(text), cuts)) {
        kept.add(piece);
        read += kept.take(false).text;
      }
      expect(read + kept.take(true).text).toBe(text);
    }),
  );
});

test("the listener never sees half a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.nat()), (text, cuts) => {
      const heard: string[] = [];
      const sink = new OutputSink({ maxOutput: 10, onOutput: (chunk) => heard.push(chunk) });
      for (const piece of pieces(bytes(text), cuts)) sink.add(piece);
      sink.end();
      expect(heard.join("")).toBe(text);
    }),
  );
});

test("bytes that are no text become replacement characters", () => {
  const kept = new HeadAndTail(100);
  kept.add(Uint8Array.of(0x61, 0xff, 0x62));
  expect(kept.take(true).text).toBe("a\ufffdb");
});
