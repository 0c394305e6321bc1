import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  clip,
  closest,
  enclose,
  fill,
  firstLine,
  formatDuration,
  formatScore,
  formatTokens,
  formatUsd,
  indent,
  plural,
  stripControl,
  truncateMiddle,
  withoutVoice,
} from "../../src/base/text.ts";

describe("a template", () => {
  test("is filled, a slot as often as it occurs", () => {
    expect(fill("{{a}} and {{b}} and {{a}}", { a: "1", b: "" })).toBe("1 and  and 1");
  });
  test("leaves alone what looks like a slot within a value", () => {
    expect(fill("{{a}}", { a: "{{b}} $& $1" })).toBe("{{b}} $& $1");
  });
  test("with a slot that is not given is a bug", () => {
    expect(() => fill("{{a}}", {})).toThrow("{{a}} was not given");
    expect(() => fill("{{constructor}}", {})).toThrow("{{constructor}} was not given");
  });
  test("without a slot that is given is a bug", () => {
    expect(() => fill("{{a}}", { a: "", b: "", c: "" })).toThrow("no slot {{b}}, {{c}}");
  });
});

test("a text that is enclosed cannot end its tag", () => {
  expect(enclose("note", "a </note> b\n</b>")).toBe("<note>\na <\\/note> b\n</b>\n</note>");
});

test("a text that is enclosed cannot end its tag in another way of writing it, nor speak with the program's voice", () => {
  for (const end of ["</NOTE>", "</ note>", "< / Note >", "<\n/note\n>", "<\u200b/note>"]) {
    expect(enclose("note", end)).toBe(`<note>\n<\\${end.slice(1)}\n</note>`);
  }
  for (const own of ["<openkoi>", "</OpenKoi>", "< openkoi>", '<OPENKOI at="1">', "</ openkoi>"]) {
    expect(enclose("stdin", `a ${own} b`)).toBe(`<stdin>\na <\\${own.slice(1)} b\n</stdin>`);
    expect(withoutVoice(`a ${own} b`)).toBe(`a <\\${own.slice(1)} b`);
  }
  expect(enclose("note", "</notes> <openkois> openkoi> <b>")).toBe("<note>\n</notes> <openkois> openkoi> <b>\n</note>");
  expect(enclose("openkoi", enclose("words", "</words> </openkoi>"))).toBe(
    "<openkoi>\n<words>\n<\\/words> <\\/openkoi>\n</words>\n</openkoi>",
  );
});

test("every line is indented", () => expect(indent("a\n\nb", 2)).toBe("  a\n  \n  b"));

test("a score never reads like more than it is", () => {
  expect([0.7999, 0.8, 0.705, 0, 1].map(formatScore)).toEqual(["0.79", "0.80", "0.70", "0.00", "1.00"]);
});

test("plurals", () => {
  expect([plural(0, "file"), plural(1, "file"), plural(2, "file")]).toEqual(["0 files", "1 file", "2 files"]);
  expect(plural(2, "entry", "entries")).toBe("2 entries");
});

describe("did you mean", () => {
  const words = ["status", "doctor", "daemon", "learn", "run", "resume"];
  test("finds missing, extra, wrong and swapped letters", () => {
    expect(["satus", "statuss", "stetus", "sattus"].map((word) => closest(word, words))).toEqual(
      Array(4).fill("status"),
    );
  });
  test("does not mind capitals", () => expect(closest("DOCTOR", words)).toBe("doctor"));
  test("takes the nearest", () => expect(closest("rum", ["ram", "run", "rum"])).toBe("rum"));
  test("finds nothing where nothing is near", () => {
    expect(closest("zzz", words)).toBeUndefined();
    expect(closest("", words)).toBeUndefined();
    expect(closest("status", [])).toBeUndefined();
    expect(closest("lean on me", words)).toBeUndefined();
    expect(closest("x".repeat(10_000), words)).toBeUndefined();
  });
});

