import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { Exec, SpawnRequest } from "../../src/contracts/exec.ts";
import { unpack } from "../../src/skills/install/archive.ts";
import { LIMITS } from "../../src/skills/install/entries.ts";
import { fetchSource } from "../../src/skills/install/fetch.ts";
import { clone } from "../../src/skills/install/git.ts";
import { existingFor, install, putInPlace } from "../../src/skills/install/install.ts";
import { survey } from "../../src/skills/install/survey.ts";
import { readTar } from "../../src/skills/install/tar.ts";
import { readZip } from "../../src/skills/install/zip.ts";
import { type MadeEntry, makeTar, makeZip } from "./archives.ts";
import { evaluatorText, skillText, type TestHome, testHome } from "./home.ts";

const signal = new AbortController().signal;
const NOW = Date.parse("2026-11-23T10:00:00Z");

const READERS = {
  tar: (entries: readonly MadeEntry[]) => readTar(makeTar(entries), "x.tar"),
  zip: (entries: readonly MadeEntry[]) => readZip(makeZip(entries), "x.zip"),
};

describe.each(Object.entries(READERS))("a %s archive", (_, read) => {
  test("gives its files with their paths, contents and whether they may be executed", () => {
    const { files } = read([
      { path: "a/SKILL.md", data: "text" },
      { path: "./a//run.sh", data: "#!/bin/sh\n".repeat(100), mode: 0o100755 },
      { path: "empty" },
    ]);
    expect(files.map(({ path, data, executable }) => [path, data.length, executable])).toEqual([
      ["a/SKILL.md", 4, false],
      ["a/run.sh", 1000, true],
      ["empty", 0, false],
    ]);
  });

  test.each(["/etc/passwd", "../x", "a/../../x", "C:/x", "a\\..\\x", "a\nb", "..", "a/".repeat(30)])(
    "is refused for the path %p",
    (path) => {
      expect(() => read([{ path, data: "x" }])).toThrow(/holds|path/);
    },
  );

  test("is refused for two files of one name, also where only the case differs", () => {
    expect(() => read([{ path: "a/b" }, { path: "A/./B" }])).toThrow(/twice/);
  });

  test("is refused for too many files", () => {
    const many = Array.from({ length: LIMITS.files + 1 }, (__, at) => ({ path: `f${at}` }));
    expect(() => read(many)).toThrow(/more than 4000 files/);
  });

  test("cut off or changed anywhere it is read or refused, and nothing else", () => {
    const make = _ === "tar" ? makeTar : makeZip;
    const bytes = make([
      { path: "a/b.txt", data: "hello ".repeat(50) },
      { path: "c", data: "x" },
    ]);
    const check = (changed: Uint8Array) => {
      try {
        const { files } = _ === "tar" ? readTar(changed, "x") : readZip(changed, "x");
        for (const { path } of files) expect(path).not.toMatch(/^\/|(^|\/)\.\.(\/|$)/);
      } catch (error) {
        expect((error as Error).name).toBe("UserError");
      }
    };
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
        if (cut) return check(bytes.subarray(0, at));
        const changed = Uint8Array.from(bytes);
        changed[at] = value;
        check(changed);
      }),
      { numRuns: 300 },
    );
  });
});

describe("links and devices", () => {
  test.each([
    ["1", "hard link"],
    ["2", "symbolic link"],
    ["3", "device"],
    ["6", "pipe"],
    ["V", "something unknown"],
  ])("of type %p in a tar are refused", (type, what) => {
    expect(() => READERS.tar([{ path: "x", type }])).toThrow(what);
  });

  test("in a zip are refused", () => {
    expect(() => READERS.zip([{ path: "x", data: "/etc/passwd", mode: 0o120777 }])).toThrow(/symbolic link/);
  });
});

describe("bombs", () => {
  test("a zip entry that is larger than it says is refused before it is unpacked", () => {
    expect(() => READERS.zip([{ path: "x", data: "0".repeat(100_000), claims: 10 }])).toThrow(/more than it says/);
    expect(() => READERS.zip([{ path: "x", data: "x", claims: LIMITS.bytes + 1 }])).toThrow(/too much/);
  });

  test("a small gzip of something very large is refused", () => {
    using home = testHome();
    const file = join(home.base, "bomb.tar.gz");
    writeFileSync(file, gzipSync(Buffer.alloc(LIMITS.bytes + LIMITS.files * 2048 + 1), { level: 1 }));
    mkdirSync(join(home.base, "out"));
    expect(() => unpack(file, join(home.base, "out"))).toThrow(/too much/);
    expect(readdirSync(join(home.base, "out"))).toEqual([]);
  });
});

