import { lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Env } from "../base/env.ts";
import { UserError } from "../base/errors.ts";
import { CACHES, RUNTIME_FOLDER, RUNTIME_VISIBLE, SECRETS, SYSTEM_SECRETS } from "./places.ts";
import { repositoryOf } from "./repository.ts";

export interface PolicyInput {
  workspace: string;
  addDirs: readonly string[];
  env: Env;
  privateTemp: string;
  caches: string;
  hidden: readonly string[];
  /** Folders inside of hidden ones that are seen all the same. */
  visible?: readonly string[];
}

/** What the commands of a task may touch: absolute paths without links in them, all of which exist. */
export interface Policy {
  home: string;
  /** The private temporary folder; also seen as `/tmp` and `/var/tmp` where mounts allow it. */
  temp: string;
  /** Folders with everything in them. Repositories (`.git`) are among them. */
  writable: string[];
  /** Seen as empty. */
  hidden: { folders: string[]; files: string[] };
  /** Still seen, read-only, inside of a hidden folder. */
  visible: string[];
  /** Read-only inside of a writable folder. */
  guarded: string[];
  /** The folders between a writable folder and what is guarded in it: renaming one would get around the guard. */
  anchored: string[];
  /** Would be guarded, but do not exist or are links: nothing can be mounted on them. */
  watched: string[];
  /** Where the layers of the project's own caches lie; one of the writable folders. */
  caches: string;
  /** Folders of the user that are seen with a layer of the project's own on top. */
  cached: { folder: string; upper: string; work: string }[];
  /** Variables that send caches to a writable place where the usual folder is missing. */
  env: Record<string, string>;
  /** The same for all caches, where no layer can be put on top of the user's. */
  ownCaches: Record<string, string>;
}

/**
 * Works the policy out and makes the folders of the project's caches (in the temporary folder where they cannot be made
 * where they should be). Throws a UserError for a workspace too wide.
 */
export function policyOf(input: PolicyInput): Policy {
  const home = real(input.env["HOME"] || homedir()) ?? "/";
  for (const folder of [input.workspace, ...input.addDirs]) refuseTooWide(folder, home);
  const temp = realpathSync(input.privateTemp);
  const caches = folderFor(input.caches) ?? temp;
  const own = [input.workspace, ...input.addDirs];
  const repositories = own.map(repositoryOf);
  const writable = unique([
    ...own.flatMap((folder) => real(folder) ?? []),
    temp,
    caches,
    ...repositories.flatMap((places) => places.writable.flatMap((path) => real(path) ?? [])),
  ]);
  const guards = unique([
    ...own.map((folder) => join(folder, ".openkoi")),
    ...repositories.flatMap((places) => places.guarded),
  ]);
  const mountable = guards.filter((path) => real(path) === path);
  const watched = guards.filter((path) => !mountable.includes(path) && real(dirname(path)) === dirname(path));
  const env: Record<string, string> = {};
  const cached = cachesOf(home, caches, env);
  // What programs are found by stays to be seen, also where it lies in a temporary folder (tests, containers, the demo).
  const needed = [home, dirname(process.execPath), ...(input.env["PATH"] ?? "").split(":")];
  const visible = [
    ...RUNTIME_VISIBLE.filter((path) => real(path) === path),
    ...unique(needed.flatMap((path) => real(path) ?? [])).filter((path) => isInTemporary(path) && existsAsFolder(path)),
    ...(input.visible ?? []).filter((path) => real(path) === path && !own.some((folder) => isWithin(path, folder))),
  ];
  const hidden = withoutNested(hiddenFor(home, input.hidden), writable, [...writable, ...visible]);
  const folders = hidden.filter((path) => statSync(path).isDirectory());
  return {
    home,
    temp,
    writable,
    hidden: { folders, files: hidden.filter((path) => !folders.includes(path)) },
    visible,
    guarded: mountable,
    anchored: unique(mountable.concat(watched).flatMap((path) => foldersAbove(path, writable))),
    watched,
    caches,
    cached,
    env,
    ownCaches: Object.fromEntries(
      CACHES.flatMap(({ folder, variable }) => (variable ? [[variable, join(caches, cacheName(folder))]] : [])),
    ),
  };
}

/** Made where it is missing; undefined where it cannot be. */
function folderFor(path: string): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return realpathSync(path);
  } catch {
    return;
  }
}

