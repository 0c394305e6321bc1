import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Sha256, sha256, sha256Hex } from "../../../src/base/crypto/sha256.ts";
import { describeSpecs } from "../../specs.ts";

const native = (data: Uint8Array | string) => new Bun.CryptoHasher("sha256").update(data).digest("hex");

describe("SHA-256", () => {
  test("of a string is that of its UTF-8", () => {
    expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256Hex("é😀")).toBe(sha256Hex(Buffer.from("é😀")));
  });

  test("agrees with the system's for every length around the blocks", () => {
    for (let length = 0; length < 260; length++) {
      const data = new Uint8Array(length).fill(length);
      expect(sha256(data).toHex()).toBe(native(data));
    }
  });

  test("is the same in pieces as in one", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (pieces) => {
        const hash = new Sha256();
        for (const piece of pieces) hash.update(piece);
        expect(hash.hex()).toBe(native(Buffer.concat(pieces)));
      }),
    );
  });

  test("does not change its input and can be taken once", () => {
    const data = new Uint8Array([1, 2, 3]);
    const hash = new Sha256().update(data);
    hash.digest();
    expect([...data]).toEqual([1, 2, 3]);
    expect(() => hash.digest()).toThrow("already taken");
    expect(() => hash.update(data)).toThrow("already taken");
  });
});

describeSpecs("crypto-auth/sha256-cavp", (dir) => {
  test("every short message of NIST's CAVP has its digest", () => {
    const text = readFileSync(join(dir, "SHA256ShortMsg.rsp"), "utf8");
    const vectors = [...text.matchAll(/Len = (\d+)\s+Msg = (\w+)\s+MD = (\w+)/g)];
    expect(vectors.length).toBeGreaterThan(60);
    for (const [, bits, message, digest] of vectors) {
      const bytes = Buffer.from(message!, "hex").subarray(0, Number(bits) / 8);
      expect(sha256Hex(bytes)).toBe(digest!);
    }
  });
});
