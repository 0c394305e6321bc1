import { describe, expect, test } from "bun:test";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Pieces } from "../../src/tools/pieces.ts";
import { openTask } from "./task.ts";

describe("read", () => {
  test("numbers the lines", async () => {
    await using task = await openTask();
    task.put("a.ts", "one\n  two\n\nfour");
    expect(await task.ok("read", { path: "a.ts" })).toBe("1\tone\n2\t  two\n3\t\n4\tfour");
  });

  test("reads a range and says how to go on", async () => {
    await using task = await openTask();
    task.put("a", Array.from({ length: 50 }, (_, index) => `l${index + 1}`).join("\n"));
    expect(await task.ok("read", { path: "a", offset: 10, limit: 2 })).toBe(
      "10\tl10\n11\tl11\n[50 lines in all; go on with offset 12]",
    );
    expect(await task.ok("read", { path: "a", offset: 49 })).toBe("49\tl49\n50\tl50");
    expect(await task.fails("read", { path: "a", offset: 51 })).toBe("a has 50 lines; offset 51 is behind its end.");
    expect(await task.ok("read", { path: "a", offset: 0, limit: 1 })).toStartWith("1\tl1\n");
    expect(await task.fails("read", { path: "a", offset: -1 })).toContain("offset: must be at least 0");
  });

  test("stops at 2000 lines and at 50 KB, and the rest can be read piece by piece", async () => {
    await using task = await openTask();
    const lines = Array.from({ length: 5000 }, (_, index) => `${index + 1} ${"x".repeat(index % 90)}`);
    task.put("a", `${lines.join("\n")}\n`);
    const got: string[] = [];
    for (let offset: number | undefined = 1; offset; ) {
      const result = await task.call("read", { path: "a", offset });
      expect(result.fullText).toBeUndefined();
      expect(Buffer.byteLength(result.text)).toBeLessThanOrEqual(50 * 1024);
      const shown = result.text.split("\n");
      expect(shown.length).toBeLessThanOrEqual(2000);
      got.push(...shown.filter((line) => /^\d+\t/.test(line)).map((line) => line.replace(/^\d+\t/, "")));
      offset = Number(/go on with offset (\d+)\]$/.exec(result.text)?.[1]) || undefined;
    }
    expect(got).toEqual(lines);
  });

  test("cuts a long line and says so", async () => {
    await using task = await openTask();
    task.put("min.js", `short\n${"é".repeat(30_000)}\nend`);
    const text = await task.ok("read", { path: "min.js" });
    expect(text).toContain(`2\t${"é".repeat(2000)}… [line cut: it has 60000 bytes]\n3\tend`);
    expect(text).toEndWith("[grep or bash (cut -c) show parts of a cut line]");
    task.put("emoji", `x${"😀".repeat(3000)}`);
    expect((await task.ok("read", { path: "emoji" })).isWellFormed()).toBe(true);
  });

  test("leaves byte order mark and carriage returns to the file", async () => {
    await using task = await openTask();
    task.put("dos.txt", "\uFEFFone\r\ntwo\r\n");
    expect(await task.ok("read", { path: "dos.txt" })).toBe("1\tone\n2\ttwo");
  });

  test("shows what is not UTF-8 as far as it can and says so", async () => {
    await using task = await openTask();
    task.put("latin1", Buffer.from("caf\xe9\nok\n", "latin1"));
    expect(await task.ok("read", { path: "latin1" })).toBe(
      "1\tcaf\uFFFD\n2\tok\n[not valid UTF-8: \uFFFD stands for bytes that are no text]",
    );
  });

  test("says what a binary is and how large", async () => {
    await using task = await openTask();
    task.put("a.bin", Buffer.from([1, 2, 0, 3]));
    task.put("a.png", Buffer.from("\x89PNG\r\n\x1a\n0000", "latin1"));
    task.put("u16.txt", Buffer.from("\uFEFFhello", "utf16le"));
    expect(await task.ok("read", { path: "a.bin" })).toBe(
      "a.bin: binary data, 4 bytes. Not text, so it is not shown; bash can look into it.",
    );
    expect(await task.ok("read", { path: "a.png" })).toContain("a.png: PNG image, 12 bytes. Not text");
    expect(await task.ok("read", { path: "u16.txt" })).toContain("iconv");
  });

  test("hands images and PDFs to a model that takes them, but no huge ones", async () => {
    await using task = await openTask({ images: true });
    const png = Buffer.from("\x89PNG\r\n\x1a\nrest", "latin1");
    task.put("a.png", png);
    task.put("a.pdf", "%PDF-1.7 x");
    const result = await task.call("read", { path: "a.png" });
    expect(result.images).toEqual([{ type: "image", mediaType: "image/png", data: png.toString("base64") }]);
    expect(result.text).toBe("a.png: PNG image, 12 bytes");
    expect((await task.call("read", { path: "a.pdf" })).images?.[0]?.mediaType).toBe("application/pdf");
    task.put("big.png", Buffer.concat([png, Buffer.alloc(6 * 1024 * 1024)]));
    const big = await task.call("read", { path: "big.png" });
    expect(big.images).toBeUndefined();
    expect(big.text).toContain("Too large");
  });

  test("lists a folder", async () => {
    await using task = await openTask();
    task.put("src/b.ts", "");
    task.put("src/a/c", "");
    expect(await task.ok("read", { path: "src" })).toBe("src is a folder with 2 entries:\na/\nb.ts");
    for (let i = 0; i < 250; i++) task.put(`many/f${i}`, "");
    expect(await task.ok("read", { path: "many" })).toEndWith("[50 more; glob lists them]");
  });

  test("names a file with a similar name where there is none", async () => {
    await using task = await openTask();
    task.put("src/main.ts", "");
    expect(await task.fails("read", { path: "src/mian.ts" })).toBe(
      "src/mian.ts does not exist. Did you mean src/main.ts?",
    );
    expect(await task.fails("read", { path: "src/other.py" })).toBe(
      "src/other.py does not exist. glob finds files by name.",
    );
    expect(await task.fails("read", { path: "lib/x.ts" })).toContain("nor does its folder");
  });

  test("says that a file is empty", async () => {
    await using task = await openTask();
    task.put("a", "");
    expect(await task.ok("read", { path: "a" })).toBe("a is empty.");
  });

  test("does not wait for a pipe", async () => {
    await using task = await openTask();
    Bun.spawnSync(["mkfifo", join(task.workspace, "pipe")]);
    expect(await task.fails("read", { path: "pipe" })).toBe(
      "pipe is a pipe, socket or device, not a file; bash can look at it.",
    );
    expect(await task.fails("edit", { path: "pipe", old: "a", new: "b" })).toContain("not a file");
    expect(await task.fails("write", { path: "pipe", content: "a" })).toContain("was not read");
  });

  test("does not go byte by byte through a file that is said to be empty, and reads all of it", async () => {
    await using task = await openTask();
    const fd = openSync(task.put("a", "0123456789".repeat(1000)), "r");
    try {
      const pieces = new Pieces(fd, 0);
      const lengths = [pieces.current.length, pieces.next().length, pieces.next().length, pieces.next().length];
      expect(lengths).toEqual([4096, 4096, 1808, 0]);
    } finally {
      closeSync(fd);
    }
  });

  test("reads the beginning and the end of a huge file without holding it", async () => {
    await using task = await openTask();
    const fd = openSync(join(task.workspace, "huge.log"), "w");
    const block = Buffer.from(`${"y".repeat(1023)}\n`.repeat(1024));
    for (let i = 0; i < 200; i++) writeSync(fd, block);
    writeSync(fd, "the end\n");
    closeSync(fd);
    const before = process.memoryUsage().rss;
    expect(await task.ok("read", { path: "huge.log", limit: 1 })).toContain("more lines follow; go on with offset 2");
    expect(await task.ok("read", { path: "huge.log", offset: 204_801 })).toBe("204801\tthe end");
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
  });

  test("a line of 100 MB does not hurt", async () => {
    await using task = await openTask();
    const fd = openSync(join(task.workspace, "line"), "w");
    writeSync(fd, "a".repeat(10_000));
    ftruncateSync(fd, 100 * 1024 * 1024);
    closeSync(fd);
    expect(await task.ok("read", { path: "line" })).toContain("[line cut: it has 104857600 bytes]");
  });
});
