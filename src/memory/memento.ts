import { clip, stripControl } from "../base/text.ts";
import type { Cue, Memento } from "../contracts/memory.ts";
import type { MemoryDatabase } from "./database.ts";
import type { Candidate, RelatedTask } from "./related.ts";
import { dayOf } from "./times.ts";

const CHARS_PER_TOKEN = 4;
const RECENT_MS = 7 * 24 * 60 * 60 * 1000;
const MOST_LESSON = 400;
const MOST_TASK = 80;
const MOST_SUMMARY = 400;
/** Findings of a task that are named. */
const MOST_FINDINGS = 5;
const MOST_TITLE = 100;

/** A part of a note that stands for itself. */
export interface Piece {
  /** What kind of part it is, in words; "" where that needs none. */
  label: string;
  text: string;
}

/** What could be brought: its pieces, and how they become a memento. */
export interface Note {
  pieces: Piece[];
  /** The memento of those pieces that are brought. */
  tell(pieces: readonly Piece[]): Memento;
}

/** Whose words they are: what an agent noted as the user's wish is a note all the same, and nothing else is a wish. */
const SAYS = { anti_pattern: "Went wrong before", heuristic: "Noted before", preference: "Noted as the user's wish" };
const BY = {
  words: "like the task in words",
  meaning: "like the task in meaning",
  task: "taught by a task like this one",
};

/** A lesson: one piece, because half a sentence may say the opposite. */
export function lessonNote({ learning, likeness, by }: Candidate, cue: Cue, now: number): Note {
  const { id, type, content, confidence, createdAt, workspace } = learning;
  const isHere = workspace === cue.workspace;
  const place = isHere || workspace === null ? [] : ["in another folder"];
  const why = `${BY[by]} (${likeness.toFixed(2)}), ${[`confidence ${confidence.toFixed(2)}`, ...(isHere ? ["in this folder"] : place)].join(", ")}`;
  return {
    pieces: [{ label: "", text: oneLine(content, MOST_LESSON) }],
    tell: (pieces) =>
      memento(type, id, `${SAYS[type]}${noted([...ageOf(createdAt, now), ...place])}: ${joined(pieces)}`, why),
  };
}

/** A task: what was found wanting on the way, what stayed open, and the sentences that were said in the end. */
export function taskNote(database: MemoryDatabase, { task, likeness, by }: RelatedTask, now: number): Note {
  const { id, description, status, decision, summary, createdAt, undoneAt } = task;
  const { mended, open } = findingsOf(database, id);
  const said = summary ? oneLine(summary, MOST_SUMMARY).split(/(?<=[.!?;])\s+/) : [];
  // What the agent said of a result that was not accepted, or that the user did not keep, is a claim.
  const isProven =
    undoneAt === null && (status === "accepted" || status === "answered" || status === "completed" || status === null);
  const ending = undoneAt === null ? (status ?? decision ?? "ended") : "undone by the user";
  const facts = [...ageOf(createdAt, now), ending];
  const head = `Similar task${noted(facts)}: "${oneLine(description, MOST_TASK)}".`;
  return {
    pieces: [
      // In itself worth to be told, though the agent's words may be those of a task that stands.
      ...(undoneAt === null ? [] : [{ label: "", text: "The user put its changes back." }]),
      ...mended.map((title) => ({ label: "Wrong at first: ", text: `${title}.` })),
      ...open.map((title) => ({ label: "Left open: ", text: `${title}.` })),
      ...said.map((text) => ({ label: isProven ? "" : "Claimed: ", text })),
    ],
    tell: (pieces) => memento("task", id, `${head} ${joined(pieces)}`, `${BY[by]} (${likeness.toFixed(2)})`),
  };
}

/** A note of the last days needs no date: what is older may be out of date. */
function ageOf(createdAt: string, now: number): string[] {
  return now - Date.parse(createdAt) < RECENT_MS ? [] : [dayOf(createdAt)];
}

function noted(facts: readonly string[]): string {
  return facts.length === 0 ? "" : ` (${facts.join(", ")})`;
}

/** What is of one kind is labelled once. */
function joined(pieces: readonly Piece[]): string {
  return pieces.map(({ label, text }, at) => (label === pieces[at - 1]?.label ? text : label + text)).join(" ");
}

function memento(kind: Memento["kind"], id: string, text: string, why: string): Memento {
  return { kind, id, text, why, tokens: Math.ceil(text.length / CHARS_PER_TOKEN) };
}

/** What the judge found grave in a task, mended or left open; what was made of evidence has no dimension and says little. */
function findingsOf(database: MemoryDatabase, task: string): { mended: string[]; open: string[] } {
  const rows = database
    .query<{ title: string; open: number; mended: number }, [string]>(
      // What is left open is that of the best iteration: what was worse was put back.
      `SELECT f.title, max(f.resolved_in IS NULL AND c.score IS best.score) AS open, max(f.resolved_in IS NOT NULL) AS mended
       FROM findings f JOIN iteration_cycles c ON c.id = f.cycle_id
       JOIN (SELECT max(score) AS score FROM iteration_cycles WHERE task_id = ?1) AS best
       WHERE c.task_id = ?1 AND f.severity IN ('blocker', 'important') AND f.dimension <> ''
       GROUP BY f.title ORDER BY min(f.severity), min(c.iteration), min(f.rowid)`,
    )
    .all(task)
    .filter(({ open, mended }) => open || mended);
  const titles = (open: number) =>
    rows
      .filter((row) => row.open === open)
      .slice(0, MOST_FINDINGS)
      .map(({ title }) => oneLine(title, MOST_TITLE).replace(/\.$/, ""));
  return { mended: titles(0), open: titles(1) };
}

function oneLine(text: string, most: number): string {
  return clip(stripControl(text).replace(/\s+/g, " ").trim(), most);
}
