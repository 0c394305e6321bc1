import { chmodSync, existsSync, readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { messageOf, UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { formatBytes } from "../base/text.ts";
import { openDatabase } from "../memory/database.ts";
import { faultsOf, type Inspection, inspect, tidyLog } from "../memory/inspect.ts";
import type { Diagnosis } from "./doctor-files.ts";

/** Faults that are shown; more of the same say nothing new. */
const MOST_FAULTS = 3;

/** The database: whether it can be used, whole, ours and the user's alone. `fix` mends its mode and empties its log. */
export function memoryFindings(paths: Pick<Paths, "database">, fix: boolean): Diagnosis[] {
  const path = paths.database;
  try {
    const found = inspect(path);
    return [
      stateFinding(path, found),
      ...(found.kind.is === "known" ? faultFindings(path, fix) : []),
      ...modeFindings(path, found.mode, fix),
      ...asideFindings(path),
    ];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [{ state: "broken", text: error.message, remedy: error.remedy }];
  }
}

function stateFinding(path: string, { kind, latest, bytes }: Inspection): Diagnosis {
  const size = formatBytes(bytes);
  switch (kind.is) {
    case "empty":
      return { state: "ok", text: `${path} (with the first task)` };
    case "known":
      if (kind.schema === latest) return { state: "ok", text: `${path}: schema ${kind.schema}, ${size}` };
      return {
        state: "note",
        text: `${path}: schema ${kind.schema}, ${size}`,
        remedy: `The next task brings it to schema ${latest}; openkoi migrate does it now.`,
      };
    case "newer":
      return {
        state: "broken",
        text: `${path} has schema ${kind.schema}, and this version knows ${latest}: tasks go on without memory`,
        remedy: "Update OpenKoi, or name another data folder with OPENKOI_DATA.",
      };
    case "earlier":
      return {
        state: "note",
        text: `${path} is of the earlier program (schema ${kind.schema})`,
        remedy: "The next task carries it over and keeps the file; openkoi migrate does it now.",
      };
    case "damaged":
    case "foreign":
      return {
        state: "broken",
        text: `${path} is ${kind.is === "damaged" ? "damaged" : "not a memory of OpenKoi"}`,
        remedy: "The next task sets it aside and begins a new one; openkoi migrate does it now.",
      };
  }
}

function faultFindings(path: string, fix: boolean): Diagnosis[] {
  const faults = faultsOf(path);
  if (faults.length > 0) {
    return faults.slice(0, MOST_FAULTS).map((fault) => ({
      state: "broken",
      text: `${path}: ${fault}`,
      remedy: `Move it away (mv ${path} ${path}.broken): the next task begins a new one from the transcripts; copies lie in ${dirname(path)}/backups.`,
    }));
  }
  if (!fix) return [{ state: "ok", text: "it is whole" }];
  try {
    using memory = openDatabase({ path, now: () => Date.now(), onNotice: () => {} });
    tidyLog(memory);
    return [{ state: "ok", text: "it is whole, and its log is empty" }];
  } catch (error) {
    return [{ state: "note", text: `its log was not emptied: ${messageOf(error)}` }];
  }
}

function modeFindings(path: string, mode: number | undefined, fix: boolean): Diagnosis[] {
  if (mode === undefined || (mode & 0o077) === 0) return [];
  const text = `${path} can be read by others (${mode.toString(8)})`;
  if (!fix) return [{ state: "broken", text, remedy: `openkoi doctor --fix, or: chmod 600 ${path}` }];
  try {
    for (const end of ["", "-wal", "-shm"]) if (existsSync(path + end)) chmodSync(path + end, 0o600);
    return [{ state: "ok", text: `${path} (600, mended)` }];
  } catch (error) {
    return [{ state: "broken", text: `${path}: ${messageOf(error)}`, remedy: `Its owner can: chmod 600 ${path}` }];
  }
}

/** Files that were set aside are kept until the user removes them. */
function asideFindings(path: string): Diagnosis[] {
  const folder = dirname(path);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const aside = names.filter(
    (name) => name.startsWith(`${basename(path)}.`) && /\.(?:broken|earlier)-[\d-]+$/.test(name),
  );
  if (aside.length === 0) return [];
  return [
    {
      state: "note",
      text: `set aside: ${aside.join(", ")}`,
      remedy: `Remove what you do not need any more from ${folder}.`,
    },
  ];
}
