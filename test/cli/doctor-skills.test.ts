import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { skillFindings } from "../../src/cli/doctor-skills.ts";
import { skillCounts } from "../../src/skills/counts.ts";
import { createSkills } from "../../src/skills/index.ts";
import { loadSoul } from "../../src/skills/soul.ts";
import { skillText, type TestHome, testHome } from "../skills/home.ts";

const USER = "home/.openkoi/skills/user";

function skillsOf(home: TestHome) {
  const here = { env: {}, config: {}, trusted: false, platform: "linux", which: () => undefined };
  return createSkills({ paths: home.paths, workspace: home.project, ...here });
}

function findings(home: TestHome) {
  return skillFindings(skillsOf(home), loadSoul(home.paths));
}

describe("doctor on skills", () => {
  test("says how many are offered, and whose soul it is", () => {
    using home = testHome();
    home.put({ [`${USER}/a/SKILL.md`]: skillText("a"), "home/.openkoi/SOUL.md": "x".repeat(20_001) });
    expect(findings(home)).toEqual([
      { state: "ok", text: "skills offered: 1; evaluators: 6" },
      {
        state: "note",
        text: `soul: ${home.paths.soul}: 1 characters are cut off`,
        remedy: "Make it shorter than 20,000 characters.",
      },
    ]);
  });

  test("names each file that breaks a rule, with the rule", () => {
    using home = testHome();
    home.put({ [`${USER}/a/SKILL.md`]: skillText("Other Name"), [`${USER}/b/SKILL.md`]: "no frontmatter" });
    const texts = findings(home).map(({ text }) => text);
    const at = (name: string) => join(home.base, USER, name, "SKILL.md");
    expect(texts).toContain(`${at("a")}: name-folder: the folder "a" must match the name "Other Name"`);
    expect(texts).toContain(`${at("b")}: frontmatter: it has no frontmatter`);
  });

  test("says why one is not offered, and how a proposal would be", () => {
    using home = testHome();
    home.put({
      [`${USER}/a/SKILL.md`]: skillText("a", "d", "metadata: {openclaw: {requires: {bins: [jq]}}}"),
      "home/.openkoi/skills/proposed/b/SKILL.md": skillText("b"),
      "project/.agents/skills/c/SKILL.md": skillText("c"),
    });
    expect(findings(home).slice(2)).toEqual([
      { state: "note", text: "c (workspace) is not offered: the folder is not trusted" },
      { state: "note", text: "a (user) is not offered: not in PATH: jq" },
      {
        state: "note",
        text: "b (proposed) is not offered: it is proposed and not approved",
        remedy: "openkoi learn approve b",
      },
    ]);
  });

  test("of very many remarks shows twenty and counts the rest", () => {
    using home = testHome();
    for (let at = 0; at < 30; at++) home.put({ [`${USER}/${at}/SKILL.md`]: "no frontmatter" });
    expect(findings(home).at(-1)?.text).toBe("and 10 more of the kind");
  });
});

test("skills are counted by source, the weakest first", () => {
  using home = testHome();
  home.put({
    [`${USER}/a/SKILL.md`]: skillText("a"),
    "home/.openkoi/skills/managed/a/SKILL.md": skillText("a"),
    "home/.openkoi/skills/proposed/b/SKILL.md": skillText("b"),
  });
  expect(skillCounts(skillsOf(home).all())).toEqual([
    { source: "bundled", active: 6, inactive: 1 },
    { source: "managed", active: 0, inactive: 1 },
    { source: "workspace", active: 0, inactive: 0 },
    { source: "user", active: 1, inactive: 0 },
    { source: "proposed", active: 0, inactive: 1 },
  ]);
});
