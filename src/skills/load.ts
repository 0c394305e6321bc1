import { dirname } from "node:path";
import { messageOf } from "../base/errors.ts";
import type { Rubric, Skill, SkillFault } from "../contracts/skill.ts";
import { BUNDLED, SELF_ITERATE } from "./bundled.ts";
import { findSkillFiles } from "./files.ts";
import { type ParsedSkill, parseSkill, readSkillFile, type SkillFacts } from "./parse.ts";
import { leadsInto, type SkillRoot } from "./places.ts";
import { approvalOf } from "./proposals.ts";
import { type Facts, factsOf, type RememberedFacts } from "./remembered.ts";
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
export function loadRoot({ folder, kind, source, inside }: SkillRoot, remembered?: RememberedFacts): Loaded {
  const loaded: Loaded = { found: [], refused: [] };
  for (const file of findSkillFiles(folder)) {
    const isOutside = inside !== undefined && !leadsInto(file, inside);
    const read = isOutside ? outside(file) : withRubric(remembered?.read(file, kind) ?? factsOf(file, kind), file);
    if ("fault" in read) loaded.refused.push(read.fault);
    else {
      const own = dirname(file);
      loaded.found.push(foundAs(read, { source, folder: own, file, ...approval(source, own) }));
    }
  }
  return loaded;
}

/** The skills that the binary carries. Their texts are read when one asks for more than the name: few tasks do. */
export function loadBundled(): Found[] {
  return Object.keys(BUNDLED).map((name) => {
    let read: Usable | undefined;
    const usable = () => (read ??= readBundled(name));
    const skill: Skill = {
      name,
      kind: name === SELF_ITERATE ? "task" : "evaluator",
      source: "bundled",
      folder: undefined,
      file: `bundled:${name}`,
      approved: true,
      get description() {
        return usable().facts.description;
      },
      get categories() {
        return usable().facts.categories;
      },
      get needs() {
        return usable().facts.needs;
      },
      get warnings() {
        return usable().facts.warnings;
      },
    };
    if (skill.kind === "task") return { skill };
    return {
      skill,
      get rubric() {
        return usable().rubric!;
      },
    };
  });
}

function readBundled(name: string): Usable {
  const parsed = parseSkill(BUNDLED[name]!, `/${name}/SKILL.md`, "task");
  const read = "fault" in parsed ? parsed : checked(parsed, `bundled:${name}`);
  if ("fault" in read) throw new Error(`the bundled skill ${name}: ${read.fault.message}`);
  return read;
}

function outside(file: string): { fault: SkillFault } {
  return { fault: { rule: "outside", file, message: "it lies outside of the project that names it" } };
}

type Usable = { facts: SkillFacts } & Pick<Found, "rubric">;

/** What an evaluator scores by stands in its text, which is read again. */
function withRubric(read: Facts, file: string): Usable | { fault: SkillFault } {
  if ("fault" in read || read.facts.kind !== "evaluator") return read;
  const parsed = readSkillFile(file, "evaluator");
  return "fault" in parsed ? parsed : checked(parsed, file);
}

/** An evaluator that scores nothing is of no use, and must not stand in the place of one that does. */
function checked(parsed: Extract<ParsedSkill, { facts: unknown }>, file: string): Usable | { fault: SkillFault } {
  if (parsed.facts.kind !== "evaluator") return parsed;
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
