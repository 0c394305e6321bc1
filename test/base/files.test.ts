import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Appender, ensureDir, readRegular, readText, writeAtomic } from "../../src/base/files.ts";

const root = mkdtempSync(join(tmpdir(), "openkoi-files-"));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
function folder(): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  return path;
}

const mode = (path: string) => statSync(path).mode & 0o7777;

describe("a file that somebody else has put there", () => {
  test("is read where it is a regular one within the limit", () => {
    const dir = folder();
    writeFileSync(join(dir, "a"), "text");
    expect(readRegular(join(dir, "a"), 4)?.toString()).toBe("text");
    expect(readRegular(join(dir, "a"), 3)).toBeUndefined();
    expect(readRegular(join(dir, "missing"), 3)).toBeUndefined();
    expect(readRegular(dir, 100)).toBeUndefined();
  });

  // In a process of its own: a read that waits for the writer of a pipe could not be stopped.
  test("is not waited for where it is a pipe: by no part that looks at a project", () => {
    const dir = folder();
    for (const name of ["package.json", "Makefile", "AGENTS.md", ".git", ".gitignore"]) {
      Bun.spawnSync(["mkfifo", join(dir, name)]);
    }
    const src = join(import.meta.dir, "../../src");
    const script = `
      const { discoverChecks } = await import("${src}/evidence/discover.ts");
      const { repositoryOf } = await import("${src}/exec/repository.ts");
      const { walk } = await import("${src}/base/walk.ts");
      const { instructions } = await import("${src}/instructions.ts");
      const dir = ${JSON.stringify(dir)};
      discoverChecks({ workspace: dir, configured: [], programs: { bun: "bun" } }, new AbortController().signal);
      repositoryOf(dir);
      await instructions(dir, { home: dir + "/home" }, () => {});
      console.log([...walk(dir)].length);`;
    const child = Bun.spawnSync([process.execPath, "-e", script], { timeout: 10_000 });
    expect({ out: child.stdout.toString(), err: child.stderr.toString() }).toEqual({ out: "4\n", err: "" });
  });

  test("is not waited for where a pipe takes its place just before it is opened", () => {
    const dir = folder();
    writeFileSync(join(dir, "file"), "text");
    Bun.spawnSync(["mkfifo", join(dir, "pipe")]);
    const swap = `
      const { linkSync, renameSync } = await import("node:fs");
      for (const dir = ${JSON.stringify(dir)}; ; ) {
        for (const name of ["file", "pipe"]) {
          linkSync(dir + "/" + name, dir + "/next");
          renameSync(dir + "/next", dir + "/place");
        }
      }`;
    const script = `
      const { readText } = await import("${join(import.meta.dir, "../../src/base/files.ts")}");
      const found = new Set();
      for (let times = 0; times < 50_000 || found.size < 2; times++) {
        found.add(await readText(${JSON.stringify(dir)} + "/place").catch(({ message }) => message) ?? "nothing yet");
        found.delete("nothing yet");
      }
      console.log([...found].sort().join());`;
    const swapping = Bun.spawn([process.execPath, "-e", swap]);
    try {
      const child = Bun.spawnSync([process.execPath, "-e", script], { timeout: 20_000 });
      expect(child.stdout.toString()).toBe("it is not a regular file,text\n");
    } finally {
      swapping.kill();
    }
  });
});

