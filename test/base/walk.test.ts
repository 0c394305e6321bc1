import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { parseIgnore } from "../../src/base/ignore.ts";
import { type WalkOptions, walk } from "../../src/base/walk.ts";
import { WalkMemory } from "../../src/base/walk-memory.ts";
import { withoutRoot } from "../without-root.ts";

let root: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-walk-")));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A folder with these files; `path: content`. */
function tree(name: string, files: Record<string, string>): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

function files(folder: string, options?: WalkOptions): string[] {
  return [...walk(folder, options)].filter((entry) => entry.kind === "file").map((entry) => entry.path);
}

describe("walk", () => {
  test("names folders before what they hold, in the order of their names, links without following them", () => {
    const folder = tree("order", { "b/2": "", "b/10": "", a: "", "c/d/e": "" });
    symlinkSync(join(folder, "b"), join(folder, "link"));
    expect([...walk(folder)].map((entry) => `${entry.kind} ${entry.path}`)).toEqual([
      "file a",
      "dir b",
      "file b/10",
      "file b/2",
      "dir c",
      "dir c/d",
      "file c/d/e",
      "link link",
    ]);
  });

  test("leaves .git out, as a folder and as the file of a linked work tree", () => {
    const folder = tree("git", { ".git/config": "", "sub/.git": "gitdir: /nowhere", "sub/a": "" });
    expect(files(folder)).toEqual(["sub/a"]);
    expect(files(folder, { ignore: false })).toEqual(["sub/a"]);
  });

  test("obeys nested ignore files: the nearer one decides", () => {
    const folder = tree("nested", {
      ".gitignore": "*.log\n/build\n",
      "a.log": "",
      "sub/.gitignore": "!keep.log\nbuild\n",
      "sub/keep.log": "",
      "sub/b.log": "",
      "sub/build/x": "",
      "build/x": "",
      "other/build/x": "",
    });
    expect(files(folder)).toEqual([".gitignore", "other/build/x", "sub/.gitignore", "sub/keep.log"]);
    expect(files(folder, { ignore: false })).toHaveLength(8);
  });

  test("does not look into an ignored folder, so that nothing in it comes back", () => {
    const folder = tree("shut", { ".gitignore": "out/\n!out/keep\n", "out/keep": "", "out/x": "" });
    expect(files(folder)).toEqual([".gitignore"]);
  });

  test("obeys the ignore files above the root up to the top of the repository, and info/exclude", () => {
    const repository = tree("repo", {
      ".git/info/exclude": "secret\n",
      ".gitignore": "/packages/a/dist\n*.tmp\n",
      "packages/a/dist/x": "",
      "packages/a/secret": "",
      "packages/a/y.tmp": "",
      "packages/a/z": "",
    });
    expect(files(join(repository, "packages/a"))).toEqual(["z"]);
    expect(files(join(repository, "packages/a/dist"))).toEqual(["x"]);
  });

  test("does not obey ignore files above a folder that is in no repository", () => {
    tree("loose", { ".gitignore": "*\n", "inner/a": "" });
    expect(files(join(root, "loose/inner"))).toEqual(["a"]);
  });

  test("leaves out dot files and extra patterns where asked; extra patterns outrank every file", () => {
    const folder = tree("extra", { ".env": "", ".gitignore": "!node_modules\n", "node_modules/a/b": "", "src/a": "" });
    expect(files(folder, { hidden: false })).toEqual(["node_modules/a/b", "src/a"]);
    expect(files(folder, { extraIgnore: ["node_modules/"] })).toEqual([".env", ".gitignore", "src/a"]);
  });

  test("looks for what fits alone, and not into folders that cannot hold it", () => {
    const folder = tree("only", { ".gitignore": "no.ts\n", "a/x.ts": "", "a/no.ts": "", "a/y.md": "", "b/z.ts": "" });
    symlinkSync("x.ts", join(folder, "a/link.ts"));
    const asked: string[] = [];
    const only = {
      fits: (_: string, name: string) => name.endsWith(".ts"),
      mayHold: (path: string) => asked.push(path) > 0 && path !== "b",
    };
    const ignored: string[] = [];
    const found = [...walk(folder, { only, onIgnored: (path) => ignored.push(path) })];
    expect(found.map((entry) => `${entry.kind} ${entry.path}`)).toEqual(["dir a", "link a/link.ts", "file a/x.ts"]);
    expect(asked.toSorted()).toEqual(["a", "b"]);
    expect(ignored).toEqual(["a/no.ts"]);
  });

  test("leaves out what cannot be read and says so", async () => {
    const folder = mkdtempSync(join(tmpdir(), "openkoi-shut-off-"));
    mkdirSync(join(folder, "closed"));
    for (const file of ["closed/a", "b"]) writeFileSync(join(folder, file), "");
    chmodSync(join(folder, "closed"), 0);
    const skipped: string[] = [];
    const found = await withoutRoot(folder, () => files(folder, { onSkip: (path) => skipped.push(path) }));
    chmodSync(join(folder, "closed"), 0o700);
    rmSync(folder, { recursive: true });
    expect(found).toEqual(["b"]);
    expect(skipped).toEqual(["closed"]);
  });

  test("says that a root does not exist, and that a name is no UTF-8", () => {
    const skipped: string[] = [];
    expect(files(join(root, "nothing"), { onSkip: (path) => skipped.push(path) })).toEqual([]);
    const folder = tree("bytes", { good: "" });
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x61])]), "");
    expect(files(folder, { onSkip: (path) => skipped.push(path) })).toEqual(["good"]);
    expect(skipped).toEqual(["", "\uFFFDa"]);
  });

  test("throws the reason of its signal", () => {
    const folder = tree("abort", { "a/b": "" });
    expect(() => files(folder, { signal: AbortSignal.abort(new Error("enough")) })).toThrow("enough");
  });
});

