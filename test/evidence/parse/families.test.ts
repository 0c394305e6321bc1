import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { parseDiagnostics } from "../../../src/evidence/parse/diagnostics.ts";
import { parsers, plainText, readReport } from "../../../src/evidence/parse/index.ts";

const folder = resolve(import.meta.dir, "../../fixtures/evidence");
const sample = (name: string) => plainText(readFileSync(join(folder, name), "utf8"));

/**
 * What each runner printed for a small project of ours. Those of deno, dotnet, rspec, phpunit, mix, maven, gradle and
 * surefire are written after the tools' documents; all others were recorded.
 */
const families: [file: string, family: string, counts: number[] | undefined, failures: string[]][] = [
  ["bun.txt", "bun", [1, 2, 2], ["math.test.ts > add > adds > negative", "math.test.ts > add > nested > throws"]],
  ["bun-none.txt", "bun", [0, 0, 0], []],
  ["cargo.txt", "cargo", [3, 1, 1], ["x::tests::bad"]],
  ["ctest.txt", "ctest", [1, 1, 1], ["bad one"]],
  ["deno.txt", "deno", [1, 1, 1], ["adds negative"]],
  ["dotnet.txt", "dotnet", [2, 1, 1], ["App.Tests.MathTests.AddsNegative"]],
  ["go-json.txt", "goJson", [2, 3, 1], ["example.com/x TestBad", "example.com/x TestSub/bad", "example.com/x/sub"]],
  ["go-text.txt", "goText", undefined, ["example.com/x TestBad", "example.com/x TestSub/bad", "example.com/x/sub"]],
  ["go-verbose.txt", "goText", [2, 2, 1], ["example.com/x TestBad", "example.com/x TestSub/bad"]],
  ["gradle.txt", "gradle", [2, 1, 1], ["MathTest > addsNegative()"]],
  ["jest.txt", "jest", [1, 2, 1], ["t/b.test.cjs › add › adds bad", "t/b.test.cjs › add › nested > deep › boom"]],
  ["junit.txt", "junit", [2, 2, 2], ["test.adds negative # hash", "test.throws"]],
  ["maven.txt", "maven", [1, 2, 1], ["MathTest.addsNegative", "MathTest.throwsUp"]],
  ["mix.txt", "mix", [2, 1, 1], ["test adds negative (MathTest)"]],
  ["mocha.txt", "mocha", [1, 2, 2], ["add > adds bad", "add > nested > boom"]],
  ["node-spec.txt", "nodeSpec", [2, 2, 2], ["adds negative # hash", "suite > throws"]],
  ["node-tap.txt", "tap", [2, 2, 2], ["adds negative # hash", "suite > throws"]],
  ["perl-tap.txt", "tap", [2, 1, 1], ["second"]],
  ["phpunit.txt", "phpunit", [2, 1, 1], ["MathTest::testAddsNegative"]],
  [
    "pytest.txt",
    "pytest",
    [2, 4, 2],
    [
      "tests/test_a.py::test_bad",
      "tests/test_a.py::TestC::test_err",
      "tests/test_a.py::TestC::test_p[c - d]",
      "tests/test_a.py::test_fix",
    ],
  ],
  ["rspec.txt", "rspec", [2, 1, 1], ["Math adds negative numbers"]],
  ["surefire.xml", "junit", [1, 2, 1], ["com.example.MathTest.addsNegative", "com.example.MathTest.throwsUp"]],
  ["unittest.txt", "unittest", [2, 3, 2], ["test_a.A.test_err", "test_a.A.test_bad", "test_a.A.test_sub (i=1)"]],
  ["unittest-quiet.txt", "unittest", [2, 3, 2], ["test_a.A.test_err", "test_a.A.test_bad", "test_a.A.test_sub (i=1)"]],
  ["vitest.txt", "vitest", [1, 2, 1], ["t/a.test.js > add > adds bad", "t/a.test.js > add > nested > deep > boom"]],
];