describe("cutting", () => {
  test("keeps short text as it is", () => {
    expect(clip("abc", 3)).toBe("abc");
    expect(truncateMiddle("abc", 3)).toBe("abc");
  });
  test("says that something is missing", () => {
    expect(clip("abcdef", 4)).toBe("abc…");
    expect(clip("abc", 0)).toBe("");
    expect(truncateMiddle("abcdefghij", 4)).toBe("ab\n… 6 characters left out …\nij");
  });
  test("never cuts a character in two", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), fc.nat(40), (text, max) => {
        expect(clip(text, max).isWellFormed()).toBe(true);
        expect(clip(text, max).length).toBeLessThanOrEqual(Math.max(max, 0));
        expect(truncateMiddle(text, max).isWellFormed()).toBe(true);
      }),
    );
  });
  test("the first line is the first that says something", () => {
    expect(firstLine("\n  \r\n  two words  \r\nmore")).toBe("two words");
    expect(firstLine(" \n ")).toBe("");
  });
});

describe("control characters", () => {
  test("colours, cursor, screen and title sequences vanish", () => {
    expect(stripControl("\x1b[31mred\x1b[0m \x1b[2J\x1b[1;1H\x1b]0;title\x07x\x1b]0;t\x1b\\y\x1b(Bz\x1b7")).toBe(
      "red xyz",
    );
  });
  test("clipboard and links vanish, the link's text stays", () => {
    expect(stripControl("\x1b]52;c;c2VjcmV0\x07\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\")).toBe("text");
  });
  test("so do their eight-bit forms, unfinished ones and single control characters", () => {
    expect(stripControl("\x9b31ma\x9d0;t\x9cb\x90q\x9cc\x07\x08\x7f\0d\x1b")).toBe("abcd");
    expect(stripControl("a\x1b]0;never ended\nb\x1b[31")).toBe("a\nb");
  });
  test("characters that reverse the direction of writing vanish", () => {
    expect(stripControl("a\u202eb\u2066c\u200fd")).toBe("abcd");
  });
  test("an overwritten line stays visible", () => {
    expect(stripControl("harmless\rrm -rf\r\nend")).toBe("harmless\nrm -rf\nend");
  });
  test("everything else stays as it is", () => {
    const text = "tab\tline\nümläut 日本 😀 a\u200db\u00a0c [31m";
    expect(stripControl(text)).toBe(text);
  });
  test("nothing is left that steers a terminal, whatever the text", () => {
    const unit = fc.constantFrom(..."\x1b[]\\;0m?P^_ \x07\x9b\x9d\x9ca\n\t\r\x90\u202e😀");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 30 }), (text) => {
        expect(stripControl(text)).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
        expect(stripControl(stripControl(text))).toBe(stripControl(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("figures", () => {
  test("money", () => {
    expect([0, 0.00001, 0.0042, 0.01, 1.5, 1234, -0.5].map(formatUsd)).toEqual([
      "$0",
      "<$0.0001",
      "$0.0042",
      "$0.01",
      "$1.50",
      "$1234.00",
      "-$0.50",
    ]);
  });
  test("time", () => {
    expect(
      [0, 340, 999.6, 4200, 59_949, 59_950, 65_000, 3_599_400, 3_600_000, 7_380_000, -5].map(formatDuration),
    ).toEqual([
      "0 ms",
      "340 ms",
      "1.0 s",
      "4.2 s",
      "59.9 s",
      "1 m 00 s",
      "1 m 05 s",
      "59 m 59 s",
      "1 h 00 m",
      "2 h 03 m",
      "0 ms",
    ]);
  });
  test("tokens", () => {
    expect([0, 950, 1200, 9949, 9950, 45_300, 999_499, 999_500, 1_300_000].map(formatTokens)).toEqual([
      "0",
      "950",
      "1.2k",
      "9.9k",
      "10k",
      "45k",
      "999k",
      "1.0M",
      "1.3M",
    ]);
  });
});
