import { describe, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { createMatcher } from "../../src/tools/grep-matcher.ts";
import { compileLinePattern, requiredLiteral } from "../../src/tools/grep-pattern.ts";
import { compileNamePattern } from "../../src/tools/name-pattern.ts";
import { openTask } from "./task.ts";

describe("glob", () => {
  test("matches paths, names in any folder, braces and whole paths", async () => {
    await using task = await openTask();
    for (const path of ["a.ts", "src/b.ts", "src/deep/c.tsx", "src/d.md", ".github/e.yml"]) task.put(path, "");
    expect(await task.ok("glob", { pattern: "*.ts" })).toBe("a.ts\nsrc/b.ts");
    expect(await task.ok("glob", { pattern: "**/*.ts" })).toBe("a.ts\nsrc/b.ts");
    expect(await task.ok("glob", { pattern: "src/*.{ts,md}" })).toBe("src/b.ts\nsrc/d.md");
    expect(await task.ok("glob", { pattern: "src/**" })).toBe("src/b.ts\nsrc/d.md\nsrc/deep/c.tsx");
    expect(await task.ok("glob", { pattern: "./src/?.ts" })).toBe("src/b.ts");
    expect(await task.ok("glob", { pattern: `${task.workspace}/src/*.ts` })).toBe("src/b.ts");
    expect(await task.ok("glob", { pattern: "**/*.tsx", path: "src" })).toBe("src/deep/c.tsx");
    expect(await task.ok("glob", { pattern: "e.*" })).toBe(".github/e.yml");
  });

  test("leaves out what is ignored, unless its folder is named", async () => {
    await using task = await openTask();
    task.put(".gitignore", "node_modules/\n");
    task.put("node_modules/x/i.js", "");
    expect(await task.fails("glob", { pattern: "*.js" })).toBe(
      "No file matches *.js. Ignored files are left out; give their folder as path to see them.",
    );
    expect(await task.ok("glob", { pattern: "*.js", path: "node_modules" })).toBe("node_modules/x/i.js");
  });

  test("lists links without following them, and no folders", async () => {
    await using task = await openTask();
    task.put("real/a.ts", "");
    symlinkSync("real", join(task.workspace, "link.ts"));
    expect(await task.ok("glob", { pattern: "**" })).toBe("link.ts\nreal/a.ts");
  });

  test("stops at 500 and says how many there are", async () => {
    await using task = await openTask();
    for (let i = 0; i < 600; i++) task.put(`f${i}.x`, "");
    const lines = (await task.ok("glob", { pattern: "*.x" })).split("\n");
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toBe("[the first 500 of 600; narrow the pattern or give path]");
  });

  test("explains what cannot be meant", async () => {
    await using task = await openTask();
    task.put("a", "");
    expect(await task.fails("glob", { pattern: "" })).toContain("empty");
    expect(await task.fails("glob", { pattern: "*", path: "a" })).toBe(
      "a is not a folder. Give the folder that it lies in.",
    );
    expect(await task.fails("glob", { pattern: "*", path: "b" })).toBe("b does not exist. Did you mean a?");
  });
});

describe("a name pattern", () => {
  test.each([
    ["pkg{1,2}/**/file?.md", ["pkg1", "pkg2", "pkg1/a/b"], ["pkg3", "src"]],
    ["src/*/*.ts", ["src", "src/a"], ["lib", "src/a/b"]],
    ["src/**", ["src", "src/a/b"], ["lib"]],
    ["*.ts", ["src", "src/a/b"], []],
    ["{src/a,lib}/*.ts", ["src", "src/a", "lib", "other"], []],
  ])("%s is looked for in the folders alone that may hold it", (pattern, entered, left) => {
    const { mayHold } = compileNamePattern(pattern);
    expect(entered.filter(mayHold)).toEqual(entered);
    expect(left.filter(mayHold)).toEqual([]);
  });

  test("finds what the whole pattern finds, in folders that may hold it, whatever it is made of", () => {
    const bits = ["a", "b", "*", "**", "?", "/", "/", "[ab]", "[!a]", "{a,b}", "{a/b,b}", "!", "\\", "[", "{", "*.ts"];
    const names = fc.constantFrom("a", "b", "ab", "c", "x.ts", ".a", "!a", "[a");
    const patterns = fc.array(fc.constantFrom(...bits), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(""));
    const relative = patterns.filter((pattern) => !pattern.startsWith("/") && pattern.includes("/"));
    fc.assert(
      fc.property(relative, fc.array(names, { minLength: 1, maxLength: 4 }), (pattern, parts) => {
        const path = parts.join("/");
        const { fits, mayHold } = compileNamePattern(pattern);
        const expected = new Bun.Glob(pattern).match(path);
        expect(fits(path, basename(path))).toBe(expected);
        for (let at = dirname(path); expected && at !== "."; at = dirname(at)) expect(mayHold(at)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("grep", () => {
  test("groups matching lines by file, with their numbers", async () => {
    await using task = await openTask();
    task.put("a.ts", "one\ntwo two\nthree\n");
    task.put("src/b.ts", "x\r\ntwo\r\n");
    expect(await task.ok("grep", { pattern: "two" })).toBe("a.ts\n2:two two\nsrc/b.ts\n2:two");
    expect(await task.ok("grep", { pattern: "t\\w+$" })).toBe("a.ts\n2:two two\n3:three\nsrc/b.ts\n2:two");
    expect(await task.ok("grep", { pattern: "two", path: "src" })).toBe("src/b.ts\n2:two");
    expect(await task.ok("grep", { pattern: "two", path: "a.ts" })).toBe("a.ts\n2:two two");
    expect(await task.ok("grep", { pattern: "two", glob: "b.*" })).toBe("src/b.ts\n2:two");
    expect(await task.ok("grep", { pattern: "two", glob: "src/**/*.ts" })).toBe("src/b.ts\n2:two");
    expect(await task.ok("grep", { pattern: "TWO", path: "src", ignore_case: true })).toBe("src/b.ts\n2:two");
    expect(await task.ok("grep", { pattern: "(?i)TWO", path: "src" })).toBe("src/b.ts\n2:two");
  });

  test("shows lines around, each once, with a mark where some are left out", async () => {
    await using task = await openTask();
    task.put("a", "1\n2 x\n3\n4 x\n5\n6\n7\n8\n9 x");
    expect(await task.ok("grep", { pattern: "x", context: 1 })).toBe("a\n1-1\n2:2 x\n3-3\n4:4 x\n5-5\n--\n8-8\n9:9 x");
  });

  test("goes line by line: what is repeated does not run on into the next one", async () => {
    await using task = await openTask();
    task.put("a", "foo\nbar\nfoo [^b] bar\n\nend\n");
    expect(await task.ok("grep", { pattern: "foo[^z]+bar" })).toBe("a\n3:foo [^b] bar");
    expect(await task.ok("grep", { pattern: "foo\\s+\\[" })).toBe("a\n3:foo [^b] bar");
    expect(await task.ok("grep", { pattern: "foo[\\s\\S]*bar" })).toBe("a\n3:foo [^b] bar");
    expect(await task.ok("grep", { pattern: "^$" })).toBe("a\n4:");
    expect(await task.ok("grep", { pattern: "o(?!\\s*b)" })).toBe("a\n1:foo\n3:foo [^b] bar");
    expect(await task.ok("grep", { pattern: "x*$", context: 0 })).toBe("a\n1:foo\n2:bar\n3:foo [^b] bar\n4:\n5:end");
  });

  test("stays quick where a pattern would run over the whole file", async () => {
    await using task = await openTask();
    task.put("a", "some line of text, foo\n".repeat(150_000));
    const result = await task
      .ok("grep", { pattern: "[\\s\\S]*foo[\\W\\w]+end|[^]*x\\W+end" })
      .catch((error) => error.message);
    expect(result).toContain("No line matches");
  });

  test("agrees with a search of every single line", async () => {
    await using task = await openTask();
    const lines = ["foo bar", "", "  foo", "bar\tfoo", "FOO", "fo", "é foo é", "foofoo", 'x = "foo"', "a.b(c)"];
    task.put("a", lines.join("\n"));
    const patterns = [
      "foo",
      "^foo",
      "foo$",
      "\\bfoo\\b",
      "fo+",
      "[^x]oo",
      "\\s",
      "\\W",
      "\\D",
      "fo{1,2}",
      "(foo)+",
      "(?<!\\s)foo",
    ];
    for (const pattern of [...patterns, "(foo|bar)", "\\S+\\s+\\S+", ".", "^.{3}$", "é", "a\\.b\\(c\\)", "(f)(o)\\2"]) {
      const expected = lines.flatMap((line, index) => (new RegExp(pattern).test(line) ? [`${index + 1}:${line}`] : []));
      expect([pattern, await task.ok("grep", { pattern })]).toEqual([pattern, ["a", ...expected].join("\n")]);
    }
  });

  test("leaves out binary and ignored files, and says what it looked at", async () => {
    await using task = await openTask();
    task.put(".gitignore", "*.log\n");
    task.put("a.log", "needle\n");
    task.put("b.bin", Buffer.from("needle\0"));
    task.put("c", "hay\n");
    expect(await task.fails("grep", { pattern: "needle" })).toBe(
      "No line matches needle in 2 files (ignored and binary files left out).",
    );
    expect(await task.ok("grep", { pattern: "needle", path: "a.log" })).toBe("a.log\n1:needle");
  });

  test("explains a pattern that is not valid or means something else here", async () => {
    await using task = await openTask();
    task.put("a", "foo(bar\n");
    expect(await task.fails("grep", { pattern: "foo(bar" })).toBe(
      "foo(bar is not a valid regular expression: missing ). For the text itself write foo\\(bar",
    );
    expect(await task.ok("grep", { pattern: "foo\\(bar" })).toBe("a\n1:foo(bar");
    expect(await task.fails("grep", { pattern: "[[:alpha:]]+" })).toContain("write [a-zA-Z]");
    expect(await task.fails("grep", { pattern: "\\<foo" })).toContain("write \\b");
    expect(await task.fails("grep", { pattern: "a\\nb" })).toContain("line by line");
    expect(await task.fails("grep", { pattern: "" })).toContain("glob");
  });

  test("finds in a tree of many files, in their order, what is in each, and counts them", async () => {
    await using task = await openTask();
    const count = 9500;
    const name = (at: number) =>
      `d${String(Math.floor(at / 100)).padStart(3, "0")}/f${String(at % 100).padStart(2, "0")}`;
    for (let at = 0; at < count; at++) task.put(name(at), at % 500 === 7 ? `x\nneedle ${at}\n` : "x\n");
    task.put(name(7111), "needle\0binary");
    task.put(name(8222), `${"long line\n".repeat(40_000)}needle large`);
    const expected = Array.from({ length: 19 }, (_, index) => index * 500 + 7).map(
      (at) => `${name(at)}\n2:needle ${at}`,
    );
    expected.splice(17, 0, `${name(8222)}\n40001:needle large`);
    for (const pattern of ["needle", "ne+dle"]) {
      expect(await task.ok("grep", { pattern })).toBe(expected.join("\n"));
    }
    expect(await task.fails("grep", { pattern: "nothing" })).toStartWith("No line matches nothing in 9499 files");
    const stop = AbortSignal.timeout(1);
    await expect(task.call("grep", { pattern: "nothing here" }, stop)).rejects.toThrow();
  }, 30_000);

  test("leaves room for the other files, and counts what it left out", async () => {
    await using task = await openTask();
    task.put("big.py", "x = 1\nneedle\n".repeat(60_000));
    task.put("table.py", "needle\n".repeat(4990));
    task.put("z.py", "needle\n");
    for (const pattern of ["needle", "n[e]+dle"]) {
      const lines = (await task.ok("grep", { pattern })).split("\n");
      expect(lines.filter((line) => line.startsWith("…"))).toEqual([
        "… 59,950 more in big.py",
        "… 4,940 more in table.py",
      ]);
      expect(lines.slice(-2)).toEqual(["z.py", "1:needle"]);
      expect(lines).toHaveLength(106);
    }
    expect((await task.ok("grep", { pattern: "needle", path: "table.py" })).split("\n")).toHaveLength(252);
  });

  test("leaves out what the user's rules keep from being read", async () => {
    await using task = await openTask({ deny: ["read(.env)", "read(secret/)"] });
    task.put(".env", "KEY=1\n");
    task.put("secret/deep/a", "KEY=2\n");
    task.put("open", "KEY=3\n");
    expect(await task.ok("grep", { pattern: "KEY" })).toBe("open\n1:KEY=3");
    expect(await task.fails("grep", { pattern: "KEY", path: ".env" })).toContain("rules forbid reading .env");
    expect(await task.fails("grep", { pattern: "KEY", path: "secret" })).toStartWith("No file was searched of secret");
    expect(await task.ok("glob", { pattern: "**" })).toBe("open");
    expect(await task.fails("edit", { path: ".env", old: "?", new: "!" })).toStartWith("The user's rules forbid");
  });

  test("stops when the result is full and says so", async () => {
    await using task = await openTask();
    task.put("a", "needle\n".repeat(1000));
    const lines = (await task.ok("grep", { pattern: "needle", path: "a" })).split("\n");
    expect(lines).toHaveLength(252);
    expect(lines.at(-1)).toBe(
      "[stopped after 250 matching lines in 1 file; narrow with path, glob or a longer pattern]",
    );
    task.put("b", `${"y".repeat(390)}\n`.repeat(240));
    const wide = await task.call("grep", { pattern: "y", path: "b" });
    expect(wide.fullText).toBeUndefined();
    expect(wide.text).toContain("[stopped after");
    const around = await task.call("grep", { pattern: "needle", path: "a", context: 20 });
    expect(around.fullText).toBeUndefined();
  });

  test("shows a long line around its match", async () => {
    await using task = await openTask();
    task.put("a.js", `${"x".repeat(5000)}needle${"y".repeat(5000)}`);
    const line = (await task.ok("grep", { pattern: "needle" })).split("\n")[1]!;
    expect(line).toStartWith("1:…xxx");
    expect(line).toContain("needle");
    expect(line.length).toBeLessThan(410);
  });

  test("searches large files in pieces without losing lines, numbers or context", async () => {
    await using task = await openTask();
    const lines = Array.from({ length: 300_000 }, (_, index) => `line é ${index + 1} ${"z".repeat(20)}`);
    task.put("big", lines.join("\n"));
    for (const number of [1, 119_000, 150_000, 299_999, 300_000]) {
      expect(await task.ok("grep", { pattern: `line . ${number} `, path: "big" })).toBe(
        `big\n${number}:${lines[number - 1]}`,
      );
    }
    // Around every end of a piece of 4 MB.
    const bytes = Buffer.from(lines.join("\n"));
    for (let piece = 4 * 1024 * 1024; piece < bytes.length; piece += 4 * 1024 * 1024) {
      const at = bytes.subarray(0, piece).toString().split("\n").length;
      for (let number = at - 4; number < at + 4; number++) {
        const expected = [number - 2, number - 1, number, number + 1, number + 2].map(
          (n) => `${n}${n === number ? ":" : "-"}${lines[n - 1]}`,
        );
        expect(await task.ok("grep", { pattern: `line é ${number} `, path: "big", context: 2 })).toBe(
          ["big", ...expected].join("\n"),
        );
      }
    }
  });

  test("ends a pattern that takes for ever when the task is aborted", async () => {
    await using task = await openTask();
    task.put("a", `${"a".repeat(60)}!\n`);
    const abort = new AbortController();
    const result = task.call("grep", { pattern: "^(a+)+$" }, abort.signal);
    // The worker has begun once a turn of the loop has passed; this thread is free meanwhile.
    await new Promise((done) => setImmediate(done));
    abort.abort(new Error("enough"));
    await expect(result).rejects.toThrow("enough");
  });

  test("ends a pattern that would take for ever, and says that it is the cause and how to write it", async () => {
    const matcher = createMatcher(compileLinePattern("(a+)+$", false), new AbortController().signal, 20);
    try {
      const text = `${"a".repeat(1000)}!\n`;
      const found = Promise.resolve(matcher.find(text, 0, text.length, 10, "src/big.js"));
      await expect(found).rejects.toThrow(
        "on src/big.js the pattern (a+)+$ ran for more than 0.02 s. What repeats inside something repeated",
      );
    } finally {
      matcher.close();
    }
  });

  test("finds what a slow pattern finds where it does not take long", async () => {
    await using task = await openTask();
    task.put("a", "aaaa\nbbb\n");
    task.put("b", "aa\n");
    expect(await task.ok("grep", { pattern: "^(a+)+$" })).toBe("a\n1:aaaa\nb\n1:aa");
    task.put("long", `${"k".repeat(30_000)} = 1`);
    expect(await task.ok("grep", { pattern: "k.*= \\d", path: "long" })).toStartWith("long\n1:");
  });
});

describe("a pattern's required text", () => {
  test.each([
    ["function\\s+(\\w+)", "function"],
    ["foo\\.bar", "foo.bar"],
    ["fooo?", "foo"],
    ["fo*bar", "bar"],
    ["(foo)?barr", "barr"],
    ["a|b", ""],
    ["ab{2}c", "ab"],
    ["ab{0,3}cd", "cd"],
    ["[abc]def", "def"],
    ["(?=xyz)q", "q"],
    ["\\bword\\b", "word"],
    ["^import .* from", "import "],
    ["x\\u0041y", "x"],
  ])("of %s is %j", (source, literal) => {
    expect(requiredLiteral(source)).toBe(literal);
  });

  test("tells patterns that may take long from those that do not", () => {
    const safe = (source: string) => compileLinePattern(source, false).safeLine;
    expect(safe("foo\\(bar")).toBe(Number.POSITIVE_INFINITY);
    expect(safe("foo.*")).toBe(10_000);
    expect(safe("\\w+\\s*\\(")).toBe(2000);
    for (const source of ["(a+)+$", "(a|ab)*c", "(x+x+)+y", "(.*a){12}", "(a)\\1", "(?=a)b"])
      expect(safe(source)).toBe(0);
  });
});
