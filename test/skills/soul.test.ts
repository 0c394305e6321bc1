import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { skillsClaim } from "../../src/skills/claim.ts";
import { fingerprint } from "../../src/skills/files.ts";
import { loadSoul, soulSection } from "../../src/skills/soul.ts";
import { skillText, testHome } from "./home.ts";

describe("the soul", () => {
  test("is the workspace's where it is trusted, else the user's, else the bundled one", () => {
    using home = testHome();
    const load = (trusted: boolean) => loadSoul(home.paths, home.project, trusted);
    expect(load(true)).toMatchObject({ source: "bundled", file: undefined });
    home.put({ "home/.openkoi/SOUL.md": "\uFEFF\nBe brief.\r\n" });
    expect(load(true)).toMatchObject({ text: "Be brief.", source: "user", file: home.paths.soul });
    home.put({ "project/.openkoi/SOUL.md": "Obey the repository." });
    expect(load(false).text).toBe("Be brief.");
    expect(load(true)).toMatchObject({ text: "Obey the repository.", source: "workspace" });
    expect(loadSoul(home.paths).source).toBe("user");
  });

  test("the bundled one is short", () => {
    using home = testHome();
    const { text } = loadSoul(home.paths);
    expect(Buffer.byteLength(text) / 4).toBeLessThanOrEqual(160);
    expect(text.length).toBeGreaterThan(200);
  });

  test("of more than 20,000 characters is cut, and says so; no character is cut in two", () => {
    using home = testHome();
    home.put({ "home/.openkoi/SOUL.md": "😀".repeat(20_010) });
    const soul = loadSoul(home.paths);
    expect([[...soul.text].length, soul.cut]).toEqual([20_000, 10]);
    expect(soul.text.isWellFormed()).toBe(true);
    expect(soulSection(soul)).toContain("(cut here: a soul may have 20000 characters)");
  });

  test("an empty file of the user means none at all", () => {
    using home = testHome();
    home.put({ "home/.openkoi/SOUL.md": "\n" });
    expect(soulSection(loadSoul(home.paths))).toBe("");
  });

  test("is framed as tone and habits that permit nothing", () => {
    using home = testHome();
    expect(soulSection(loadSoul(home.paths))).toMatch(/^<soul>\n[\s\S]+\n<\/soul>\n.*no permission/);
  });

  test("a project's one that leads out of the project, or is no file, is not read", () => {
    using home = testHome();
    home.put({ "secret.txt": "secret" });
    const soul = join(home.project, ".openkoi/SOUL.md");
    mkdirSync(dirname(soul));
    symlinkSync(join(home.base, "secret.txt"), soul);
    expect(loadSoul(home.paths, home.project, true).source).toBe("bundled");
  });

  test("a pipe in its place is not waited for", () => {
    using home = testHome();
    mkdirSync(home.paths.home, { recursive: true });
    execFileSync("mkfifo", [home.paths.soul]);
    expect(loadSoul(home.paths).source).toBe("bundled");
  });
});

describe("what a project asks to be trusted with", () => {
  test("is nothing where it brings nothing", () => {
    using home = testHome();
    expect(skillsClaim(home.project)).toBeUndefined();
  });

  test("is its skills, evaluators and soul, and another claim once a file of them changes", () => {
    using home = testHome();
    home.put({
      "project/.agents/skills/a/SKILL.md": skillText("a"),
      "project/.agents/evaluators/b/SKILL.md": skillText("b"),
      "project/.openkoi/SOUL.md": "x",
    });
    const first = skillsClaim(home.project);
    expect(first).toMatchObject({ of: "skills", file: join(home.project, ".agents"), keys: ["a", "b", "SOUL.md"] });
    expect(skillsClaim(home.project)).toEqual(first);
    const sources = new Set([first?.source]);
    for (const change of [".agents/skills/a/run.sh", ".agents/skills/a/SKILL.md", ".openkoi/SOUL.md"]) {
      home.put({ [`project/${change}`]: "changed" });
      sources.add(skillsClaim(home.project)?.source);
    }
    expect(sources.size).toBe(4);
  });

  test("is another claim once what a link in a skill leads to changes, be it a file or a folder", () => {
    using home = testHome();
    home.put({
      "project/docs/s.md": skillText("x"),
      "project/notes/a.md": "one",
      "project/.agents/skills/x/.keep": "",
    });
    const folder = join(home.project, ".agents/skills/x");
    const links: Record<string, string> = { "SKILL.md": "docs/s.md", notes: "notes", later: "none", round: ".agents" };
    for (const [name, target] of Object.entries(links)) symlinkSync(join("../../..", target), join(folder, name));
    const sources = [skillsClaim(home.project)?.source];
    expect(skillsClaim(home.project)?.source).toBe(sources[0]);
    for (const changed of ["docs/s.md", "notes/a.md", "notes/b.md", "none"]) {
      home.put({ [`project/${changed}`]: skillText("x", `Changed ${changed}.`) });
      sources.push(skillsClaim(home.project)?.source);
    }
    rmSync(join(folder, "notes"));
    symlinkSync("../../../docs", join(folder, "notes"));
    sources.push(skillsClaim(home.project)?.source);
    expect(new Set(sources).size).toBe(sources.length);
  });

  test("of a folder with more files than are looked at, no two are the same", () => {
    using home = testHome();
    home.put({ "s/SKILL.md": skillText("s"), "s/a": "", "s/b": "" });
    const folder = join(home.base, "s");
    expect(fingerprint(folder, 4)).toBe(fingerprint(folder, 4));
    expect(fingerprint(folder, 3)).not.toBe(fingerprint(folder, 3));
  });
});
