import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { messageOf } from "./errors.ts";
import { readRegular } from "./files.ts";
import { gitFolders } from "./git-folder.ts";
import { type IgnoreRules, parseIgnore } from "./ignore.ts";

export interface WalkEntry {
  /** Relative to the root, `/` as separator. */
  path: string;
  /** Last part of `path`. */
  name: string;
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
}

/** Rules and where they count from: `prefix` goes before a path of the walk, or `cut` characters go from its start. */
interface Layer {
  rules: IgnoreRules;
  prefix: string;
  cut: number;
}

interface Folder {
  /** What goes before a name in it to make a path: "" or the folder's path and a slash. */
  prefix: string;
  entries: Dirent[];
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
  const { ignore = true, hidden = true, extraIgnore = [], only, signal, onSkip, onIgnored } = options;
  const extra: Layer[] =
    extraIgnore.length > 0 ? [{ rules: parseIgnore(extraIgnore.join("\n")), prefix: "", cut: 0 }] : [];

  function open(path: string, outer: readonly Layer[]): Folder | undefined {
    signal?.throwIfAborted();
    let all: Dirent[];
    try {
      all = readdirSync(path === "" ? root : `${root}/${path}`, { withFileTypes: true });
    } catch (error) {
      onSkip?.(path, messageOf(error));
      return undefined;
    }
    const prefix = path === "" ? "" : `${path}/`;
    const entries = all.filter((entry) => isAsked(entry, prefix)).sort((a, b) => (a.name < b.name ? -1 : 1));
    const folder = { prefix, entries, next: 0, layers: outer };
    if (!ignore || !all.some((entry) => entry.name === ".gitignore" && entry.isFile())) return folder;
    const rules = readRules(join(root, path, ".gitignore"));
    // Nearer files outrank farther ones, and nothing outranks the caller.
    const own: Layer = { rules, prefix: "", cut: prefix.length };
    return { ...folder, layers: [...extra, own, ...outer.slice(extra.length)] };
  }

  function isAsked(entry: Dirent, prefix: string): boolean {
    const { name } = entry;
    if (name === ".git" || (!hidden && name.startsWith("."))) return false;
    if (!only || isUntold(entry)) return true;
    return isWanted(only, prefix + name, name, entry.isDirectory());
  }

  const first = open("", [...extra, ...(ignore ? outerLayers(root) : [])]);
  const stack: Folder[] = first ? [first] : [];
  for (let folder = stack.at(-1); folder; folder = stack.at(-1)) {
    const entry = folder.entries[folder.next++];
    if (!entry) {
      stack.pop();
      continue;
    }
    const { name } = entry;
    const path = folder.prefix + name;
    const kind = kindOf(entry, root, path, onSkip);
    if (!kind || (only && isUntold(entry) && !isWanted(only, path, name, kind === "dir"))) continue;
    if (isIgnored(folder.layers, path, name, kind === "dir")) {
      onIgnored?.(path);
      continue;
    }
    yield { path, name, kind };
    if (kind !== "dir") continue;
    const inner = open(path, folder.layers);
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

function isIgnored(layers: readonly Layer[], path: string, name: string, isDirectory: boolean): boolean {
  for (const { rules, prefix, cut } of layers) {
    const verdict = rules.match(prefix === "" ? path.slice(cut) : prefix + path, name, isDirectory);
    if (verdict !== undefined) return verdict;
  }
  return false;
}

/** Undefined for what cannot be looked at: a name that is not valid UTF-8 has no path that could be opened. */
function kindOf(
  entry: Dirent,
  root: string,
  path: string,
  onSkip: WalkOptions["onSkip"],
): WalkEntry["kind"] | undefined {
  const garbled = entry.name.includes("\uFFFD");
  if (!garbled && entry.isFile()) return "file";
  if (!garbled && entry.isDirectory()) return "dir";
  if (!garbled && entry.isSymbolicLink()) return "link";
  try {
    const stats = lstatSync(join(root, path));
    return stats.isFile() ? "file" : stats.isDirectory() ? "dir" : stats.isSymbolicLink() ? "link" : "other";
  } catch (error) {
    onSkip?.(path, messageOf(error));
    return undefined;
  }
}

/** Rules from outside the walk: the folders above, nearest first, then the repository's `info/exclude`. */
function outerLayers(root: string): Layer[] {
  const start = resolve(root);
  const files: Layer[] = [];
  for (let folder = start; ; folder = dirname(folder)) {
    const prefix = folder === start ? "" : `${relative(folder, start).replaceAll("\\", "/")}/`;
    // The root's own .gitignore is read when the walk opens it.
    if (folder !== start) files.push({ rules: readRules(join(folder, ".gitignore")), prefix, cut: 0 });
    const git = gitFolders(folder)?.common;
    if (git) return [...files, { rules: readRules(join(git, "info", "exclude")), prefix, cut: 0 }];
    // Outside a repository the files above say nothing about this folder.
    if (folder === dirname(folder)) return [];
  }
}

function readRules(path: string): IgnoreRules {
  return parseIgnore(textOf(path));
}

/** More than this is no list of rules. Bytes. */
const RULES_LIMIT = 4 * 1024 * 1024;

/** "" where there is nothing to read. */
function textOf(path: string): string {
  return readRegular(path, RULES_LIMIT)?.toString() ?? "";
}
