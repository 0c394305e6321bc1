import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, type Stats } from "node:fs";
import { join } from "node:path";
import { walk } from "../base/walk.ts";
import { codeOf } from "./faults.ts";
import { barrierOn, locate, type Root } from "./roots.ts";
import { type Entry, kindOf, look, modeOf, type Place, type State, settled, untouched } from "./state.ts";
import { hashContent, type PackWriter } from "./store.ts";

/** What is recorded at most. */
export interface RecordLimits {
  /** Bytes; a larger file is watched, but its content is not kept. */
  fileBytes: number;
  /** Files and links. */
  files: number;
  /** Bytes of all files together. */
  totalBytes: number;
}

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
  /** Left out whole: our own data folder, where it lies in a root. Absolute. */
  exclude: string;
  /** Milliseconds since 1970. */
  now: () => number;
  signal: AbortSignal;
  /** Hears of leftovers of a restore that was killed. Absolute. */
  onLeftover: (path: string) => void;
}

/** Folders in which a restore prepares its files, at the top of each root. */
export const STAGING = ".openkoi-restore-";

/** Bytes of a file that is recorded because a tool is about to change it. */
const COVERED_BYTES = 256e6;

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
    await new Promise((resolve) => setImmediate(resolve));
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
      if (absolute.startsWith(exclude) && (absolute === exclude || absolute[exclude.length] === "/")) continue;
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

function opaque(path: string, content: string, stats: Stats | undefined): Entry {
  return {
    path,
    kind: "opaque",
    mode: stats ? modeOf(stats) : 0,
    size: stats?.size ?? 0,
    mtime: stats?.mtimeMs ?? 0,
    ctime: stats?.ctimeMs ?? 0,
    ino: stats?.ino ?? 0,
    content,
    place: undefined,
  };
}

function readLink(path: string, absolute: string, stats: Stats, readAt: number): Entry {
  const target = readlinkSync(absolute, { encoding: "buffer" });
  const content = target.toString();
  // A target that is not valid UTF-8 could not be put back.
  if (content.includes("\uFFFD") && !Buffer.from(content).equals(target)) return opaque(path, "unreadable", stats);
  return entryOf(path, "link", stats, readAt, stats.size, content, undefined);
}

function entryOf(
  path: string,
  kind: "file" | "link",
  stats: Stats,
  readAt: number,
  size: number,
  content: string,
  place: Place | undefined,
): Entry {
  const ctime = settled(stats, readAt) ? stats.ctimeMs : 0;
  return { path, kind, mode: modeOf(stats), size, mtime: stats.mtimeMs, ctime, ino: stats.ino, content, place };
}

/** How often a file that changes while it is read is begun again, before it is taken as it is. */
const TRIES = 3;

/**
 * Reads a file into the pack. The name is opened so that neither a link nor a pipe put there meanwhile can lead or
 * hold us elsewhere.
 */
function readFile(input: ScanInput, path: string, absolute: string, found: Stats): Entry {
  const { writer, contents, now } = input;
  const file = openSync(absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    let before = found;
    for (let attempt = 1; ; attempt++) {
      const readAt = now();
      // One byte more than expected shows a file that grew.
      const room = writer.reserve(before.size + 1);
      let size = 0;
      while (size <= before.size) {
        const count = readSync(file, room, size, before.size + 1 - size, size);
        if (count === 0) break;
        size += count;
      }
      const after = fstatSync(file);
      if (kindOf(after) !== "file") return opaque(path, "special", after);
      if (after.size > COVERED_BYTES) return opaque(path, "large", after);
      const steady = size === after.size && after.mtimeMs === before.mtimeMs && after.ctimeMs === before.ctimeMs;
      if (!steady && attempt < TRIES) {
        before = after;
        continue;
      }
      const hash = hashContent(room.subarray(0, size));
      let place = contents.get(hash);
      if (!place && size > 0) {
        place = writer.commit(size);
        contents.set(hash, place);
      }
      return entryOf(path, "file", after, steady ? readAt : 0, size, hash, place);
    }
  } finally {
    closeSync(file);
  }
}
