import { describe, expect, test } from "bun:test";
import { diffLines, isHunk } from "../../src/cli/display/diff-lines.ts";
import { createStyle } from "../../src/cli/display/style.ts";

const plain = createStyle(false);
const DIFF = ["edit a.ts +2 -1", "@@ -8,3 +8,3 @@", " a", "-b", "+B", " c", "@@ -98,2 +98,3 @@", " x", "+y", " z"];

describe("a diff for a person", () => {
  test("has the number of each line, dots between its places, and its first line as it is", () => {
    expect(diffLines(DIFF, 80, plain)).toEqual([
      "edit a.ts +2 -1",
      "  8  a",
      "  9 -b",
      "  9 +B",
      " 10  c",
      "    …",
      " 98  x",
      " 99 +y",
      "100  z",
    ]);
  });

  test("is coloured by what a line does, its number never", () => {
    const [, ...lines] = diffLines(DIFF, 80, createStyle(true));
    expect(lines[1]).toBe("\x1b[2m  9\x1b[22m \x1b[31m-b\x1b[39m");
    expect(lines[2]).toBe("\x1b[2m  9\x1b[22m \x1b[32m+B\x1b[39m");
  });

  test("wraps a long line under its first row, and keeps its indentation", () => {
    const long = ["@@ -1 +1 @@", "-    if (one) {", `+    ${"x".repeat(30)}`];
    expect(diffLines(long, 22, plain)).toEqual([
      "1 -    if (one) {",
      `1 +    ${"x".repeat(15)}`,
      `  ${"x".repeat(15)}`,
    ]);
  });

  test("takes a line of the file for what it is, whatever stands in it", () => {
    const tricky = ["@@ -1,2 +1,2 @@", "-@@ -5 +5 @@", "+--- a", " +++ b", "\\ No newline at end of file"];
    expect(diffLines(tricky, 80, plain)).toEqual([
      "1 -@@ -5 +5 @@",
      "1 +--- a",
      "2  +++ b",
      "  No newline at end of file",
    ]);
    expect(["@@ -5 +5 @@", "-@@ -5 +5 @@", "@@ line 5 @@"].map(isHunk)).toEqual([true, false, false]);
  });
});
