import { lstatSync, type Stats } from "node:fs";
import type { Entries } from "./entries.ts";
import { codeOf } from "./faults.ts";

/** A run of bytes in a pack, compressed where `stored` differs from `raw`. Bytes; `offset` is -1 until it is written. */
export interface Block {
  pack: string;
  offset: number;
  stored: number;
  raw: number;
}

/** Where a file's content lies: so many bytes into a block, uncompressed. */
export interface Place {
  block: Block;
  offset: number;
}

/** `opaque`: it is there, and whether it changed can be told, but its content is not recorded. */
export type EntryKind = "file" | "link" | "dir" | "opaque";

/** One path as it was found. The stat fields are those of `lstat`; folders have 0, because theirs say nothing. */
export interface Entry {
  /** Relative to the workspace with `/`; files in added folders may begin with `../`. */
  path: string;
  kind: EntryKind;
  /** Permission bits, 07777. */
  mode: number;
  size: number;
  mtime: number;
  /** 0 where the file was so young when it was read that its times cannot vouch for it (see `settled`). */
  ctime: number;
  ino: number;
  /** file: SHA-256, base64url; link: where it points; opaque: why it was not read; folder: "". */
  content: string;
  /** Files that are not empty. */
  place: Place | undefined;
}

/** Everything that was found at one moment. */
export interface State {
  entries: Entries;
  /** What the ignore rules hid then, files and whole folders: there, but not recorded. */
  ignored: ReadonlySet<string>;
  /** Paths that are recorded although the rules ignore them, whether they were there or not. */
  covered: ReadonlySet<string>;
  /** True where the walk was ended by the limit on files: a missing path may have been there. */
  partial: boolean;
  /** What is not recorded, in words. */
  uncovered: readonly string[];
}

const PERMISSIONS = 0o7777;
const TYPE = 0o170000;
const LINK = 0o120000;

/** Permission bits; 0 for links, whose own mean nothing and cannot be set everywhere. */
export function modeOf(stats: Stats): number {
  return (stats.mode & TYPE) === LINK ? 0 : stats.mode & PERMISSIONS;
}

/** The kind that `lstat` says; `opaque` for sockets, pipes and devices. */
export function kindOf(stats: Stats): EntryKind {
  switch (stats.mode & TYPE) {
    case 0o100000:
      return "file";
    case LINK:
      return "link";
    case 0o040000:
      return "dir";
    default:
      return "opaque";
  }
}

/** True where both are the same for a person: kind, mode and content. */
export function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.kind !== b.kind || a.content !== b.content || a.mode !== b.mode) return false;
  return a.kind !== "opaque" || (a.size === b.size && a.mtime === b.mtime);
}

/** True where `lstat` alone proves that the path is still as `entry` says. */
export function untouched(entry: Entry, stats: Stats): boolean {
  if (entry.mode !== modeOf(stats)) return false;
  const kind = kindOf(stats);
  if (kind === "dir" || entry.kind === "dir") return kind === entry.kind;
  if (entry.kind !== kind && entry.kind !== "opaque") return false;
  return (
    entry.ctime === stats.ctimeMs &&
    entry.size === stats.size &&
    entry.mtime === stats.mtimeMs &&
    entry.ino === stats.ino
  );
}

/** `lstat`, or undefined where nothing is there. Throws where it cannot be known (no permission on the way). */
export function look(path: string): Stats | undefined {
  try {
    // Without `throwIfNoEntry` it takes 5 % less, and mostly something is there.
    return lstatSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** Files and links. */
export function countFiles(entries: Entries): number {
  let count = 0;
  for (const { kind } of entries.values()) if (kind === "file" || kind === "link") count++;
  return count;
}

/** Paths that differ, in order. */
export function changedPaths(from: State, to: State): string[] {
  const paths: string[] = [];
  for (const path of to.entries.differing(from.entries)) {
    const [old, entry] = [from.entries.get(path), to.entries.get(path)];
    // A scan looks for all that the task's last one found, so what is missing in the later state is gone.
    if (!entry || (!sameEntry(old, entry) && (old || knownAbsent(from, path)))) paths.push(path);
  }
  return paths.sort();
}

/**
 * True where a path that `state` does not list was really not there. Had the rules hidden it then, or the limit on
 * files, it may have been there: to call it new (and to delete it on the way back) would be a guess.
 */
export function knownAbsent(state: State, path: string): boolean {
  if (state.covered.has(path)) return true;
  if (state.partial) return false;
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
    if (state.ignored.has(path.slice(0, end))) return false;
  }
  return true;
}

/** True where both states leave out the same, so that one record serves for both. */
export function sameLimits(a: State, b: State): boolean {
  const same = (one: Iterable<string>, other: Iterable<string>): boolean =>
    [...one].join("\0") === [...other].join("\0");
  return a.partial === b.partial && same(a.ignored, b.ignored) && same(a.uncovered, b.uncovered);
}
