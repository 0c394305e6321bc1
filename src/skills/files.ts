import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { randomId } from "../base/crypto/random.ts";
import { sha256Hex } from "../base/crypto/sha256.ts";
import { readRegular } from "../base/files.ts";
import { walk } from "../base/walk.ts";
import { leadsInto } from "./places.ts";

/** The mark that the user approved a proposal; no part of the skill. */
export const APPROVED = ".approved";

/** How deep below a folder of skills one may lie, and how many folders are looked at. */
const MOST_DEPTH = 4;
const MOST_FOLDERS = 2000;
/** A folder of a skill is not read beyond this, files and bytes. */
const MOST_FILES = 2000;
const MOST_HASHED = 20_000;
const ENTRIES_A_FILE = 10;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The `SKILL.md` files below a folder of skills, absolute and without links, in the order of their paths. Inside of a
 * skill there is no other one. A link to a folder is followed once: its own folder counts.
 */
export function findSkillFiles(root: string): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  let looked = 0;

  function enter(folder: string, depth: number): void {
    if (++looked > MOST_FOLDERS) return;
    const file = depth > 0 ? skillFileIn(folder) : undefined;
    if (file !== undefined) {
      if (!seen.has(folder)) found.push(file);
      seen.add(folder);
      return;
    }
    if (depth >= MOST_DEPTH) return;
    let entries: ReturnType<typeof entriesOf>;
    try {
      entries = entriesOf(folder);
    } catch {
      return;
    }
    for (const entry of entries) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      if (entry.isDirectory()) enter(join(folder, entry.name), depth + 1);
      else if (entry.isSymbolicLink()) {
        const real = realOf(join(folder, entry.name));
        if (real !== undefined && !seen.has(real)) enter(real, depth + 1);
      }
    }
  }

  const real = realOf(root);
  if (real !== undefined) enter(real, 0);
  return found;
}

/** Both names are in use; the reference validator prefers the first. */
export function skillFileIn(folder: string): string | undefined {
  return ["SKILL.md", "skill.md"].map((name) => join(folder, name)).find((file) => lookAt(file));
}

/** Undefined where there is nothing, or where it cannot be seen. */
function lookAt(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function entriesOf(folder: string) {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** A file of a skill. */
export interface SkillFile {
  /** Relative to the folder, `/` as separator. */
  path: string;
  bytes: number;
  /** May be executed. */
  executable: boolean;
}

/**
 * The files of a skill's folder, `SKILL.md` among them, and those that a link inside of it leads to; other links and
 * everything else are left out. @param folder absolute and real
 */
export function skillFiles(folder: string, most = MOST_FILES): SkillFile[] {
  const files: SkillFile[] = [];
  for (const { path, kind } of walk(folder, { ignore: false })) {
    if (path === APPROVED || (kind !== "file" && !(kind === "link" && leadsInto(join(folder, path), folder)))) continue;
    const stats = behind(join(folder, path));
    if (stats?.isFile()) files.push({ path, bytes: stats.size, executable: (stats.mode & 0o111) !== 0 });
    if (files.length >= most) break;
  }
  return files;
}

/**
 * One hash over the paths and contents of all files: what was approved, trusted or installed. Hex. What a link leads to
 * is a part of it, wherever that lies. Beyond what is read of a folder, size and times stand for a content; beyond what
 * is listed, no two are the same.
 */
export function fingerprint(folder: string, most = MOST_HASHED): string {
  const lines: string[] = [];
  const entered = new Set([realOf(folder)]);
  let bytes = MOST_BYTES;
  let files = most;
  let entries = most * ENTRIES_A_FILE;

  function add(root: string, prefix: string): void {
    for (const { path, kind } of walk(root, { ignore: false })) {
      if (files <= 0 || --entries <= 0) return;
      if (kind === "dir" || kind === "other" || (prefix === "" && path === APPROVED)) continue;
      const file = join(root, path);
      const stats = behind(file);
      if (stats?.isDirectory()) addFolder(realOf(file), prefix + path);
      else if (stats?.isFile()) addFile(file, stats, prefix + path);
      // What a link will lead to one day is another content.
      else lines.push(`nothing ${prefix}${path}`);
    }
  }

  /** A folder that a link leads to. What lies in it counts once, however many links there are. */
  function addFolder(real: string | undefined, name: string): void {
    lines.push(`folder ${real} ${name}`);
    if (real === undefined || entered.has(real)) return;
    entered.add(real);
    add(real, `${name}/`);
  }

  function addFile(file: string, stats: Stats, name: string): void {
    files--;
    bytes -= stats.size;
    // What says that it is empty is not opened: below /proc are such files that never end.
    const content = stats.size === 0 ? new Uint8Array() : bytes >= 0 ? readRegular(file, MOST_BYTES) : undefined;
    lines.push(`${content ? sha256Hex(content) : `unread ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`} ${name}`);
  }

  add(folder, "");
  return sha256Hex([...lines, files > 0 && entries > 0 ? "" : randomId(16)].join("\n"));
}

/** What a path leads to, its links followed; undefined where there is nothing, or where it cannot be seen. */
function behind(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
