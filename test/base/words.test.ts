import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { stem, termsOf } from "../../src/base/words.ts";

describe("the terms of a text", () => {
  test("a name gives its parts and itself, however it is written", () => {
    expect(termsOf("fooBar")).toEqual(["foo", "bar", "foobar"]);
    expect(termsOf("foo_bar")).toEqual(termsOf("fooBar"));
    expect(termsOf("foo-bar")).toEqual(termsOf("fooBar"));
    expect(termsOf("parseHTTPResponse")).toEqual(["pars", "http", "respons", "parsehttprespons"]);
    expect(termsOf("userIDs")).toEqual(["user", "ids", "userid"]);
  });

  test("a path gives its names and itself", () => {
    expect(termsOf("src/my-file.ts")).toEqual(["src", "file", "ts", "myfilet", "srcmyfilet"]);
    expect(termsOf("C:\\temp")).toEqual(["c", "temp", "ctemp"]);
  });

  test("words lose the endings of number and tense, and function words go", () => {
    expect(termsOf("the tests are running, and it stopped; caches were cached for caching")).toEqual([
      ...["test", "run", "stop", "cach", "cach", "cach"],
    ]);
    expect(["use", "used", "using", "uses"].map(stem)).toEqual(["use", "use", "use", "use"]);
    expect(["process", "status", "thing", "need", "classes", "queries"].map(stem)).toEqual([
      ...["process", "status", "thing", "need", "class", "query"],
    ]);
  });

  test("negations stay, with and without an apostrophe of any kind", () => {
    expect(termsOf("do not, don't, don’t, never")).toEqual(["not", "dont", "dont", "never"]);
  });

  test("words of scripts without blanks become pairs, other scripts words", () => {
    expect(termsOf("日本語のテスト")).toEqual(["日本", "本語", "語の", "のテ", "テス", "スト"]);
    expect(termsOf("字")).toEqual(["字"]);
    expect(termsOf("Ärger in Москва")).toEqual(["ärger", "москва"]);
  });

  test("nothing to read gives nothing", () => {
    for (const text of ["", "  \n\t", "… — !?", "the of and"]) expect(termsOf(text)).toEqual([]);
  });

  test("no text, however strange, gives a term that the index would cut or misread", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff), { maxLength: 200 }), (units) => {
        const text = String.fromCharCode(...units);
        for (const term of termsOf(text)) {
          // The index cuts at every ASCII character that is no letter and no digit.
          if (!/^[a-z0-9\u0080-\uffff]{1,40}$/.test(term)) return false;
        }
        return true;
      }),
    );
  });

  test("a very long text is read in part, and quickly enough to be read at all", () => {
    expect(termsOf("x".repeat(5_000_000))).toEqual(["x".repeat(40)]);
    expect(termsOf("word ".repeat(1_000_000)).length).toBeLessThanOrEqual(20_000);
  });
});
