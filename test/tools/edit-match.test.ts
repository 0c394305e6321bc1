import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findEdit } from "../../src/tools/edit-match.ts";
import { EditText } from "../../src/tools/edit-text.ts";

function applyEdit(before: string, edit: { old: string; new: string; all?: boolean }) {
  const text = new EditText(Buffer.from(before));
  const found = findEdit(text, edit);
  if (!found.ok) return found;
  text.replace(found.places, found.length, found.now);
  return { ok: true as const, text: text.decode(), note: found.note, places: found.places };
}

function edited(text: string, old: string, now: string): { text: string; note?: string | undefined } {
  const result = applyEdit(text, { old, new: now });
  if (!result.ok) throw new Error(result.message);
  return { text: result.text, note: result.note };
}

function refused(text: string, old: string, now = "new"): string {
  const result = applyEdit(text, { old, new: now });
  if (result.ok) throw new Error(`applied: ${result.text}`);
  return result.message;
}

describe("other white space", () => {
  const code = "function f() {\n\tif (x) {\n\t\treturn 1;\n\t}\n}\n";

  test("spaces for tabs match, and what is new gets tabs", () => {
    const old = "    if (x) {\n        return 1;\n    }";
    const now = "    if (x) {\n        log();\n        while (y) {\n            z();\n        }\n    }";
    expect(edited(code, old, now).text).toBe(
      "function f() {\n\tif (x) {\n\t\tlog();\n\t\twhile (y) {\n\t\t\tz();\n\t\t}\n\t}\n}\n",
    );
  });

  test("a block at another depth is moved to the file's depth", () => {
    const text = "class A {\n    m() {\n        a();\n        b();\n    }\n}\n";
    expect(
      edited(text, "m() {\n    a();\n    b();\n}", "m() {\n    a();\n    if (c) {\n        d();\n    }\n}").text,
    ).toBe("class A {\n    m() {\n        a();\n        if (c) {\n            d();\n        }\n    }\n}\n");
  });

  test("a block at a smaller depth than written is moved back", () => {
    expect(edited("a:\n  b: 1\n  c: 2\n", "    b: 1\n    c:  2", "    b: 1\n    c: 3\n      d: 4").text).toBe(
      "a:\n  b: 1\n  c: 3\n    d: 4\n",
    );
  });

  test("lines that stay are left as the file has them", () => {
    const text = "a = 'x'   \nb  =  2\nc = 3\n";
    expect(edited(text, "a = 'x'\nb = 2\nc = 3\n", "a = 'x'\nb = 2\nc = 4\n").text).toBe(
      "a = 'x'   \nb  =  2\nc = 4\n",
    );
  });

  test("typographic quotes and dashes match plain ones and stay", () => {
    const text = "He said “yes” – and\nleft\n";
    const { text: after, note } = edited(text, 'He said "yes" - and\nleft', 'He said "yes" - and\nstayed');
    expect(after).toBe("He said “yes” – and\nstayed\n");
    expect(note).toContain("white space or quotes");
  });

  test("quotes that were escaped once too often match", () => {
    expect(edited('x = "a";\ny\n', 'x = \\"a\\";\ny', 'x = \\"a\\";\nz').text).toBe('x = "a";\nz\n');
  });

  test("other white space and quotes match within a line too, and the rest of the line stays", () => {
    const text = "one; it is “so”  and not so; two\r\n";
    expect(edited(text, 'it is "so" and not so', "it is\nnot").text).toBe("one; it is\r\nnot; two\r\n");
    expect(refused("x a  b c d e\nx a b  c d e\n", "a b c d e")).toContain("lines 1, 2");
    // The end of a name is not that name.
    expect(refused("let max = 1234;\n", "x  = 1234;", "y = 5;")).toContain("old is not in the file");
    // So little may stand anywhere by chance.
    expect(refused("f(a,  b);\n", "a, b")).toContain("old is not in the file");
  });

  test("removing whole lines leaves no empty one", () => {
    expect(edited("a\n  b  \nc\n", "b\n", "").text).toBe("a\nc\n");
  });

  test("a missing line end at the end of the file stays missing", () => {
    expect(edited("a\n\tb", " b\n", " c\n").text).toBe("a\n\tc");
  });

  test("line ends of windows are kept", () => {
    expect(edited("a\r\n\tb\r\nc\r\n", "    b\nc", "    x\n    y\nc").text).toBe("a\r\n\tx\r\n\ty\r\nc\r\n");
  });

  test("two places that match only so are refused with their lines", () => {
    expect(refused("  a();\nb\n    a();\n", "\ta();")).toBe(
      "old matches only with other white space, and then in lines 1, 3. Copy one of them exactly.",
    );
  });

  test("an exact match is never given up for a tolerant one", () => {
    expect(edited("  a;\na;\nb\n", "\na;\n", "\nc;\n").text).toBe("  a;\nc;\nb\n");
  });

  test("signs of any width before it and in it do not move the place", () => {
    const text = "“é” – 😀\n日本  =  1;\n“😀”  =  2; x\nend\n";
    expect(edited(text, "日本 = 1;\n", "日本 = 3;\n").text).toBe(text.replace("日本  =  1;", "日本 = 3;"));
    expect(edited(text, '"😀" = 2', "é = 4").text).toBe(text.replace("“😀”  =  2", "é = 4"));
  });

  test("lines of signs alone match too", () => {
    expect(edited('a\n\t---\n\t"""\nb\n', "  ---\n  “““", "c").text).toBe("a\nc\nb\n");
  });

  test("blank lines alone match nothing", () => {
    expect(refused("a\n \n\t\nb\n", "\n\n\n\n")).toContain("old is not in the file");
  });
});

