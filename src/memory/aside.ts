import { existsSync, linkSync, renameSync } from "node:fs";

/** SQLite keeps these beside a database. */
const COMPANIONS = ["", "-wal", "-shm"] as const;

/** `20261123-101502`, UTC. `now` in ms. */
export function stampOf(now: number): string {
  const digits = new Date(now).toISOString().replace(/\D/g, "");
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}`;
}

/**
 * Renames a database, with its log, to `PATH.WHY-STAMP` beside it; nothing is ever overwritten or deleted. Returns where
 * it lies now.
 */
export function setAside(path: string, why: "broken" | "earlier", now: number): string {
  const aside = freeName(path, why, now);
  for (const end of COMPANIONS) if (existsSync(path + end)) renameSync(path + end, aside + end);
  return aside;
}

/**
 * The same for one whose place another file takes at once: until then it lies at both names, so that a process that is
 * killed in between leaves a database at `path`. Where the file system knows no second names it is renamed.
 */
export function linkAside(path: string, why: "earlier", now: number): string {
  const aside = freeName(path, why, now);
  try {
    linkSync(path, aside);
  } catch {
    return setAside(path, why, now);
  }
  // The new file must not be read with the log of the old one.
  for (const end of COMPANIONS) if (end !== "" && existsSync(path + end)) renameSync(path + end, aside + end);
  return aside;
}

function freeName(path: string, why: string, now: number): string {
  const stem = `${path}.${why}-${stampOf(now)}`;
  let aside = stem;
  for (let n = 2; COMPANIONS.some((end) => existsSync(aside + end)); n++) aside = `${stem}-${n}`;
  return aside;
}