describe("walk with a memory", () => {
  /** Seen from a minute later, when no folder is young any more. */
  const later = (): number => Date.now() + 60_000;
  /** As an hour ago, so that any change of names shows. */
  function age(folder: string): void {
    const past = new Date(Date.now() - 3_600_000);
    for (const { absolute, kind } of walk(folder, { ignore: false }))
      if (kind === "dir") utimesSync(absolute, past, past);
    utimesSync(folder, past, past);
  }
  const told = (folder: string, options: WalkOptions): string[] => {
    const heard: string[] = [];
    const onIgnored = (path: string): void => void heard.push(`ignored ${path}`);
    return [...walk(folder, { ...options, onIgnored })].map(({ kind, path }) => `${kind} ${path}`).concat(heard.sort());
  };

  test("reads the names of a folder once as long as its times and rules are the same", () => {
    const folder = tree("memory-names", { "a/b": "", ".gitignore": "*.log\n", "x.log": "" });
    const memory = new WalkMemory(later);
    const first = [...walk(folder, { memory })];
    const second = [...walk(folder, { memory })];
    expect(second.map(({ path }) => path)).toEqual([".gitignore", "a", "a/b"]);
    // The very same objects: nothing was made anew.
    for (const [at, entry] of second.entries()) expect(entry).toBe(first[at]!);
    age(folder);
    expect([...walk(folder, { memory })][0]).not.toBe(first[0]!);
  });

  test("does not trust the times of a folder that was young when it was read", () => {
    const folder = tree("memory-young", { a: "" });
    const memory = new WalkMemory(() => lstatSync(folder).ctimeMs + 20);
    const [first] = [...walk(folder, { memory })];
    expect([...walk(folder, { memory })][0]).not.toBe(first!);
  });

  test("goes by the times of the folder that a root leads to, not by those of the link", () => {
    const folder = tree("memory-link", { a: "" });
    const link = join(root, "memory-link-to");
    symlinkSync(folder, link);
    const memory = new WalkMemory(later);
    expect(files(link, { memory })).toEqual(["a"]);
    writeFileSync(join(folder, "b"), "");
    age(folder);
    expect(files(link, { memory })).toEqual(["a", "b"]);
  });

  test("reads the names each time on a file system that may not keep the times of folders", () => {
    const memory = new WalkMemory(later);
    const [first] = [...walk("/proc/sys/kernel/random", { memory })];
    expect(first).toBeDefined();
    expect([...walk("/proc/sys/kernel/random", { memory })][0]).not.toBe(first!);
  });

  test("sees what the rules say by now: of the folder, of one above, of the repository, of the caller", () => {
    const top = tree("memory-rules", {
      ".git/info/exclude": "",
      "sub/in/a.log": "",
      "sub/in/b.tmp": "",
      "sub/in/c": "",
    });
    const folder = join(top, "sub");
    tree("memory-rules", { "sub/in/.gitignore": "", ".gitignore": "" });
    const memory = new WalkMemory(later);
    const all = ["dir in", "file in/.gitignore", "file in/a.log", "file in/b.tmp", "file in/c"];
    expect(told(folder, { memory })).toEqual(all);
    for (const list of ["sub/in/.gitignore", ".gitignore", ".git/info/exclude"]) {
      // The times of the folders stay as they are: the list is there already.
      writeFileSync(join(top, list), "*.log\n");
      expect(told(folder, { memory })).toEqual([...all.filter((line) => !line.endsWith(".log")), "ignored in/a.log"]);
      writeFileSync(join(top, list), "");
      expect(told(folder, { memory })).toEqual(all);
    }
    expect(told(folder, { memory, extraIgnore: ["*.tmp"] })).toContain("ignored in/b.tmp");
    expect(told(folder, { memory, extraIgnore: ["*.log"] })).toContain("ignored in/a.log");
  });

  test("tells each time of what cannot be looked at", async () => {
    const folder = mkdtempSync(join(tmpdir(), "openkoi-shut-off-"));
    mkdirSync(join(folder, "locked"));
    for (const file of ["locked/a", "good"]) writeFileSync(join(folder, file), "");
    chmodSync(join(folder, "locked"), 0);
    const memory = new WalkMemory(later);
    for (let time = 0; time < 2; time++) {
      const skipped: string[] = [];
      await withoutRoot(folder, () => files(folder, { memory, onSkip: (path) => skipped.push(path) }));
      expect(skipped).toEqual(["locked"]);
    }
    chmodSync(join(folder, "locked"), 0o700);
    expect(files(folder, { memory })).toEqual(["good", "locked/a"]);
    rmSync(folder, { recursive: true });
  });

  test("finds what a walk without one finds, whatever is made, removed and renamed in between", () => {
    const name = fc.constantFrom("a", "b", "c.log", "d.log", ".gitignore");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const step = fc.oneof(
      fc.record({ act: fc.constant("write" as const), path, text: fc.constantFrom("", "*.log", "a", "/b/", "!c.log") }),
      fc.record({ act: fc.constant("remove" as const), path }),
      fc.record({ act: fc.constant("rename" as const), path, to: path }),
    );
    let number = 0;
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 6 }), (rounds) => {
        const folder = tree(`memory-any-${number++}`, { "a/b/c.log": "", "b/d.log": "", "a/.gitignore": "" });
        const memory = new WalkMemory(later);
        for (const steps of rounds) {
          age(folder);
          expect(told(folder, { memory })).toEqual(told(folder, {}));
          for (const one of steps) change(folder, one);
          expect(told(folder, { memory })).toEqual(told(folder, {}));
        }
      }),
      { numRuns: 40 },
    );
  });

  type Change = { act: "write"; path: string; text: string } | { act: "remove"; path: string } | Rename;
  type Rename = { act: "rename"; path: string; to: string };
  /** As far as it can be done. */
  function change(folder: string, one: Change): void {
    try {
      if (one.act === "write") tree(basename(folder), { [one.path]: one.text });
      else if (one.act === "remove") rmSync(join(folder, one.path), { recursive: true, force: true });
      else renameSync(join(folder, one.path), join(folder, one.to));
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }
});

