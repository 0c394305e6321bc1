import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSkills, type SkillsInput } from "../../src/skills/index.ts";
import { approve } from "../../src/skills/proposals.ts";
import { selectRubric } from "../../src/skills/rubrics.ts";
import { evaluatorText, skillText, type TestHome, testHome } from "./home.ts";

const USER = "home/.openkoi/skills/user";
const MANAGED = "home/.openkoi/skills/managed";
const PROPOSED = "home/.openkoi/skills/proposed";
const DATA = "home/.local/share/openkoi";

function skillsOf(home: TestHome, more: Partial<SkillsInput> = {}) {
  const here = { env: {}, config: {}, trusted: true, platform: "linux", which: () => undefined };
  return createSkills({ paths: home.paths, workspace: home.project, ...here, ...more });
}

describe("where skills lie", () => {
  test("in the folders of the config home and of the data, and in the project", () => {
    using home = testHome();
    home.put({
      [`${USER}/a/SKILL.md`]: skillText("a"),
      [`${MANAGED}/b/SKILL.md`]: skillText("b"),
      [`${DATA}/skills/user/c/SKILL.md`]: skillText("c"),
      [`${DATA}/skills/managed/group/d/SKILL.md`]: skillText("d"),
      "project/.agents/skills/e/skill.md": skillText("e"),
    });
    const found = skillsOf(home)
      .offered()
      .map(({ name, source }) => `${name} ${source}`);
    expect(found).toEqual(["a user", "b managed", "c user", "d managed", "e workspace"]);
  });

  test("SKILL.md goes before skill.md, and a folder without either is none", () => {
    using home = testHome();
    home.put({
      [`${USER}/a/SKILL.md`]: skillText("a", "upper"),
      [`${USER}/a/skill.md`]: skillText("a", "lower"),
      [`${USER}/b/README.md`]: "nothing",
    });
    expect(skillsOf(home).offered()).toMatchObject([{ name: "a", description: "upper" }]);
  });

  test("a skill that the user linked in is found where it really is; a circle of links ends", () => {
    using home = testHome();
    home.put({ "elsewhere/a/SKILL.md": skillText("a") });
    mkdirSync(home.paths.skills.user, { recursive: true });
    symlinkSync(join(home.base, "elsewhere/a"), join(home.paths.skills.user, "a"));
    symlinkSync(home.paths.skills.user, join(home.paths.skills.user, "loop"));
    expect(skillsOf(home).offered()).toMatchObject([{ name: "a", folder: join(home.base, "elsewhere/a") }]);
  });

  test("a project cannot name a skill outside of itself", () => {
    using home = testHome();
    home.put({ "elsewhere/a/SKILL.md": skillText("a"), "project/.agents/skills/b/SKILL.md": skillText("b") });
    symlinkSync(join(home.base, "elsewhere/a"), join(home.project, ".agents/skills/a"));
    const skills = skillsOf(home);
    expect(skills.offered().map(({ name }) => name)).toEqual(["b"]);
    expect(skills.refused()).toMatchObject([{ rule: "outside" }]);
  });

  test("nothing is read before something is asked, and a task keeps what it began with", () => {
    using home = testHome();
    const skills = skillsOf(home);
    home.put({ [`${USER}/a/SKILL.md`]: skillText("a") });
    expect(skills.offered()).toHaveLength(1);
    home.put({ [`${USER}/b/SKILL.md`]: skillText("b") });
    expect(skills.offered()).toHaveLength(1);
  });
});

describe("of two skills with one name", () => {
  test("the stronger source counts: bundled, managed, workspace, user, approved proposal", async () => {
    using home = testHome();
    const places = [
      `${DATA}/skills/managed/x`,
      `${MANAGED}/x`,
      "project/.agents/skills/x",
      `${DATA}/skills/user/x`,
      `${USER}/x`,
      `${PROPOSED}/x`,
    ];
    for (const place of places) home.put({ [`${place}/SKILL.md`]: skillText("x", place) });
    await approve(home.paths, "x");
    for (const place of places.reverse()) {
      const skills = skillsOf(home);
      expect(skills.find("X")?.description).toBe(place);
      expect(skills.offered()).toHaveLength(1);
      rmSync(join(home.base, place), { recursive: true });
    }
    expect(skillsOf(home).find("x")).toBeUndefined();
  });

  test("the weaker one says by what it is outranked", () => {
    using home = testHome();
    home.put({ [`${USER}/x/SKILL.md`]: skillText("x"), [`${MANAGED}/x/SKILL.md`]: skillText("x") });
    const weaker = skillsOf(home)
      .all()
      .find(({ source }) => source === "managed");
    expect(weaker?.inactive).toBe(`outranked by ${join(home.base, USER, "x/SKILL.md")}`);
  });

  test("one that cannot be used outranks nothing", () => {
    using home = testHome();
    home.put({
      [`${USER}/x/SKILL.md`]: skillText("x", "mine", "metadata: {openclaw: {os: [darwin]}}"),
      [`${MANAGED}/x/SKILL.md`]: skillText("x", "managed"),
    });
    expect(skillsOf(home).find("x")?.description).toBe("managed");
  });
});

