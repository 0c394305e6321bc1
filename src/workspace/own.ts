import { UserError } from "../base/errors.ts";
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
  /** Files that were there before and that checks, or somebody meanwhile, changed: they do not differ here. */
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
  const newer = outputs ? readable(ids.slice(Math.max(start, end) + 1), load) : [];
  const { first, last, unsure } = outputs ? withOutputs(state, late, newer) : withoutOutputs(state, late);
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

/**
 * What checks made or removed differs as they last left it. What was there before and is still there, but different,
 * may have been changed by somebody while they ran: it stays.
 */
function withOutputs(first: State, { state, checks }: Recorded, newer: readonly Recorded[]): Span {
  const left = new Map(checks.outputs.map((path) => [path, state.entries.get(path)]));
  for (const { state: later, others, checks: more } of newer) {
    for (const path of [...others.theirs, ...others.shared]) left.delete(path);
    for (const path of more.changed) left.set(path, later.entries.get(path));
  }
  const outputs = new Set(checks.outputs);
  const entries = state.entries.draft();
  const unsure: string[] = [];
  for (const [path, entry] of left) {
    const before = first.entries.get(path);
    if (before && entry && !sameEntry(before, entry)) {
      // Of the task's own files, what is on disk tells the restore that it stays.
      if (!outputs.has(path) && !sameEntry(before, state.entries.get(path))) continue;
      entries.set(path, before);
      if (entry.kind !== "dir") unsure.push(path);
    } else if (before || entry) entries.set(path, entry);
  }
  return { first, last: { ...state, entries: entries.done() }, unsure: unsure.sort() };
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
