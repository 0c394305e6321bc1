import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EventStreamDecoder, EventStreamError } from "../../src/base/event-stream.ts";
import { eventMessage } from "../fakes/event-message.ts";

const bytes = (words: string) => new TextEncoder().encode(words);

async function* cut(all: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const end of [...places, all.length]) {
    // One buffer for all chunks, as a transport may do it.
    yield all.slice(start, end);
    start = end;
  }
}

async function decoded(all: Uint8Array, places: readonly number[] = []) {
  const messages: { headers: object; payload: string }[] = [];
  const decoder = new EventStreamDecoder();
  for await (const chunk of cut(all, places)) messages.push(...decoder.take(chunk));
  decoder.end();
  return messages;
}

async function error(all: Uint8Array): Promise<unknown> {
  return decoded(all).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
}

describe("a binary event stream", () => {
  test("is cut into its messages wherever its bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme", maxLength: 500 })), {
          maxLength: 6,
        }),
        fc.array(fc.nat(4000), { maxLength: 12 }),
        async (messages, cuts) => {
          const all = Buffer.concat(messages.map(([type, body]) => eventMessage({ ":event-type": type }, bytes(body))));
          const places = cuts.map((place) => place % (all.length + 1)).sort((a, b) => a - b);
          expect(await decoded(all, places)).toEqual(
            messages.map(([type, body]) => ({ headers: { ":event-type": type }, payload: body })),
          );
        },
      ),
    );
  });

  test("that is damaged in any one bit is an error", async () => {
    const whole = eventMessage({ ":event-type": "messageStart" }, bytes('{"role":"assistant"}'));
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = whole.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(await error(damaged)).toBeInstanceOf(EventStreamError);
    }
  });

  test("that ends inside a message is an error; between messages it has ended", async () => {
    const whole = eventMessage({ a: "b" }, bytes("payload"));
    for (let end = 1; end < whole.length; end++) {
      expect(await error(whole.slice(0, end))).toMatchObject({ message: "the stream ended inside a message" });
    }
    expect(await decoded(new Uint8Array(0))).toEqual([]);
  });

  test("may state headers of every type; those that are strings are given", async () => {
    // true, false, byte, short, integer, long, bytes, string, timestamp, uuid
    const values = [[0], [1], [2, 7], [3, 0, 7], [4, 0, 0, 0, 7], [5, ...Array(8).fill(1)], [6, 0, 2, 9, 9]];
    const others = [
      [7, 0, 1, 0x78],
      [8, ...Array(8).fill(1)],
      [9, ...Array(16).fill(1)],
    ];
    const block = [...values, ...others].flatMap((value, index) => [1, 0x61 + index, ...value]);
    expect(await decoded(eventMessage(new Uint8Array(block), bytes("p")))).toEqual([
      { headers: { h: "x" }, payload: "p" },
    ]);
  });

  test("with headers that reach beyond their block, or impossible lengths, is an error", async () => {
    for (const block of [[200, 0x61], [1, 0x61, 7, 0, 200, 0x78], [1, 0x61, 77], [1]]) {
      expect(await error(eventMessage(new Uint8Array(block), bytes("p")))).toBeInstanceOf(EventStreamError);
    }
    expect(await error(eventMessage({}, bytes("p"), { total: 30_000_000 }))).toMatchObject({
      message: "a message states impossible lengths",
    });
    expect(await error(eventMessage({}, bytes("p"), { headers: 100 }))).toBeInstanceOf(EventStreamError);
  });
});