test("what the system's own tar packs is read, long names and all", () => {
  using home = testHome();
  const long = `${"folder-with-a-long-name/".repeat(5)}${"file".repeat(30)}.md`;
  home.put({ [`in/s/${long}`]: "deep", "in/s/SKILL.md": skillText("s") });
  for (const format of ["ustar", "pax", "gnu"]) {
    const file = join(home.base, `${format}.tgz`);
    // ustar has no room for a name of more than 100 characters.
    const what = format === "ustar" ? ["s/SKILL.md"] : ["s"];
    execFileSync("tar", ["-C", join(home.base, "in"), `--format=${format}`, "-czf", file, ...what]);
    const out = join(home.base, `out-${format}`);
    mkdirSync(out);
    unpack(file, out);
    expect(readFileSync(join(out, "s/SKILL.md"), "utf8")).toBe(skillText("s"));
    if (format !== "ustar") expect(readFileSync(join(out, "s", long), "utf8")).toBe("deep");
  }
});

/** A fetch whose git only remembers. */
function fetchIn(home: TestHome, source: string) {
  const cloned: string[] = [];
  const temp = join(home.base, "temp");
  mkdirSync(temp, { recursive: true });
  const fetched = fetchSource({
    source,
    dir: home.project,
    env: { HOME: join(home.base, "home") },
    temp,
    async clone(url, folder) {
      cloned.push(url);
      mkdirSync(folder);
    },
  });
  return { fetched, cloned };
}

describe("a source", () => {
  test("is a folder, relative to where one is", async () => {
    using home = testHome();
    home.put({ "project/skills/a/SKILL.md": skillText("a") });
    const folder = join(home.project, "skills");
    expect(await fetchIn(home, "skills").fetched).toEqual({ folder, origin: folder });
  });

  test("is the name of an optional bundled skill", async () => {
    using home = testHome();
    const { folder, origin } = await fetchIn(home, "release-notes").fetched;
    expect(origin).toBe("bundled:release-notes");
    expect(survey(folder, origin).candidates[0]?.facts.name).toBe("release-notes");
  });

  test.each(["https://example.org/a.git", "git@example.org:a/b.git", "ssh://example.org/a", "file:///a/b"])(
    "is the git URL %s",
    async (url) => {
      using home = testHome();
      const { fetched, cloned } = fetchIn(home, url);
      expect((await fetched).origin).toBe(url);
      expect(cloned).toEqual([url]);
    },
  );

  test("is named without the password or token of its URL, and cloned with it", async () => {
    for (const [url, shown] of [
      ["https://me:t0p@x@example.org/a.git#v1", "https://example.org/a.git#v1"],
      ["ssh://git:t0p@example.org/a", "ssh://git@example.org/a"],
    ] as const) {
      using home = testHome();
      const { fetched, cloned } = fetchIn(home, url);
      expect((await fetched).origin).toBe(shown);
      expect(cloned).toEqual([url]);
    }
  });

  test("that is none of these is refused, with the nearest name", async () => {
    using home = testHome();
    await expect(fetchIn(home, "release-note").fetched).rejects.toMatchObject({
      remedy: "Did you mean release-notes?",
    });
    await expect(fetchIn(home, "ext::sh -c x").fetched).rejects.toThrow(/no skill source/);
    await expect(fetchIn(home, "https://example.org/a.zip").fetched).rejects.toThrow(/archive on the web/);
  });
});

