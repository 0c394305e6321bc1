import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { ensureDir, readRegular, writeAtomic } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import { type Infer, isObject, parse, s } from "../base/schema.ts";
import { clip, fill, plural } from "../base/text.ts";
import type { Learning } from "../contracts/memory.ts";
import { MOST_SOUL } from "./soul.ts";

/** When the soul may change (PRODUCT.md section 6). */
export const EVOLUTION = { tasks: 50, learnings: 10, confidence: 0.8 } as const;

/** Lessons that are shown to the model, characters of each. */
const MOST_LESSONS = 40;
const MOST_LESSON = 300;
const MOST_CHANGES = 3;
/** A change is small: a sentence or two, characters. */
const MOST_CHANGE = 500;

/** How far the user's tasks had come when the soul was last looked at, and when that was last hinted at. */
export interface SoulState {
  evolvedAt: number;
  hintedAt: number;
}

/** What keeps the soul from evolving, one reason each; empty: it is due. @param tasks all that there ever were */
export function reasonsToWait(tasks: number, learnings: readonly Learning[], state: SoulState): string[] {
  const since = Math.max(0, tasks - state.evolvedAt);
  const sure = sureOnes(learnings).length;
  return [
    ...(since < EVOLUTION.tasks
      ? [`${plural(since, "task")} since the last time, and it takes ${EVOLUTION.tasks}`]
      : []),
    ...(sure < EVOLUTION.learnings
      ? [
          `${plural(sure, "learning")} of confidence ${EVOLUTION.confidence} or more, and it takes ${EVOLUTION.learnings}`,
        ]
      : []),
  ];
}

/** The learnings that are sure enough to form a habit, the surest first. */
export function sureOnes(learnings: readonly Learning[]): Learning[] {
  return learnings
    .filter(({ confidence }) => confidence >= EVOLUTION.confidence)
    .sort((a, b) => b.confidence - a.confidence);
}

/** The request to the model, from the template of embed/prompts/soul.md. */
export function evolutionPrompt(template: string, soul: string, learnings: readonly Learning[]): string {
  const lessons = sureOnes(learnings)
    .slice(0, MOST_LESSONS)
    .map(
      ({ type, content, confidence }) =>
        `- (${confidence.toFixed(2)}, ${type}) ${clip(content.replace(/\s+/g, " ").trim(), MOST_LESSON)}`,
    );
  return fill(template, { soul, lessons: lessons.join("\n") });
}

/** One small change of the soul. */
export type SoulChange = Infer<ReturnType<typeof changeSchema>>;

function changeSchema() {
  return s.object({ old: s.string(), new: s.string(), why: s.string() });
}

/** The changes that a model proposed; what it wrote around the JSON is left out. @throws UserError for no such answer */
export function readChanges(answer: string): SoulChange[] {
  const json = /\{[\s\S]*\}/.exec(answer)?.[0];
  let value: unknown;
  try {
    value = JSON.parse(json ?? "");
  } catch {
    value = undefined;
  }
  const read = parse(s.object({ changes: s.array(changeSchema()) }), isObject(value) ? value : {});
  if (!read.ok)
    throw new UserError("the model proposed no changes that can be read", "Try again, or with another planner.");
  return read.value.changes.filter((change) => change.old.trim() !== change.new.trim());
}

/**
 * The soul with the changes in it.
 *
 * @throws UserError for more than three changes, a large one, or a place that is not there or there more than once
 */
export function withChanges(soul: string, changes: readonly SoulChange[]): string {
  const refuse = (why: string) =>
    new UserError(`the proposal cannot be used: ${why}`, "Try again, or edit SOUL.md yourself.");
  if (changes.length > MOST_CHANGES) throw refuse(`${changes.length} changes, and ${MOST_CHANGES} are the most`);
  let text = soul.trim();
  for (const change of changes) {
    if (change.new.length > MOST_CHANGE) throw refuse(`a change of more than ${MOST_CHANGE} characters is not small`);
    if (change.old === "") {
      text = `${text}\n\n${change.new.trim()}`;
      continue;
    }
    const at = text.indexOf(change.old);
    if (at < 0) throw refuse(`the soul does not say "${change.old.slice(0, 60)}"`);
    if (text.indexOf(change.old, at + 1) >= 0) throw refuse(`"${change.old.slice(0, 60)}" stands there more than once`);
    text = text.slice(0, at) + change.new + text.slice(at + change.old.length);
  }
  if ([...text].length > MOST_SOUL) throw refuse(`it would have more than ${MOST_SOUL} characters`);
  return `${text.replace(/\n{3,}/g, "\n\n").trim()}\n`;
}

/**
 * Puts a new soul in place of the user's own; what was there before is kept beside it. Returns where, undefined where
 * there was nothing.
 */
export async function replaceSoul(soul: string, path: string, now: number): Promise<string | undefined> {
  const before = readRegular(path, 1024 * 1024);
  const stamp = new Date(now).toISOString().replace(/[-:]/g, "").slice(0, 15);
  const kept = before && `${path}.bak-${stamp}`;
  if (kept) await writeAtomic(kept, before);
  await writeAtomic(path, soul);
  return kept;
}

function stateFile({ state }: Pick<Paths, "state">): string {
  return join(state, "soul.json");
}

/** What is not known counts as never. */
export function readSoulState(paths: Pick<Paths, "state">): SoulState {
  const never = { evolvedAt: 0, hintedAt: 0 };
  const text = readRegular(stateFile(paths), 4096)?.toString();
  if (text === undefined) return never;
  try {
    const read = parse(s.object({ evolvedAt: s.number(), hintedAt: s.number() }), JSON.parse(text));
    return read.ok ? read.value : never;
  } catch {
    return never;
  }
}

export async function writeSoulState(paths: Pick<Paths, "state">, state: SoulState): Promise<void> {
  await writeAtomic(stateFile(paths), `${JSON.stringify(state)}\n`);
}

/** One line for after a task, where an evolution is due; at most once in 50 tasks. */
export async function evolutionHint(
  paths: Pick<Paths, "state">,
  tasks: number,
  learnings: () => Promise<readonly Learning[]>,
): Promise<string | undefined> {
  const state = readSoulState(paths);
  if (tasks - Math.max(state.hintedAt, state.evolvedAt) < EVOLUTION.tasks) return undefined;
  if (reasonsToWait(tasks, await learnings(), state).length > 0) return undefined;
  await ensureDir(paths.state);
  await writeSoulState(paths, { ...state, hintedAt: tasks });
  return "The soul could grow from what was learned: openkoi learn evolve-soul shows how, and asks.";
}
