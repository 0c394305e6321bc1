import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { randomId } from "../../base/crypto/random.ts";
import type { Paths } from "../../base/paths.ts";
import { fingerprint } from "../files.ts";
import { copySkill } from "./copy.ts";
import { recordInstalled, recordOf } from "./record.ts";
import type { Candidate } from "./survey.ts";

export type InstallPaths = Pick<Paths, "skills" | "evaluators" | "home">;

/** How what is there stands to what would be installed. */
export interface Existing {
  /** Absolute. */
  folder: string;
  /** Exactly the same files. */
  same: boolean;
  /** The user changed it since it was installed, or nobody knows where it is from. */
  changed: boolean;
  /** Where it was installed from. */
  origin: string | undefined;
}

/** Where a skill comes to lie. */
export function placeFor({ facts, target }: Candidate, { skills, evaluators }: InstallPaths): string {
  return join((facts.kind === "evaluator" ? evaluators : skills).managed, target);
}

/** What lies there already; undefined where nothing does. */
export async function existingFor(candidate: Candidate, paths: InstallPaths): Promise<Existing | undefined> {
  const folder = placeFor(candidate, paths);
  if (!existsSync(folder)) return undefined;
  const record = await recordOf(paths, folder);
  const now = fingerprint(folder);
  return {
    folder,
    same: now === fingerprint(candidate.folder),
    changed: record?.sha256 !== now,
    origin: record?.origin,
  };
}

/**
 * Installs a skill: copied beside its place, then put there with one rename, so that nobody ever sees half of it. What
 * was there before goes. Nothing of it is run. Returns its folder.
 *
 * @throws UserError for files that no skill may hold
 */
export async function install(
  candidate: Candidate,
  origin: string,
  paths: InstallPaths,
  now: number,
  signal: AbortSignal,
): Promise<string> {
  const folder = placeFor(candidate, paths);
  const beside = (what: string) => join(folder, "..", `.${candidate.target}.${what}.${randomId(8)}`);
  const fresh = beside("new");
  mkdirSync(join(folder, ".."), { recursive: true, mode: 0o700 });
  try {
    copySkill(candidate.folder, fresh);
    signal.throwIfAborted();
    const sha256 = fingerprint(fresh);
    putInPlace(fresh, folder, beside("old"));
    await recordInstalled(paths, folder, { origin, sha256, installedAt: new Date(now).toISOString() }, signal);
    return folder;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Renames a new folder to where another one may lie, which goes: by way of `aside`, and back where that fails. */
export function putInPlace(fresh: string, folder: string, aside: string, rename = renameSync): void {
  const isReplaced = existsSync(folder);
  if (isReplaced) rename(folder, aside);
  try {
    rename(fresh, folder);
  } catch (error) {
    if (isReplaced) rename(aside, folder);
    throw error;
  }
  rmSync(aside, { recursive: true, force: true });
}
