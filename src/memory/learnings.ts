import { randomId } from "../base/crypto/random.ts";
import { createRedactor } from "../base/redact.ts";
import { clip, stripControl } from "../base/text.ts";
import type { Learned, Learning, LearningType, Lesson } from "../contracts/memory.ts";
import type { MemoryDatabase } from "./database.ts";
import { contradicts, type Likeness, saysTheSame } from "./likeness.ts";
import { noteForgotten } from "./rebuild.ts";
import { ensureTask } from "./tasks.ts";
import { ageOf, WEEK } from "./times.ts";
import { counted, hasUncounted, noteCounted, takenBack, towardsOne, uncountedUses } from "./uses.ts";

/** Below this a learning is forgotten (PRODUCT.md section 6). */
export const FORGOTTEN = 0.1;
/** Characters of a lesson. */
const MOST_CONTENT = 1000;
/** How much nearer to certainty a learning comes when it is learned again. */
const REINFORCED = 0.3;
/** So sure is a learning at most that was only ever learned again, and never helped. */
const UNTRIED = 0.75;
/** What is left of its confidence when its opposite is learned. */
const CONTRADICTED = 0.5;

const TYPES: readonly string[] = ["anti_pattern", "heuristic", "preference"] satisfies LearningType[];

/** A row of the table, under the names of the contract. */
export interface LearningRow extends Omit<Learning, "type" | "category" | "reinforced"> {
  type: string;
  category: string | null;
  reinforced: number | null;
}

const COLUMNS = `id, type, content, category, confidence, source_task AS sourceTask, workspace, reinforced, recalled, helped,
  created_at AS createdAt, last_used AS lastUsed`;

export interface LearningsOptions {
  database: MemoryDatabase;
  now: () => number;
  /** Per week. */
  decayRate: number;
  /** Replaces the program's own keys by placeholders. */
  hide: (text: string) => string;
}

/** Where a lesson came from; null where nobody knows, or anywhere. */
export interface Source {
  task: string | null;
  workspace: string | null;
}

/** The lessons that are kept. */
export class Learnings {
  readonly #database: MemoryDatabase;
  readonly #now: () => number;
  readonly #rate: number;
  readonly #hide: (text: string) => string;
  readonly #kinds = createRedactor({ secrets: [], kinds: true });

  constructor({ database, now, decayRate, hide }: LearningsOptions) {
    this.#database = database;
    this.#now = now;
    this.#rate = decayRate;
    this.#hide = hide;
  }

  /** What can be kept of a lesson's text: clean, clipped. Undefined where it is empty or holds a secret. */
  clean(content: string): string | undefined {
    const text = clip(stripControl(content).replace(/\s+/g, " ").trim(), MOST_CONTENT);
    const holdsSecret =
      this.#hide(content) !== content || this.#kinds.hide(text) !== text || text.includes("[[secret:");
    return text === "" || holdsSecret ? undefined : text;
  }

  /** Confidence at a time (ms; default: now): faded since it was last used, or made. */
  faded(
    { confidence, lastUsed, createdAt }: Pick<LearningRow, "confidence" | "lastUsed" | "createdAt">,
    at = this.#now(),
  ): number {
    const weeks = ageOf(lastUsed ?? createdAt, at) / WEEK;
    return Math.min(1, Math.max(0, confidence)) * Math.exp(-this.#rate * weeks);
  }

  get(id: string): Learning | undefined {
    const row = this.#row(id);
    return row ? this.#learning(row) : undefined;
  }

  #row(id: string): LearningRow | null {
    return this.#database.query<LearningRow, [string]>(`SELECT ${COLUMNS} FROM learnings WHERE id = ?`).get(id);
  }

