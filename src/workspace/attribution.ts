import { readdirSync, type Stats } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Activity } from "../contracts/workspace.ts";
import { codeOf } from "./faults.ts";
import { barrierOn, locate, type Root } from "./roots.ts";
import { changedPaths, type Entry, kindOf, look, type State, sameEntry, untouched } from "./state.ts";

/** The kernel's clock for files is that many ms behind at most, and times of events are cut to whole ones. */
const SLACK = 20;
/** A file time this much older than a record that did not know the change yet was not made by our clock, ms. */
const SKEW = 10_000;

/** Who changed what between a record of a task and the one before. Paths that are in neither list: the task. */
export interface Others {
  /** Somebody else alone. */
  theirs: string[];
  /** Both. */
  shared: string[];
}

/** What the times of files are held against. */
export interface TimesInput {
  from: State;
  /** When `from` was recorded, and what time it is; ms. */
  since: number;
  now: number;
  activity: Activity;
  roots: readonly Root[];
}

export interface AttributionInput extends TimesInput {
  to: State;
  /** True where an earlier record of the task has the path like this: then it may have been put back. */
  wasSo(path: string, entry: Entry | undefined): boolean;
}

/**
 * Parts what changed by its time: a file whose ctime lies outside of what the task did was changed by somebody else.
 * Where times do not tell (other clocks, deletions) it was the task. The files must still be as in `to`.
 */
export function attribute(input: AttributionInput): Others {
  const { from, to, wasSo } = input;
  const theirs = new Set<string>();
  const shared = new Set<string>();
  const own = new Set<string>();
  const when = new Times(input);
  const folders: string[] = [];
  for (const path of changedPaths(from, to)) {
    const entry = to.entries.get(path);
    if (entry?.kind === "dir") {
      folders.push(path);
      continue;
    }
    const verdict = wasSo(path, entry) ? "own" : entry ? when.changed(entry) : when.deleted(path);
    if (verdict === "own") own.add(path);
    else if (verdict === "shared" || (entry && when.isNamed(path))) shared.add(path);
    else theirs.add(path);
  }
  if (folders.length === 0) return { theirs: [...theirs], shared: [...shared] };
  // A folder is whose files are in it; the time of an empty one is its own. Inner ones first.
  const holding = foldersOf([...theirs, ...shared]);
  const working = foldersOf(own);
  for (const path of folders.reverse()) {
    const foreign = holding.has(path) || (!working.has(path) && !wasSo(path, to.entries.get(path)) && !when.made(path));
    if (!foreign) continue;
    theirs.add(path);
    for (const outer of foldersOf([path])) holding.add(outer);
  }
  return { theirs: [...theirs].sort(), shared: [...shared].sort() };

  function foldersOf(paths: Iterable<string>): Set<string> {
    const found = new Set<string>();
    for (const path of paths) for (const folder of above(path)) found.add(folder);
    return found;
  }
}

/** In a workspace of at most so many entries all are looked at before an effect; a look takes some 10 µs. */
const MOST_LOOKED_AT = 1_000;

/** The paths that the task may change without naming them, and where it matters whether somebody else did before. */
export function suspects({ from, since, activity, roots }: TimesInput): string[] {
  const named = [...activity.named].flatMap(([path, time]) => (time >= since ? [relative(roots[0]!.path, path)] : []));
  const began = Math.min(...activity.spans.map(({ from: start }) => start));
  const isSmall = from.entries.size <= MOST_LOOKED_AT;
  const found = new Set(named);
  for (const { path, kind, mtime } of from.entries.values()) {
    if (kind !== "dir" && (isSmall || mtime >= began - SLACK)) found.add(path);
  }
  return [...found];
}

/** Files of a small workspace that are there now and that `from` does not know, as far as no rule hid them then. */
export function newcomers({ from, since, roots }: TimesInput): string[] {
  if (from.entries.size > MOST_LOOKED_AT) return [];
  const found: string[] = [];
  const known = [...from.entries.values()].flatMap(({ path, kind }) => (kind === "dir" ? [`${path}/`] : []));
  const folders = [...roots.map(({ prefix }) => prefix), ...known];
  for (let at = 0; at < folders.length && found.length < MOST_LOOKED_AT; at++) {
    const folder = folders[at]!;
    const absolute = join(roots[0]!.path, folder);
    const stats = seeing(() => look(absolute), undefined);
    // What a new folder holds may be older than itself.
    const isNew = at >= roots.length + known.length;
    if (!stats || kindOf(stats) !== "dir" || (!isNew && stats.mtimeMs < since - SLACK)) continue;
    for (const entry of seeing(() => readdirSync(absolute, { withFileTypes: true }), [])) {
      const key = folder + entry.name;
      if (entry.name === ".git" || from.entries.has(key) || from.ignored.has(key)) continue;
      if (entry.isDirectory()) folders.push(`${key}/`);
      else if (entry.isFile()) found.push(key);
    }
  }
  return found;
}

