import { dirname } from "node:path";
import { messageOf } from "../base/errors.ts";
import type { Rubric, Skill, SkillFault } from "../contracts/skill.ts";
import { BUNDLED } from "./bundled.ts";
import { findSkillFiles } from "./files.ts";
import { type ParsedSkill, parseSkill, readSkillFile } from "./parse.ts";
import { leadsInto, type SkillRoot } from "./places.ts";
import { approvalOf } from "./proposals.ts";
import { rubricOf } from "./rubrics.ts";

/** A skill as it was found, with what it scores by where it is an evaluator. */
export interface Found {
  skill: Skill;
  rubric?: Rubric;
}

/** What one folder of skills holds. */
export interface Loaded {
  found: Found[];
  /** Files that are no usable skill. */
  refused: SkillFault[];
}

/** Reads the frontmatter of every skill below a folder. Nothing throws: what cannot be used is reported. */
export function loadRoot({ folder, kind, source, inside }: SkillRoot): Loaded {
  const loaded: Loaded = { found: [], refused: [] };
  for (const file of findSkillFiles(folder)) {
    const isOutside = inside !== undefined && !leadsInto(file, inside);
    const parsed = checked(isOutside ? outside(file) : readSkillFile(file, kind), file);
    if ("fault" in parsed) loaded.refused.push(parsed.fault);
    else {
      const own = dirname(file);
      loaded.found.push(foundAs(parsed, { source, folder: own, file, ...approval(source, own) }));
    }
  }
  return loaded;
}

/** The skills that the binary carries. */
export function loadBundled(): Found[] {
  return Object.keys(BUNDLED).map((name) => {
    const file = `bundled:${name}`;
    const parsed = checked(parseSkill(BUNDLED[name]!, `/${name}/SKILL.md`, "task"), file);
    if ("fault" in parsed) throw new Error(`${file}: ${parsed.fault.message}`);
    return foundAs(parsed, { source: "bundled", folder: undefined, file, approved: true });
  });
}

function outside(file: string): ParsedSkill {
  return { fault: { rule: "outside", file, message: "it lies outside of the project that names it" } };
}

type Usable = Extract<ParsedSkill, { facts: unknown }> & Pick<Found, "rubric">;

/** An evaluator that scores nothing is of no use, and must not stand in the place of one that does. */
function checked(parsed: ParsedSkill, file: string): Usable | Extract<ParsedSkill, { fault: unknown }> {
  if ("fault" in parsed || parsed.facts.kind !== "evaluator") return parsed;
  try {
    return { ...parsed, rubric: rubricOf(parsed.text, parsed.facts.name, file) };
  } catch (error) {
    return { fault: { rule: "evaluator", file, message: messageOf(error).replace(`${file}: `, "") } };
  }
}

function foundAs({ facts, rubric }: Usable, place: Omit<Skill, keyof typeof facts>): Found {
  return { skill: { ...facts, ...place }, ...(rubric ? { rubric } : {}) };
}

function approval(source: Skill["source"], folder: string): Pick<Skill, "approved" | "inactive"> {
  if (source !== "proposed") return { approved: true };
  switch (approvalOf(folder)) {
    case "approved":
      return { approved: true };
    case "open":
      return { approved: false, inactive: "it is proposed and not approved" };
    case "changed":
      return { approved: false, inactive: "it changed since it was approved" };
  }
}
