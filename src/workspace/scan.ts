import type { Stats } from "node:fs";
import { join } from "node:path";
import { giveWay } from "../base/stream.ts";
import { walk } from "../base/walk.ts";
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
  cache: ReadonlyMap<string, Entry>;
  /** What this task found last. What it had is looked at again even if the rules hide it by now. */
  last: State | undefined;
  /** Contents that are stored, by hash; new ones are added. */
  contents: Map<string, Place>;
  writer: PackWriter;
  limits: RecordLimits;
  /** Left out whole: files and folders of our own, where they lie in a root. Absolute. */
  exclude: readonly string[];
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
  const { roots, last, limits, signal, writer, exclude } = input;
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
    const entries = walk(root, {
      signal,
      extraIgnore: [`/${STAGING}*/`],
      onSkip: (path) => found.skipped(prefix + path),
      onIgnored: (path) => {
        if (path.startsWith(STAGING)) input.onLeftover(join(root, path));
        else found.ignored.add(prefix + path);
      },
    });
    for (const { path, kind } of entries) {
      if (inner && (inner === `${path}/` || path.startsWith(inner))) continue;
      const absolute = `${root}/${path}`;
      if (isExcluded(absolute, exclude)) continue;
      if (kind !== "dir" && found.files >= limits.files) {
        found.full = true;
        break;
      }
      found.visit(prefix + path, absolute);
      if (due()) await breathe();
    }
  }
  // Once recorded, recorded to the end of the task: a rule that the task adds must not make a file look deleted.
  for (const key of [...(last?.entries.keys() ?? []), ...input.covered]) {
    if (found.entries.has(key)) continue;
    found.visitUnlisted(key);
    if (due()) await breathe();
  }
  return found.state();
}

/** Looks at some paths only; those that are there. Not flushed either. */
export function scanPaths(input: ScanInput, keys: readonly string[]): ReadonlyMap<string, Entry> {
  const found = new Found(input);
  for (const key of keys) found.visitUnlisted(key);
  return found.entries;
}

/** Collects a scan. */
class Found {
  readonly entries = new Map<string, Entry>();
  readonly ignored = new Set<string>();
  files = 0;
  /** Entries that were not taken over from the cache. */
  private news = 0;
  /** The limit on files was reached. */
  full = false;
  /** A whole root could not be read. */
  private blind = false;
  private bytes = 0;
  private readonly input: ScanInput;
  private readonly unreadable = new Set<string>();

  constructor(input: ScanInput) {
    this.input = input;
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
      this.refused(key, error, undefined);
      return;
    }
    this.visit(key, `${place.root.path}/${place.way}`);
  }

  visit(key: string, absolute: string): void {
    if (this.entries.has(key)) return;
    let stats: Stats | undefined;
    let entry: Entry;
    try {
      stats = look(absolute);
      if (!stats) return;
      const old = this.input.cache.get(key);
      entry = this.entry(key, absolute, stats, old);
      if (entry !== old) this.news++;
    } catch (error) {
      this.refused(key, error, stats);
      return;
    }
    this.entries.set(key, entry);
    if (entry.kind !== "dir") this.files++;
    if (entry.kind === "file") this.bytes += entry.size;
  }

  /** Gone between the look and the reading is gone; anything else is there and says no. */
  private refused(key: string, error: unknown, stats: Stats | undefined): void {
    if (codeOf(error) === "ENOENT") return;
    if (codeOf(error) === "") throw error;
    this.unreadable.add(key);
    this.news++;
    this.entries.set(key, opaque(key, "unreadable", stats));
  }

  private entry(key: string, absolute: string, stats: Stats, old: Entry | undefined): Entry {
    const { covered, limits, now } = this.input;
    const kind = kindOf(stats);
    if (kind === "dir") {
      if (old && untouched(old, stats)) return old;
      const mode = modeOf(stats);
      return { path: key, kind, mode, size: 0, mtime: 0, ctime: 0, ino: 0, content: "", place: undefined };
    }
    if (kind === "opaque") return opaque(key, "special", stats);
    if (kind === "file") {
      if (stats.size > (covered.has(key) ? COVERED_BYTES : limits.fileBytes)) return opaque(key, "large", stats);
      if (this.bytes + stats.size > limits.totalBytes && !covered.has(key)) return opaque(key, "total", stats);
    }
    if (old && old.kind === kind && untouched(old, stats)) return old;
    return kind === "link" ? readLink(key, absolute, stats, now()) : readFile(this.input, key, absolute, stats);
  }

  state(): State {
    const { ignored, input } = this;
    const { cache } = input;
    // The very same map says that nothing changed, without another look at each entry.
    const entries = this.news === 0 && this.entries.size === cache.size ? cache : this.entries;
    const partial = this.full || this.blind;
    return { entries, ignored, partial, covered: new Set(input.covered), uncovered: this.uncovered() };
  }

  private uncovered(): string[] {
    const { limits } = this.input;
    const hidden = [...this.entries.values()].filter((entry) => entry.kind === "opaque");
    const paths = (reason: string): string[] =>
      hidden.filter((entry) => entry.content === reason).map((entry) => entry.path);
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