describe("git", () => {
  function fakeExec(code = 0, output = ""): { exec: Exec; asked: SpawnRequest[] } {
    const asked: SpawnRequest[] = [];
    const refuse = () => Promise.reject(new Error("only run is expected"));
    const exec: Exec = {
      async run(request) {
        asked.push(request);
        return { code, signal: null, timedOut: false, output, omitted: 0, ms: 1, leftovers: false };
      },
      start: refuse,
      shell: (line) => [line],
      close: async () => {},
    };
    return { exec, asked };
  }

  test("says what failed without the password or token of the URL", async () => {
    const { exec } = fakeExec(128, "fatal: unable to access 'https://me:t0p@example.org/a.git/'");
    const cloned = clone("https://me:t0p@example.org/a.git#v1", "/t/clone", exec, signal);
    await expect(cloned).rejects.toThrow(
      "https://example.org/a.git#v1 could not be cloned: fatal: unable to access 'https://example.org/a.git/'",
    );
  });

  test("clones one state by one protocol, with nobody's settings, hooks or submodules", async () => {
    const { exec, asked } = fakeExec();
    await clone("https://example.org/a.git#v1", "/t/clone", exec, signal);
    const { argv, env, timeoutMs } = asked[0]!;
    const line = argv.join(" ");
    expect(line).toContain("-c core.hooksPath=/dev/null");
    expect(line).toContain("-c protocol.allow=never -c protocol.https.allow=always");
    expect(line).toContain("--depth 1 ");
    expect(line).toContain("--no-recurse-submodules --template= --branch v1 -- https://example.org/a.git /t/clone");
    expect(env).toMatchObject({
      GIT_ALLOW_PROTOCOL: "https",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_TERMINAL_PROMPT: "0",
    });
    expect(timeoutMs).toBeLessThanOrEqual(120_000);
  });

  test("is never asked for what is no URL, or for a branch that is a flag", async () => {
    const { exec, asked } = fakeExec();
    for (const url of ["ext::sh -c x", "--upload-pack=x", "https://a b", "https://a#--x"]) {
      await expect(clone(url, "/t/clone", exec, signal)).rejects.toThrow(/no git URL/);
    }
    expect(asked).toEqual([]);
  });

  test("says in one line why a clone failed", async () => {
    const { exec } = fakeExec(128, "Cloning…\nfatal: repository 'x' not found\n");
    await expect(clone("https://a/x", "/t/clone", exec, signal)).rejects.toThrow(
      "https://a/x could not be cloned: fatal: repository 'x' not found",
    );
  });
});

describe("what a source holds", () => {
  test("is one skill, or those below it; scripts are told apart", () => {
    using home = testHome();
    home.put({
      "s/skills/a/SKILL.md": skillText("a"),
      "s/skills/a/tool": "x",
      "s/skills/a/notes.md": "x",
      "s/skills/a/scripts/x.py": "x",
      "s/evaluators/b/SKILL.md": evaluatorText("b", "code"),
      "s/skills/c/SKILL.md": "nothing",
      "s/skills/d/SKILL.md": evaluatorText("General", ""),
      "s/skills/e/SKILL.md": skillText("e", "d", "kind: evaluator"),
    });
    chmodSync(join(home.base, "s/skills/a/tool"), 0o755);
    const { candidates, refused } = survey(join(home.base, "s"), "s");
    expect(
      candidates.map(({ target, facts, scripts, replacesBundled }) => [target, facts.kind, scripts, replacesBundled]),
    ).toEqual([
      ["b", "evaluator", [], false],
      ["a", "task", ["scripts/x.py", "tool"], false],
      ["general", "evaluator", [], true],
    ]);
    expect(refused.map(({ rule }) => rule)).toEqual(["frontmatter", "evaluator"]);
    expect(survey(join(home.base, "s/skills/a"), "a").candidates).toHaveLength(1);
    expect(() => survey(home.project, "nothing")).toThrow("nothing holds no skill");
  });

  test("two of one source that would lie in the same place: the second is refused", () => {
    using home = testHome();
    home.put({
      "s/a/SKILL.md": skillText("Agent Browser"),
      "s/b/SKILL.md": skillText("agent-browser"),
      "s/c/SKILL.md": evaluatorText("agent-browser", "code"),
    });
    const { candidates, refused } = survey(join(home.base, "s"), "s");
    expect(candidates.map(({ facts }) => facts.name)).toEqual(["Agent Browser", "agent-browser"]);
    expect(refused).toMatchObject([{ file: join(home.base, "s/b/SKILL.md") }]);
    expect(refused[0]?.message).toContain("the same place");
  });

  test("a name that is no name of a folder becomes one", () => {
    using home = testHome();
    const targetOf = (name: string) => {
      home.put({ "x/SKILL.md": `---\nname: ${JSON.stringify(name)}\ndescription: d\n---\n` });
      return survey(join(home.base, "x"), "x").candidates[0]?.target;
    };
    expect([
      targetOf("Agent Browser"),
      targetOf("../../etc"),
      targetOf("技能"),
      targetOf("..."),
      targetOf("-a-"),
    ]).toEqual(["agent-browser", "etc", "技能", "x", "a"]);
  });
});

