import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseFrontmatter } from "../../src/skills/frontmatter.ts";
import { bundledRubrics, parseRubric, selectRubric } from "../../src/skills/rubrics.ts";

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

  test("what is wrong is said with the file's name", () => {
    expect(() => parseFrontmatter("---\nname: a\n", "x/SKILL.md")).toThrow(/x\/SKILL\.md.*never closed/);
    expect(() => parseFrontmatter("---\na: b: c: d\n- e\n---\n", "x/SKILL.md")).toThrow(/x\/SKILL\.md.*not valid YAML/);
    expect(() => parseFrontmatter("---\n- a\n---\n", "x/SKILL.md")).toThrow(/no mapping/);
  });
});

describe("the bundled evaluators", () => {
  test("have the dimensions and weights of PRODUCT.md section 6", () => {
    const shown = Object.fromEntries(
      bundledRubrics().map((rubric) => [rubric.name, rubric.dimensions.map(({ name, weight }) => `${name} ${weight}`)]),
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
  for (const name of readdirSync(folder)) {
    const text = readFileSync(`${folder}/${name}/SKILL.md`, "utf8");
    const { data, body } = parseFrontmatter(text, name);

    test(`${name} follows the Agent Skills standard`, () => {
      expect(data["name"]).toBe(name);
      expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      const description = String(data["description"]);
      expect(description.length).toBeGreaterThan(20);
      expect(description.length).toBeLessThanOrEqual(1024);
    });

    test.skipIf(data["kind"] !== "evaluator")(`${name} tells how to score each of its dimensions, briefly`, () => {
      const words = body.split(/\s+/).length;
      expect(words).toBeGreaterThan(150);
      expect(words).toBeLessThanOrEqual(320);
      for (const dimension of parseRubric(text, name).dimensions) {
        const anchors = body.split(`\n${dimension.name}\n`)[1] ?? "";
        expect(anchors).toMatch(/^- 0\.9: .+\n- 0\.6: .+\n- 0\.3: .+\n/);
      }
      for (const word of ["blocker", "important", "suggestion", "No praise"]) expect(body).toContain(word);
    });
  }

  test("are read once", () => {
    expect(bundledRubrics()).toBe(bundledRubrics());
  });
});

describe("choosing an evaluator", () => {
  const choose = (category: string) => selectRubric(category, bundledRubrics()).name;

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
    const own = { ...bundledRubrics()[0]!, name: "mine", categories: ["code"] };
    expect(selectRubric("code", [...bundledRubrics(), own]).name).toBe("mine");
    const general = { ...own, name: "general", categories: [], body: "mine" };
    expect(selectRubric("other", [...bundledRubrics(), general]).body).toBe("mine");
  });

  test("each category belongs to one bundled evaluator", () => {
    const all = bundledRubrics().flatMap((rubric) => rubric.categories);
    expect(new Set(all).size).toBe(all.length);
  });
});

describe("an evaluator of the user", () => {
  const text = (dimensions: string) => `---\nname: mine\nkind: evaluator\ndimensions: ${dimensions}\n---\nBody`;

  test("may have its dimensions at the top level, with weights of any size", () => {
    const rubric = parseRubric(text("[{name: a, weight: 3}, {name: b, weight: 1, description: d}]"), "mine");
    expect(rubric).toEqual({
      name: "mine",
      categories: [],
      dimensions: [
        { name: "a", weight: 0.75 },
        { name: "b", weight: 0.25, description: "d" },
      ],
      body: "Body",
    });
  });

  test("says what is wrong with it", () => {
    expect(() => parseRubric("---\nname: a\n---\n", "f")).toThrow(/f: not an evaluator/);
    expect(() => parseRubric(text("[{name: a}]"), "f")).toThrow(/dimensions\[0\]\.weight/);
    expect(() => parseRubric(text("[{name: a, weight: -1}]"), "f")).toThrow(/at least 0/);
    expect(() => parseRubric(text("[{name: a, weight: 0}]"), "f")).toThrow(/no dimension has a weight/);
    expect(() => parseRubric(text("[]"), "f")).toThrow(/no dimension/);
  });
});
