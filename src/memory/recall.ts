import { clip, stripControl } from "../base/text.ts";
import type { Cue, Learning, Memento } from "../contracts/memory.ts";
import type { MemoryDatabase } from "./database.ts";
import { FORGOTTEN, type Learnings } from "./learnings.ts";
import {
  type Comparison,
  compare,
  contradicts,
  isRelated,
  type Likeness,
  type Portrait,
  saysTheSame,
} from "./likeness.ts";
import { SCOPES, type Scope } from "./scope.ts";
import { type Found, type ProvidedQuery, search } from "./search.ts";
import type { Spaces } from "./spaces.ts";
import { dayOf, freshness } from "./times.ts";

/** PRODUCT.md section 3. */
const MOST = { antiPatterns: 5, others: 5, tasks: 3 };
/** Similar tasks come only while this share of the tokens is left. */
const LEFT_FOR_TASKS = 0.5;
/** What is looked at before it is weighed. */
const CANDIDATES = 40;
const TASKS_LOOKED_AT = 12;
/** What was learned in the same folder counts for more, what was learned in another one for less. */
const HERE = 1.3;
const ELSEWHERE = 0.9;
/** A lesson of a task like this one is related by that, if a little less than by its own words. */
const BY_ITS_TASK = 0.8;
/** Of two lessons about the same thing the older one stands behind; one that the newer one denies, far behind. */
const SAME_SUBJECT = 0.4;
const OLDER = 0.9;
const DENIED = 0.4;

const CHARS_PER_TOKEN = 4;
const MOST_LESSON = 600;
const MOST_TASK = 240;
const MOST_SUMMARY = 320;

/** What recalling needs. */
export interface RecallParts {
  database: MemoryDatabase;
  spaces: Spaces;
  learnings: Learnings;
  likeness: Likeness;
  now: number;
  provided: ProvidedQuery | undefined;
}

/** A finished task, as a later one may learn of it. */
interface TaskRow {
  id: string;
  description: string;
  status: string | null;
  decision: string | null;
  score: number | null;
  iterations: number | null;
  summary: string | null;
  workspace: string | null;
  createdAt: string;
}

interface Candidate {
  learning: Learning;
  portrait: Portrait;
  /** How related, 0..1 and a little more; confidence and place not counted. */
  likeness: number;
  by: "words" | "meaning" | "task";
  rank: number;
}

interface RelatedTask {
  task: TaskRow;
  portrait: Portrait;
  likeness: number;
  by: "words" | "meaning";
}

/** What earlier tasks taught about this one, in the order and within the limits of PRODUCT.md section 3. */
export function recall(parts: RecallParts, cue: Cue, skills: readonly Memento[]): Memento[] {
  const asked = parts.likeness.portrait(cue.text);
  const tasks = relatedTasks(parts, cue, asked);
  const lessons = ranked(relatedLessons(parts, cue, asked, tasks)).map((each) => lessonMemento(each, cue));
  const isAnti = ({ kind }: Memento) => kind === "anti_pattern";
  const chosen: Memento[] = [];
  let left = cue.tokens;
  const take = (mementos: readonly Memento[], most: number, floor = 0) => {
    let taken = 0;
    for (const memento of mementos) {
      if (taken >= most || left < floor) return;
      if (memento.tokens > left) continue;
      chosen.push(memento);
      left -= memento.tokens;
      taken++;
    }
  };
  take(lessons.filter(isAnti), MOST.antiPatterns);
  take(skills, skills.length);
  take(
    lessons.filter((each) => !isAnti(each)),
    MOST.others,
  );
  take(distinct(tasks).map(taskMemento), MOST.tasks, cue.tokens * LEFT_FOR_TASKS);
  return chosen;
}

/** Finished tasks that were like this one, most alike first. */
function relatedTasks(parts: RecallParts, cue: Cue, asked: Portrait): RelatedTask[] {
  const found = find(parts, cue.text, [SCOPES.task], TASKS_LOOKED_AT);
  const chunks = new Map(found.map((each) => [each.source.slice("task:".length), each]));
  chunks.delete(cue.task);
  const rows = parts.database
    .query<TaskRow, [string]>(
      `SELECT id, description, status, decision, final_score AS score, iterations, summary, workspace, created_at AS createdAt
       FROM tasks WHERE id IN (SELECT value FROM json_each(?))`,
    )
    .all(JSON.stringify([...chunks.keys()]));
  const related = rows.flatMap((task) => {
    const portrait = parts.likeness.portrait(task.description);
    const relation = relationOf(parts, compare(asked, portrait), chunks.get(task.id), task.workspace === cue.workspace);
    return relation ? [{ task, portrait, ...relation }] : [];
  });
  return related.sort((a, b) => b.likeness - a.likeness || (a.task.createdAt < b.task.createdAt ? 1 : -1));
}

function find(parts: RecallParts, text: string, scopes: readonly Scope[], most: number): Found[] {
  return search(parts.database, parts.spaces, { text, scopes, most, provided: parts.provided }, parts.now);
}

/** How a remembered text is related; undefined where it is not. A provider's model sees what words do not show. */
function relationOf(
  { provided }: RecallParts,
  compared: Comparison,
  found: Found | undefined,
  isHere: boolean,
): { likeness: number; by: "words" | "meaning" } | undefined {
  if (isRelated(compared, isHere ? HERE : 1)) return { likeness: compared.score, by: "words" };
  const cosine = provided && found?.cosine;
  if (provided && cosine !== undefined && cosine >= provided.floor) {
    return { likeness: (cosine - provided.floor) / (1 - provided.floor), by: "meaning" };
  }
  return undefined;
}

