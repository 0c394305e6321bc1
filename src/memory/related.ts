import type { Cue, Learning } from "../contracts/memory.ts";
import type { MemoryDatabase } from "./database.ts";
import { FORGOTTEN, type Learnings } from "./learnings.ts";
import {
  compare,
  contradicts,
  isRelated,
  type Likeness,
  type Portrait,
  saysOtherwise,
  saysTheSame,
} from "./likeness.ts";
import { SCOPES, type Scope } from "./scope.ts";
import { type Found, type Question, search } from "./search.ts";
import type { Spaces } from "./spaces.ts";
import { freshness } from "./times.ts";

/** What is looked at before it is weighed. */
const CANDIDATES = 16;
const TASKS_LOOKED_AT = 8;
/** What was learned in the same folder counts for more, what was learned in another one for less. */
const HERE = 1.3;
const ELSEWHERE = 0.9;
/** A lesson of a task like this one is related by that, if a little less than by its own words. */
const BY_ITS_TASK = 0.8;
const LEAST_BY_TASK = 0.3;
/** Of two lessons about the same thing the older one stands behind; one that the newer one denies, far behind. */
const SAME_SUBJECT = 0.4;
const OLDER = 0.9;
const DENIED = 0.4;

/** What recalling needs. */
export interface RecallParts {
  database: MemoryDatabase;
  spaces: Spaces;
  learnings: Learnings;
  likeness: Likeness;
  now: number;
}

/** A task that memories are looked for: what it is to be searched by, and what they are compared with. */
export interface Asked {
  cue: Cue;
  question: Question;
  portrait: Portrait;
}

/** A finished task, as a later one may learn of it. */
export interface TaskRow {
  id: string;
  description: string;
  status: string | null;
  decision: string | null;
  summary: string | null;
  workspace: string | null;
  createdAt: string;
  /** When the user put back what it changed. */
  undoneAt: string | null;
}

export interface Candidate {
  learning: Learning;
  portrait: Portrait;
  /** How related, 0..1 and a little more; confidence and place not counted. */
  likeness: number;
  by: "words" | "meaning" | "task";
  rank: number;
}

export interface RelatedTask {
  task: TaskRow;
  portrait: Portrait;
  likeness: number;
  by: "words" | "meaning";
}

/** Finished tasks that were like this one, most alike first. */
export function relatedTasks(parts: RecallParts, asked: Asked): RelatedTask[] {
  const { cue } = asked;
  const found = find(parts, asked, [SCOPES.task], TASKS_LOOKED_AT);
  const chunks = new Map(found.map((each) => [each.source.slice("task:".length), each]));
  chunks.delete(cue.task);
  const columns =
    "id, description, status, decision, summary, workspace, created_at AS createdAt, undone_at AS undoneAt";
  const rows = parts.database
    .query<TaskRow, [string, string, number]>(
      `SELECT ${columns} FROM tasks WHERE id IN (SELECT value FROM json_each(?))
       UNION
       SELECT * FROM (SELECT ${columns} FROM tasks WHERE workspace = ? AND completed_at IS NOT NULL
                      ORDER BY created_at DESC LIMIT ?)`,
    )
    .all(JSON.stringify([...chunks.keys()]), cue.workspace, TASKS_LOOKED_AT)
    .filter(({ id }) => id !== cue.task);
  const related = rows.flatMap((task) => {
    const portrait = parts.likeness.portrait(task.description);
    const relation = relationOf(asked, portrait, chunks.get(task.id), task.workspace === cue.workspace);
    return relation ? [{ task, portrait, ...relation }] : [];
  });
  related.sort((a, b) => b.likeness - a.likeness || (a.task.createdAt < b.task.createdAt ? 1 : -1));
  return hereFirst(related, ({ task }) => task.workspace === cue.workspace);
}

/**
 * A project has rules of its own: what is right in one folder may be wrong in another. Others are asked only where the
 * task's own has nothing to say.
 */
function hereFirst<T>(found: readonly T[], isHere: (each: T) => boolean): T[] {
  const here = found.filter(isHere);
  return here.length > 0 ? here : [...found];
}

function find(parts: RecallParts, { question }: Asked, scopes: readonly Scope[], most: number): Found[] {
  return search(parts.database, parts.spaces, question, { scopes, most }, parts.now);
}

