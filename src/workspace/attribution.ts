import { readdirSync, type Stats } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Activity, Span } from "../contracts/workspace.ts";
import { codeOf } from "./faults.ts";
import { barrierOn, locate, type Root } from "./roots.ts";
import { changedPaths, type Entry, kindOf, look, type State, untouched } from "./state.ts";

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

/** The same, with what changed while only checks of the task ran: they left it behind. */
export interface Parted extends Others {
  checks: string[];
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

type Verdict = "own" | "theirs" | "shared";

export interface AttributionInput extends TimesInput {
  to: State;
  /** True where an earlier record of the task has the path like this: then it may have been put back. */
  wasSo(path: string, entry: Entry | undefined): boolean;
  /** What checks had left behind by then. */
  outputs: ReadonlySet<string>;
}

/**
 * Parts what changed by its time: a file whose ctime lies outside of what the task did was changed by somebody else.
 * Where times do not tell (other clocks, deletions) it was the task. The files must still be as in `to`.
 */
export function attribute(input: AttributionInput): Parted {
  const { from, to, wasSo, outputs } = input;
  const theirs = new Set<string>();
  const shared = new Set<string>();
  const own = new Set<string>();
  const checks = new Set<string>();
  const when = new Times(input);
  const folders: string[] = [];
  const changed = changedPaths(from, to);
  const gone = changed.filter((path) => !to.entries.has(path));
  const left = new Map(gone.map((path) => [identityOf(from.entries.get(path)!), path]));
  // Who moved a file away, and maybe its folder, is told by where it is now: what is there comes first.
  const movers = new Map<string, Verdict>();
  for (const path of [...changed.filter((path) => to.entries.has(path)), ...gone]) {
    const entry = to.entries.get(path);
    if (entry?.kind === "dir") {
      folders.push(path);
      continue;
    }
    const origin = entry && !from.entries.has(path) ? left.get(identityOf(entry)) : undefined;
    const judge = () => (entry ? when.changed(entry, origin !== undefined) : (movers.get(path) ?? when.deleted(path)));
    const isBack = wasSo(path, entry);
    const verdict = isBack ? "own" : judge();
    for (const way of origin === undefined ? [] : [...above(origin), origin]) {
      if (verdict === "own" || !movers.has(way)) movers.set(way, verdict);
    }
    if (verdict === "own") ((!isBack || outputs.has(path)) && when.isOfChecks(entry) ? checks : own).add(path);
    else if (verdict === "shared" || (entry && when.isNamed(path))) shared.add(path);
    else theirs.add(path);
  }
  // A folder is whose files are in it; the time of an empty one is its own. Inner ones first.
  const holding = foldersOf([...theirs, ...shared]);
  const working = foldersOf(own);
  const checked = foldersOf(checks);
  for (const path of folders.reverse()) {
    const isWork = working.has(path) || checked.has(path);
    const isBack = wasSo(path, to.entries.get(path));
    const foreign = holding.has(path) || (!isWork && !isBack && !when.made(path));
    if (!foreign) {
      if (!working.has(path) && !isBack && (checked.has(path) || when.isOfChecks(undefined))) checks.add(path);
      continue;
    }
    theirs.add(path);
    for (const outer of foldersOf([path])) holding.add(outer);
  }
  return { theirs: [...theirs].sort(), shared: [...shared].sort(), checks: [...checks].sort() };

  function foldersOf(paths: Iterable<string>): Set<string> {
    const found = new Set<string>();
    for (const path of paths) for (const folder of above(path)) found.add(folder);
    return found;
  }
}

/** The same for a file wherever it is moved. */
function identityOf({ ino, mtime, size }: Entry): string {
  return `${ino} ${mtime} ${size}`;
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
export function* above(path: string): Generator<string> {
  for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) yield path.slice(0, end);
}

/** A recorded path in the root that holds it. */
interface Located {
  root: Root;
  way: string;
  absolute: string;
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

  /** A file or link that is new or different; `moved`: it lay elsewhere before. */
  changed(entry: Entry, moved: boolean): Verdict {
    const place = this.place(entry.path);
    const stats = place && look(place.absolute);
    // Changed again since it was recorded: only the time of its content is known of that state.
    const steady = stats?.mtimeMs === entry.mtime && stats.size === entry.size && stats.ino === entry.ino;
    const time = steady ? stats.ctimeMs : entry.mtime;
    // A file that is moved with the folder that holds it keeps its time.
    const mover = moved && place && time <= this.input.since ? this.mover(place) : undefined;
    if (mover) return mover;
    if (this.isForeign(time)) return this.acted(entry.mtime) ? "shared" : "theirs";
    if (time >= this.input.since - SKEW) return "own";
    // Older than the record that did not have it: moved here with its folder, too, or times of another clock.
    return (place && this.mover(place)) ?? "own";
  }

  /** Who moved the folders here that hold a path; undefined where nothing happened to them lately. */
  private mover({ root, way }: Located): "own" | "theirs" | undefined {
    const arrivals = [...above(way)].map((folder) => look(`${root.path}/${folder}`)?.ctimeMs ?? 0);
    const recent = arrivals.filter((arrival) => arrival >= this.input.since - SKEW);
    if (recent.length === 0) return undefined;
    return recent.every((arrival) => this.isForeign(arrival)) ? "theirs" : "own";
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

  /** True where what is not somebody else's was changed by checks: nothing else of the task ran since, or just then. */
  isOfChecks(entry: Entry | undefined): boolean {
    const { since, activity } = this.input;
    const acts = activity.spans.filter(({ to }) => to > since);
    if (acts.every(({ check }) => check)) return acts.length > 0;
    const place = entry && this.place(entry.path);
    const time = place && look(place.absolute)?.ctimeMs;
    const then = time === undefined ? [] : acts.filter((span) => isWithin(time, span));
    return then.length > 0 && then.every(({ check }) => check);
  }

  /** True where the task made an empty folder, changed the mode of one, or moved it here with the one that holds it. */
  made(path: string): boolean {
    const place = this.place(path);
    const stats = place && look(place.absolute);
    if (!stats || !this.isForeign(stats.ctimeMs)) return true;
    return stats.ctimeMs <= this.input.since && this.mover(place) === "own";
  }

  private isForeign(time: number): boolean {
    const { since, now } = this.input;
    return time >= since - SKEW && time <= now + SLACK && !this.acted(time);
  }

  private acted(time: number): boolean {
    return this.input.activity.spans.some((span) => isWithin(time, span));
  }

  private place(path: string): Located | undefined {
    const place = locate(this.input.roots, path);
    if (!place || barrierOn(place.root, place.way) !== undefined) return undefined;
    return { ...place, absolute: `${place.root.path}/${place.way}` };
  }
}

function isWithin(time: number, { from, to }: Span): boolean {
  return time >= from - SLACK && time <= to + SLACK;
}