describe("the output of test runners", () => {
  for (const [file, family, counts, failures] of families) {
    test(`${file} is read by ${family} and by no other`, () => {
      const text = sample(file);
      const readers = Object.entries(parsers()).filter(([, parser]) => parser(text) !== undefined);
      expect(readers.map(([name]) => name)).toEqual([family]);
      const report = readReport(text)!;
      const { passed, failed, skipped } = report.counts ?? {};
      expect(report.counts && [passed, failed, skipped]).toEqual(counts);
      expect(report.failures.map((failure) => failure.name)).toEqual(failures);
    });
  }

  test("where the output shows a place, the failure has it", () => {
    const places = Object.fromEntries(
      families.flatMap(([file]) =>
        readReport(sample(file))!
          .failures.slice(0, 1)
          .map((failure) => [file, failure.location]),
      ),
    );
    expect(places).toEqual({
      "bun.txt": "/tmp/ev/bun/math.test.ts:4",
      "cargo.txt": "src/lib.rs:9",
      "ctest.txt": undefined,
      "deno.txt": "./math_test.ts:7",
      "dotnet.txt": "/tmp/net/App.Tests/MathTests.cs:12",
      "go-json.txt": "example.com/x/a_test.go:4",
      "go-text.txt": "example.com/x/a_test.go:4",
      "go-verbose.txt": "example.com/x/a_test.go:4",
      "gradle.txt": undefined,
      "jest.txt": "t/b.test.cjs:3",
      "junit.txt": undefined,
      "maven.txt": undefined,
      "mix.txt": "test/math_test.exs:8",
      "mocha.txt": "t/m.cjs:4",
      "node-spec.txt": "a.test.js:3",
      "node-tap.txt": "/tmp/ev/node/a.test.js:3",
      "perl-tap.txt": undefined,
      "phpunit.txt": "/tmp/php/tests/MathTest.php:14",
      "pytest.txt": "tests/test_a.py:5",
      "rspec.txt": "./spec/math_spec.rb:8",
      "surefire.xml": "com/example/MathTest.java:15",
      "unittest-quiet.txt": "/tmp/ev/ut/test_a.py:9",
      "unittest.txt": "/tmp/ev/ut/test_a.py:9",
      "vitest.txt": "t/a.test.js:4",
    });
  });

  test("of unittest a failure says what was thrown, not the last word of what follows", () => {
    const section = [
      "=".repeat(70),
      "FAIL: test_rest (test_money.Split.test_rest)",
      "-".repeat(70),
      "Traceback (most recent call last):",
      '  File "/p/test_money.py", line 9, in test_rest',
      "    self.assertEqual(split(10, 3), [4, 3, 3])",
      "AssertionError: Lists differ: [3, 3, 3] != [4, 3, 3]",
      "",
      "First differing element 0:",
      "3",
      "4",
      "",
      "-".repeat(70),
      "Ran 1 test in 0.002s",
      "",
      "FAILED (failures=1)",
    ];
    expect(readReport(section.join("\n"))?.failures).toEqual([
      {
        name: "test_money.Split.test_rest",
        location: "/p/test_money.py:9",
        message: "AssertionError: Lists differ: [3, 3, 3] != [4, 3, 3]",
      },
    ]);
  });

  test("names do not change when only the times do", () => {
    for (const [file] of families) {
      const text = sample(file);
      // Not in JSON lines and XML, where a time is a field of its own.
      const later = text.replace(/(\d+(?:\.\d+)?)( ?m?s\b)(?!["'])/g, "77$2");
      const names = (output: string) => readReport(output)?.failures.map((failure) => failure.name);
      expect(names(later)).toEqual(names(text));
    }
  });

  test("several runners in one output are added up", () => {
    const report = readReport(`${sample("jest.txt")}\n${sample("unittest.txt")}`)!;
    expect(report.counts).toEqual({ passed: 3, failed: 5, skipped: 3 });
    expect(report.failures).toHaveLength(5);
  });

  test("with one runner that gives no totals there are no totals at all", () => {
    const report = readReport(`${sample("jest.txt")}\n${sample("go-text.txt")}`)!;
    expect(report.counts).toBeUndefined();
    expect(report.failures).toHaveLength(5);
  });

  test("ordinary output is no report", () => {
    for (const text of ["", "ok\n", "3 passing cars\n", "Tests: none\n", "building…\ndone in 3.2s\n", "1. not ok\n"]) {
      expect(readReport(text)).toBeUndefined();
    }
  });

  test("nothing that is printed makes a parser throw or count below zero", () => {
    const lines = readdirSync(folder).flatMap((file) => sample(file).split("\n"));
    const line = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...lines) }, fc.string(), fc.constant(""));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), fc.nat(40), (chosen, cut) => {
        const text = plainText(chosen.join("\n").slice(cut));
        for (const failure of parseDiagnostics(text)) expect(failure.name).not.toBe("");
        const report = readReport(text);
        for (const count of Object.values(report?.counts ?? {})) expect(count).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 300 },
    );
  });

  test("every recorded output may be cut anywhere", () => {
    for (const file of readdirSync(folder)) {
      const text = sample(file);
      for (let at = 0; at < text.length; at += 37) {
        readReport(text.slice(at));
        readReport(text.slice(0, at));
      }
    }
  });
});

