import { above, type Others } from "./attribution.ts";
import { type State, sameEntry } from "./state.ts";

/** One record of a task, seen from the one before. */
export interface Stage {
  before: State;
  after: State;
  others: Others;
}

/** A state with what somebody else changed later. */
export interface Rebased {
  state: State;
  /** Paths that are somebody else's alone. */
  theirs: ReadonlySet<string>;
  /** Paths that the task changed too: nobody can say whose they are. */
  contested: ReadonlySet<string>;
}

/**
 * A state as it would be had somebody else made his changes before it was recorded: what differs from it later is the
 * task's own work alone. `stages` are the records after it, in their order.
 */
export function rebase(state: State, stages: readonly Stage[]): Rebased {
  const entries = state.entries.draft();
  const theirs = new Set<string>();
  const contested = new Set<string>();
  for (const { before, after, others } of stages) {
    for (const path of others.shared) contested.add(path);
    for (const path of others.theirs) {
      if (contested.has(path)) continue;
      if (!sameEntry(before.entries.get(path), entries.get(path))) {
        contested.add(path);
        continue;
      }
      theirs.add(path);
      const entry = after.entries.get(path);
      entries.set(path, entry);
      if (!entry) continue;
      for (const folder of above(path)) {
        const holder = after.entries.get(folder);
        if (holder && !entries.get(folder)) entries.set(folder, holder);
      }
    }
  }
  for (const path of contested) theirs.delete(path);
  return { state: { ...state, entries: entries.done() }, theirs, contested };
}
