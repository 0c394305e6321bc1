import { join } from "node:path";
import {
  attribute,
  newcomers,
  type Others,
  type Parted,
  suspects,
  type TimesInput,
  touched,
  wasChanged,
} from "./attribution.ts";
import type { Entries } from "./entries.ts";
import type { Checked } from "./manifest.ts";
import { outputsOf, withPaths } from "./outputs.ts";
import type { Records } from "./records.ts";
import { rootsOf } from "./roots.ts";
import type { State } from "./state.ts";
import type { CheckpointsInput } from "./task-checkpoints.ts";

/** What became of a state by whom, since the record before. */
export interface Authored {
  others: Others;
  checks: Checked;
  /** The entries without what checks left behind; undefined where they left nothing. */
  own: Entries | undefined;
}

/** Tells who changed what since a task's last record: the task, its checks, or somebody else. */
export class Authors {
  private readonly input: Pick<CheckpointsInput, "workspace" | "addDirs" | "activity">;
  private readonly records: Records;
  /** Files (absolute) that commands of this process changed, and when, ms; as `Activity.named`. */
  private readonly touched = new Map<string, number>();
  private last: State | undefined;
  /** When that was recorded, ms. */
  private lastAt = 0;
  /** What checks have left behind so far. */
  private outputs: ReadonlySet<string> = new Set();

  constructor(input: Pick<CheckpointsInput, "workspace" | "addDirs" | "activity">, records: Records) {
    this.input = input;
    this.records = records;
  }

  /** True where the last record holds what checks left behind. */
  get hasOutputs(): boolean {
    return this.outputs.size > 0;
  }

  /** From here on (ms) what differs from this state is new. `outputs`: what checks have left behind in it; default: as before. */
  recorded(state: State | undefined, at: number, outputs?: readonly string[]): void {
    this.last = state;
    this.lastAt = at;
    if (outputs) this.outputs = new Set(outputs);
  }

  /** A command of the task has ended: what it changed without naming it is looked for. */
  acted(now: number): void {
    const times = this.times(now);
    if (!times) return;
    const paths = [...suspects(times), ...newcomers(times)];
    for (const path of touched(times, paths)) this.touched.set(join(this.input.workspace, path), now);
  }

  /** True where somebody else changed one of these since the last record. */
  wasChanged(choose: (times: TimesInput) => readonly string[], now: number): boolean {
    const times = this.times(now);
    return times !== undefined && wasChanged(times, choose(times));
  }

  /** What others and the checks made of this state. */
  of(after: State, now: number): Authored {
    const { outputs } = this;
    const { checks: changed, ...others } = this.parted(after, now);
    const first = changed.length + outputs.size > 0 ? this.records.first() : undefined;
    const isClaimed = (path: string) =>
      others.theirs.includes(path) || others.shared.includes(path) || this.wasNamed(path);
    const checks = outputsOf({ first, before: this.last ?? after, after, outputs, changed, isClaimed });
    const own =
      first && checks.outputs.length > 0 ? withPaths(after.entries, checks.outputs, first.entries) : undefined;
    return { others, checks, own };
  }

  private parted(to: State, now: number): Parted {
    const times = this.times(now);
    if (!times) return { theirs: [], shared: [], checks: [] };
    return attribute({ ...times, to, wasSo: this.records.memory(), outputs: this.outputs });
  }

  /** True where a tool of the task said that it changed this file, since the last record. */
  private wasNamed(path: string): boolean {
    const time = this.input.activity?.().named.get(join(this.input.workspace, path));
    return time !== undefined && time >= this.lastAt;
  }

  /** What the times of files are held against; undefined where whatever changes is the task's work. */
  private times(now: number): TimesInput | undefined {
    const { workspace, addDirs, activity } = this.input;
    const { last: from, lastAt: since } = this;
    if (!activity || !from) return undefined;
    const { spans, named } = activity();
    const both = { spans, named: new Map([...named, ...this.touched]) };
    return { from, since, now, activity: both, roots: rootsOf(workspace, addDirs) };
  }
}
