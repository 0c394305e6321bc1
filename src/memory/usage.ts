import type { UsageEvent } from "../contracts/memory.ts";
import type { MemoryDatabase } from "./database.ts";

/** Something that was done, as it is kept for the pattern miner. */
export interface UsageRow {
  id: string;
  kind: UsageEvent["kind"];
  /** Where it came from: `cli`. */
  channel: string;
  description: string;
  category: string | null;
  skills: readonly string[];
  score: number | null;
  /** Milliseconds since 1970. Day and hour are kept as the user's clock shows them here. */
  at: number;
  task: string | null;
  outcome: UsageEvent["outcome"];
}

/** Keeps a usage event; known already, what became of it is kept. */
export function putUsage(memory: MemoryDatabase, row: UsageRow): void {
  const local = new Date(row.at);
  memory
    .query(
      `INSERT INTO usage_events (id, event_type, channel, description, category, skills_used, score, timestamp, day, hour,
         day_of_week, task_id, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET description = excluded.description, category = excluded.category,
         skills_used = excluded.skills_used, score = excluded.score, outcome = excluded.outcome`,
    )
    .run(
      row.id,
      row.kind,
      row.channel,
      row.description,
      row.category,
      JSON.stringify(row.skills),
      row.score,
      local.toISOString(),
      localDay(local),
      local.getHours(),
      local.getDay(),
      row.task,
      row.outcome,
    );
}

/** Counts how a task went that used a skill: a running mean. `time`: ISO. */
export function countSkill(
  memory: MemoryDatabase,
  use: { skill: string; category: string; score: number; time: string },
): void {
  memory
    .query(
      `INSERT INTO skill_effectiveness (skill_name, task_category, avg_score, sample_count, last_used)
       VALUES (?, ?, ?, 1, ?)
       ON CONFLICT (skill_name, task_category) DO UPDATE SET
         avg_score = (avg_score * sample_count + excluded.avg_score) / (sample_count + 1),
         sample_count = sample_count + 1, last_used = excluded.last_used`,
    )
    .run(use.skill, use.category, use.score, use.time);
}

/** `2026-11-23` where the user is. */
function localDay(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}
