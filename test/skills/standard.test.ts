import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SkillRule } from "../../src/contracts/skill.ts";
import { type ParsedSkill, parseSkill } from "../../src/skills/parse.ts";
import { describeSpecs } from "../specs.ts";

function read(text: string, folder = "my-skill"): ParsedSkill {
  return parseSkill(text, `/skills/${folder}/SKILL.md`, "task");
}

/** The rules that it breaks, whether it can be used or not. */
function rules(parsed: ParsedSkill): SkillRule[] {
  return "fault" in parsed ? [parsed.fault.rule] : parsed.facts.warnings.map(({ rule }) => rule);
}

function factsOf(parsed: ParsedSkill) {
  if ("fault" in parsed) throw new Error(`refused: ${parsed.fault.message}`);
  return parsed.facts;
}

/** What each phrase of the reference validator's messages is here. */
const RULES: readonly [RegExp, SkillRule][] = [
  [/not properly closed/, "frontmatter"],
  [/must be a YAML mapping/, "yaml"],
  [/Missing required field.*name/, "name-missing"],
  [/character limit/, "name-length"],
  [/consecutive hyphens/, "name-hyphens"],
  [/must match skill name/, "name-folder"],
  [/'1024' in e/, "description-length"],
  [/'500' in e/, "compatibility-length"],
];

describeSpecs("parsers/skills-spec", (dir) => {
  interface Case {
    id: string;
    inputs: Record<string, string>;
    files: { target: string; text: string }[];
    expect: string[];
  }
  const { cases } = JSON.parse(readFileSync(join(dir, "skills-ref-cases.json"), "utf8")) as { cases: Case[] };
  /** Of a folder as a whole, which has a test of its own (find.test.ts). */
  const OF_FOLDERS = /nonexistent_path|missing_skill_md|find_skill_md/;

  for (const { id, inputs, files, expect: wanted } of cases) {
    if (OF_FOLDERS.test(id)) continue;
    test(id, () => {
      const long = Object.values(inputs).find((value) => value.length > 60 && !value.includes("\n"));
      const folder = inputs["skill_dir#dir"] ?? (/long_name/.test(Object.keys(inputs).join()) ? long! : "my-skill");
      const parsed = read(inputs["content"] ?? files[0]!.text, folder);
      const rule = RULES.find(([phrase]) => phrase.test(wanted.join("\n")))?.[1];
      if (rule) expect(rules(parsed)).toContain(rule);
      else expect(rules(parsed)).toEqual([]);
    });
  }
});

/** The same skill as other editors and programs would have written it. */
const VARIANTS: Record<string, (text: string) => string> = {
  "Windows line ends": (text) => text.replaceAll("\r\n", "\n").replaceAll("\n", "\r\n"),
  "a byte order mark": (text) => `\uFEFF${text.replace(/^\uFEFF/, "")}`,
  "deeper indentation": (text) => {
    const [, yaml, body] = /^(?:\uFEFF)?---\r?\n([\s\S]*?)\n---([\s\S]*)$/.exec(text) ?? [];
    if (yaml === undefined) return text;
    return `---\n${yaml.replace(/^ +/gm, (indent) => `${indent}  `)}\n---${body}`;
  },
};

for (const folder of ["parsers/skills-corpus", "parsers/skills-fixtures-pi"]) {
  describeSpecs(folder, (dir) => {
    const files = [...new Bun.Glob("**/SKILL.md").scanSync({ cwd: dir })].sort();
    const parsed = files.map((file) => {
      const text = readFileSync(join(dir, file), "utf8");
      return { file, text, skill: parseSkill(text, join(dir, file), "task") };
    });

    test("every file is a skill, or is refused with its path and a rule; nothing throws", () => {
      const refused = parsed.flatMap(({ file, skill }) =>
        "fault" in skill ? [`${dirname(file)}: ${skill.fault.rule}`] : [],
      );
      const known: Record<string, string[]> = {
        "parsers/skills-corpus": ["openclaw/overseerr-request-media: frontmatter"],
        "parsers/skills-fixtures-pi": [
          "skills/missing-description: description-missing",
          "skills/no-frontmatter: frontmatter",
        ],
      };
      expect(refused).toEqual(known[folder]!);
      for (const { file, skill } of parsed) {
        const faults = "fault" in skill ? [skill.fault] : skill.facts.warnings;
        for (const fault of faults) expect(fault.file).toBe(join(dir, file));
      }
    });

    test.each(Object.keys(VARIANTS))("%s changes nothing", (name) => {
      for (const { file, text, skill } of parsed) {
        const variant = parseSkill(VARIANTS[name]!(text), join(dir, file), "task");
        if ("fault" in skill) expect("fault" in variant).toBe(true);
        else expect([file, factsOf(variant)]).toEqual([file, skill.facts]);
      }
    });
  });
}

describe("reading leniently", () => {
  const text = (yaml: string) => `---\nname: my-skill\n${yaml}\n---\nBody`;

  test("a description that is no YAML is text, with a warning", () => {
    const parsed = read(
      text('description: Use when: the user asks "why"\nmetadata: {"openclaw":{"requires":{"bins":["jq"]}}}'),
    );
    expect(rules(parsed)).toEqual(["yaml"]);
    expect(factsOf(parsed)).toMatchObject({ description: 'Use when: the user asks "why"', needs: { bins: ["jq"] } });
  });

  test("metadata means the same as YAML, as JSON and as JSON in a text", () => {
    const needs = {
      os: ["linux"],
      bins: ["a"],
      anyBins: ["b", "c"],
      env: ["E"],
      config: ["api.enabled"],
      always: false,
    };
    const json = JSON.stringify({
      categories: ["code"],
      openclaw: { os: ["linux"], requires: { bins: ["a"], anyBins: ["b", "c"], env: ["E"], config: ["api.enabled"] } },
    });
    const yaml = [
      "metadata:",
      "  categories: [code]",
      "  openclaw:",
      "    os: [linux]",
      "    requires: {bins: [a], anyBins: [b, c], env: [E], config: [api.enabled]}",
    ].join("\n");
    for (const metadata of [yaml, `metadata: ${json}`, `metadata: '${json}'`, yaml.replace("openclaw", "clawdbot")]) {
      expect(factsOf(read(text(`description: d\n${metadata}`)))).toMatchObject({ categories: ["code"], needs });
    }
  });

  test("a name that is missing is that of the folder", () => {
    const parsed = read("---\ndescription: d\n---\n", "pdf");
    expect(factsOf(parsed).name).toBe("pdf");
    expect(rules(parsed)).toEqual(["name-missing"]);
  });

  test("names and descriptions are one line and steer no terminal", () => {
    const facts = factsOf(read('---\nname: "a\\e[31m"\ndescription: |\n  one\n  two\u202e\n---\n', "a"));
    expect([facts.name, facts.description]).toEqual(["a", "one two"]);
  });

  test("fields of the wrong kind are warned of and left out", () => {
    const parsed = read(text("description: d\nmetadata: [1]\nallowed-tools: [Read]\ncompatibility: 3\nauthor: me"));
    expect(rules(parsed)).toEqual(["field-type", "field-type", "field-type", "unknown-field"]);
  });

  test("kind and dimensions may stand at the top or under metadata", () => {
    for (const kind of ["kind: evaluator", "metadata: {kind: evaluator}"]) {
      const parsed = read(text(`description: d\n${kind}`));
      expect([factsOf(parsed).kind, rules(parsed)]).toEqual(["evaluator", []]);
    }
  });
});
