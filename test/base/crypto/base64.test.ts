import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import {
  decodeBase64,
  decodeBase64Lenient,
  decodeBase64Url,
  encodeBase64,
  encodeBase64Url,
} from "../../../src/base/crypto/base64.ts";
import { describeSpecs } from "../../specs.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("base64", () => {
  test("agrees with the system's, both ways and in both alphabets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const standard = Buffer.from(bytes).toString("base64");
        const url = Buffer.from(bytes).toString("base64url");
        expect(encodeBase64(bytes)).toBe(standard);
        expect(encodeBase64Url(bytes)).toBe(url);
        expect(decodeBase64(standard)).toEqual(bytes);
        expect(decodeBase64Url(url)).toEqual(bytes);
        for (const form of [standard, url]) expect(decodeBase64Lenient(form)).toEqual(bytes);
      }),
    );
  });

  test("of a string is that of its UTF-8", () => {
    expect(encodeBase64("é")).toBe("w6k=");
  });

  const refused = ["Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm-_", "Zé==", "=Zg=", "Zg==Zg=="];
  for (const wrong of refused) {
    test(`strictly refuses ${JSON.stringify(wrong)}`, () => {
      expect(() => decodeBase64(wrong)).toThrow(SyntaxError);
    });
  }

  for (const wrong of ["Zg==", "Z", "Zh", "Zm+/", "Zm 9v"]) {
    test(`the URL form strictly refuses ${JSON.stringify(wrong)}`, () => {
      expect(() => decodeBase64Url(wrong)).toThrow(SyntaxError);
    });
  }

  test("the lenient form takes line ends, missing padding, stray bits and mixed alphabets", () => {
    expect(text(decodeBase64Lenient("Zm9v\r\nYm Fy"))).toBe("foobar");
    expect(text(decodeBase64Lenient("Zg"))).toBe("f");
    expect(text(decodeBase64Lenient("Zh=="))).toBe("f");
    expect(decodeBase64Lenient("-_+/")).toEqual(decodeBase64("+/+/"));
    expect(() => decodeBase64Lenient("Zm9v!")).toThrow(SyntaxError);
    expect(() => decodeBase64Lenient("Z")).toThrow(SyntaxError);
  });
});

describeSpecs("crypto-auth/base64-rfc4648.json", (file) => {
  test("the vectors of RFC 4648 hold both ways", () => {
    const { vectors } = JSON.parse(readFileSync(join(dirname(file), "base64-rfc4648.json"), "utf8")) as {
      vectors: [string, string][];
    };
    expect(vectors.length).toBe(7);
    for (const [plain, coded] of vectors) {
      expect(encodeBase64(plain)).toBe(coded);
      expect(text(decodeBase64(coded))).toBe(plain);
    }
  });
});
