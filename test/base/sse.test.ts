import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { SseDecoder, type SseEvent } from "../../src/base/sse.ts";
import { describeSpecs } from "../specs.ts";

function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function decode(bytes: Uint8Array | string, cuts: readonly number[] = []): SseEvent[] {
  const decoder = new SseDecoder();
  return pieces(Buffer.from(bytes), cuts).flatMap((piece) => decoder.take(piece));
}

const everyByte = (bytes: Uint8Array) => Array.from(bytes.keys());
const data = (text: string) => decode(text).map((event) => event.data);

describe("an event stream", () => {
  test("gives type, data and id of each event", () => {
    expect(decode("id: 7\nevent: ping\ndata: a\ndata: b\n\ndata: c\n\n")).toEqual([
      { event: "ping", data: "a\nb", id: "7" },
      { event: "message", data: "c", id: "7" },
    ]);
  });

  test("takes LF, CR and CR LF as line ends, mixed", () => {
    expect(data("data: 1\r\rdata: 2\r\n\r\ndata: 3\n\ndata: 4\r\n\n")).toEqual(["1", "2", "3", "4"]);
  });

  test("gives an event at once when its end is a CR, without waiting for an LF", () => {
    const decoder = new SseDecoder();
    expect(decoder.take(Buffer.from("data: now\r\r")).map((event) => event.data)).toEqual(["now"]);
  });

  test("ignores comments, unknown fields, and ids that hold a null", () => {
    expect(decode(": hi\nfoo: bar\nid: a\0b\nretry: 5\ndata: x\n\n")).toEqual([
      { event: "message", data: "x", id: "" },
    ]);
  });

  test("drops one byte-order mark at the beginning only", () => {
    expect(data("\uFEFFdata: x\n\n\uFEFFdata: y\n\n")).toEqual(["x"]);
  });

  test("drops an event that is not ended", () => {
    expect(data("data: whole\n\ndata: half\n")).toEqual(["whole"]);
  });

  test("refuses an event that never ends instead of filling the memory", () => {
    const decoder = new SseDecoder();
    const piece = new Uint8Array(8 * 1024 * 1024).fill(97);
    for (let taken = 0; taken < 64; taken += 8) decoder.take(piece);
    expect(() => decoder.take(piece)).toThrow("more than 64 MB");
  });

  test("is the same however it is cut, also with broken UTF-8", () => {
    const token = fc.constantFrom(
      "data: ",
      "data",
      ":",
      "\r",
      "\n",
      "\r\n",
      "\n\n",
      "é",
      "😀",
      "event: x",
      "id: 1",
      "a",
    );
    const stream = fc
      .array(
        fc.oneof(
          token.map((text) => Buffer.from(text)),
          fc.uint8Array({ maxLength: 3 }),
        ),
        { maxLength: 40 },
      )
      .map((parts) => Buffer.concat(parts));
    fc.assert(
      fc.property(stream, fc.array(fc.nat(100)), (bytes, at) => {
        const whole = decode(bytes);
        expect(decode(bytes, everyByte(bytes))).toEqual(whole);
        expect(
          decode(
            bytes,
            at.map((cut) => Math.min(cut, bytes.length)),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });
});

describeSpecs("parsers/sse", (dir) => {
  interface Case {
    name: string;
    body: string;
    events: { type: string; data: string; lastEventId?: string }[];
  }
  const { cases } = JSON.parse(readFileSync(join(dir, "wpt-eventsource-vectors.json"), "utf8")) as { cases: Case[] };
  for (const { name, body, events } of cases) {
    test(`${name}: whole, byte by byte and at random cuts`, () => {
      const bytes = Buffer.from(body);
      const check = (got: SseEvent[]) => {
        expect(got.map(({ event, data }) => ({ event, data }))).toEqual(
          events.map(({ type, data }) => ({ event: type, data })),
        );
        for (const [index, { lastEventId }] of events.entries()) {
          if (lastEventId !== undefined) expect(got[index]?.id).toBe(lastEventId);
        }
      };
      check(decode(bytes));
      check(decode(bytes, everyByte(bytes)));
      const cuts = fc.array(fc.nat(bytes.length));
      fc.assert(fc.property(cuts, (at) => check(decode(bytes, at))));
    });
  }
});
