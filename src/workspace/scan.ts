import type { Stats } from "node:fs";
import { join } from "node:path";
import { giveWay } from "../base/stream.ts";
import { walk } from "../base/walk.ts";
import { WalkMemory } from "../base/walk-memory.ts";
import type { Outlet } from "../contracts/workspace.ts";
import type { Entries, EntriesDraft } from "./entries.ts";
import { codeOf } from "./faults.ts";
import { COVERED_BYTES, opaque, readFile, readLink } from "./read-entry.ts";
import type { RecordLimits } from "./record-limits.ts";
import { barrierOn, locate, type Root } from "./roots.ts";
import { type Entry, kindOf, look, modeOf, type Place, type State, untouched } from "./state.ts";
import type { PackWriter } from "./store.ts";

export interface ScanInput {
  roots: readonly Root[];
  /** Paths that are looked at whatever the rules say. */
  covered: ReadonlySet<string>;
  /** What was found by anybody before: a file whose times are the same is not read again. */
  cache: Entries;
  /** What the walks before saw, by root. */
  walks: Map<string, WalkMemory>;
  /** What this task found last. What it had is looked at again even if the rules hide it by now. */
  last: State | undefined;
  /** Contents that are stored, by hash; new ones are added. */
  contents: () => Map<string, Place>;
  writer: PackWriter;
  limits: RecordLimits;
  /** Left out whole: files and folders of our own, where they lie in a root. Absolute. */
  exclude: readonly string[];
  /** Nor are these, unless the task has recorded them. */
  outlets: readonly Outlet[];
  /** Milliseconds since 1970. */
  now: () => number;
  signal: AbortSignal;
  /** Hears of leftovers of a restore that was killed. Absolute. */
  onLeftover: (path: string) => void;
}

/** Folders in which a restore prepares its files, at the top of each root. */
export const STAGING = ".openkoi-restore-";

/** Longest stretch of work before others get their turn, ms. */
const SLICE = 12;

/** Reads the state of the roots. Contents that are new are with the writer afterwards, not yet flushed. */
export async function scan(input: ScanInput): Promise<State> {
  const { roots, limits, signal, writer, exclude } = input;
  const found = new Found(input);
  let turn = performance.now();
  // Asked for each file, so it must not cost a promise each.
  const due = (): boolean => performance.now() - turn > SLICE;
  async function breathe(): Promise<void> {
    await writer.drain();
    await giveWay();
    signal.throwIfAborted();
    turn = performance.now();
  }
  signal.throwIfAborted();

  for (const { path: root, prefix, inner } of roots) {
    if (found.full) break;
    const memory = input.walks.get(root) ?? new WalkMemory(input.now);
    input.walks.set(root, memory);
    const own = exclude.filter((path) => path.startsWith(`${root}/`) || `${root}/`.startsWith(`${path}/`));
    const entries = walk(root, {
      signal,
      memory,
      extraIgnore: [`/${STAGING}*/`],
      onSkip: (path) => found.skipped(prefix + path),
      onIgnored: (path) => {
        if (path.startsWith(STAGING)) input.onLeftover(join(root, path));
        else found.ignored.add(prefix + path);
      },
    });
    let place: string | undefined;
    let known: ReadonlyMap<string, Entry> | undefined;
    for (const { path, folder, kind, absolute } of entries) {
      if (inner && (inner === `${path}/` || path.startsWith(inner))) continue;
      if (isExcluded(absolute, own)) continue;
      if (kind !== "dir" && found.files >= limits.files) {
        found.full = true;
        break;
      }
      const key = prefix + path;
      // Looked up once for all that lie in a folder: with a string made of each path it takes three times as long.
      if (folder !== place) [place, known] = [folder, input.cache.besides(key)];
      // An added folder that lies in the workspace or in another is walked twice.
      if (roots.length === 1 || !found.has(key)) found.visit(key, absolute, known?.get(key));
      if (due()) await breathe();
    }
  }
  // Once recorded, recorded to the end of the task: a rule that the task adds must not make a file look deleted.
  for (const key of found.unlisted()) {
    if (found.has(key)) continue;
    found.visitUnlisted(key);
    if (due()) await breathe();
  }
  return found.state();
}