describe("a skill is offered", () => {
  test("as a proposal only while it is approved as it is", async () => {
    using home = testHome();
    const file = `${PROPOSED}/x/SKILL.md`;
    home.put({ [file]: skillText("x") });
    const state = () =>
      skillsOf(home)
        .all()
        .find(({ name }) => name === "x");
    expect(state()).toMatchObject({ approved: false, inactive: "it is proposed and not approved" });
    await approve(home.paths, "x");
    expect(state()).toMatchObject({ approved: true });
    expect(state()?.inactive).toBeUndefined();
    home.put({ [file]: skillText("x", "Does something else now.") });
    expect(state()).toMatchObject({ approved: false, inactive: "it changed since it was approved" });
  });

  test("of a project only where the folder is trusted", () => {
    using home = testHome();
    home.put({
      "project/.agents/skills/x/SKILL.md": skillText("x"),
      "project/.agents/evaluators/mild/SKILL.md": evaluatorText("mild", "code"),
    });
    const untrusted = skillsOf(home, { trusted: false });
    expect(untrusted.offered()).toEqual([]);
    expect(untrusted.all().find(({ name }) => name === "x")?.inactive).toBe("the folder is not trusted");
    expect(selectRubric("code", untrusted.evaluators()).name).toBe("code-review");
    expect(selectRubric("code", skillsOf(home).evaluators()).name).toBe("mild");
  });

  const needs = (yaml: string, more: Partial<SkillsInput> = {}) => {
    using home = testHome();
    home.put({ [`${USER}/x/SKILL.md`]: skillText("x", "d", `metadata: {openclaw: ${yaml}}`) });
    return skillsOf(home, more)
      .all()
      .find(({ name }) => name === "x")?.inactive;
  };
  const has =
    (...programs: string[]) =>
    (program: string) =>
      programs.includes(program) ? `/bin/${program}` : undefined;

  test("on its systems", () => {
    expect(needs("{os: [darwin, linux]}")).toBeUndefined();
    expect(needs("{os: [macos]}", { platform: "darwin" })).toBeUndefined();
    expect(needs("{os: [darwin]}")).toBe("it is for darwin");
  });

  test("with all of its programs, and one of those that stand for each other", () => {
    expect(needs("{requires: {bins: [a, b]}}", { which: has("a") })).toBe("not in PATH: b");
    expect(needs("{requires: {bins: [a, b]}}", { which: has("a", "b") })).toBeUndefined();
    expect(needs("{requires: {anyBins: [a, b]}}", { which: has("b") })).toBeUndefined();
    expect(needs("{requires: {anyBins: [a, b]}}")).toBe("none of these is in PATH: a, b");
  });

  test("with its variables and settings", () => {
    expect(needs("{requires: {env: [KEY]}}", { env: { KEY: "" } })).toBe("not set: KEY");
    expect(needs("{requires: {env: [KEY]}}", { env: { KEY: "1" } })).toBeUndefined();
    const config = { api: { enabled: false, port: 1 } };
    expect(needs("{requires: {config: [api.port]}}", { config })).toBeUndefined();
    expect(needs("{requires: {config: [api.enabled]}}", { config })).toBe("not set in the config: api.enabled");
    expect(needs("{requires: {config: [api.toString, no.such]}}", { config })).toMatch(/api.toString, no.such/);
  });

  test("whatever is missing where it says always, but not on another system", () => {
    expect(needs("{always: true, requires: {bins: [a]}}")).toBeUndefined();
    expect(needs("{always: true, os: [win32]}")).toBe("it is for win32");
  });

  test("programs are looked up in PATH, never in the current folder", () => {
    using home = testHome();
    home.put({ [`${USER}/x/SKILL.md`]: skillText("x", "d", "metadata: {openclaw: {requires: {bins: [tool]}}}") });
    const input = { paths: home.paths, workspace: home.project, config: {}, trusted: true };
    const offered = () => createSkills({ ...input, env: { PATH: join(home.base, "bin") } }).offered().length;
    expect(offered()).toBe(0);
    mkdirSync(join(home.base, "bin"));
    writeFileSync(join(home.base, "bin/tool"), "#!/bin/sh\n", { mode: 0o755 });
    expect(offered()).toBe(1);
  });
});

