import type { Skill, SkillSource } from "../contracts/skill.ts";

/** How many skills and evaluators a source has. */
export interface SkillCount {
  source: SkillSource;
  /** Offered to tasks. */
  active: number;
  /** Found and not offered: not approved, not trusted, not for this system, outranked. */
  inactive: number;
}

const SOURCES: readonly SkillSource[] = ["bundled", "managed", "workspace", "user", "proposed"];

/** Counts skills by where they are from, the weakest source first. */
export function skillCounts(skills: readonly Skill[]): SkillCount[] {
  return SOURCES.map((source) => {
    const own = skills.filter((skill) => skill.source === source);
    const active = own.filter(({ inactive }) => inactive === undefined).length;
    return { source, active, inactive: own.length - active };
  });
}
