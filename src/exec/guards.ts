import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { randomId } from "../base/crypto/random.ts";
import { readRegular } from "../base/files.ts";

/** Of more than this no copy is kept, bytes and entries. */
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_ENTRIES = 2000;

/** `known`: it is known again, but cannot be made again: too large, too many, not readable, a pipe or a socket. */
type Entry =
  | { kind: "missing" }
  | { kind: "link"; target: string }
  | { kind: "file"; mode: number; content: Buffer }
  | { kind: "folder"; mode: number; children: Map<string, Entry> }
  | { kind: "known"; identity: string };

/**
 * Paths in writable folders that must not change and that no layer can hold: those that do not exist yet (a mount needs
 * something to be mounted on), and all of them where there are no mounts. They are looked at before and after each
 * command; what has changed is put back, and the new state is kept beside it for the user to see.
 */
export class Guards {
  readonly #paths: readonly string[];
  #running = 0;
  #before = new Map<string, Entry>();

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** Before a command. Of several at once, the first one counts: the others may see what it has done. */
  enter(): void {
    if (this.#running++ > 0) return;
    const budget = { bytes: MAX_BYTES, entries: MAX_ENTRIES };
    this.#before = new Map(this.#paths.map((path) => [path, entryAt(path, budget)]));
  }

  /** After it. What was put back, for the reader of the output. */
  leave(): string[] {
    this.#running--;
    const restored: string[] = [];
    for (const [path, before] of this.#before) {
      const moved = clearTheWay(path);
      if (moved) restored.push(`${moved.path} may not be replaced: what took its place is in ${moved.aside}`);
      if (!isStill(path, before)) restored.push(...putBack(path, before));
    }
    return restored;
  }
}

/** Renames what is there and makes again what was there before; says so. */
function putBack(path: string, before: Entry): string[] {
  const aside = lookAt(path) && setAside(path);
  if (before.kind !== "missing") mkdirSync(dirname(path), { recursive: true });
  const lost = restore(path, before, aside);
  const fate = lost.includes(path) ? `it was not put back, because ${NO_COPY}` : "it was put back";
  const inside = lost.filter((at) => at !== path).map((at) => `${at} could not be put back: ${NO_COPY}`);
  if (!aside) return [`${path} may not be removed by a command: ${fate}`, ...inside];
  return [`${path} may not be changed by a command: ${fate}, the new state is in ${aside}`, ...inside];
}

const NO_COPY = "no copy of it is kept (too large, or not a plain file)";

/** Under a name that nothing has yet: what was put aside before may be all that is left of something. */
function setAside(path: string): string {
  const aside = lookAt(`${path}.refused`) ? `${path}.refused-${randomId(8)}` : `${path}.refused`;
  renameSync(path, aside);
  return aside;
}

/** Undefined where there is nothing, also where a part of the way is no folder. */
function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return;
    throw error;
  }
}

/**
 * A folder above the path that a command has replaced, by a link, say: we would write where it leads. What took its
 * place is put aside.
 */
function clearTheWay(path: string): { path: string; aside: string } | undefined {
  const folders: string[] = [];
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) folders.unshift(at);
  const blocked = folders.find((at) => lookAt(at)?.isDirectory() === false);
  return blocked === undefined ? undefined : { path: blocked, aside: setAside(blocked) };
}

function entryAt(path: string, budget: { bytes: number; entries: number }): Entry {
  const found = lookAt(path);
  if (!found) return { kind: "missing" };
  const known: Entry = { kind: "known", identity: identityOf(found) };
  const mode = found.mode & 0o7777;
  if (budget.entries-- <= 0) return known;
  if (found.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
  if (found.isDirectory()) {
    const names = namesIn(path);
    if (!names || names.length > budget.entries) return known;
    const children = new Map(names.map((name) => [name, entryAt(join(path, name), budget)]));
    return { kind: "folder", mode, children };
  }
  const content = found.isFile() ? readRegular(path, budget.bytes) : undefined;
  if (!content) return known;
  budget.bytes -= content.length;
  return { kind: "file", mode, content };
}

/** What a thing is known by when its content is not looked at. A pipe's times change with each use. */
function identityOf(found: Stats): string {
  const use = found.isFile() || found.isDirectory() ? [found.size, found.mtimeMs] : [];
  return [found.dev, found.ino, found.mode, ...use].join(" ");
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return;
  }
}

/** Looked at by what is known of it, so that this never reads more than was read before. */
function isStill(path: string, entry: Entry): boolean {
  const found = lookAt(path);
  if (!found || entry.kind === "missing") return !found && entry.kind === "missing";
  if (entry.kind === "known") return identityOf(found) === entry.identity;
  if (entry.kind === "link") return found.isSymbolicLink() && readlinkSync(path) === entry.target;
  if ((found.mode & 0o7777) !== entry.mode) return false;
  if (entry.kind === "file") {
    return found.isFile() && (readRegular(path, entry.content.length)?.equals(entry.content) ?? false);
  }
  const names = found.isDirectory() ? namesIn(path) : undefined;
  if (names?.length !== entry.children.size) return false;
  return [...entry.children].every(([name, child]) => isStill(join(path, name), child));
}

/**
 * Makes `entry` again at `path`. What no copy was kept of is taken from `aside`, where it is still the same there. The
 * answer: paths of which nothing could be put back.
 */
function restore(path: string, entry: Entry, aside: string | undefined): string[] {
  if (entry.kind === "known") {
    if (!aside || !isStill(aside, entry)) return [path];
    renameSync(aside, path);
  }
  if (entry.kind === "link") symlinkSync(entry.target, path);
  if (entry.kind === "file") {
    writeFileSync(path, entry.content, { mode: entry.mode });
    chmodSync(path, entry.mode);
  }
  if (entry.kind !== "folder") return [];
  mkdirSync(path, { mode: 0o700 });
  // A folder that has become a link would lead elsewhere.
  const from = aside && lookAt(aside)?.isDirectory() ? aside : undefined;
  const lost = [...entry.children].flatMap(([name, child]) =>
    restore(join(path, name), child, from && join(from, name)),
  );
  chmodSync(path, entry.mode);
  return lost;
}
