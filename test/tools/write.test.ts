import { describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
