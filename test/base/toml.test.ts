import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { lineOfKey, parseToml } from "../../src/base/toml.ts";
import { describeSpecs } from "../specs.ts";

function complaint(source: string): string {
  try {
    parseToml(source, "config.toml");
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as Error).message;
  }
  return expect.unreachable("it should not have been understood");
}

describe("a malformed file is one line with file, line and column:", () => {
  const cases: [what: string, source: string, line: number, column: number][] = [
    ["a value that is missing", "[x]\na = \n", 2, 5],
    ["a value that is none", "[x]\nb = 1\nc = = 2\n", 3, 5],
    ["a header that is not closed", "a = 1\n[models\n", 2, 8],
    ["a string that is not closed", 'b = 1\na = "open\nc = 1', 2, 10],
    ["a key that is there twice", "a = 1\n\na = 2\n", 3, 5],
    ["a word without quotes", "x = 1\n\n   y = zzz\n", 3, 8],
    ["a table that is there twice", "[a]\nb = 1\n[a]\nc = 1", 3, 3],
    ["a tab before it", "\ta = 01", 1, 7],
    ["a list that is not closed", "a = [1, 2\nb = 3", 2, 1],
    ["an unknown escape", 'a = "\\q"', 1, 7],
    ["two keys in a line", "a = 1 b = 2", 1, 7],
    ["Windows line ends", "\r\n\r\nfoo bar\r\n", 3, 5],
    ["letters outside ASCII before it", "a = 'üü' x", 1, 10],
    ["multi-line strings before it", "x = '''a\nb'''\ny = '''a\nb'''\nz = '''\n", 5, 7],
    ["a byte-order mark", "\uFEFFa = = 1", 1, 5],
  ];
  for (const [what, source, line, column] of cases) {
    test(what, () => {
      const message = complaint(source);
      expect(message).toStartWith(`TOML parse error in config.toml at line ${line}, column ${column}: `);
      expect(message).not.toContain("\n");
    });
  }
});

test("a file larger than any settings is refused", () => {
  expect(complaint("#".repeat(300 * 1024))).toContain("larger than 256 KB");
});

test("a byte-order mark does no harm", () => {
  expect(parseToml("\uFEFFa = 1", "f")).toEqual({ a: 1 });
});

describe("the line of a key", () => {
  const source = `top = 1
[iteration]
max_iterations = 3
[[plugins.mcp]]
name = "a"
[[plugins.mcp]]
"name" = "b"
env = { KEY = 1 }
[providers."my-llm"]
base_url = "x"`;
  const cases: [key: string, line: number | undefined][] = [
    ["top", 1],
    ["iteration.max_iterations", 3],
    ["plugins.mcp[0].name", 5],
    ["plugins.mcp[1].name", 7],
    ["plugins.mcp[1].env.KEY", 8],
    ["plugins.mcp[1].command", 6],
    ["providers.my-llm.base_url", 10],
    ["nothing", undefined],
  ];
  for (const [key, line] of cases) test(`${key}: ${line}`, () => expect(lineOfKey(source, key)).toBe(line));
});

describeSpecs("parsers/toml-test/invalid", (dir) => {
  test("every file that is refused gets a place within the file", () => {
    let refused = 0;
    for (const file of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".toml")) continue;
      const source = readFileSync(join(dir, file), "utf8");
      try {
        parseToml(source, file);
      } catch (error) {
        refused++;
        const found = /at line (\d+), column (\d+): /.exec((error as Error).message);
        const lines = source.split("\n");
        expect(Number(found?.[1])).toBeWithin(1, lines.length + 1);
        expect(Number(found?.[2])).toBeWithin(1, (lines[Number(found?.[1]) - 1]?.length ?? 0) + 2);
      }
    }
    expect(refused).toBeGreaterThan(230);
  });
});
