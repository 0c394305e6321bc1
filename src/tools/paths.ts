import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
} from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { closest } from "../base/text.ts";
import { Mistake } from "./mistake.ts";

/** Where a task's file tools may go; all absolute and real. */
export interface Roots {
  workspace: string;
  addDirs: readonly string[];
  /** Further folders that may be read. */
  readable?: readonly string[];
}

/** A path that was looked at and found to be allowed. */
export interface Place {
  /** Absolute, without links. What is opened. */
  path: string;
  /** For messages: relative to the workspace where it lies in it. */
  shown: string;
}

/** Parts of a project that steer other programs: writing them would be a way out of the sandbox. */
const PROTECTED = [".git", ".openkoi"];

/**
 * The one way from what a model wrote to a file. `path` is absolute or relative to the workspace; the file need not
 * exist. Throws a `Mistake` for everything that, links resolved, lies
 * elsewhere.
 */
export function resolvePath(path: string, roots: Roots, access: "read" | "write"): Place {
  if (path === "") throw new Mistake("The path is empty. Use . for the workspace.");
  if (path.includes("\0")) throw new Mistake("The path holds a zero byte.");
  if (path === "~" || path.startsWith("~/")) {
    throw new Mistake(`${path}: ~ is not expanded, and the home folder is outside the workspace.`);
  }
  const real = realPath(resolve(roots.workspace, path), path);
  const root = [roots.workspace, ...roots.addDirs].find((folder) => isInside(real, folder));
  if (root === undefined && !(access === "read" && roots.readable?.some((folder) => isInside(real, folder)))) {
    const through = real === resolve(roots.workspace, path) ? "" : ` (it leads to ${real})`;
    const allowed = [roots.workspace, ...roots.addDirs].join(", ");
    const other = access === "read" ? "; bash may read it" : "";
    throw new Mistake(`${path} is outside the workspace${through}. File tools reach only ${allowed}${other}.`);
  }
  if (access === "write" && root !== undefined) {
    const part = relative(root, real)
      .split(sep)
      .find((name) => PROTECTED.includes(name.toLowerCase()));
    if (part) {
      const way =
        part.toLowerCase() === ".git" ? "Use git commands." : "The user alone changes it: say what is needed.";
      throw new Mistake(`${path}: ${part} is not written by file tools. ${way}`);
    }
  }
  return { path: real, shown: shownPath(real, roots) };
}

/** A folder to search in. Throws a `Mistake` where it is something else. */
export function resolveFolder(path: string, roots: Roots): Place {
  const place = resolvePath(path, roots, "read");
  const stats = lstatSync(place.path, { throwIfNoEntry: false });
  if (!stats) throw new Mistake(missing(place));
  if (!stats.isDirectory()) throw new Mistake(`${place.shown} is not a folder. Give the folder that it lies in.`);
  return place;
}

/** What the model is told about a file that is not there. */
export function missing(place: Place): string {
  const folder = dirname(place.path);
  const names = namesIn(folder);
  if (!names) return `${place.shown} does not exist, nor does its folder. glob finds files by name.`;
  const near = closest(basename(place.path), names);
  const hint = near ? `Did you mean ${dirname(place.shown) === "." ? "" : `${dirname(place.shown)}/`}${near}?` : "";
  return `${place.shown} does not exist. ${hint || "glob finds files by name."}`;
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}

/** Relative to the workspace where it lies in it, `.` for the workspace itself, absolute elsewhere. */
export function shownPath(path: string, roots: Roots): string {
  return isInside(path, roots.workspace) ? relative(roots.workspace, path) || "." : path;
}

/** Both absolute and real. */
export function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** Resolves links in the part that exists and keeps the rest as it is written. */
function realPath(path: string, written: string): string {
  const missing: string[] = [];
  for (let existing = path; ; existing = dirname(existing)) {
    try {
      return join(realpathSync(existing), ...missing);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ELOOP") throw new Mistake(`${written}: links lead in a circle.`);
      if (code === "ENOTDIR") throw new Mistake(`${written}: ${dirname(existing)} is not a folder.`);
      if (code !== "ENOENT") throw error;
      // A file made through a link that leads nowhere would come to lie where the link points.
      if (isLink(existing)) {
        throw new Mistake(`${written}: ${existing} is a link to something that does not exist. Name the file itself.`);
      }
      missing.unshift(basename(existing));
    }
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/**
 * Opens a place for reading and makes sure that it still is the file that was looked at: a command in the background
 * may have put a link where a folder was. The caller closes `fd`.
 */
export function openPlace(place: Place): { fd: number; stats: BigIntStats } {
  // Without O_NONBLOCK, opening a pipe would wait for a writer for ever.
  const fd = openSync(place.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    checkStillThere(fd, place.path);
    return { fd, stats: fstatSync(fd, { bigint: true }) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Throws where what is open as `fd` no longer is what `path` named when it was checked. */
export function checkStillThere(fd: number, path: string): void {
  if (currentPath(fd, path) !== path) throw new Mistake(`${path} was moved while it was being opened. Try again.`);
}

function currentPath(fd: number, path: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // No /proc: compare the file that is open with the one that lies there.
    const real = realpathSync(path);
    const there = lstatSync(real);
    const open = fstatSync(fd);
    return there.dev === open.dev && there.ino === open.ino ? real : "";
  }
}
