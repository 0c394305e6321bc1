import { expect, test } from "bun:test";
import { parseArgs } from "../../src/cli/args.ts";
import { wordsOf } from "../../src/cli/usage.ts";

const words = (...argv: string[]) => wordsOf(parseArgs(argv));

test("of a command its name, its subcommand and its switches are kept", () => {
  expect(words("undo")).toBe("undo");
  expect(words("learn", "list", "--json")).toBe("learn list --json");
  expect(words("models", "--json", "--refresh")).toBe("models --json --refresh");
});

test("neither a task nor an argument, which may be a key, is kept", () => {
  expect(words("--yes", "-m", "a/b", "fix it with sk-123456789")).toBe("run");
  expect(words("connect", "sk-1234567890")).toBe("connect");
  expect(words("undo", "20261101-101010-abcd", "-C", "/home/u")).toBe("undo");
  expect(words("learn", "edit", "l-1", "my", "words")).toBe("learn edit");
});
