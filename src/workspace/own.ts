import { UserError } from "../base/errors.ts";
import { isAlone, type Recorded } from "./manifest.ts";
import { rebase, type Stage } from "./rebase.ts";
import { changedPaths, type State } from "./state.ts";

/** Two states that differ by what the task itself changed. */
export interface Own {
  from: State;
  to: State;
  /** Files that differ because of somebody else, those that both changed among them; in order. */
  foreign: string[];
  /** What both changed: `from` has it as it was. */
  contested: ReadonlySet<string>;
}

/**
 * What a task changed between two of its records, whichever is the earlier: that one is taken as if somebody else had
 * made his changes before it. `ids` are all records of the task, oldest first.
 */
export function ownChanges(fromId: string, toId: string, ids: readonly string[], load: (id: string) => Recorded): Own {
  const from = load(fromId).state;
  const to = load(toId).state;
  const [start, end] = [ids.indexOf(fromId), ids.indexOf(toId)];
  const forwards = start <= end;
  const stages = start < 0 || end < 0 ? [] : stagesOf(ids.slice(Math.min(start, end), Math.max(start, end) + 1), load);
  if (stages.length === 0) return { from, to, foreign: [], contested: new Set() };
  const { state, theirs, contested } = rebase(forwards ? from : to, stages);
  const isFile = (path: string): boolean => (to.entries.get(path) ?? from.entries.get(path))?.kind !== "dir";
  const foreign = changedPaths(from, to).filter((path) => (theirs.has(path) || contested.has(path)) && isFile(path));
  return { from: forwards ? state : from, to: forwards ? to : state, foreign, contested };
}

/** The records after the first one in which others had a hand. */
function stagesOf(ids: readonly string[], load: (id: string) => Recorded): Stage[] {
  const stages: Stage[] = [];
  for (const [at, id] of ids.entries()) {
    const before = ids[at - 1];
    if (before === undefined) continue;
    try {
      const { state, others } = load(id);
      if (!isAlone(others)) stages.push({ before: load(before).state, after: state, others });
    } catch (error) {
      // A damaged one in between must not keep the whole task from being undone.
      if (!(error instanceof UserError)) throw error;
    }
  }
  return stages;
}
