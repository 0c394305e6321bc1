import { describe, expect, test } from "bun:test";
import { behindWrapper, splitString } from "../../../src/base/shell/wrappers.ts";

const words = (line: string) => line.split(" ").map((text) => ({ text }));
const behind = (line: string) => {
  const [name, ...args] = words(line);
  return behindWrapper(name!.text, args)
    ?.map(({ text }) => text)
    .join(" ");
};

describe("the command behind another one", () => {
  test.each([
    ["env -u A -C sub B=c make -j", "make -j"],
    ["sudo -u me -- ls", "ls"],
    ["timeout -k 1 5 npx jest", "npx jest"],
    ["flock -w 3 file make", "make"],
    ["find . -exec rm {} ; -print", "rm {}"],
    ["uv --directory sub run --with x -p 3.12 pytest -x", "pytest -x"],
    ["poetry -C sub run pytest", "pytest"],
    ["pnpm --filter web exec vitest", "vitest"],
    ["npm exec --package x -- jest", "jest"],
    ["bundle exec rake", "rake"],
    ["uv run", ""],
  ])("%s", (line, expected) => {
    expect(behind(line)).toBe(expected);
  });

  test.each([
    "npm run x",
    "uv sync",
    "bun test",
    "bundle install",
    "command -v git",
    "find . -name x",
    "git status",
    "",
  ])("%j starts none", (line) => {
    expect(behind(line)).toBeUndefined();
  });

  test("is a string to be taken apart behind env -S, in each of its spellings", () => {
    for (const [line, text, before, after] of [
      ["-S a b", "a", "", "b"],
      ["-i -u X A=b -Sa b c", "a", "-i -u X A=b", "b c"],
      ["-ivSa", "a", "", ""],
      ["--split-string=a b", "a", "", "b"],
      ["--sp a b", "a", "", "b"],
    ] as const) {
      const split = splitString(words(line))!;
      const joined = (list: readonly { text: string }[]) => list.map((word) => word.text).join(" ");
      expect([split.text, joined(split.before), joined(split.after)]).toEqual([text, before, after]);
      expect(behindWrapper("env", words(line))).toBeUndefined();
    }
    for (const line of ["-u -S ls", "-- -S ls", "ls -S a"]) expect(splitString(words(line))).toBeUndefined();
  });
});