describe("evaluators", () => {
  test("of the user and of approved proposals outrank the bundled ones", async () => {
    using home = testHome();
    home.put({
      "home/.openkoi/evaluators/user/mine/SKILL.md": evaluatorText("mine", "code"),
      "home/.openkoi/evaluators/proposed/strict/SKILL.md": evaluatorText("strict", "code"),
      "home/.openkoi/evaluators/user/general/SKILL.md": evaluatorText("general", "", "My own."),
    });
    const choose = (category: string) => selectRubric(category, skillsOf(home).evaluators());
    expect(choose("code").name).toBe("mine");
    expect(choose("anything").body).toBe("My own.");
    await approve(home.paths, "strict");
    expect(choose("code").name).toBe("strict");
  });

  test("that score nothing are reported, and do not stand in the place of one that does", () => {
    using home = testHome();
    home.put({ "home/.openkoi/evaluators/user/general/SKILL.md": skillText("general", "d", "kind: evaluator") });
    const skills = skillsOf(home);
    expect(selectRubric("anything", skills.evaluators()).dimensions).toHaveLength(3);
    expect(skills.refused()).toMatchObject([{ rule: "evaluator", message: expect.stringContaining("dimensions") }]);
  });

  test("are no task skills, wherever they lie", () => {
    using home = testHome();
    home.put({ [`${USER}/mine/SKILL.md`]: evaluatorText("mine", "code") });
    expect(skillsOf(home).offered()).toEqual([]);
    expect(selectRubric("code", skillsOf(home).evaluators()).name).toBe("mine");
  });
});

