import { expect, test } from "bun:test";
import fc from "fast-check";
import { LineDecoder } from "../../src/base/ndjson.ts";

function lines(bytes: Uint8Array, places: readonly number[] = []): string[] {
  const decoder = new LineDecoder();
  const result: string[] = [];
  let start = 0;
  for (const end of [...places, bytes.length]) {
    result.push(...decoder.take(bytes.slice(start, end)));
    start = end;
  }
  return [...result, ...decoder.end()];
}

const encode = (text: string) => new TextEncoder().encode(text);

test("lines are the same wherever the bytes are cut, within a character too", () => {
  fc.assert(
    fc.property(
      fc.array(fc.json()),
      fc.array(fc.nat(3000), { maxLength: 10 }),
      fc.constantFrom("\n", "\r\n", "\n\n"),
      (documents, cuts, end) => {
        const bytes = encode(documents.map((each) => each + end).join(""));
        const places = cuts.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
        expect(lines(bytes, places).map((line) => JSON.parse(line))).toEqual(documents.map((each) => JSON.parse(each)));
      },
    ),
  );
});

test("text after the last line end is a line too", () => {
  expect(lines(encode('{"a":1}\n{"b"'))).toEqual(['{"a":1}', '{"b"']);
  expect(lines(encode("\n \n"))).toEqual([]);
});

test("a line that never ends is refused before it fills the memory", () => {
  const decoder = new LineDecoder();
  const chunk = new Uint8Array(1 << 20).fill(0x20);
  const endless = () => {
    for (;;) decoder.take(chunk);
  };
  expect(endless).toThrow(expect.objectContaining({ kind: "network" }));
});