describe("the complaints of type-checkers and linters", () => {
  const complaints: [file: string, names: string[]][] = [
    ["biome.txt", ["a.ts:1 a.ts format", "tsconfig.json:1 tsconfig.json format"]],
    ["eslint.txt", ["l/a.js:1 no-unused-vars", "l/b.js:1 no-unused-vars", "l/c.js:1 Parsing error"]],
    ["flake8.txt", ["./app/main.py:1 app/main.py F401", "./app/main.py:7 app/main.py E501"]],
    ["gcc.txt", ["main.c:4 main.c expected ';'"]],
    ["mypy.txt", ["app/main.py:3 app/main.py assignment Incompatible"]],
    ["ruff.txt", ["app/main.py:1 app/main.py F401"]],
    ["rustc.txt", ["src/main.rs:1 src/main.rs E0308 mismatched types"]],
    ["tsc.txt", ["a.ts:1 a.ts TS2322", "a.ts:1 a.ts TS7006"]],
    ["tsc-pretty.txt", ["a.ts:1 a.ts TS2322", "a.ts:1 a.ts TS7006"]],
  ];
  for (const [file, names] of complaints) {
    test(`${file} gives rule and place`, () => {
      expect(readReport(sample(file))).toBeUndefined();
      const found = parseDiagnostics(sample(file)).map(({ name, location }) =>
        `${location} ${name}`.replaceAll("/tmp/ev/js/", ""),
      );
      expect(found).toHaveLength(names.length);
      for (const [at, name] of names.entries()) {
        for (const part of name.split(" ")) expect(found[at]).toContain(part);
      }
    });
  }

  test("a name stays the same when lines above it are added", () => {
    const name = (line: number) => parseDiagnostics(`a.py:${line}:1: F401 'os' imported but unused`)[0]!.name;
    expect(name(3)).toBe(name(30));
  });

  test("warnings count only where nothing is worse", () => {
    const warning = "a.c:1:2: warning: unused";
    expect(parseDiagnostics(warning)).toHaveLength(1);
    expect(parseDiagnostics(`${warning}\na.c:2:2: error: broken`).map((failure) => failure.message)).toEqual([
      "broken",
    ]);
  });

  test("stack traces and times are no complaints", () => {
    expect(parseDiagnostics("    at f (/a/b.js:3:4)\n12:30:01 started\nhttp://localhost:80:1\n")).toEqual([]);
  });
});
