import { expect, test } from "bun:test";
import fc from "fast-check";
import { crc32 } from "../../../src/base/crypto/crc32.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("the check value of the catalogue of CRCs holds", () => {
  expect(crc32(bytes("123456789"))).toBe(0xcbf43926);
  expect(crc32(bytes(""))).toBe(0);
  expect(crc32(bytes("The quick brown fox jumps over the lazy dog"))).toBe(0x414fa339);
});

test("any bytes have the checksum that the runtime finds, whole and in pieces", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (all, cut) => {
      const place = Math.min(cut, all.length);
      expect(crc32(all)).toBe(Bun.hash.crc32(all));
      expect(crc32(all, place, all.length, crc32(all, 0, place))).toBe(Bun.hash.crc32(all));
    }),
  );
});