describe("parseIgnore", () => {
  const verdict = (lines: string[], path: string, isDirectory = false) =>
    parseIgnore(lines.join("\n")).match(path, path.replace(/^.*\//, ""), isDirectory);

  test.each([
    ["a name matches in every folder", ["foo"], "x/foo", true],
    ["a slash inside anchors", ["a/foo"], "x/a/foo", undefined],
    ["a slash before anchors", ["/foo"], "x/foo", undefined],
    ["a slash behind is for folders only", ["foo/"], "foo", undefined],
    ["the last rule decides", ["*.a", "!x.a"], "x.a", false],
    ["a comment is no rule", ["#foo"], "#foo", undefined],
    ["an escaped # is", ["\\#foo"], "#foo", true],
    ["an escaped ! is no negation", ["\\!foo"], "!foo", true],
    ["spaces at the end do not count", ["foo  "], "foo", true],
    ["an escaped space at the end does", ["foo\\ "], "foo ", true],
    ["a star stays in its folder", ["a/*"], "a/b/c", undefined],
    ["two stars do not", ["a/**/c"], "a/x/y/c", true],
    ["two stars match no folder too", ["a/**/c"], "a/c", true],
    ["two stars at the end are what is inside", ["a/**"], "a", undefined],
    ["a class matches one character", ["[a-c]x"], "bx", true],
    ["a negated class does not match a slash", ["a[!b]c"], "a/c", undefined],
    ["a bracket first in a class is meant", ["[]x]"], "]", true],
    ["a class of POSIX", ["[[:digit:]]"], "7", true],
    ["an open class matches nothing", ["[a"], "[a", undefined],
    ["a backslash at the end matches nothing", ["a\\"], "a\\", undefined],
    ["what stands around a star must be there", ["a*b*c"], "axbyc", true],
    ["and may not be the same place", ["ab*ba"], "aba", undefined],
    ["a path with a name in common is another", ["x/foo", "!foo"], "y/foo", false],
    ["windows line ends", ["foo\r", "bar\r"], "foo", true],
    ["a byte order mark", ["\uFEFFfoo"], "foo", true],
    ["git matches bytes", ["???.x"], "€.x", true],
  ] as const)("%s", (_, lines, path, expected) => {
    expect(verdict([...lines], path)).toBe(expected as boolean | undefined);
  });

  test("a pattern made to be slow is not", () => {
    const name = "a".repeat(250);
    expect(verdict([`${"*a".repeat(60)}b`], name)).toBeUndefined();
    expect(verdict([`${"**/a".repeat(20)}b`], `${"a/".repeat(100)}a`)).toBeUndefined();
  });

  const hasGit = Bun.which("git") !== null;
  test.skipIf(!hasGit)("agrees with git on any rules", () => {
    const folder = join(root, "against-git");
    const names = ["a", "b", "foo", "foob", "x.o", "a b", "!x", "#y", "]", "é", "c]", "-"];
    const paths = names.flatMap((a) => [a, `d/${a}`, `d/e/${a}`]);
    tree("against-git", Object.fromEntries(paths.map((path) => [path, ""])));
    Bun.spawnSync(["git", "init", "-q", folder]);
    const bits = ["a", "b", "foo", "*", "**", "?", "/", "[ab]", "[!a]", "[a-c]", "[[:alpha:]]", ".o", "\\", " ", "d/"];
    const line = fc
      .array(fc.constantFrom(...bits, "e", "!", "#", "[", "]"), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join(""));
    const rules = fc.array(
      fc.tuple(fc.boolean(), line).map(([not, text]) => (not ? "!" : "") + text),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(rules, rules, (outer, inner) => {
        writeFileSync(join(folder, ".gitignore"), outer.join("\n"));
        writeFileSync(join(folder, "d/.gitignore"), inner.join("\n"));
        const git = Bun.spawnSync(["git", "-C", folder, "ls-files", "-z", "-o", "--exclude-standard"]);
        const listed = git.stdout.toString().split("\0").filter(Boolean).sort();
        expect(files(folder).sort()).toEqual(listed);
      }),
      { numRuns: 150 },
    );
  });
});