describe("an atomic write", () => {
  test("makes a file, and nothing beside it", async () => {
    const dir = folder();
    await writeAtomic(join(dir, "a"), "text");
    expect(readFileSync(join(dir, "a"), "utf8")).toBe("text");
    expect(readdirSync(dir)).toEqual(["a"]);
  });

  test("replaces a file and keeps its mode", async () => {
    const file = join(folder(), "a");
    writeFileSync(file, "old");
    chmodSync(file, 0o750);
    await writeAtomic(file, new Uint8Array([1, 2]), { fsync: false });
    expect([...readFileSync(file)]).toEqual([1, 2]);
    expect(mode(file)).toBe(0o750);
  });

  test("gives exactly the mode that was asked for, whatever the umask", async () => {
    const file = join(folder(), "key");
    await writeAtomic(file, "k", { mode: 0o600 });
    expect(mode(file)).toBe(0o600);
    await writeAtomic(file, "k", { mode: 0o666 });
    expect(mode(file)).toBe(0o666);
  });

  test("leaves the old file and no temporary one when it fails", async () => {
    const dir = folder();
    mkdirSync(join(dir, "taken"));
    await expect(writeAtomic(join(dir, "taken"), "x")).rejects.toThrow();
    expect(readdirSync(dir)).toEqual(["taken"]);
    await expect(writeAtomic(join(dir, "missing", "file"), "x")).rejects.toThrow("ENOENT");
  });

  test("writes through a link", async () => {
    const dir = folder();
    writeFileSync(join(dir, "real"), "old");
    symlinkSync("real", join(dir, "link"));
    await writeAtomic(join(dir, "link"), "new");
    expect(lstatSync(join(dir, "link")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(dir, "real"), "utf8")).toBe("new");
  });

  test("of many at once leaves one of them whole", async () => {
    const dir = folder();
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(texts.map((text) => writeAtomic(join(dir, "a"), text, { fsync: false })));
    expect(texts).toContain(readFileSync(join(dir, "a"), "utf8"));
    expect(readdirSync(dir)).toEqual(["a"]);
  });
});

test("reading a file that is not there gives undefined, anything else that is no file throws", async () => {
  const dir = folder();
  writeFileSync(join(dir, "a"), "ä");
  expect(await readText(join(dir, "a"))).toBe("ä");
  expect(await readText(join(dir, "b"))).toBeUndefined();
  expect(await readText(join(dir, "a", "b"))).toBeUndefined();
  await expect(readText(dir)).rejects.toThrow("not a regular file");
});

test("a folder is made with those above it and has the mode asked for", async () => {
  const path = join(folder(), "x", "y");
  await ensureDir(path, 0o700);
  expect(mode(path)).toBe(0o700);
  chmodSync(path, 0o755);
  await ensureDir(path, 0o700);
  expect(mode(path)).toBe(0o700);
  await ensureDir(path);
  expect(mode(path)).toBe(0o700);
});

describe("an appender", () => {
  test("adds lines in the order of the calls and makes the file private", async () => {
    const file = join(folder(), "t.jsonl");
    const out = new Appender(file);
    await Promise.all([out.append("1\n"), out.append("2\n", { sync: true }), out.append("3\n")]);
    expect(out.size).toBe(6);
    await out.close();
    await out.close();
    expect(readFileSync(file, "utf8")).toBe("1\n2\n3\n");
    expect(mode(file)).toBe(0o600);
    await expect(out.append("4\n")).rejects.toThrow("is closed");
  });

  const tails: [what: string, before: string, after: string][] = [
    ["keeps a file that ends well", '{"a":1}\n', '{"a":1}\n'],
    ["ends a last line that is whole", '{"a":1}\n{"b":2}', '{"a":1}\n{"b":2}\n'],
    ["cuts a torn last line", '{"a":1}\n{"b":', '{"a":1}\n'],
    ["cuts a torn only line", '{"b', ""],
    ["cuts a torn line longer than it reads at once", `{"a":1}\n"${"x".repeat(200_000)}`, '{"a":1}\n'],
    ["ends a whole line longer than it reads at once", `"${"x".repeat(200_000)}"`, `"${"x".repeat(200_000)}"\n`],
  ];
  for (const [what, before, after] of tails) {
    test(`${what} before it goes on`, async () => {
      const file = join(folder(), "t.jsonl");
      writeFileSync(file, before);
      const out = new Appender(file);
      expect(out.size).toBe(after.length);
      await out.append("{}\n");
      await out.close();
      expect(readFileSync(file, "utf8")).toBe(`${after}{}\n`);
    });
  }

  test("of a missing folder says so", () => {
    expect(() => new Appender(join(root, "none", "t.jsonl"))).toThrow("ENOENT");
  });
});
