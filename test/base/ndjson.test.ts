import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeLines } from "../../src/base/ndjson.ts";

async function lines(bytes: Uint8Array, places: readonly number[] = []): Promise<string[]> {
  async function* cut() {
    let start = 0;
    for (const end of [...places, bytes.length]) {
      yield bytes.slice(start, end);
      start = end;
    }
  }
  const result: string[] = [];
  for await (const line of decodeLines(cut())) result.push(line);
  return result;
}

const encode = (text: string) => new TextEncoder().encode(text);

test("lines are the same wherever the bytes are cut, within a character too", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.json()),
      fc.array(fc.nat(3000), { maxLength: 10 }),
      fc.constantFrom("\n", "\r\n", "\n\n"),
      async (documents, cuts, end) => {
        const bytes = encode(documents.map((each) => each + end).join(""));
        const places = cuts.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
        expect((await lines(bytes, places)).map((line) => JSON.parse(line))).toEqual(
          documents.map((each) => JSON.parse(each)),
        );
      },
    ),
  );
});

test("text after the last line end is a line too", async () => {
  expect(await lines(encode('{"a":1}\n{"b"'))).toEqual(['{"a":1}', '{"b"']);
  expect(await lines(encode("\n \n"))).toEqual([]);
});

test("a line that never ends is refused before it fills the memory", async () => {
  async function* endless() {
    const chunk = new Uint8Array(1 << 20).fill(0x20);
    for (;;) yield chunk;
  }
  const error = await decodeLines(endless())
    .next()
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: "network" });
});
