import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PIECE } from "../../src/tools/pieces.ts";
import { withoutRoot } from "../without-root.ts";
import { openTask } from "./task.ts";

describe("write", () => {
  test("creates a file and its folders, and says what it did", async () => {
    await using task = await openTask();
    const result = await task.call("write", { path: "a/b/c.ts", content: "one\ntwo\n" });
    expect(result.text).toBe("Created a/b/c.ts (2 lines).");
    expect(result.changed).toEqual([join(task.workspace, "a/b/c.ts")]);
    expect(task.get("a/b/c.ts")).toBe("one\ntwo\n");
    expect(readdirSync(join(task.workspace, "a/b"))).toEqual(["c.ts"]);
  });

  test("names the file where its folder cannot be written to", async () => {
    await using task = await openTask();
    mkdirSync(join(task.workspace, "shut"));
    chmodSync(join(task.workspace, "shut"), 0o500);
    await withoutRoot(dirname(task.workspace), async () => {
      for (const path of ["shut/a", "shut/more/a"]) {
        const said = await task.fails("write", { path, content: "one" });
        expect(said).toBe(`write failed: no permission: ${path}; go on without it and say so.`);
      }
    });
  });

  test("replaces only what was read before and has not changed since", async () => {
    await using task = await openTask();
    task.put("a", "one\n");
    expect(await task.fails("write", { path: "a", content: "two\n" })).toBe(
      "a exists and was not read. Read it first, then write; or use edit.",
    );
    await task.ok("read", { path: "a" });
    task.put("a", "somebody else\n");
    expect(await task.fails("write", { path: "a", content: "two\n" })).toBe(
      "a changed since it was read. Read it again, then write what is to be there.",
    );
    expect(task.get("a")).toBe("somebody else\n");
    await task.ok("read", { path: "a" });
    expect(await task.ok("write", { path: "a", content: "two" })).toBe("Replaced a (1 line).");
    expect(await task.ok("write", { path: "a", content: "" })).toBe("Replaced a (0 lines).");
    expect(task.get("a")).toBe("");
  });

  test("keeps the mode of a file", async () => {
    await using task = await openTask();
    const path = task.put("run.sh", "echo 1\n");
    chmodSync(path, 0o755);
    await task.ok("read", { path: "run.sh" });
    await task.ok("write", { path: "run.sh", content: "echo 2\n" });
    expect(statSync(path).mode & 0o777).toBe(0o755);
  });

  const forms: [what: string, before: string, content: string, after: string, said: string][] = [
    ["CRLF", "a\r\nb\r\n", "a\nc\n", "a\r\nc\r\n", "; its CRLF line ends kept"],
    ["a byte order mark", "\uFEFFa\nb\n", "a\nc\n", "\uFEFFa\nc\n", "; its byte order mark kept"],
    ["both", "\uFEFFa\r\n", "a\nc\n", "\uFEFFa\r\nc\r\n", "; its CRLF line ends and byte order mark kept"],
    ["line ends of two kinds", "a\r\nb\n", "a\nc\n", "a\nc\n", ""],
    ["CRLF in what is new, too", "a\r\n", "a\r\nb\n", "a\r\nb\n", ""],
    ["a mark in what is new, too", "\uFEFFa", "\uFEFFa\nc\n", "\uFEFFa\nc\n", ""],
    ["no line end", "a", "a\nc\n", "a\nc\n", ""],
  ];
  test.each(forms)("keeps the form of a file with %s", async (_, before, content, after, said) => {
    await using task = await openTask();
    const path = task.put("a.txt", before);
    await task.ok("read", { path: "a.txt" });
    expect(await task.ok("write", { path: "a.txt", content })).toBe(`Replaced a.txt (2 lines${said}).`);
    expect(readFileSync(path).toString("latin1")).toBe(Buffer.from(after).toString("latin1"));
  });

  test("finds CRLF across what is read at once, and a single other line end behind it", async () => {
    await using task = await openTask();
    const before = `${"x".repeat(PIECE - 1)}\r\nx\r\n`;
    for (const [old, end] of [
      [before, "\r\n"],
      [`${before}y\n`, "\n"],
    ] as const) {
      const path = task.put("a.txt", old);
      await task.ok("read", { path: "a.txt" });
      await task.ok("write", { path: "a.txt", content: "1\n2\n" });
      expect(readFileSync(path, "utf8")).toBe(`1${end}2${end}`);
    }
  });

  test("does not go over a write protection", async () => {
    await using task = await openTask();
    chmodSync(task.put("a", "one\n"), 0o444);
    await task.ok("read", { path: "a" });
    expect(await task.fails("write", { path: "a", content: "two" })).toBe(
      "a is write-protected (mode 444). Leave it, or chmod it first if the task needs that.",
    );
    expect(await task.fails("edit", { path: "a", old: "one", new: "two" })).toContain("write-protected");
    expect(task.get("a")).toBe("one\n");
  });

  test("does not write over what somebody puts there while the file is recorded", async () => {
    await using task = await openTask({ beforeWrite: async (path) => writeFileSync(path, "the user's\n") });
    task.put("old", "one\n");
    await task.ok("read", { path: "old" });
    expect(await task.fails("write", { path: "old", content: "two" })).toContain("old changed since it was read");
    expect(await task.fails("write", { path: "new", content: "two" })).toContain("new exists and was not read");
    expect([task.get("old"), task.get("new")]).toEqual(["the user's\n", "the user's\n"]);
  });

  test("does not write over a folder", async () => {
    await using task = await openTask();
    task.put("src/a", "");
    expect(await task.fails("write", { path: "src", content: "x" })).toBe("src is a folder. Name a file in it.");
  });
});