/** True where somebody else changed one of these files since `from` was recorded. */
export function wasChanged(input: TimesInput, paths: readonly string[]): boolean {
  const when = new Times(input);
  return paths.some((path) => seeing(() => when.isStrange(path, input.from.entries.get(path)), false));
}

/** Which of these files the task changed since `from` was recorded, where nobody changed them after it. */
export function touched(input: TimesInput, paths: readonly string[]): string[] {
  const when = new Times(input);
  return paths.filter((path) => seeing(() => when.isTouched(path, input.from.entries.get(path)), false));
}

/** What cannot be looked at tells nothing, and must not keep the task from acting. */
function seeing<T>(look: () => T, nothing: T): T {
  try {
    return look();
  } catch (error) {
    if (codeOf(error) === "") throw error;
    return nothing;
  }
}

/** The folders that hold a path, as keys, outermost first. */
function* above(path: string): Generator<string> {
  for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) yield path.slice(0, end);
}

/** What the times of files tell. */
class Times {
  private readonly input: TimesInput;
  private readonly named: ReadonlySet<string>;

  constructor(input: TimesInput) {
    this.input = input;
    const { activity, since } = input;
    this.named = new Set([...activity.named].flatMap(([path, time]) => (time >= since ? [path] : [])));
  }

  isNamed(path: string): boolean {
    return this.named.size > 0 && this.named.has(join(this.input.roots[0]!.path, path));
  }

  /** A file or link that is new or different. */
  changed(entry: Entry): "own" | "theirs" | "shared" {
    const place = this.place(entry.path);
    const stats = place && look(place.absolute);
    // Changed again since it was recorded: only the time of its content is known of that state.
    const steady = stats?.mtimeMs === entry.mtime && stats.size === entry.size && stats.ino === entry.ino;
    const time = steady ? stats.ctimeMs : entry.mtime;
    if (this.isForeign(time)) return this.acted(entry.mtime) ? "shared" : "theirs";
    if (time >= this.input.since - SKEW) return "own";
    // Older than the record that did not have it: moved here with the folder that holds it, or times of another clock.
    const arrivals = place ? [...above(place.way)].map((way) => look(`${place.root.path}/${way}`)?.ctimeMs ?? 0) : [];
    const recent = arrivals.filter((arrival) => arrival >= this.input.since - SKEW);
    return recent.length > 0 && recent.every((arrival) => this.isForeign(arrival)) ? "theirs" : "own";
  }

  /** Somebody else changed this file after the record that has it like this. Clocks that differ do not tell. */
  isStrange(path: string, entry: Entry | undefined): boolean {
    const stats = this.fresh(path, entry);
    if (stats === "same" || !this.place(path)) return false;
    if (!stats) return entry !== undefined && this.deleted(path) === "theirs";
    return stats.ctimeMs >= this.input.since - SLACK && this.isForeign(stats.ctimeMs);
  }

  /** The task changed this file after the record that has it like this, and was the last to do so. */
  isTouched(path: string, entry: Entry | undefined): boolean {
    const stats = this.fresh(path, entry);
    if (stats === "same" || !stats || !this.place(path)) return false;
    return stats.ctimeMs >= this.input.since && this.acted(stats.ctimeMs);
  }

  /** Most are the same, so the way to each is looked at last. */
  private fresh(path: string, entry: Entry | undefined): Stats | "same" | undefined {
    const stats = look(`${this.input.roots[0]!.path}/${path}`);
    return entry && stats && untouched(entry, stats) ? "same" : stats;
  }

  /** What is gone: its folder tells only where nothing in it changed since the task began to act. */
  deleted(path: string): "own" | "theirs" {
    const place = this.place(path);
    if (!place) return "own";
    let folder = dirname(place.absolute);
    let stats = look(folder);
    while (!stats && folder.length > place.root.path.length) {
      folder = dirname(folder);
      stats = look(folder);
    }
    if (!stats || stats.mtimeMs < this.input.since - SKEW) return "own";
    const acts = this.input.activity.spans.filter(({ to }) => to >= this.input.since).map(({ from }) => from);
    return stats.mtimeMs < Math.min(...acts) - SLACK ? "theirs" : "own";
  }

  /** True where the task made an empty folder, or changed the mode of one. */
  made(path: string): boolean {
    const place = this.place(path);
    const stats = place && look(place.absolute);
    return !stats || !this.isForeign(stats.ctimeMs);
  }

  private isForeign(time: number): boolean {
    const { since, now } = this.input;
    return time >= since - SKEW && time <= now + SLACK && !this.acted(time);
  }

  private acted(time: number): boolean {
    return this.input.activity.spans.some(({ from, to }) => time >= from - SLACK && time <= to + SLACK);
  }

  private place(path: string): { root: Root; way: string; absolute: string } | undefined {
    const place = locate(this.input.roots, path);
    if (!place || barrierOn(place.root, place.way) !== undefined) return undefined;
    return { ...place, absolute: `${place.root.path}/${place.way}` };
  }
}

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
