import { describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTask, type TestTask } from "./task.ts";

async function withFile(content: string | Uint8Array): Promise<TestTask> {
  const task = await openTask();
  task.put("a.ts", content);
  return task;
}

describe("edit", () => {
  test("replaces one place and says where", async () => {
    await using task = await withFile("one\ntwo\nthree\n");
    const result = await task.call("edit", { path: "a.ts", edits: [{ old: "two", new: "2\n2b" }] });
    expect(result).toEqual({
      text: "Edited a.ts: lines 2-3.",
      isError: false,
      changed: [join(task.workspace, "a.ts")],
    });
    expect(task.get("a.ts")).toBe("one\n2\n2b\nthree\n");
  });

  test("keeps what somebody writes into the file while it is recorded", async () => {
    await using task = await openTask({
      beforeWrite: async (path) => writeFileSync(path, `${readFileSync(path, "utf8")}the user's\n`),
    });
    task.put("a.ts", "one\ntwo\n");
    await task.ok("read", { path: "a.ts" });
    expect(await task.ok("edit", { path: "a.ts", old: "two", new: "2" })).toBe(
      "Edited a.ts: line 2. (the file had changed since it was read)",
    );
    expect(task.get("a.ts")).toBe("one\n2\nthe user's\n");
  });

  test("takes a single edit without the list around it", async () => {
    await using task = await withFile("one\n");
    await task.ok("edit", { path: "a.ts", old: "one", new: "two" });
    expect(task.get("a.ts")).toBe("two\n");
  });

  test("applies several edits in order, or none", async () => {
    await using task = await withFile("one\ntwo\nthree\n");
    const edits = [
      { old: "one", new: "1" },
      { old: "1\ntwo", new: "12" },
    ];
    expect(await task.ok("edit", { path: "a.ts", edits })).toBe("Edited a.ts: line 1.");
    expect(task.get("a.ts")).toBe("12\nthree\n");
    const answer = await task.fails("edit", {
      path: "a.ts",
      edits: [
        { old: "12", new: "x" },
        { old: "four", new: "4" },
      ],
    });
    expect(answer).toStartWith("a.ts, edit 2 of 2 (none was applied): old is not in the file");
    expect(task.get("a.ts")).toBe("12\nthree\n");
  });

  test("refuses a text that occurs more than once and names the lines", async () => {
    await using task = await withFile("x = 1;\ny = 2;\nx = 1;\n");
    expect(await task.fails("edit", { path: "a.ts", old: "x = 1;", new: "x = 3;" })).toBe(
      "a.ts: old occurs 2 times, in lines 1, 3. Add lines around it, or set all.",
    );
    await using overlapping = await withFile("aaa");
    expect(await overlapping.fails("edit", { path: "a.ts", old: "aa", new: "b" })).toContain("2 times");
  });

  test("replaces every place where all is set", async () => {
    await using task = await withFile("x = 1;\ny = 2;\nx = 1;\n");
    expect(await task.ok("edit", { path: "a.ts", edits: [{ old: "x", new: "longer", all: true }] })).toBe(
      "Edited a.ts: 2 places, the first in line 1.",
    );
    expect(task.get("a.ts")).toBe("longer = 1;\ny = 2;\nlonger = 1;\n");
  });

  test("keeps carriage returns, byte order mark, mode and a missing line end", async () => {
    await using task = await withFile("\uFEFFone\r\ntwo\r\nthree");
    chmodSync(join(task.workspace, "a.ts"), 0o750);
    await task.ok("edit", { path: "a.ts", old: "one\ntwo", new: "1\nnew\n2" });
    await task.ok("edit", { path: "a.ts", old: "three\n", new: "3\n" });
    expect(readFileSync(join(task.workspace, "a.ts"), "utf8")).toBe("\uFEFF1\r\nnew\r\n2\r\n3");
    expect(statSync(join(task.workspace, "a.ts")).mode & 0o777).toBe(0o750);
    await using unix = await withFile("one\ntwo\n");
    await unix.ok("edit", { path: "a.ts", old: "one\r\ntwo", new: "1\r\n2" });
    expect(unix.get("a.ts")).toBe("1\n2\n");
  });

  test("keeps both kinds of line end in a file that mixes them", async () => {
    await using task = await withFile("a\r\nb\r\nc\nd\n");
    await task.ok("edit", { path: "a.ts", old: "c\nd", new: "C\nD" });
    await task.ok("edit", { path: "a.ts", old: "a\nb", new: "A\nB" });
    expect(task.get("a.ts")).toBe("A\r\nB\r\nC\nD\n");
  });

  test("leaves bytes alone that are no UTF-8", async () => {
    await using task = await withFile(Buffer.from("caf\xe9 = 1\nx = 2\n", "latin1"));
    await task.ok("edit", { path: "a.ts", old: "x = 2", new: "é = 3" });
    const bytes = readFileSync(join(task.workspace, "a.ts"));
    expect(bytes).toEqual(Buffer.concat([Buffer.from("caf\xe9 = 1\n", "latin1"), Buffer.from("é = 3\n")]));
  });

  test("does not touch a file that changed since it was read where the place is no longer certain", async () => {
    await using task = await withFile("one\n");
    await task.ok("read", { path: "a.ts" });
    task.put("a.ts", "one\nmore one\n  three\n");
    for (const old of ["one", "two", "three\n \n"]) {
      expect(await task.fails("edit", { path: "a.ts", old, new: "x" })).toBe(
        "a.ts: the file changed since it was read, and old does not stand in it exactly once any more. Read it again, then edit.",
      );
    }
    expect(task.get("a.ts")).toBe("one\nmore one\n  three\n");
  });

  test("edits a file that changed since it was read where every place is as it was, and says so", async () => {
    await using task = await withFile("one\ntwo\n");
    await task.ok("read", { path: "a.ts" });
    task.put("a.ts", "// formatted\none;\ntwo;\n");
    const edits = [
      { old: "one", new: "1" },
      { old: "two", new: "2" },
    ];
    expect(await task.ok("edit", { path: "a.ts", edits })).toBe(
      "Edited a.ts: lines 2, 3. (the file had changed since it was read)",
    );
    expect(task.get("a.ts")).toBe("// formatted\n1;\n2;\n");
    // Nobody has seen the rest of it: it is still not overwritten.
    expect(await task.fails("write", { path: "a.ts", content: "" })).toStartWith("a.ts changed since it was read");
  });

  test("says in one line where several edits came to lie, by the lines of the finished file", async () => {
    await using task = await withFile("a\nb\nc\nd\ne\n");
    const edits = [
      { old: "e\n", new: "E\nE\n" },
      { old: "a", new: "A\nA\nA" },
      { old: "c", new: "C" },
    ];
    expect(await task.ok("edit", { path: "a.ts", edits })).toBe("Edited a.ts: lines 7-8, 1-3, 5.");
    expect(task.get("a.ts")).toBe("A\nA\nA\nb\nC\nd\nE\nE\n");
  });

  test("says so too of edits that change what others wrote, and of what is gone", async () => {
    await using task = await withFile("a\nb\nc\nd\n");
    const edits = [
      { old: "b", new: "1\n2\n3" },
      { old: "2", new: "two\nlines" },
      { old: "a\n1", new: "one" },
    ];
    expect(await task.ok("edit", { path: "a.ts", edits })).toBe("Edited a.ts: lines 1-4, 2-3, 1.");
    expect(task.get("a.ts")).toBe("one\ntwo\nlines\n3\nc\nd\n");
    expect(await task.ok("edit", { path: "a.ts", old: "one", new: "" })).toBe("Edited a.ts: line 1.");
  });

  test("goes on after its own edits without reading again", async () => {
    await using task = await withFile("one\n");
    await task.ok("read", { path: "a.ts" });
    await task.ok("edit", { path: "a.ts", old: "one", new: "two" });
    await task.ok("edit", { path: "a.ts", old: "two", new: "three" });
    expect(task.get("a.ts")).toBe("three\n");
  });

  test("grows a file by any size, in one place and in many", async () => {
    await using task = await withFile("\uFEFFone\nx\nx\n");
    const [large, larger] = ["é".repeat(20_000), "y".repeat(100_000)];
    const edits = [
      { old: "one", new: large },
      { old: "x", new: large, all: true },
      { old: `${large}\n${large}\n`, new: `${larger}\n` },
    ];
    expect(await task.fails("edit", { path: "a.ts", edits })).toContain(
      "edit 3 of 3 (none was applied): old occurs 2 times",
    );
    await task.ok("edit", {
      path: "a.ts",
      edits: [...edits.slice(0, 2), { old: `${large}\n${large}\n${large}`, new: larger }],
    });
    expect(readFileSync(join(task.workspace, "a.ts"), "utf8")).toBe(`\uFEFF${larger}\n`);
  });

  test("explains what cannot be edited", async () => {
    await using task = await withFile("one\n");
    task.put("src/b", "x");
    task.put("bin", Buffer.from([0, 1]));
    expect(await task.fails("edit", { path: "src", old: "a", new: "b" })).toContain("is a folder");
    expect(await task.fails("edit", { path: "bin", old: "a", new: "b" })).toContain("not text (binary data)");
    expect(await task.fails("edit", { path: "a.tz", old: "a", new: "b" })).toBe(
      "a.tz does not exist. Did you mean a.ts? To create a file use write.",
    );
    expect(await task.fails("edit", { path: "a.ts", old: "", new: "b" })).toContain("old is empty");
    expect(await task.fails("edit", { path: "a.ts", old: "one", new: "one" })).toContain("the same");
    expect(await task.fails("edit", { path: "a.ts", edits: [] })).toContain("edits is empty");
  });

  test("shows a person what would change before it is allowed", async () => {
    await using task = await openTask({ mode: "ask", answer: () => ({ choice: "once", by: "terminal" }) });
    task.put("a.ts", "one\ntwo\nthree\n");
    await task.ok("edit", { path: "a.ts", old: "two", new: "2" });
    expect(task.asked[0]).toMatchObject({
      detail: "edit a.ts +1 -1\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three",
      tool: "edit",
      subject: "a.ts",
    });
    await task.ok("write", { path: "new", content: "x\n" });
    expect(task.asked[1]).toMatchObject({ detail: "create new +1\n@@ -0,0 +1 @@\n+x" });
  });

  test("shows two places of a file as two, not everything between them", async () => {
    await using task = await openTask({ mode: "ask", answer: () => ({ choice: "once", by: "terminal" }) });
    task.put("a.ts", Array.from({ length: 40 }, (_, at) => `line ${at + 1}\n`).join(""));
    const edits = [
      { old: "line 5\n", new: "five\n" },
      { old: "line 30\n", new: "" },
    ];
    await task.ok("edit", { path: "a.ts", edits });
    expect(task.asked[0]).toMatchObject({
      detail: [
        "edit a.ts +1 -2",
        "@@ -3,5 +3,5 @@",
        " line 3",
        " line 4",
        "-line 5",
        "+five",
        " line 6",
        " line 7",
        "@@ -28,5 +28,4 @@",
        " line 28",
        " line 29",
        "-line 30",
        " line 31",
        " line 32",
      ].join("\n"),
    });
  });

  test("leaves nothing out of a long change, nor of a long line", async () => {
    await using task = await openTask({ mode: "ask", answer: () => ({ choice: "once", by: "terminal" }) });
    await task.ok("write", { path: "long", content: "x\n".repeat(5000) });
    await task.ok("write", { path: "wide", content: "y".repeat(9000) });
    const [long, wide] = task.asked.map((question) => (question as { detail: string }).detail);
    expect(long).toStartWith("create long +5000\n");
    expect(long!.match(/^\+x$/gm)).toHaveLength(5000);
    expect(wide).toContain(`+${"y".repeat(9000)}`);
  });

  test("does not bother anybody with an edit that cannot work", async () => {
    await using task = await openTask({ mode: "ask" });
    task.put("a.ts", "one\n");
    expect(await task.fails("edit", { path: "a.ts", old: "zzz", new: "y" })).toContain("old is not in the file");
    expect(task.asked).toEqual([]);
  });
});
