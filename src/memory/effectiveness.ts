import type { MemoryDatabase } from "./database.ts";

/** How a skill served so far, over all kinds of tasks. */
export interface SkillRecord {
  /** Mean score, 0..1. */
  mean: number;
  uses: number;
}

/** Every skill that was ever used, by name. */
export function skillRecords(memory: MemoryDatabase): Map<string, SkillRecord> {
  const rows = memory
    .query<{ skill: string; mean: number; uses: number }, []>(
      `SELECT skill_name AS skill, sum(avg_score * sample_count) / sum(sample_count) AS mean, sum(sample_count) AS uses
       FROM skill_effectiveness WHERE sample_count > 0 GROUP BY skill_name`,
    )
    .all();
  return new Map(rows.map(({ skill, ...record }) => [skill, record]));
}
