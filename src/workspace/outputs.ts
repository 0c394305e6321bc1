import type { Entries } from "./entries.ts";
import type { Checked } from "./manifest.ts";
import { type State, sameEntry } from "./state.ts";

/** Two records of a task in a row, and the task's first. */
export interface Succession {
  first: State | undefined;
  before: State;
  after: State;
  /** What checks had left behind before. */
  outputs: ReadonlySet<string>;
  /** What checks changed in between. */
  changed: readonly string[];
  /** Others or a tool of the task that named it changed this path in between. */
  isClaimed(path: string): boolean;
}

/**
 * What differs from the task's first record because of checks alone: what the task changed later is its own. Not what
 * checks made and a command of the task wrote anew, without naming it: the same tests, run by the model.
 */
export function outputsOf({ first, before, after, outputs, changed, isClaimed }: Succession): Checked {
  if (!first) return { changed, outputs: [] };
  const isSame = (path: string, a: State, b: State) => sameEntry(a.entries.get(path), b.entries.get(path));
  const now = changed.filter((path) => outputs.has(path) || isSame(path, first, before));
  const still = [...outputs].filter(
    (path) => isSame(path, before, after) || (!first.entries.has(path) && !isClaimed(path)),
  );
  const all = [...new Set([...now, ...still])].filter((path) => !isSame(path, first, after));
  return { changed, outputs: all.sort() };
}

/** The same entries, these paths as `other` has them. */
export function withPaths(entries: Entries, paths: readonly string[], other: Entries): Entries {
  if (paths.length === 0) return entries;
  const draft = entries.draft();
  for (const path of paths) draft.set(path, other.get(path));
  return draft.done();
}
