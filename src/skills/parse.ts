import { basename, dirname } from "node:path";
import { messageOf } from "../base/errors.ts";
import { readRegular } from "../base/files.ts";
import { isObject } from "../base/schema.ts";
import { firstLine, stripControl } from "../base/text.ts";
import type { Skill, SkillFault, SkillNeeds, SkillRule } from "../contracts/skill.ts";
import { parseFrontmatter, type SkillText } from "./frontmatter.ts";
import { standardFaults } from "./standard.ts";

/** What the text of a `SKILL.md` tells of its skill. */
export type SkillFacts = Pick<Skill, "name" | "description" | "kind" | "categories" | "needs" | "warnings">;

/** A `SKILL.md` as it was read: a skill, or why it is none. Nothing throws. */
export type ParsedSkill = { facts: SkillFacts; text: SkillText } | { fault: SkillFault };

/** A larger `SKILL.md` is not read, bytes. */
const LARGEST_SKILL = 1024 * 1024;

/** Under which name other programs of the same origin keep the same metadata. */
const OPENCLAW = ["openclaw", "clawdbot", "moltbot", "clawdis"];

/** Reads the `SKILL.md` at this place (absolute). */
export function readSkillFile(file: string, kind: Skill["kind"]): ParsedSkill {
  const text = readRegular(file, LARGEST_SKILL)?.toString();
  if (text !== undefined) return parseSkill(text, file, kind);
  return { fault: { rule: "unreadable", file, message: "it cannot be read, or is larger than 1 MiB" } };
}

/**
 * Reads a `SKILL.md` leniently: with a description it is a skill, whatever else is wrong with it, and what is wrong is
 * a warning with the rule.
 *
 * @param file absolute; its folder's name stands for a missing name
 * @param kind of a skill that says nothing else: what its folder is for
 */
export function parseSkill(source: string, file: string, kind: Skill["kind"]): ParsedSkill {
  const refuse = (rule: SkillRule, message: string): ParsedSkill => ({ fault: { rule, file, message } });
  let text: ReturnType<typeof parseFrontmatter>;
  try {
    text = parseFrontmatter(source, file);
  } catch (error) {
    const message = messageOf(error);
    return refuse(/valid YAML|no mapping/.test(message) ? "yaml" : "frontmatter", message.replace(`${file}: `, ""));
  }
  const { data } = text;
  if (Object.keys(data).length === 0) return refuse("frontmatter", "it has no frontmatter");
  const folder = basename(dirname(file));
  const warnings = standardFaults(data, folder, file);
  if (text.fault !== undefined) warnings.unshift({ rule: "yaml", file, message: `not valid YAML (${text.fault})` });
  const missing = warnings.find(({ rule }) => rule === "description-missing");
  if (missing) return { fault: missing };
  const metadata = mapping(data["metadata"]);
  const declared = data["kind"] ?? metadata["kind"];
  return {
    text,
    facts: {
      name: oneLine(data["name"]).normalize("NFKC") || folder,
      description: oneLine(data["description"]),
      kind: declared === "evaluator" || declared === "task" ? declared : kind,
      categories: texts(metadata["categories"] ?? data["categories"]),
      needs: needsOf(metadata),
      warnings,
    },
  };
}

function needsOf(metadata: Record<string, unknown>): SkillNeeds {
  const own = mapping(OPENCLAW.map((name) => metadata[name]).find((value) => value !== undefined));
  const requires = mapping(own["requires"]);
  return {
    os: texts(own["os"] ?? requires["os"]),
    bins: texts(requires["bins"]),
    anyBins: texts(requires["anyBins"]),
    env: texts(requires["env"]),
    config: texts(requires["config"]),
    always: own["always"] === true,
  };
}

/** A mapping as it stands, or as JSON in a text, as some programs write it; {} for anything else. */
export function mapping(value: unknown): Record<string, unknown> {
  if (typeof value !== "string") return isObject(value) ? value : {};
  try {
    const read: unknown = JSON.parse(value);
    return isObject(read) ? read : {};
  } catch {
    return {};
  }
}

/** A list of texts, or one text with commas between them. */
function texts(value: unknown): string[] {
  const list = typeof value === "string" ? value.split(",") : Array.isArray(value) ? value : [];
  return list.filter((one) => typeof one === "string").flatMap((one) => one.trim() || []);
}

/** Names and descriptions stand in lists and prompts: on one line, without what steers a terminal. */
function oneLine(value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number") return "";
  return stripControl(String(value)).replace(/\s+/g, " ").trim();
}

/** What a skill needs, in words; "" for nothing. */
export function needsText({ os, bins, anyBins, env, config }: SkillNeeds): string {
  const parts: [string, readonly string[], string][] = [
    ["the system", os, " or "],
    ["in PATH", bins, ", "],
    ["one of in PATH", anyBins, ", "],
    ["set", env, ", "],
    ["in the config", config, ", "],
  ];
  return parts
    .flatMap(([what, names, between]) => (names.length > 0 ? `${what}: ${names.join(between)}` : []))
    .join("; ");
}

/** `FILE: RULE: what is wrong`, as `doctor` and warnings have it. */
export function faultText({ file, rule, message }: SkillFault): string {
  return `${file}: ${rule}: ${firstLine(message)}`;
}