describe("an exact match", () => {
  test("that occurs often is refused with its first lines", () => {
    expect(refused("x\n".repeat(20), "x")).toBe(
      "old occurs 20 times, in lines 1, 2, 3, 4, 5, 6, 7, 8 and 12 others. Add lines around it, or set all.",
    );
  });

  test("is not half a character, whose bytes would be those of U+FFFD", () => {
    expect(refused("a \uFFFD b\n", "\uD83D")).toContain("old is not in the file");
  });

  test("is not half a character where other white space is found either: the other half would be lost", () => {
    const half = "\uD83D\uDE00".slice(1);
    expect(refused("say('\uD83D\uDE00 good  morning');\n", `${half} good morning`)).toContain("old is not in the file");
  });
});

describe("line numbers copied along", () => {
  test("are left out on both sides", () => {
    const { text, note } = edited("one\ntwo\nthree\n", "1\tone\n2\ttwo", "1\tone\n2\t2");
    expect(text).toBe("one\n2\nthree\n");
    expect(note).toContain("line numbers");
  });

  test("stay where they are the text itself", () => {
    expect(edited("1\tone\n2\ttwo\n", "2\ttwo", "2\t2").text).toBe("1\tone\n2\t2\n");
  });
});

describe("first and last line", () => {
  const text =
    "function area(w, h) {\n  const size = w * h; // in cm\n  log(size);\n  check(size);\n  return size;\n}\n";

  test("find a block whose middle was not remembered exactly; what is not meant to change stays", () => {
    const old = "function area(w, h) {\n  const size = w * h;\n  log(size);\n  check(size);\n  return size;\n}";
    const { text: after, note } = edited(text, old, old.replace("log(size)", "print(size)"));
    expect(after).toBe(text.replace("log(size)", "print(size)"));
    expect(note).toContain('line 2 was "const size = w * h; // in cm", not "const size = w * h;"');
  });

  test("are not enough where the middle is something else, or has another length", () => {
    const other = "function area(w, h) {\n  open();\n  close();\n  wait();\n  return size;\n}";
    expect(refused(text, other)).toContain("old is not in the file");
    const shorter = "function area(w, h) {\n  const size = w * h;\n  return size;\n}";
    expect(refused(text, shorter)).toContain("old is not in the file");
  });

  test("are refused where they fit twice", () => {
    const block = "begin x\n  one\n  two\n  three 3\nend\n";
    expect(refused(block + block, "begin x\n  one\n  two\n  three 4\nend")).toContain("in lines 1, 6");
  });
});

describe("nothing found", () => {
  test("shows the nearest place, its numbers and the first difference", () => {
    const text = "import a from 'a';\n\nexport function total(items) {\n  return items.length;\n}\n";
    expect(refused(text, "export function total(items) {\n  return items.size;\n}", "x")).toBe(
      [
        "old is not in the file. Nearest is line 3:",
        "3\texport function total(items) {",
        "4\t  return items.length;",
        "5\t}",
        "First difference, line 4, column 16:",
        'old:  "  return items.size;"',
        'file: "  return items.length;"',
        "Copy old from the file as it is, without line numbers.",
      ].join("\n"),
    );
  });

  test("takes the place that is most alike as a whole, not the one with the likest line", () => {
    const file = [
      "set(key: string, value: T): void {",
      "  this.all.set(key, { value, until: 1 });",
      "}",
      "drop() {",
      "  this.all.reset(key);",
    ];
    expect(refused(`${file.join("\n")}\n`, "set(key, value) {\n  this.all.set(key);\n}")).toContain(
      "Nearest is line 1:",
    );
  });

  test("shows the difference from where old begins in its line", () => {
    expect(refused("one; the answer is 42; two\n", "the answer was 42")).toContain(
      'line 1, column 17:\nold:  "the answer was 42"\nfile: "the answer is 42; two"',
    );
  });

  test("finds a line that is only similar", () => {
    expect(
      refused("alpha\nconst limit = computeLimit(user);\nomega\n", "const limit = computeLimits(users)"),
    ).toContain("Nearest is line 2:");
  });

  test("says so where nothing is like it", () => {
    expect(refused("alpha\nbeta\n", "zzzzzzzz qqqqqqq")).toBe(
      "old is not in the file, and nothing in its 2 lines is like it. Read the file again.",
    );
  });

  test("says that an edit was done already", () => {
    expect(refused("const a = 2;\n", "const a = 1;", "const a = 2;")).toBe(
      "old is not in the file, but new is there already: this edit seems to be done.",
    );
  });

  test("shows a difference far out in a long line, and where the file ends", () => {
    const line = `const data = "${"x".repeat(5000)}";`;
    const answer = refused(line, line.replace("x;", "y;").replace('x";', 'y";'));
    expect(answer).toContain("column 5014");
    expect(answer.length).toBeLessThan(1500);
    expect(refused("one\ntwo\n", "two\nthree")).toContain("the file ends before line 3");
  });
});