/** How a remembered text is related; undefined where it is not. A provider's model sees what words do not show. */
function relationOf(
  { portrait, question: { floor, isProvided } }: Asked,
  remembered: Portrait,
  found: Found | undefined,
  isHere: boolean,
): { likeness: number; by: "words" | "meaning" } | undefined {
  const compared = compare(portrait, remembered);
  if (isRelated(compared, isHere ? HERE : 1)) return { likeness: compared.score, by: "words" };
  const cosine = isProvided ? found?.cosine : undefined;
  if (cosine !== undefined && cosine >= floor) return { likeness: (cosine - floor) / (1 - floor), by: "meaning" };
  return undefined;
}

/** Lessons that are about this task by their own words, or because a task like this one taught them. */
export function relatedLessons(parts: RecallParts, asked: Asked, tasks: readonly RelatedTask[]): Candidate[] {
  const { cue } = asked;
  const { learnings, likeness } = parts;
  const found = new Map(
    find(parts, asked, [SCOPES.learning], CANDIDATES).map((each) => [each.source.slice("learning:".length), each]),
  );
  const teachers = new Map(tasks.map((each) => [each.task.id, each.likeness]));
  const known = new Map(
    [
      ...learnings.some([...found.keys()]),
      ...learnings.taughtBy([...teachers.keys()], CANDIDATES),
      ...learnings.learnedIn(cue.workspace, CANDIDATES),
    ].map((each) => [each.id, each]),
  );
  const related = [...known.values()].flatMap((learning): Candidate[] => {
    if (learning.confidence < FORGOTTEN || learning.sourceTask === cue.task) return [];
    const portrait = likeness.portrait(learning.content);
    const isHere = learning.workspace === cue.workspace;
    const own = relationOf(asked, portrait, found.get(learning.id), isHere);
    const byTask = BY_ITS_TASK * (teachers.get(learning.sourceTask ?? "") ?? 0);
    if (!own && byTask < LEAST_BY_TASK) return [];
    const likest = Math.max(own?.likeness ?? 0, byTask);
    const place = isHere ? HERE : learning.workspace === null ? 1 : ELSEWHERE;
    const fresh = 1 + 0.1 * freshness(learning.lastUsed ?? learning.createdAt, parts.now);
    const rank = likest * (0.5 + 0.5 * learning.confidence) * place * fresh;
    return [
      { learning, portrait, likeness: likest, by: byTask > (own?.likeness ?? 0) ? "task" : (own?.by ?? "task"), rank },
    ];
  });
  return hereFirst(related, ({ learning }) => learning.workspace === cue.workspace || learning.workspace === null);
}

/**
 * Best first. Of two that say the same the better one alone; of two that say nearly the same, but not quite, the newer one
 * alone: what was true once is not any more. Of two about the same thing the newer one first.
 */
export function ranked(candidates: readonly Candidate[]): Candidate[] {
  const newestFirst = [...candidates].sort((a, b) => (bornAt(a) < bornAt(b) ? 1 : -1));
  newestFirst.forEach((older, at) => {
    for (const newer of newestFirst.slice(0, at)) {
      if (bornAt(newer) === bornAt(older) || compare(newer.portrait, older.portrait).score < SAME_SUBJECT) continue;
      const behind = contradicts(newer.portrait, older.portrait) ? DENIED : OLDER;
      older.rank = Math.min(older.rank, newer.rank * behind);
    }
  });
  const chosen: Candidate[] = [];
  const standing = newestFirst.filter((older, at) => !newestFirst.slice(0, at).some((newer) => replaces(newer, older)));
  for (const candidate of standing.sort((a, b) => b.rank - a.rank)) {
    if (!chosen.some((other) => saysTheSame(other.portrait, candidate.portrait))) chosen.push(candidate);
  }
  return chosen;
}

/** Whether the newer lesson says otherwise what the older one said of the same folder. */
function replaces(newer: Candidate, older: Candidate): boolean {
  if (newer.learning.type !== older.learning.type || newer.learning.workspace !== older.learning.workspace)
    return false;
  return saysOtherwise(newer.portrait, older.portrait);
}

/** Not when it was last of use: what was used often is not newer for that. */
function bornAt({ learning }: Candidate): string {
  return learning.createdAt;
}
