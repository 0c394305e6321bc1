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
  // SQLite asks the system for the local time. JavaScript would load its own table of time zones, which takes 10 ms.
  memory
    .query(
      `INSERT INTO usage_events (id, event_type, channel, description, category, skills_used, score, timestamp, day, hour,
         day_of_week, task_id, outcome)
       VALUES ($id, $kind, $channel, $description, $category, $skills, $score, $time, date($time, 'localtime'),
         CAST(strftime('%H', $time, 'localtime') AS INTEGER), CAST(strftime('%w', $time, 'localtime') AS INTEGER), $task,
         $outcome)
       ON CONFLICT (id) DO UPDATE SET description = excluded.description, category = excluded.category,
         skills_used = excluded.skills_used, score = excluded.score, outcome = excluded.outcome`,
    )
    .run({
      id: row.id,
      kind: row.kind,
      channel: row.channel,
      description: row.description,
      category: row.category,
      skills: JSON.stringify(row.skills),
      score: row.score,
      time: new Date(row.at).toISOString(),
      task: row.task,
      outcome: row.outcome,
    });
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