describe("any edit", () => {
  const signs = fc.constantFrom("a", "b", "é", "😀", " ", "\t");
  const piece = fc.array(signs, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(""));
  const line = fc.oneof(piece, fc.constant(""), fc.constant("}"));
  const text = fc.array(line, { minLength: 1, maxLength: 12 });
  const ending = fc.constantFrom("\n", "\r\n");

  test("undone gives the same bytes", () => {
    fc.assert(
      fc.property(text, ending, fc.nat(), fc.nat(), text, fc.boolean(), (lines, end, from, count, added, last) => {
        const start = from % lines.length;
        const stop = start + 1 + (count % (lines.length - start));
        const before = lines.join(end) + (last ? end : "");
        const old = lines.slice(start, stop).join("\n");
        const now = `<${added.join("\n")}>`;
        const there = applyEdit(before, { old, new: now });
        // Where no line end of windows is left, nothing says that there was one.
        if (!there.ok || there.note !== undefined || (end === "\r\n" && !there.text.includes(end))) return;
        const back = applyEdit(there.text, { old: now, new: old });
        expect(back).toMatchObject({ ok: true, text: before });
      }),
      { numRuns: 2000 },
    );
  });

  test("changes one place and leaves every other line as it was", () => {
    const indent = fc.constantFrom("", " ", "  ", "\t");
    const word = fc.constantFrom("alpha", "beta", "gamma", "delta", "}", "");
    const indented = fc.tuple(indent, word).map(([space, name]) => space + name);
    fc.assert(
      fc.property(
        fc.array(indented, { minLength: 1, maxLength: 10 }),
        fc.array(indented, { minLength: 1, maxLength: 4 }),
        (lines, old) => {
          const before = `${lines.join("\n")}\n`;
          const result = applyEdit(before, { old: old.join("\n"), new: "NEW ONE" });
          if (!result.ok) return;
          const after = result.text.split("\n");
          const places = after.flatMap((one, index) => (one.includes("NEW ONE") ? [index] : []));
          expect(places).toHaveLength(1);
          const at = places[0]!;
          expect(result.places).toHaveLength(1);
          const tail = after.slice(at + 1);
          const all = before.split("\n");
          expect(after.slice(0, at)).toEqual(all.slice(0, at));
          expect(tail).toEqual(all.slice(all.length - tail.length));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test("is refused where white space alone tells two places apart", () => {
    fc.assert(
      fc.property(fc.constantFrom("  ", "\t", " \t "), fc.constantFrom("    ", "\t\t"), (a, b) => {
        const result = applyEdit(`${a}x = 1\nother\n${b}x = 1\n`, { old: "x  =  1", new: "x = 2" });
        expect(result.ok).toBe(false);
      }),
    );
  });
});

describe("very many places", () => {
  test("are not all looked for where one is wanted", () => {
    expect(refused("a\n".repeat(1_000), "a")).toContain("old occurs 1000 times, in lines 1, 2, 3");
    expect(refused("a\n".repeat(1_001), "a")).toContain("old occurs more than 1000 times, in lines 1, 2, 3");
  });

  test("are replaced up to a hundred thousand, and for more a command is named", () => {
    const most = applyEdit("a".repeat(100_000), { old: "a", new: "b", all: true });
    expect(most).toMatchObject({ ok: true, text: "b".repeat(100_000) });
    expect(applyEdit("a".repeat(100_001), { old: "a", new: "b", all: true })).toEqual({
      ok: false,
      message: "old occurs more than 100000 times, too many for edit. Replace them with a command (sed or perl).",
    });
  });
});
