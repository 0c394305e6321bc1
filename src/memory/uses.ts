import type { MemoryDatabase } from "./database.ts";
import type { LearningRow } from "./learnings.ts";
import type { Rarity } from "./rarity.ts";
import { isFromBefore } from "./rebuild.ts";
import { Spaces } from "./spaces.ts";
import { timeOf } from "./times.ts";

/** What became of a lesson in a task for which it was recalled (005_uses.up.sql). */
export type Verdict = "helped" | "misled" | "undone" | "unused";

/** A lesson that was recalled, and what the task made of it (readers/following.ts). */
export interface Followed {
  id: string;
  /** Terms of the lesson that the task's models could read nowhere else before they used them. */
  own: ReadonlySet<string>;
  /** Those of them that its plan, its calls or its words then held. */
  taken: ReadonlySet<string>;
}

/** A lesson was followed where the work took up so many of its own telling terms, or all; and this share of their weight. */
const LEAST_TERMS = 2;
const LEAST_SHARE = 0.25;
/** A number says as much as two words: nobody comes upon 250 by chance. */
const NUMBER = /\d\d/;
/** How much nearer to certainty a lesson comes when it helped, and what is left of its confidence when it did not. */
const HELPED = 0.2;
const MISLED = 0.9;

/**
 * Says what became of the lessons that were recalled for a task which was measured. `at`: ISO time of its end. In a
 * transaction; a lesson that is not there any more is left out.
 */
export function noteUses(
  memory: MemoryDatabase,
  use: { task: string; at: string; accepted: boolean },
  lessons: readonly Followed[],
): void {
  const spaces = new Spaces(memory, () => Date.parse(use.at));
  const rarity = spaces.rarity(spaces.builtin().ref);
  // Of an earlier database the lesson may come later, from an older transcript; one that is here holds what was before.
  const restored = isFromBefore(memory, use.at);
  const known = memory.query("SELECT 1 FROM learnings WHERE id = ?");
  const isUndone = memory.query("SELECT 1 FROM tasks WHERE id = ? AND undone_at IS NOT NULL").get(use.task) !== null;
  const note = memory.query(
    `INSERT INTO learning_uses (task_id, learning_id, verdict, used_at, counted) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (task_id, learning_id) DO UPDATE SET verdict = excluded.verdict, used_at = excluded.used_at`,
  );
  for (const lesson of lessons) {
    const isKnown = known.get(lesson.id) !== null;
    if (!isKnown && !restored) continue;
    const found = verdictOn(lesson, use.accepted, rarity);
    const verdict = found === "helped" && isUndone ? "undone" : found;
    note.run(use.task, lesson.id, verdict, use.at, restored && isKnown ? verdict : null);
  }
}

function verdictOn({ own, taken }: Followed, accepted: boolean, rarity: Rarity): Verdict {
  const telling = [...own].filter((term) => rarity.isTelling(term));
  const used = telling.filter((term) => taken.has(term));
  const words = (terms: readonly string[]) => terms.reduce((sum, term) => sum + (NUMBER.test(term) ? 2 : 1), 0);
  const weight = (terms: readonly string[]) => terms.reduce((sum, term) => sum + rarity.weight(term), 0);
  const isFollowed =
    used.length > 0 &&
    words(used) >= Math.min(LEAST_TERMS, words(telling)) &&
    weight(used) >= LEAST_SHARE * weight(telling);
  if (!isFollowed) return "unused";
  return accepted ? "helped" : "misled";
}

/** Says that the user put back what a task changed (`at`: ISO time), or brought it again (null). False where it is unknown. */
export function noteUndone(memory: MemoryDatabase, task: string, at: string | null): boolean {
  return memory.transaction(() => {
    const known = memory.query<{ undone: string | null }, [string]>(
      "SELECT undone_at AS undone FROM tasks WHERE id = ?",
    );
    const before = known.get(task);
    if (!before) return false;
    memory.query("UPDATE tasks SET undone_at = ? WHERE id = ?").run(at, task);
    if ((before.undone === null) === (at === null)) return true;
    const [from, to] = at === null ? ["undone", "helped"] : ["helped", "undone"];
    memory.query("UPDATE learning_uses SET verdict = ? WHERE task_id = ? AND verdict = ?").run(to, task, from);
    const [ok, failed] = at === null ? ["failed", "ok"] : ["ok", "failed"];
    memory
      .query(
        `UPDATE usage_events SET outcome = ?3 WHERE task_id = ?1 AND outcome = ?2
           AND (SELECT status FROM tasks WHERE id = ?1) IN ('accepted', 'answered')`,
      )
      .run(task, ok, failed);
    // What it taught as working did not work for the user.
    memory
      .query("UPDATE learnings SET confidence = min(1, confidence * ?) WHERE source_task = ? AND type = 'heuristic'")
      .run(at === null ? 1 / MISLED : MISLED, task);
    return true;
  });
}

/** A verdict, and the one that the lesson's numbers hold so far. */
export interface Use {
  task: string;
  learning: string;
  verdict: Verdict;
  counted: Verdict | null;
  /** ISO time. */
  usedAt: string;
}

const UNCOUNTED = "FROM learning_uses WHERE counted IS NOT verdict";

export function hasUncounted(memory: MemoryDatabase): boolean {
  return memory.query(`SELECT 1 ${UNCOUNTED} LIMIT 1`).get() !== null;
}

/** Oldest first. */
export function uncountedUses(memory: MemoryDatabase): Use[] {
  return memory
    .query<Use, []>(
      `SELECT task_id AS task, learning_id AS learning, verdict, counted, used_at AS usedAt ${UNCOUNTED} ORDER BY used_at`,
    )
    .all();
}

export function noteCounted(memory: MemoryDatabase, { task, learning, verdict }: Use): void {
  memory
    .query("UPDATE learning_uses SET counted = ? WHERE task_id = ? AND learning_id = ?")
    .run(verdict, task, learning);
}

/** A lesson as it was before its numbers held this use. */
export function takenBack(learning: LearningRow, { counted }: Pick<Use, "counted">): LearningRow {
  if (counted === null) return learning;
  const { confidence, helped } = learning;
  const before = { ...learning, recalled: Math.max(0, learning.recalled - 1) };
  if (counted === "unused") return before;
  if (counted !== "helped") return { ...before, confidence: Math.min(1, confidence / MISLED) };
  return { ...before, helped: Math.max(0, helped - 1), confidence: Math.max(0, (confidence - HELPED) / (1 - HELPED)) };
}

/** A lesson whose numbers hold this use. `faded`: its confidence at a time (ms). */
export function counted(learning: LearningRow, { verdict, usedAt }: Use, faded: Fade): LearningRow {
  const after = { ...learning, recalled: learning.recalled + 1 };
  if (verdict === "unused") return after;
  if (verdict !== "helped") return { ...after, confidence: learning.confidence * MISLED };
  const since = timeOf(learning.lastUsed ?? learning.createdAt) ?? 0;
  const time = timeOf(usedAt) ?? since;
  return {
    ...after,
    helped: learning.helped + 1,
    confidence: towardsOne(faded(learning, time), HELPED),
    lastUsed: time > since ? usedAt : learning.lastUsed,
  };
}

type Fade = (learning: LearningRow, at: number) => number;

export function towardsOne(value: number, share: number): number {
  return value + (1 - value) * share;
}