  /** Those of these ids that are there. */
  some(ids: readonly string[]): Learning[] {
    return this.#database
      .query<LearningRow, [string]>(`SELECT ${COLUMNS} FROM learnings WHERE id IN (SELECT value FROM json_each(?))`)
      .all(JSON.stringify(ids))
      .map((row) => this.#learning(row));
  }

  /** What these tasks taught, newest first. */
  taughtBy(tasks: readonly string[], most: number): Learning[] {
    return this.#database
      .query<LearningRow, [string, number]>(
        `SELECT ${COLUMNS} FROM learnings WHERE source_task IN (SELECT value FROM json_each(?)) ORDER BY created_at DESC LIMIT ?`,
      )
      .all(JSON.stringify(tasks), most)
      .map((row) => this.#learning(row));
  }

  /** What was learned in a folder, newest first. */
  learnedIn(workspace: string, most: number): Learning[] {
    return this.#database
      .query<LearningRow, [string, number]>(
        `SELECT ${COLUMNS} FROM learnings WHERE workspace = ? ORDER BY created_at DESC LIMIT ?`,
      )
      .all(workspace, most)
      .map((row) => this.#learning(row));
  }

  /** Surest first. */
  all(): Learning[] {
    const rows = this.#database.query<LearningRow, []>(`SELECT ${COLUMNS} FROM learnings`).all();
    return rows
      .map((row) => this.#learning(row))
      .sort((a, b) => b.confidence - a.confidence || compareTexts(a.id, b.id));
  }

  #learning(row: LearningRow): Learning {
    return {
      ...row,
      type: TYPES.includes(row.type) ? (row.type as LearningType) : "heuristic",
      category: row.category ?? "general",
      confidence: this.faded(row),
      reinforced: row.reinforced ?? 0,
    };
  }

  /**
   * Keeps a lesson, whose content is clean. Of `near`, what may say the same already: one that does is made stronger
   * instead, and those that say the opposite lose weight, where they hold in the same folder or the new one holds
   * anywhere. In one transaction.
   */
  keep(lesson: Lesson, source: Source, near: readonly string[], likeness: Likeness): Learned {
    return this.#database.transaction(() => {
      const portrait = likeness.portrait(lesson.content);
      const known = this.some(near).map((learning) => ({ learning, portrait: likeness.portrait(learning.content) }));
      const same = known.find((each) => each.learning.type === lesson.type && saysTheSame(each.portrait, portrait));
      if (same) return { learning: this.#reinforce(same.learning, lesson, source), is: "reinforced" };
      const isAbout = ({ workspace }: Learning) => source.workspace === null || workspace === source.workspace;
      for (const each of known) {
        if (isAbout(each.learning) && contradicts(each.portrait, portrait))
          this.#weaken(each.learning.id, CONTRADICTED);
      }
      return { learning: this.#insert(lesson, source), is: "new" };
    });
  }

  #reinforce(known: Learning, lesson: Lesson, source: Source): Learning {
    const base = Math.max(known.confidence, Math.min(1, lesson.confidence));
    // The same rule speaks again at the same sight: that is no proof that what it says is of use.
    const most = known.helped > 0 ? 1 : Math.max(base, UNTRIED);
    // What holds in two places holds anywhere.
    const workspace = known.workspace === source.workspace ? known.workspace : null;
    this.#database
      .query(
        "UPDATE learnings SET confidence = ?, reinforced = coalesce(reinforced, 0) + 1, last_used = ?, workspace = ? WHERE id = ?",
      )
      .run(Math.min(most, towardsOne(base, REINFORCED)), this.#iso(), workspace, known.id);
    return this.get(known.id) ?? known;
  }

  #weaken(id: string, factor: number): void {
    this.#database.query("UPDATE learnings SET confidence = confidence * ? WHERE id = ?").run(factor, id);
  }

  #insert(lesson: Lesson, { task, workspace }: Source): Learning {
    const id = randomId(12);
    if (task !== null) ensureTask(this.#database, task);
    this.#database
      .query(
        `INSERT INTO learnings (id, type, content, category, confidence, source_task, reinforced, created_at, workspace)
         VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)`,
      )
      .run(
        id,
        lesson.type,
        lesson.content,
        lesson.category,
        Math.min(1, Math.max(0, lesson.confidence)),
        task,
        this.#iso(),
        workspace,
      );
    const kept = this.get(id);
    if (!kept) throw new Error("a learning was not kept");
    return kept;
  }

  /** Another text for it; its confidence stays, and it counts as used. Undefined where there is no such learning. */
  edit(id: string, content: string): Learning | undefined {
    this.#database
      .query("UPDATE learnings SET content = ?, confidence = ?, last_used = ? WHERE id = ?")
      .run(content, this.get(id)?.confidence ?? 0, this.#iso(), id);
    return this.get(id);
  }

  forget(id: string): boolean {
    return this.#database.transaction(() => {
      const known = this.get(id) !== undefined;
      if (known) noteForgotten(this.#database, id);
      this.#database.query("DELETE FROM learnings WHERE id = ?").run(id);
      return known;
    });
  }

  /**
   * Brings the lessons' numbers up to what became of them in tasks (uses.ts): what helped is made stronger and counts as
   * used, what misled loses weight, what was not used stays as it is. A verdict that changed is first taken back.
   */
  countUses(): void {
    if (!hasUncounted(this.#database)) return;
    this.#database.transaction(() => {
      for (const use of uncountedUses(this.#database)) {
        const learning = this.#row(use.learning);
        if (learning) this.#putCounts(counted(takenBack(learning, use), use, (row, at) => this.faded(row, at)));
        // One that is not here may never come; should it, that is looked at anew (rebuild.ts).
        noteCounted(this.#database, use);
      }
    });
  }

  #putCounts({ id, confidence, recalled, helped, lastUsed }: LearningRow): void {
    this.#database
      .query("UPDATE learnings SET confidence = ?, recalled = ?, helped = ?, last_used = ? WHERE id = ?")
      .run(confidence, recalled, helped, lastUsed, id);
  }

  /** Forgets what has faded away, or was to last until a day that is over. Returns how many. */
  prune(): number {
    return this.#database.transaction(() => {
      // A time ahead of now is from a clock that was wrong: it would never fade.
      this.#database.query("UPDATE learnings SET last_used = ?1 WHERE last_used > ?1").run(this.#iso());
      const rows = this.#database
        .query<Pick<LearningRow, "id" | "confidence" | "lastUsed" | "createdAt"> & { expires: string | null }, []>(
          "SELECT id, confidence, created_at AS createdAt, last_used AS lastUsed, expires_at AS expires FROM learnings",
        )
        .all();
      const gone = rows.filter((row) => this.faded(row) < FORGOTTEN || ageOf(row.expires, this.#now()) > 0);
      for (const { id } of gone) this.#database.query("DELETE FROM learnings WHERE id = ?").run(id);
      return gone.length;
    });
  }

  #iso(): string {
    return new Date(this.#now()).toISOString();
  }
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