/** Looks at some paths only; those that are there. Not flushed either. */
export function scanPaths(input: ScanInput, keys: readonly string[]): Map<string, Entry> {
  const found = new Found(input);
  for (const key of keys) found.visitUnlisted(key);
  return new Map(keys.flatMap((key) => (found.has(key) ? [[key, found.get(key)!]] : [])));
}

/** Collects a scan: of what is as the cache has it, no more than that it is there. */
class Found {
  readonly ignored = new Set<string>();
  files = 0;
  /** The limit on files was reached. */
  full = false;
  private readonly input: ScanInput;
  /** Paths that are there. */
  private readonly paths: string[] = [];
  /** The same, as soon as somebody asks for one and the cache does not answer. */
  private seen: Set<string> | undefined;
  /** The cache with the entries that are not its own, as soon as there is one. */
  private draft: EntriesDraft | undefined;
  /** How many paths of the cache are there, whether they changed or not. */
  private kept = 0;
  private readonly hidden: Entry[] = [];
  private readonly unreadable = new Set<string>();
  /** A whole root could not be read. */
  private blind = false;
  private bytes = 0;

  constructor(input: ScanInput) {
    this.input = input;
  }

  /** True for a path that was visited and is there. */
  has(key: string): boolean {
    if (this.isNoneGone()) return this.get(key) !== undefined;
    this.seen ??= new Set(this.paths);
    return this.seen.has(key);
  }

  /** The entry of such a path. */
  get(key: string): Entry | undefined {
    return (this.draft ?? this.input.cache).get(key);
  }

  private isNoneGone(): boolean {
    return this.kept === this.input.cache.size;
  }

  /** Paths that were to be visited besides those that the walks find. */
  *unlisted(): Generator<string> {
    const { last, cache, covered } = this.input;
    if (last && (last.entries !== cache || !this.isNoneGone()))
      for (const { path } of last.entries.values()) yield path;
    yield* covered;
  }

  /** A path below `key` may be there, for all we know. */
  skipped(key: string): void {
    this.unreadable.add(key);
    if (key === "") this.blind = true;
    else this.ignored.add(key);
  }

  /** A path that did not come from a walk: a part of it may have become a link meanwhile, which is not followed. */
  visitUnlisted(key: string): void {
    const place = locate(this.input.roots, key);
    if (!place) return;
    try {
      if (barrierOn(place.root, place.way) !== undefined) return;
    } catch (error) {
      this.refused(key, error, undefined, this.input.cache.get(key));
      return;
    }
    this.visit(key, `${place.root.path}/${place.way}`, this.input.cache.get(key));
  }

  /** Looks at a path that was not visited yet. `old`: what the cache has of it. */
  visit(key: string, absolute: string, old: Entry | undefined): void {
    let stats: Stats | undefined;
    try {
      stats = look(absolute);
      if (stats && !this.isOutlet(key, stats)) this.add(key, this.entry(key, absolute, stats, old), old);
    } catch (error) {
      this.refused(key, error, stats, old);
    }
  }

  private isOutlet(key: string, { dev, ino }: Stats): boolean {
    const { outlets, last } = this.input;
    return outlets.some((outlet) => outlet.ino === ino && outlet.dev === dev) && !last?.entries.has(key);
  }

  private add(key: string, entry: Entry, old: Entry | undefined): void {
    this.paths.push(key);
    this.seen?.add(key);
    if (old) this.kept++;
    if (entry !== old) {
      this.draft ??= this.input.cache.draft();
      this.draft.set(key, entry);
    }
    if (entry.kind !== "dir") this.files++;
    if (entry.kind === "file") this.bytes += entry.size;
    if (entry.kind === "opaque") this.hidden.push(entry);
  }

