import { join } from "node:path";
import type { Env } from "../base/env.ts";
import type { Paths } from "../base/paths.ts";
import type { Rubric, Skill, SkillFault, SkillShelf } from "../contracts/skill.ts";
import { SELF_ITERATE } from "./bundled.ts";
import { missingFor, programsIn, type Surroundings } from "./eligible.ts";
import { type Loaded, loadBundled, loadRoot } from "./load.ts";
import { openSkill } from "./open.ts";
import { isOwnTree } from "./own-tree.ts";
import { type SkillPaths, skillRoots } from "./places.ts";
import { promptIndex } from "./prompt-index.ts";
import { type Effectiveness, type RankedSkill, rankSkills } from "./rank.ts";
import { RememberedFacts } from "./remembered.ts";

export interface SkillsInput {
  paths: SkillPaths & Pick<Paths, "cache">;
  /** Absolute and real. */
  workspace: string;
  env: Env;
  /** The settings, for skills that need one. */
  config: object;
  /** Whether the user trusts what this folder brings (claim.ts). */
  trusted: boolean;
  /** Default: this system. */
  platform?: string;
  /** Default: looked up in PATH. */
  which?: Surroundings["which"];
}

/** The skills of one task. What lies on disk is looked at when first asked for, once: a task keeps the skills it began with. */
export interface Skills extends SkillShelf {
  /** Every skill that was found, weakest source first, with why it is not offered. */
  all(): readonly Skill[];
  /** Every skill that is offered, evaluators too. */
  active(): readonly Skill[];
  /** Files that are no usable skill. */
  refused(): readonly SkillFault[];
  /** The one that counts under this name. */
  find(name: string): Skill | undefined;
  /** Weakest first, so that the last one that fits is chosen (`selectRubric`). */
  evaluators(): readonly Rubric[];
  /** Folders of skills that are offered, absolute and real: a task may read them. */
  folders(): readonly string[];
  /** The task skills that are offered, the best for the task first. */
  rank(task: string, effectiveness?: Effectiveness): RankedSkill[];
  /** What stands in the prompt: names and descriptions, the best for the task first, and a skill that chose itself. */
  index(task: string, effectiveness?: Effectiveness): string;
}

/** Finds the skills of a task; nothing is read before something is asked. */
export function createSkills(input: SkillsInput): Skills {
  let loaded: Loaded | undefined;
  const load = () => (loaded ??= loadAll(input));
  const active = () => load().found.filter(({ skill }) => skill.inactive === undefined);
  const offered = () => active().flatMap(({ skill }) => (skill.kind === "task" ? skill : []));

  return {
    all: () => load().found.map(({ skill }) => skill),
    active: () => active().map(({ skill }) => skill),
    refused: () => load().refused,
    find: (name) => active().findLast(({ skill }) => sameName(skill.name, name))?.skill,
    offered: () => offered().sort((a, b) => (a.name < b.name ? -1 : 1)),
    open(name) {
      const skill = offered().find((one) => sameName(one.name, name));
      return skill && openSkill(skill);
    },
    evaluators: () => active().flatMap(({ rubric }) => rubric ?? []),
    folders: () => offered().flatMap(({ folder }) => folder ?? []),
    rank: (task, effectiveness) => rankSkills(offered(), task, effectiveness),
    index(task, effectiveness) {
      const ranked = this.rank(task, effectiveness).map(({ skill }) => skill);
      const chosen = ranked.find(({ name, source }) => name === SELF_ITERATE && source === "bundled");
      const own = chosen && `The skill ${chosen.name} is for this folder:\n\n${openSkill(chosen).body}`;
      const list = promptIndex(
        ranked.filter((skill) => skill !== chosen),
        own,
      );
      return [own, list].filter(Boolean).join("\n\n");
    },
  };
}

function loadAll(input: SkillsInput): Loaded {
  const all: Loaded = { found: loadBundled(), refused: [] };
  const remembered = new RememberedFacts(join(input.paths.cache, "skills.json"));
  for (const root of skillRoots(input.paths, input.workspace)) {
    const { found, refused } = loadRoot(root, remembered);
    all.found.push(...found);
    all.refused.push(...refused);
  }
  remembered.keep();
  const { env, config, platform = process.platform, which = programsIn(env) } = input;
  for (const { skill } of all.found) {
    const why = skill.inactive ?? whyInactive(skill, input, { platform, env, config, which });
    if (why !== undefined) skill.inactive = why;
  }
  outrank(all.found.map(({ skill }) => skill));
  return all;
}

function whyInactive(skill: Skill, { workspace, trusted }: SkillsInput, here: Surroundings): string | undefined {
  if (skill.source === "workspace" && !trusted) return "the folder is not trusted";
  if (skill.source === "bundled") {
    const elsewhere = skill.name === SELF_ITERATE && !isOwnTree(workspace);
    return elsewhere ? "it is for OpenKoi's own source tree" : undefined;
  }
  return missingFor(skill.needs, here);
}

/** Of those that are offered under one name, only the strongest is; the list is ordered weakest first. */
function outrank(skills: readonly Skill[]): void {
  const strongest = new Map<string, Skill>();
  for (const skill of skills) {
    if (skill.inactive !== undefined) continue;
    const key = `${skill.kind} ${skill.name.toLowerCase()}`;
    const weaker = strongest.get(key);
    if (weaker) weaker.inactive = `outranked by ${skill.file}`;
    strongest.set(key, skill);
  }
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.trim().normalize("NFKC").toLowerCase();
}
