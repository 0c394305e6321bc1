import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf } from "./errors.ts";
import { type IgnoreRules, parseIgnore } from "./ignore.ts";
import type { Listing, WalkMemory } from "./walk-memory.ts";
import { IGNORE_FILE, isIgnored, type Layer, outerLayers, type RulesReader, rulesText } from "./walk-rules.ts";

export interface WalkEntry {
  /** Relative to the root, `/` as separator. */
  path: string;
  /** Last part of `path`. */
  name: string;
  /** The rest of it, "" in the root: one and the same string for all that lie there. */
  folder: string;
  absolute: string;
  /** `other`: sockets, pipes and devices. */
  kind: "file" | "dir" | "link" | "other";
}

/** Paths that are looked for. */
export interface PathFilter {
  /** Asked about everything but folders. `path` and `name` as in `WalkEntry`; a look at `name` alone costs less. */
  fits(path: string, name: string): boolean;
  /** Asked about folders: false where nothing below can fit, however deep. */
  mayHold(path: string): boolean;
}

export interface WalkOptions {
  /** What does not fit, and a folder that cannot hold what does, is left out before anything else is asked about it. */
  only?: PathFilter;
  /**
   * Obey `.gitignore` files (those of the folders above too, up to the top of the repository) and
   * `.git/info/exclude`. Default true. `.git` itself is left out always.
   */
  ignore?: boolean;
  /** Names that begin with a dot. Default true. */
  hidden?: boolean;
  /** Lines in the manner of `.gitignore`, relative to the root; they outrank every file. */
  extraIgnore?: readonly string[];
  /** Looked at once a folder; the walk then throws its reason. */
  signal?: AbortSignal;
  /** A folder or file that cannot be read is left out; this hears of it. `path` as in `WalkEntry`, "" for the root. */
  onSkip?: (path: string, reason: string) => void;
  /** Hears of each file and of each whole folder that the rules leave out; `.git` is not told. */
  onIgnored?: (path: string) => void;
  /** What a walk of the same root with the same options saw before: names that cannot have changed are not read again. */
  memory?: WalkMemory;
}

interface Folder {
  entries: readonly WalkEntry[];
  next: number;
  /** Strongest first. */
  layers: readonly Layer[];
}

/**
 * Everything below `root`, folders before what they hold, names in code unit order; the same tree gives the same list.
 * Links are named, never followed. Synchronous, because that is several times faster than anything with promises
 * (20,000 files in 12 ms). An ignored folder is not entered; `root` itself is never ignored.
 */
export function* walk(root: string, options: WalkOptions = {}): Generator<WalkEntry> {
  const { ignore = true, hidden = true, extraIgnore = [], only, signal, onSkip, onIgnored, memory } = options;
  const top = resolve(root);
  const parse = (path: string, text: string): IgnoreRules => memory?.rules(path, text) ?? parseIgnore(text);
  const rulesOf: RulesReader = (path) => parse(path, rulesText(path));
  const extra: Layer[] =
    extraIgnore.length > 0 ? [{ rules: parse("", extraIgnore.join("\n")), prefix: "", cut: 0 }] : [];

  /** Nearer files outrank farther ones, and nothing outranks the caller. */
  function layersIn(path: string, absolute: string, outer: readonly Layer[], hasRules: boolean): readonly Layer[] {
    if (!hasRules) return outer;
    const own: Layer = {
      rules: rulesOf(join(absolute, IGNORE_FILE)),
      prefix: "",
      cut: path === "" ? 0 : path.length + 1,
    };
    return [...extra, own, ...outer.slice(extra.length)];
  }

  function read(path: string, absolute: string, outer: readonly Layer[]): Listing {
    const all = readdirSync(absolute, { withFileTypes: true });
    const hasRules = ignore && all.some((entry) => entry.name === IGNORE_FILE && entry.isFile());
    const layers = layersIn(path, absolute, outer, hasRules);
    const prefix = path === "" ? "" : `${path}/`;
    const entries: WalkEntry[] = [];
    const ignored: string[] = [];
    let whole = true;
    const asked = all.filter((entry) => isAsked(entry, prefix)).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of asked) {
      const { name } = entry;
      const inner = prefix + name;
      const within = absolute === "/" ? `/${name}` : `${absolute}/${name}`;
      const kind = kindOf(entry, within, (reason) => onSkip?.(inner, reason));
      if (!kind) whole = false;
      else if (only && isUntold(entry) && !isWanted(only, inner, name, kind === "dir")) continue;
      else if (isIgnored(layers, inner, name, kind === "dir")) ignored.push(inner);
      else entries.push({ path: inner, name, folder: path, absolute: within, kind });
    }
    return { entries, ignored, layers, hasRules, whole };
  }

  function isAsked(entry: Dirent, prefix: string): boolean {
    const { name } = entry;
    if (name === ".git" || (!hidden && name.startsWith("."))) return false;
    if (!only || isUntold(entry)) return true;
    return isWanted(only, prefix + name, name, entry.isDirectory());
  }

  function open(path: string, absolute: string, outer: readonly Layer[]): Folder | undefined {
    signal?.throwIfAborted();
    const readNow = (): Listing => read(path, absolute, outer);
    let listing: Listing;
    try {
      listing = memory
        ? memory.listing(absolute, (hasRules) => layersIn(path, absolute, outer, hasRules), readNow)
        : readNow();
    } catch (error) {
      onSkip?.(path, messageOf(error));
      return undefined;
    }
    if (onIgnored) for (const hidden of listing.ignored) onIgnored(hidden);
    return { entries: listing.entries, next: 0, layers: listing.layers };
  }

  memory?.begin(top);
  const first = open("", top, [...extra, ...(ignore ? outerLayers(top, rulesOf) : [])]);
  const stack: Folder[] = first ? [first] : [];
  for (let folder = stack.at(-1); folder; folder = stack.at(-1)) {
    const entry = folder.entries[folder.next++];
    if (!entry) {
      stack.pop();
      continue;
    }
    yield entry;
    if (entry.kind !== "dir") continue;
    const inner = open(entry.path, entry.absolute, folder.layers);
    if (inner) stack.push(inner);
  }
}

function isWanted(only: PathFilter, path: string, name: string, isDirectory: boolean): boolean {
  return isDirectory ? only.mayHold(path) : only.fits(path, name);
}

/** Some file systems do not say the type with the name. */
function isUntold(entry: Dirent): boolean {
  return !entry.isFile() && !entry.isDirectory() && !entry.isSymbolicLink();
}

/** Undefined for what cannot be looked at: a name that is not valid UTF-8 has no path that could be opened. */
function kindOf(entry: Dirent, absolute: string, onSkip: (reason: string) => void): WalkEntry["kind"] | undefined {
  const garbled = entry.name.includes("\uFFFD");
  if (!garbled && entry.isFile()) return "file";
  if (!garbled && entry.isDirectory()) return "dir";
  if (!garbled && entry.isSymbolicLink()) return "link";
  try {
    const stats = lstatSync(absolute);
    return stats.isFile() ? "file" : stats.isDirectory() ? "dir" : stats.isSymbolicLink() ? "link" : "other";
  } catch (error) {
    onSkip(messageOf(error));
    return undefined;
  }
}