/** The folders above a path, below the writable folder that it lies in; the outermost first. */
function foldersAbove(path: string, writable: readonly string[]): string[] {
  const folders: string[] = [];
  for (let at = dirname(path); !writable.includes(at) && at !== "/"; at = dirname(at)) folders.unshift(at);
  return folders;
}

function refuseTooWide(folder: string, home: string): void {
  if (folder !== "/" && folder !== home && !home.startsWith(`${folder}/`)) return;
  throw new UserError(
    `${folder} cannot be a writable folder: ${folder === home ? "it is" : "it holds"} your home folder`,
    "Work in a folder of the project, or turn the sandbox off (--sandbox off).",
  );
}

/** Those of the names that may exist: one look at the folder spares a hundred questions. */
function present(folder: string, names: readonly string[]): string[] {
  const there = new Set(entriesOf(folder));
  return names.filter((name) => there.has(name.split("/", 1)[0]!)).map((name) => join(folder, name));
}

function hiddenFor(home: string, own: readonly string[]): string[] {
  const isRoot = process.getuid?.() === 0;
  const homes = isRoot ? unique([home, "/root", ...entriesOf("/home").map((name) => join("/home", name))]) : [home];
  return unique(
    [
      ...own,
      ...homes.flatMap((folder) => present(folder, SECRETS)),
      ...(isRoot ? SYSTEM_SECRETS : []),
      ...(existsAsFolder(RUNTIME_FOLDER) ? [RUNTIME_FOLDER] : []),
    ].flatMap((path) => real(path) ?? []),
  );
}

/**
 * Leaves out what needs no cover of its own: what lies in another hidden folder or in the system's temporary folders,
 * which are covered as a whole, unless an opening shows a part of them again.
 */
function withoutNested(hidden: readonly string[], writable: readonly string[], openings: readonly string[]): string[] {
  const all = [...hidden, ...TEMPORARY, ...openings];
  return hidden.filter((path) => {
    const outer = all.filter((at) => at !== path && isWithin(path, at));
    const nearest = outer.reduce((best, at) => (at.length > best.length ? at : best), "");
    return !writable.includes(path) && (nearest === "" || openings.includes(nearest));
  });
}

const TEMPORARY = ["/tmp", "/var/tmp"] as const;

/** Below one of them; not itself one, which is never shown. */
function isInTemporary(path: string): boolean {
  return TEMPORARY.some((at) => path !== at && isWithin(path, at));
}

function cachesOf(home: string, caches: string, env: Record<string, string>): Policy["cached"] {
  const cached: Policy["cached"] = [];
  for (const { folder, variable } of CACHES) {
    const path = join(home, folder);
    const name = cacheName(folder);
    // A mount option cannot hold these characters.
    const usable = real(path) === path && existsAsFolder(path) && !/[:,\\]/.test(path + caches);
    const layer = { folder: path, upper: join(caches, name), work: join(caches, `.${name}.work`) };
    if (usable && folderFor(layer.upper) && folderFor(layer.work)) cached.push(layer);
    else if (variable) env[variable] = join(caches, name);
  }
  return cached;
}

function cacheName(folder: string): string {
  return folder.replaceAll("/", "_").replace(/^\./, "");
}

/**
 * Unix sockets of other processes that a path leads to and that no hidden folder covers. They must be covered one by
 * one: a socket on a read-only mount can still be connected to.
 */
export function foreignSockets(policy: Policy): string[] {
  let list = "";
  try {
    list = readFileSync("/proc/net/unix", "utf8");
  } catch {
    return [];
  }
  const covered = [...policy.hidden.folders, ...policy.writable, "/tmp", "/var/tmp", "/dev", "/proc"];
  const paths = list.split("\n").flatMap((line) => /\s(\/\S.*)$/.exec(line)?.[1] ?? []);
  return unique(paths.flatMap((path) => real(path) ?? [])).filter((path) => !covered.some((at) => isWithin(path, at)));
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** The path without links, undefined where there is nothing or it cannot be seen. */
function real(path: string): string | undefined {
  try {
    // Most of what is asked for does not exist, and an exception costs ten times as much as an answer.
    return lstatSync(path, { throwIfNoEntry: false }) && realpathSync.native(path);
  } catch {
    return;
  }
}

function existsAsFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function unique(paths: readonly string[]): string[] {
  return [...new Set(paths)];
}
