import { constants } from "node:fs";
import { access, chmod, lstat, readdir, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";

/** One thing that was looked at. `broken` is what keeps tasks from running or leaves a secret open. */
export interface Diagnosis {
  state: "ok" | "note" | "broken";
  text: string;
  /** What to do about it. */
  remedy?: string;
  /** A file whose mode `--fix` sets. */
  fix?: { path: string; mode: number };
}

/** Free space below which tasks will soon fail, and below which that is worth saying, bytes. */
const TOO_LITTLE = 100_000_000;
const LITTLE = 1_000_000_000;

/** Folders that must be writable, secrets that must be the user's alone. */
export async function fileFindings(paths: Paths): Promise<Diagnosis[]> {
  const secrets = [paths.auth, ...(await keysIn(paths.credentials))];
  const folders = await Promise.all([paths.home, paths.data, paths.state, paths.sessions].map(folderFinding));
  const modes = await Promise.all([
    modeFinding(paths.credentials, 0o700),
    ...secrets.map((path) => modeFinding(path, 0o600)),
  ]);
  return [...folders, ...modes.flatMap((found) => found ?? [])];
}

async function keysIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith(".key") || name.endsWith(".json")).map((name) => join(folder, name));
}

async function folderFinding(path: string): Promise<Diagnosis> {
  const there = await nearestExisting(path);
  try {
    if (!(await stat(there)).isDirectory()) throw new Error("it is not a folder");
    await access(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    return {
      state: "broken",
      text: `${there}: ${messageOf(error)}`,
      remedy: `Make ${path} a folder that you may write to.`,
    };
  }
  return { state: "ok", text: there === path ? path : `${path} (will be created)` };
}

/** The path itself or the nearest folder above it that is there. */
async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    if (at === dirname(at) || (await lstat(at).catch(() => undefined))) return at;
  }
}

/** Undefined where there is no such file. */
async function modeFinding(path: string, wanted: number): Promise<Diagnosis | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return;
  const mode = found.mode & 0o777;
  const open = (mode & 0o077) !== 0;
  if (!open) return { state: "ok", text: `${path} (${octal(mode)})` };
  return {
    state: "broken",
    text: `${path} can be read by others (${octal(mode)})`,
    remedy: `openkoi doctor --fix, or: chmod ${octal(wanted)} ${path}`,
    fix: { path, mode: wanted },
  };
}

/** Sets the mode where that is the problem; says what became of it. */
export async function mend(diagnosis: Diagnosis): Promise<Diagnosis> {
  if (!diagnosis.fix) return diagnosis;
  const { path, mode } = diagnosis.fix;
  try {
    await chmod(path, mode);
    return { state: "ok", text: `${path} (${octal(mode)}, mended)` };
  } catch (error) {
    return {
      state: "broken",
      text: `${path}: ${messageOf(error)}`,
      remedy: `Its owner can: chmod ${octal(mode)} ${path}`,
    };
  }
}

/** Room where transcripts and checkpoints are written. */
export async function diskFindings(paths: Paths): Promise<Diagnosis[]> {
  const there = await nearestExisting(paths.data);
  const found = await statfs(there).catch(() => undefined);
  if (!found) return [{ state: "note", text: `the free space at ${there} is not known` }];
  const free = found.bavail * found.bsize;
  const text = `${(free / 1e9).toFixed(1)} GB free at ${there}`;
  if (free >= LITTLE) return [{ state: "ok", text }];
  return [
    { state: free < TOO_LITTLE ? "broken" : "note", text, remedy: "Make room; OPENKOI_DATA moves the data elsewhere." },
  ];
}

function octal(mode: number): string {
  return mode.toString(8).padStart(3, "0");
}
