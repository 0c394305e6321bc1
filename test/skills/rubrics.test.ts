import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { parseFrontmatter } from "../../src/skills/frontmatter.ts";
import { loadBundled } from "../../src/skills/load.ts";
import { parseSkill } from "../../src/skills/parse.ts";
import { rubricOf, selectRubric } from "../../src/skills/rubrics.ts";

const bundledRubrics = loadBundled().flatMap(({ rubric }) => rubric ?? []);

describe("frontmatter", () => {
  const skill = "---\nname: a\nmetadata:\n  categories: [x, y]\n---\n\nText.\n";
  const expected = { data: { name: "a", metadata: { categories: ["x", "y"] } }, body: "Text." };

  test("is split from the body", () => {
    expect(parseFrontmatter(skill, "a")).toEqual(expected);
  });

  test("a byte order mark and Windows line ends do no harm", () => {
    expect(parseFrontmatter(`\uFEFF${skill.replaceAll("\n", "\r\n")}`, "a")).toEqual(expected);
  });

  test("a text without one is all body, and dashes inside the body stay", () => {
    expect(parseFrontmatter("Only text.\n", "a")).toEqual({ data: {}, body: "Only text." });
    expect(parseFrontmatter("---\nname: a\n---\nA\n---\nB", "a").body).toBe("A\n---\nB");
    expect(parseFrontmatter("---\n---\nA", "a")).toEqual({ data: {}, body: "A" });
  });

  test("that is no YAML as a whole is read field by field", () => {
    const { data, fault } = parseFrontmatter("---\na: b: c\nd: [1]\ne: 'f'\n  g\n---\n", "a");
    expect([data, fault]).toEqual([{ a: "b: c", d: [1], e: "'f' g" }, expect.stringContaining("YAML")]);
  });

  test("what is wrong is said with the file's name", () => {
    expect(() => parseFrontmatter("---\nname: a\n", "x/SKILL.md")).toThrow(/x\/SKILL\.md.*never closed/);
    expect(() => parseFrontmatter("---\n]\n---\n", "x/SKILL.md")).toThrow(/x\/SKILL\.md.*not valid YAML/);
    expect(() => parseFrontmatter("---\n- a\n---\n", "x/SKILL.md")).toThrow(/no mapping/);
  });
});

describe("the bundled skills and evaluators", () => {
  test("have the dimensions and weights of PRODUCT.md section 6", () => {
    const shown = Object.fromEntries(
      bundledRubrics.map((rubric) => [rubric.name, rubric.dimensions.map(({ name, weight }) => `${name} ${weight}`)]),
    );
    expect(shown).toEqual({
      general: ["relevance 0.4", "quality 0.35", "completeness 0.25"],
      "code-review": ["correctness 0.4", "safety 0.25", "style 0.15", "completeness 0.2"],
      "prose-quality": ["clarity 0.3", "accuracy 0.3", "tone 0.2", "structure 0.2"],
      "sql-safety": ["correctness 0.3", "safety 0.3", "performance 0.2", "reversibility 0.2"],
      "api-design": ["RESTfulness 0.25", "consistency 0.25", "error responses 0.25", "documentation 0.25"],
      "test-quality": ["coverage 0.3", "assertions 0.25", "isolation 0.25", "readability 0.2"],
    });
  });

  const folder = resolve(import.meta.dir, "../../skills");
  for (const path of [...new Bun.Glob("**/SKILL.md").scanSync({ cwd: folder })].sort()) {
    const text = readFileSync(join(folder, path), "utf8");
    const { data, body } = parseFrontmatter(text, path);
    const name = basename(dirname(path));

    test(`${name} follows the Agent Skills standard`, () => {
      expect(data["name"]).toBe(name);
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      const description = String(data["description"]);
      expect(description.length).toBeGreaterThan(20);
      expect(description.length).toBeLessThanOrEqual(1024);
      expect(parseSkill(text, join(folder, path), "task")).toMatchObject({ facts: { warnings: [] } });
    });

    if (data["kind"] !== "evaluator") continue;
    test(`${name} tells how to score each of its dimensions, briefly`, () => {
      const words = body.split(/\s+/).length;
      expect(words).toBeGreaterThan(150);
      expect(words).toBeLessThanOrEqual(320);
      for (const dimension of rubricOf({ data, body }, name, name).dimensions) {
        const anchors = body.split(`\n${dimension.name}\n`)[1] ?? "";
        expect(anchors).toMatch(/^- 0\.9: .+\n- 0\.6: .+\n- 0\.3: .+\n/);
      }
      // What the severities are stands in the judge's prompt; a rubric says only which defects of its own are grave.
      expect(body).not.toMatch(/^- blocker:|important:|suggestion:/m);
    });
  }
});

describe("choosing an evaluator", () => {
  const choose = (category: string) => selectRubric(category, bundledRubrics).name;

  test("by the category of the plan, else general", () => {
    expect(["code", "Bugfix", "test", "api", "sql", "prose"].map(choose)).toEqual([
      "code-review",
      "code-review",
      "test-quality",
      "api-design",
      "sql-safety",
      "prose-quality",
    ]);
    expect(["research", "general", "", "no such"].map(choose)).toEqual(["general", "general", "general", "general"]);
  });

  test("the user's, which comes later, outranks the bundled one", () => {
    const own = { ...bundledRubrics[0]!, name: "mine", categories: ["code"] };
    expect(selectRubric("code", [...bundledRubrics, own]).name).toBe("mine");
    const general = { ...own, name: "general", categories: [], body: "mine" };
    expect(selectRubric("other", [...bundledRubrics, general]).body).toBe("mine");
  });

  test("each category belongs to one bundled evaluator", () => {
    const all = bundledRubrics.flatMap((rubric) => rubric.categories);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe("an evaluator of the user", () => {
  const read = (yaml: string) =>
    rubricOf(parseFrontmatter(`---\nname: mine\nkind: evaluator\n${yaml}\n---\nBody`, "f"), "mine", "f");

  test("may have its dimensions at the top level or under metadata, with weights of any size", () => {
    const dimensions = "dimensions: [{name: a, weight: 3}, {name: b, weight: 1, description: d}]";
    const rubric = {
      name: "mine",
      categories: [],
      dimensions: [
        { name: "a", weight: 0.75 },
        { name: "b", weight: 0.25, description: "d" },
      ],
      body: "Body",
    };
    expect(read(dimensions)).toEqual(rubric);
    expect(read(`metadata:\n  ${dimensions}`)).toEqual(rubric);
  });

  test("says what is wrong with it", () => {
    expect(() => read("")).toThrow(/f: dimensions: missing/);
    expect(() => read("dimensions: [{name: a}]")).toThrow(/dimensions\[0\]\.weight/);
    expect(() => read("dimensions: [{name: a, weight: -1}]")).toThrow(/at least 0/);
    expect(() => read("dimensions: [{name: a, weight: 0}]")).toThrow(/no dimension has a weight/);
    expect(() => read("dimensions: []")).toThrow(/no dimension/);
  });
});