/** Lessons that are about this task by their own words, or because a task like this one taught them. */
function relatedLessons(parts: RecallParts, cue: Cue, asked: Portrait, tasks: readonly RelatedTask[]): Candidate[] {
  const { learnings, likeness } = parts;
  const found = new Map(
    find(parts, cue.text, [SCOPES.learning], CANDIDATES).map((each) => [each.source.slice("learning:".length), each]),
  );
  const teachers = new Map(tasks.map((each) => [each.task.id, each.likeness]));
  const known = new Map(
    [...learnings.some([...found.keys()]), ...learnings.taughtBy([...teachers.keys()], CANDIDATES)].map((each) => [
      each.id,
      each,
    ]),
  );
  return [...known.values()].flatMap((learning): Candidate[] => {
    if (learning.confidence < FORGOTTEN || learning.sourceTask === cue.task) return [];
    const portrait = likeness.portrait(learning.content);
    const isHere = learning.workspace === cue.workspace;
    const own = relationOf(parts, compare(asked, portrait), found.get(learning.id), isHere);
    const byTask = BY_ITS_TASK * (teachers.get(learning.sourceTask ?? "") ?? 0);
    if (!own && byTask === 0) return [];
    const likest = Math.max(own?.likeness ?? 0, byTask);
    const place = isHere ? HERE : learning.workspace === null ? 1 : ELSEWHERE;
    const fresh = 1 + 0.1 * freshness(learning.lastUsed ?? learning.createdAt, parts.now);
    const rank = likest * (0.5 + 0.5 * learning.confidence) * place * fresh;
    return [
      { learning, portrait, likeness: likest, by: byTask > (own?.likeness ?? 0) ? "task" : (own?.by ?? "task"), rank },
    ];
  });
}

/** Best first; of two that say the same the better one alone, and of two about the same thing the newer one first. */
function ranked(candidates: readonly Candidate[]): Candidate[] {
  const newestFirst = [...candidates].sort((a, b) => (bornAt(a) < bornAt(b) ? 1 : -1));
  newestFirst.forEach((older, at) => {
    for (const newer of newestFirst.slice(0, at)) {
      if (bornAt(newer) === bornAt(older) || compare(newer.portrait, older.portrait).score < SAME_SUBJECT) continue;
      const behind = contradicts(newer.portrait, older.portrait) ? DENIED : OLDER;
      older.rank = Math.min(older.rank, newer.rank * behind);
    }
  });
  const chosen: Candidate[] = [];
  for (const candidate of newestFirst.sort((a, b) => b.rank - a.rank)) {
    if (!chosen.some((other) => saysTheSame(other.portrait, candidate.portrait))) chosen.push(candidate);
  }
  return chosen;
}

function bornAt({ learning }: Candidate): string {
  return learning.lastUsed ?? learning.createdAt;
}

const SAYS = { anti_pattern: "Did not work", heuristic: "Worked", preference: "Preferred" };

function lessonMemento({ learning, likeness, by }: Candidate, cue: Cue): Memento {
  const { id, type, content, recalled, helped, confidence, createdAt, workspace } = learning;
  const place = workspace === cue.workspace ? " in this folder" : workspace === null ? "" : " in another folder";
  const record = recalled > 0 ? `, helped ${helped} of ${recalled} times` : "";
  const text = `${SAYS[type]} (learned ${dayOf(createdAt)}${place}${record}): ${oneLine(content, MOST_LESSON)}`;
  const how = {
    words: "like the task in words",
    meaning: "like the task in meaning",
    task: "taught by a task like this one",
  };
  const why = `${how[by]} (${likeness.toFixed(2)}), confidence ${confidence.toFixed(2)}${place}`;
  return { kind: type, id, text, why, tokens: tokensOf(text) };
}

function taskMemento({ task, likeness, by }: RelatedTask): Memento {
  const { id, description, status, decision, score, iterations, summary, createdAt } = task;
  const end = [
    status ?? decision ?? "ended",
    ...(score === null ? [] : [`score ${score.toFixed(2)}`]),
    ...(iterations ? [`${iterations} iteration${iterations === 1 ? "" : "s"}`] : []),
  ].join(", ");
  const result = summary ? ` It ended with: ${oneLine(summary, MOST_SUMMARY)}` : "";
  const text = `Similar task of ${dayOf(createdAt)} (${end}): "${oneLine(description, MOST_TASK)}".${result}`;
  const why = `like the task in ${by} (${likeness.toFixed(2)})`;
  return { kind: "task", id, text, why, tokens: tokensOf(text) };
}

/** One of each description: a task that comes every day would take all the places. The first is the most alike and newest. */
function distinct(tasks: readonly RelatedTask[]): RelatedTask[] {
  const seen = new Set<string>();
  return tasks.filter(({ portrait }) => {
    const key = portrait.terms.join(" ");
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function oneLine(text: string, most: number): string {
  return clip(stripControl(text).replace(/\s+/g, " ").trim(), most);
}

function tokensOf(text: string): number {
  return Math.ceil(text.length / CHARS_PER_TOKEN);
}
