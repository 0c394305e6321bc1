import type { Recorded } from "./manifest.ts";
import { ownChanges } from "./own.ts";
import { changedPaths, type Entry, type State, sameEntry } from "./state.ts";

/**
 * A way back that asks nobody: what a task changed between two of its records becomes as it was, whatever somebody made
 * of it since. What was there has a record of its own, so that it can be brought again. Ids of checkpoints.
 */
export interface Exchange {
  /** What the task left. */
  left: string;
  /** As its paths shall be. */
  goal: string;
  /** All as it was found. */
  there: string;
  /** Paths that were found as they shall be had been put back just before: bringing it again brings what `left` has. */
  continued?: true;
}

/** Both ends of an exchange. */
export interface Ends {
  there: State;
  goal: State;
  /** What stays, because what was found is not recorded and would be lost. */
  unrecorded: string[];
}

/** `ids` are all records of the task, oldest first. */
export function endsOf(exchange: Exchange, ids: readonly string[], load: (id: string) => Recorded): Ends {
  const own = ownChanges(exchange.goal, exchange.left, ids, load);
  const found = load(exchange.there).state;
  const there = new Map(found.entries);
  const goal = new Map(found.entries);
  const unrecorded: string[] = [];
  for (const path of changedPaths(own.from, own.to)) {
    const [entry, old, left] = [found, own.from, own.to].map(({ entries }) => entries.get(path));
    if (sameEntry(entry, old)) {
      if (exchange.continued) set(there, path, left);
    } else if (entry?.kind === "opaque") unrecorded.push(path);
    else set(goal, path, old);
  }
  keepFolders(goal, found);
  return { there: { ...found, entries: there }, goal: { ...own.from, entries: goal }, unrecorded };
}

function set(entries: Map<string, Entry>, path: string, entry: Entry | undefined): void {
  if (entry) entries.set(path, entry);
  else entries.delete(path);
}

/** A folder stays that holds something which stays. */
function keepFolders(entries: Map<string, Entry>, found: State): void {
  for (const path of [...entries.keys()]) {
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
      const folder = path.slice(0, end);
      const entry = entries.has(folder) ? undefined : found.entries.get(folder);
      if (entry?.kind === "dir") entries.set(folder, entry);
    }
  }
}
