import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { equal, hmacSha256 } from "../../../src/base/crypto/hmac.ts";
import { describeSpecs } from "../../specs.ts";

const hex = (text: string) => Uint8Array.fromHex(text);

describe("HMAC-SHA-256", () => {
  test("agrees with the system's for any key and message", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200, minLength: 1 }),
        fc.uint8Array({ maxLength: 200 }),
        (key, message) => {
          const native = new Bun.CryptoHasher("sha256", key).update(message).digest("hex");
          expect(hmacSha256(key, message).toHex()).toBe(native);
        },
      ),
    );
  });

  test("takes strings as UTF-8", () => {
    expect(hmacSha256("Jefe", "what do ya want for nothing?").toHex()).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });
});

test("the comparison tells equal from different, also by length", () => {
  expect(equal("token", "token")).toBe(true);
  expect(equal(new Uint8Array([116]), "t")).toBe(true);
  expect(equal("token", "tokem")).toBe(false);
  expect(equal("token", "toke")).toBe(false);
  expect(equal("", "a")).toBe(false);
  expect(equal("", "")).toBe(true);
});

describeSpecs("crypto-auth/hmac", (dir) => {
  test("every case of RFC 4231 has its code", () => {
    const text = readFileSync(join(dir, "rfc-4231-sha256.txt"), "utf8").replace(/^#.*\n/gm, "");
    const vectors = [...text.matchAll(/Key = (\w+)\s+Msg = (\w+)\s+MD = (\w+)/g)];
    expect(vectors.length).toBeGreaterThanOrEqual(6);
    for (const [, key, message, code] of vectors) {
      // One case of the RFC is cut to 128 bits.
      expect(hmacSha256(hex(key!), hex(message!)).toHex().slice(0, code!.length)).toBe(code!);
    }
  });
});

describeSpecs("crypto-auth/wycheproof", (dir) => {
  interface Vector {
    tcId: number;
    key: string;
    msg: string;
    tag: string;
    result: "valid" | "invalid";
  }
  interface File {
    testGroups: { tagSize: number; tests: Vector[] }[];
  }
  const { testGroups } = JSON.parse(readFileSync(join(dir, "hmac_sha256_test.json"), "utf8")) as File;
  for (const { tagSize, tests } of testGroups) {
    test(`${tests.length} codes of ${tagSize} bits are accepted or refused as they should`, () => {
      for (const { tcId, key, msg, tag, result } of tests) {
        const code = hmacSha256(hex(key), hex(msg)).subarray(0, tagSize / 8);
        expect([tcId, equal(code, hex(tag))]).toEqual([tcId, result === "valid"]);
      }
    });
  }
});
