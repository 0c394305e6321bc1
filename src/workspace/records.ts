import { UserError } from "../base/errors.ts";
import { codeOf } from "./faults.ts";
import { loadManifest, type Recorded } from "./manifest.ts";
import { recordIds } from "./manifest-names.ts";
import { type Entry, knownAbsent, type State, sameEntry } from "./state.ts";

/** How many states are kept in memory. */
const REMEMBERED = 16;

/** What a task has recorded, read when it is asked for. */
export class Records {
  private readonly place: { dir: string; workspace: string; task: string };
  private readonly remembered = new Map<string, Recorded>();

  constructor(place: { dir: string; workspace: string; task: string }) {
    this.place = place;
  }

  add(recorded: Recorded): void {
    this.remembered.set(recorded.checkpoint.id, recorded);
    const [oldest] = this.remembered.keys();
    if (this.remembered.size > REMEMBERED && oldest !== undefined) this.remembered.delete(oldest);
  }

  /** The record of this id. Throws a UserError where it is gone, damaged or of another folder. */
  get(id: string): Recorded {
    const known = this.remembered.get(id);
    if (known) return known;
    const recorded = loadManifest(this.place.dir, id);
    if (recorded.workspace !== this.place.workspace) {
      throw new UserError(
        `the checkpoint ${id} belongs to another folder, ${recorded.workspace}`,
        `Name it with -C ${recorded.workspace}.`,
      );
    }
    this.add(recorded);
    return recorded;
  }

  /** Whether a path was once like this (`entry` undefined: was not there), by the records as they are now. */
  memory(): (path: string, entry: Entry | undefined) => boolean {
    let states: State[] | undefined;
    return (path, entry) => {
      states ??= this.states();
      return states.some((earlier) =>
        entry ? sameEntry(earlier.entries.get(path), entry) : !earlier.entries.has(path) && knownAbsent(earlier, path),
      );
    };
  }

  /** What the task found: its oldest state that can be read. */
  first(): State | undefined {
    for (const id of recordIds(this.place)) {
      try {
        return this.get(id).state;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
      }
    }
    return undefined;
  }

  /** The states of all that can be read. */
  private states(): State[] {
    return recordIds(this.place).flatMap((id) => {
      try {
        return [this.get(id).state];
      } catch (error) {
        if (error instanceof UserError) return [];
        throw error;
      }
    });
  }

  /** Reads again from now on: on disk they hold more. */
  forget(): void {
    this.remembered.clear();
  }
}

/** The first of these records that can be read. */
export function firstReadable(dir: string, ids: readonly string[]): Recorded | undefined {
  for (const id of ids) {
    try {
      return loadManifest(dir, id);
    } catch (error) {
      // Gone or damaged: what it would have saved is read again.
      if (!(error instanceof UserError) && codeOf(error) === "" && !(error instanceof SyntaxError)) throw error;
    }
  }
  return undefined;
}
