import { UserError } from "../base/errors.ts";
import { above } from "./attribution.ts";
import { isAlone, type Recorded } from "./manifest.ts";
import { withPaths } from "./outputs.ts";
import { rebase, type Stage } from "./rebase.ts";
import { changedPaths, type State, sameEntry } from "./state.ts";

/** Two states that differ by what the task itself changed. */
export interface Own {
  from: State;
  to: State;
  /** Files that differ because of somebody else, those that both changed among them; in order. */
  foreign: string[];
  /** What both changed: `from` has it as it was. */
  contested: ReadonlySet<string>;
  /** Files that checks, or somebody while they ran, changed or made: they do not differ here. */
  unsure: string[];
}

/**
 * What a task changed between two of its records, whichever is the earlier: that one is taken as if somebody else had
 * made his changes before it. `ids` are all records of the task, oldest first. What checks left behind differs only
 * where it is asked for (`outputs`): the later one then has it as the newest record does.
 */
export function ownChanges(
  fromId: string,
  toId: string,
  ids: readonly string[],
  load: (id: string) => Recorded,
  outputs = false,
): Own {
  const from = load(fromId).state;
  const to = load(toId).state;
  const [start, end] = [ids.indexOf(fromId), ids.indexOf(toId)];
  const forwards = start <= end;
  if (start < 0 || end < 0) return { from, to, foreign: [], contested: new Set(), unsure: [] };
  const stages = stagesOf(ids.slice(Math.min(start, end), Math.max(start, end) + 1), load);
  const late = load(forwards ? toId : fromId);
  if (!outputs && stages.length === 0 && late.checks.outputs.length === 0) {
    return { from, to, foreign: [], contested: new Set(), unsure: [] };
  }
  const { state, theirs, contested } = rebase(forwards ? from : to, stages);
  const span = outputs ? withOutputs(state, late, ids, load) : withoutOutputs(state, late);
  const { first, last, unsure } = span;
  const isFile = (path: string): boolean => (to.entries.get(path) ?? from.entries.get(path))?.kind !== "dir";
  const foreign = changedPaths(from, to).filter((path) => (theirs.has(path) || contested.has(path)) && isFile(path));
  return { ...(forwards ? { from: first, to: last } : { from: last, to: first }), foreign, contested, unsure };
}

interface Span {
  first: State;
  last: State;
  unsure: string[];
}

function withoutOutputs(state: State, { state: last, checks }: Recorded): Span {
  return { first: { ...state, entries: withPaths(state.entries, checks.outputs, last.entries) }, last, unsure: [] };
}

/** A file that was written so often by checks and commands of the task was not made by somebody while they ran. */
const SURE = 2;

/**
 * What checks made or removed differs as they last left it. What somebody may have changed or made while they ran stays:
 * what was there before and is still there, but different, and what was written only once.
 */
function withOutputs(first: State, late: Recorded, ids: readonly string[], load: (id: string) => Recorded): Span {
  const { state, checks } = late;
  const left = new Map(checks.outputs.map((path) => [path, state.entries.get(path)]));
  const records = readable(ids, load);
  const at = records.findIndex(({ checkpoint }) => checkpoint.id === late.checkpoint.id);
  for (const { state: later, others, checks: more } of records.slice(at + 1)) {
    for (const path of [...others.theirs, ...others.shared]) left.delete(path);
    for (const path of more.changed) left.set(path, later.entries.get(path));
  }
  const outputs = new Set(checks.outputs);
  const entries = state.entries.draft();
  const unsure: string[] = [];
  const made: string[] = [];
  for (const [path, entry] of left) {
    const before = first.entries.get(path);
    const isMade = !before && entry !== undefined && entry.kind !== "dir";
    if (isMade && timesWritten(path, records) < SURE) made.push(path);
    else if (before && entry && !sameEntry(before, entry)) {
      // Of the task's own files, what is on disk tells the restore that it stays.
      if (!outputs.has(path) && !sameEntry(before, state.entries.get(path))) continue;
      entries.set(path, before);
      if (entry.kind !== "dir") unsure.push(path);
    } else if (before || entry) entries.set(path, entry);
  }
  // As if it had never been looked at, with the folders that hold it.
  for (const path of made) {
    for (const each of [path, ...above(path)]) if (!first.entries.has(each)) entries.set(each, undefined);
  }
  return { first, last: { ...state, entries: entries.done() }, unsure: [...unsure, ...made].sort() };
}

function timesWritten(path: string, records: readonly Recorded[]): number {
  const entries = records.map(({ state }) => state.entries.get(path));
  return entries.filter((entry, at) => entry && !sameEntry(entry, entries[at - 1])).length;
}

/** The records after the first one in which others had a hand. */
function stagesOf(ids: readonly string[], load: (id: string) => Recorded): Stage[] {
  return ids.slice(1).flatMap((id, at) =>
    unlessDamaged(() => {
      const { state, others } = load(id);
      return isAlone(others) ? [] : [{ before: load(ids[at]!).state, after: state, others }];
    }),
  );
}

function readable(ids: readonly string[], load: (id: string) => Recorded): Recorded[] {
  return ids.flatMap((id) => unlessDamaged(() => [load(id)]));
}

/** A damaged record in between must not keep the whole task from being undone. */
function unlessDamaged<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