describe("installing", () => {
  function candidate(home: TestHome, folder = "s") {
    return survey(join(home.base, folder), folder).candidates[0]!;
  }

  test("copies the files to managed, whole, and records where they are from", async () => {
    using home = testHome();
    home.put({ "s/SKILL.md": skillText("a"), "s/run.sh": "x", "s/.git/hooks/post-checkout": "x", "s/.approved": "x" });
    chmodSync(join(home.base, "s/run.sh"), 0o4777);
    symlinkSync("run.sh", join(home.base, "s/link.sh"));
    const folder = await install(candidate(home), "/from/here", home.paths, NOW, signal);
    expect(folder).toBe(join(home.paths.skills.managed, "a"));
    expect(readdirSync(folder).sort()).toEqual(["SKILL.md", "link.sh", "run.sh"]);
    expect((statSync(join(folder, "run.sh")).mode & 0o7777).toString(8)).toBe("755");
    expect(readdirSync(home.paths.skills.managed)).toEqual(["a"]);
    const record = JSON.parse(readFileSync(join(home.paths.home, "skills/installed.json"), "utf8"));
    expect(record.skills["skills/managed/a"]).toMatchObject({
      origin: "/from/here",
      installedAt: "2026-11-23T10:00:00.000Z",
    });
  });

  test("an evaluator goes to the evaluators", async () => {
    using home = testHome();
    home.put({ "s/SKILL.md": evaluatorText("strict", "code") });
    expect(await install(candidate(home), "x", home.paths, NOW, signal)).toBe(
      join(home.paths.evaluators.managed, "strict"),
    );
  });

  test("tells what is there already: the same, another one, one that the user changed", async () => {
    using home = testHome();
    home.put({ "s/SKILL.md": skillText("a") });
    const existing = () => existingFor(candidate(home), home.paths);
    expect(await existing()).toBeUndefined();
    const folder = await install(candidate(home), "x", home.paths, NOW, signal);
    expect(await existing()).toEqual({ folder, same: true, changed: false, origin: "x" });
    home.put({ "s/SKILL.md": skillText("a", "Another one.") });
    expect(await existing()).toMatchObject({ same: false, changed: false });
    writeFileSync(join(folder, "SKILL.md"), skillText("a", "Mine."));
    expect(await existing()).toMatchObject({ same: false, changed: true });
    await install(candidate(home), "x", home.paths, NOW, signal);
    expect(await existing()).toMatchObject({ same: true, changed: false });
    expect(readdirSync(home.paths.skills.managed)).toEqual(["a"]);
  });

  test("whose last step fails leaves the one that was there where it was", () => {
    using home = testHome();
    home.put({ "here/SKILL.md": "old", "new/SKILL.md": "new" });
    const [fresh, folder, aside] = ["new", "here", "aside"].map((name) => join(home.base, name)) as [
      string,
      string,
      string,
    ];
    const failing = (from: string, to: string) => {
      if (from === fresh) throw new Error("no room");
      renameSync(from, to);
    };
    expect(() => putInPlace(fresh, folder, aside, failing as typeof renameSync)).toThrow("no room");
    expect(readFileSync(join(folder, "SKILL.md"), "utf8")).toBe("old");
    putInPlace(fresh, folder, aside);
    expect(readFileSync(join(folder, "SKILL.md"), "utf8")).toBe("new");
    expect(existsSync(aside)).toBe(false);
  });

  test("a link that leads out, or a pipe, is refused, and nothing is left behind", async () => {
    using home = testHome();
    home.put({ "secret.txt": "secret", "s/SKILL.md": skillText("a"), "p/SKILL.md": skillText("p") });
    symlinkSync("../secret.txt", join(home.base, "s/notes.txt"));
    execFileSync("mkfifo", [join(home.base, "p/pipe")]);
    await expect(install(candidate(home), "x", home.paths, NOW, signal)).rejects.toThrow(/link that leads out/);
    await expect(install(candidate(home, "p"), "x", home.paths, NOW, signal)).rejects.toThrow(
      /neither a file nor a folder/,
    );
    expect(readdirSync(home.paths.skills.managed)).toEqual([]);
  });

  test("a record that cannot be understood is the user's to mend", async () => {
    using home = testHome();
    home.put({ "s/SKILL.md": skillText("a"), "home/.openkoi/skills/installed.json": "{" });
    await expect(install(candidate(home), "x", home.paths, NOW, signal)).rejects.toThrow(/installed.json is no JSON/);
    expect(existsSync(join(home.paths.home, "skills/installed.json"))).toBe(true);
  });
});