describe("opening a skill", () => {
  test("gives its body with {baseDir} replaced, and its files", () => {
    using home = testHome();
    home.put({
      [`${USER}/x/SKILL.md`]: skillText("x", "d", "", "Run {baseDir}/run.sh, then {baseDir}."),
      [`${USER}/x/run.sh`]: "echo",
      [`${USER}/x/references/more.md`]: "more",
    });
    const folder = join(home.base, USER, "x");
    expect(skillsOf(home).open(" X ")).toMatchObject({
      body: `Run ${folder}/run.sh, then ${folder}.`,
      files: [
        { path: "references/more.md", bytes: 4 },
        { path: "run.sh", bytes: 4 },
      ],
      more: 0,
    });
    expect(skillsOf(home).folders()).toEqual([folder]);
  });

  test("lists fifty files and counts the rest", () => {
    using home = testHome();
    home.put({ [`${USER}/x/SKILL.md`]: skillText("x") });
    for (let at = 0; at < 60; at++) home.put({ [`${USER}/x/${at}.txt`]: "" });
    const opened = skillsOf(home).open("x");
    expect([opened?.files.length, opened?.more]).toEqual([50, 10]);
  });

  test("of one that is not offered gives nothing", () => {
    using home = testHome();
    home.put({ [`${PROPOSED}/x/SKILL.md`]: skillText("x") });
    expect([skillsOf(home).open("x"), skillsOf(home).open("general"), skillsOf(home).open("")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("that has gone since says so", () => {
    using home = testHome();
    home.put({ [`${USER}/x/SKILL.md`]: skillText("x") });
    const skills = skillsOf(home);
    skills.offered();
    rmSync(join(home.base, USER), { recursive: true });
    expect(skills.open("x")?.body).toMatch(/can no longer be read/);
  });
});

describe("many skills", () => {
  const fill = (home: TestHome, count: number) => {
    for (let at = 0; at < count; at++) home.put({ [`${USER}/s-${at}/SKILL.md`]: skillText(`s-${at}`) });
  };
  const cache = (home: TestHome) => join(home.paths.cache, "skills.json");
  const description = (home: TestHome, name = "s-7") => skillsOf(home).find(name)?.description;

  test("are remembered, and a file that changed in any way is read anew", () => {
    using home = testHome();
    fill(home, 50);
    expect(description(home)).toBe("Does s-7.");
    expect(existsSync(cache(home))).toBe(true);
    expect(description(home)).toBe("Does s-7.");
    const file = join(home.base, USER, "s-7/SKILL.md");
    const { atime, mtime } = statSync(file);
    writeFileSync(file, skillText("s-7", "Now s-7."));
    utimesSync(file, atime, mtime);
    expect(description(home)).toBe("Now s-7.");
    rmSync(join(home.base, USER, "s-7"), { recursive: true });
    expect(description(home)).toBeUndefined();
  });

  test("are read, whatever stands in the file that remembers them", () => {
    using home = testHome();
    fill(home, 50);
    description(home);
    const text = readFileSync(cache(home), "utf8");
    for (const strange of [
      "{",
      "[]",
      '{"version":1,"entries":[1,[2],["x",{}]]}',
      text.replaceAll('"description"', '"d"'),
    ]) {
      writeFileSync(cache(home), strange);
      expect(description(home)).toBe("Does s-7.");
    }
  });

  test("a few are simply read", () => {
    using home = testHome();
    fill(home, 10);
    expect(description(home)).toBe("Does s-7.");
    expect(existsSync(cache(home))).toBe(false);
  });
});

describe("the index in the prompt", () => {
  test("is empty where nothing is offered", async () => {
    using home = testHome();
    expect(skillsOf(home).index("anything")).toBe("");
  });

  test("lists the best for the task first, in at most 300 tokens, and counts the rest", async () => {
    using home = testHome();
    const about = "that is described here in very many words indeed, so that the list becomes long and must be cut";
    for (let at = 0; at < 40; at++)
      home.put({ [`${USER}/skill-${at}/SKILL.md`]: skillText(`skill-${at}`, `Thing ${at} ${about}`) });
    home.put({ [`${USER}/invoices/SKILL.md`]: skillText("invoices", "Reads invoices from PDF files.") });
    const index = skillsOf(home).index("Sum up all invoices of May");
    expect(index.split("\n")[1]).toBe("- invoices: Reads invoices from PDF files.");
    expect(Buffer.byteLength(index) / 4).toBeLessThanOrEqual(300);
    const shown = index.match(/^- /gm)!.length;
    expect(index).toEndWith(`and ${41 - shown} more: skill without a name lists them.`);
  });

  test("past effectiveness decides where the likeness is the same", async () => {
    using home = testHome();
    for (const name of ["a", "b"]) home.put({ [`${USER}/${name}/SKILL.md`]: skillText(name, "Sorts mail.") });
    const index = skillsOf(home).index("Sort my mail", (name) => (name === "b" ? 0.9 : 0.4));
    expect(index.match(/^- (\w)/gm)).toEqual(["- b", "- a"]);
  });
});

describe("self-iterate", () => {
  const TREE = {
    "project/package.json": '{"name": "openkoi"}',
    "project/src/engine/run.ts": "",
    "project/embed/prompts/judge.md": "",
  };

  test("is chosen by itself in OpenKoi's own source tree, and offered nowhere else", async () => {
    using home = testHome();
    const own = () => skillsOf(home).find("self-iterate");
    expect(own()).toBeUndefined();
    home.put({ "project/package.json": '{"name": "openkoi"}' });
    expect(own()).toBeUndefined();
    home.put(TREE);
    expect(own()?.categories).toEqual(["self-improvement", "typescript", "rust", "code", "refactor"]);
    const index = skillsOf(home).index("Add a command");
    expect(index).toContain("SHA-256 and base64 are written by hand");
    expect(index).not.toContain("- self-iterate:");
    for (let at = 0; at < 40; at++)
      home.put({ [`${USER}/s-${at}/SKILL.md`]: skillText(`s-${at}`, "Words. ".repeat(30)) });
    const both = skillsOf(home).index("Add a command");
    expect(both).toContain(index);
    expect(both).toContain("more: skill without a name lists them.");
    expect(Buffer.byteLength(both) / 4).toBeLessThanOrEqual(371);
  });

  test("a package.json that cannot be read is no such tree", () => {
    using home = testHome();
    home.put({ ...TREE, "project/package.json": "{" });
    expect(skillsOf(home).find("self-iterate")).toBeUndefined();
  });
});