  /** Gone between the look and the reading is gone; anything else is there and says no. */
  private refused(key: string, error: unknown, stats: Stats | undefined, old: Entry | undefined): void {
    if (codeOf(error) === "ENOENT") return;
    if (codeOf(error) === "") throw error;
    this.unreadable.add(key);
    this.add(key, watched(key, "unreadable", stats, old), old);
  }

  private entry(key: string, absolute: string, stats: Stats, old: Entry | undefined): Entry {
    const { covered, limits, now } = this.input;
    const kind = kindOf(stats);
    if (kind === "dir") {
      if (old && untouched(old, stats)) return old;
      const mode = modeOf(stats);
      return { path: key, kind, mode, size: 0, mtime: 0, ctime: 0, ino: 0, content: "", place: undefined };
    }
    if (kind === "opaque") return watched(key, "special", stats, old);
    if (kind === "file") {
      if (stats.size > (covered.has(key) ? COVERED_BYTES : limits.fileBytes)) return watched(key, "large", stats, old);
      if (this.bytes + stats.size > limits.totalBytes && !covered.has(key)) return watched(key, "total", stats, old);
    }
    if (old && old.kind === kind && untouched(old, stats)) return old;
    return kind === "link" ? readLink(key, absolute, stats, now()) : readFile(this.input, key, absolute, stats);
  }

  state(): State {
    const { ignored, input } = this;
    const partial = this.full || this.blind;
    return { entries: this.entries(), ignored, partial, covered: new Set(input.covered), uncovered: this.uncovered() };
  }

  /** The cache itself where nothing changed. */
  private entries(): Entries {
    const { cache } = this.input;
    const draft = this.draft ?? cache.draft();
    if (!this.isNoneGone()) {
      for (const { path } of cache.values()) if (!this.has(path)) draft.set(path, undefined);
    } else if (!this.draft) return cache;
    return draft.done();
  }

  private uncovered(): string[] {
    const { limits } = this.input;
    const paths = (reason: string): string[] =>
      this.hidden.filter((entry) => entry.content === reason).map((entry) => entry.path);
    const words = [
      counted(paths("large"), "file", "files", ` over ${bytes(limits.fileBytes)}`),
      counted(paths("total"), "file", "files", ` beyond ${bytes(limits.totalBytes)} in all`),
      counted([...this.unreadable], "file or folder", "files or folders", " that cannot be read"),
      counted(paths("special"), "socket, pipe or device", "sockets, pipes or devices", ""),
      this.full ? `everything after the first ${limits.files.toLocaleString("en-US")} files` : "",
    ];
    return words.filter((text) => text !== "");
  }
}

/** What is not read: the old entry as long as it says the same. */
function watched(key: string, reason: string, stats: Stats | undefined, old: Entry | undefined): Entry {
  const isSame = old?.kind === "opaque" && old.content === reason && stats !== undefined && untouched(old, stats);
  return isSame ? old : opaque(key, reason, stats);
}

function isExcluded(path: string, exclude: readonly string[]): boolean {
  for (const own of exclude) if (path.startsWith(own) && (path === own || path[own.length] === "/")) return true;
  return false;
}

/** `3 files over 10 MB (a.bin, b.bin, c.bin)`, or "" for none. */
function counted(paths: readonly string[], one: string, many: string, rest: string): string {
  if (paths.length === 0) return "";
  const shown = paths.slice(0, 3).map((path) => (path === "" ? "." : JSON.stringify(path).slice(1, -1)));
  const more = paths.length > shown.length ? ", …" : "";
  return `${paths.length} ${paths.length === 1 ? one : many}${rest} (${shown.join(", ")}${more})`;
}

function bytes(count: number): string {
  const units: [number, string][] = [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "KB"],
  ];
  for (const [unit, name] of units) if (count >= unit) return `${Number((count / unit).toFixed(1))} ${name}`;
  return `${count} bytes`;
}
