import type { Entries } from "./entries.ts";
import type { Recorded } from "./manifest.ts";
import { ownChanges } from "./own.ts";
import { changedPaths, type State, sameEntry } from "./state.ts";

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
  const own = ownChanges(exchange.goal, exchange.left, ids, load, true);
  const found = load(exchange.there).state;
  const there = found.entries.draft();
  const goal = found.entries.draft();
  const unrecorded: string[] = [];
  for (const path of changedPaths(own.from, own.to)) {
    const [entry, old, left] = [found, own.from, own.to].map(({ entries }) => entries.get(path));
    if (sameEntry(entry, old)) {
      if (exchange.continued) there.set(path, left);
    } else if (entry?.kind === "opaque") unrecorded.push(path);
    else goal.set(path, old);
  }
  return {
    there: { ...found, entries: there.done() },
    goal: { ...own.from, entries: keepFolders(goal.done(), found) },
    unrecorded,
  };
}

/** A folder stays that holds something which stays. */
function keepFolders(entries: Entries, found: State): Entries {
  const kept = entries.draft();
  for (const { path } of entries.values()) {
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
      const folder = path.slice(0, end);
      const entry = kept.get(folder) ? undefined : found.entries.get(folder);
      if (entry?.kind === "dir") kept.set(folder, entry);
    }
  }
  return kept.done();
}
