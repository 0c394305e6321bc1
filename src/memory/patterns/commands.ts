import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { randomId } from "../../base/crypto/random.ts";
import { isObject } from "../../base/schema.ts";
import type { UsageEvent } from "../../contracts/memory.ts";
import type { MemoryDatabase } from "../database.ts";
import { putUsage } from "../usage.ts";

/** A command that was given. */
export type CommandNote = Pick<UsageEvent, "at" | "text" | "outcome">;

/** Where nobody takes the notes in, no more than so many bytes are kept. */
const MOST_BYTES = 256 * 1024;

/**
 * Notes a command as a line of a file: opening the database would keep the user waiting for their prompt. Several
 * processes may do so at once. `takeCommands` makes events of the lines.
 */
export function noteCommand(file: string, note: CommandNote): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MOST_BYTES) return;
  appendFileSync(file, `${JSON.stringify({ id: `c-${randomId(12)}`, ...note })}\n`, { mode: 0o600 });
}

/** Makes usage events of the commands that were noted. One that is taken in twice is one event. */
export function takeCommands(memory: MemoryDatabase, file: string): void {
  const aside = `${file}.${randomId(8)}`;
  try {
    // Out of the way of those who write: what comes from now on goes into a new file.
    renameSync(file, aside);
  } catch {
    // There is none. One that a killed process has left is taken in all the same.
  }
  for (const name of namesLike(file)) {
    const path = join(dirname(file), name);
    const notes = readNotes(path);
    memory.transaction(() => {
      for (const { id, at, text, outcome } of notes) {
        const rest = { channel: "cli", category: null, skills: [], score: null, task: null };
        putUsage(memory, { id, kind: "command", description: text, at, outcome, ...rest });
      }
    });
    rmSync(path, { force: true });
  }
}

function namesLike(file: string): string[] {
  try {
    return readdirSync(dirname(file)).filter((name) => name.startsWith(`${basename(file)}.`));
  } catch {
    return [];
  }
}

/** Lines that are torn, or no notes, are left out. */
function readNotes(path: string): (CommandNote & { id: string })[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => readNote(line) ?? []);
}

function readNote(line: string): (CommandNote & { id: string }) | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { id, at, text, outcome } = value;
  if (typeof id !== "string" || typeof text !== "string" || text === "") return undefined;
  if (typeof at !== "number" || !Number.isFinite(new Date(at).getTime())) return undefined;
  return outcome === "ok" || outcome === "failed" ? { id, at, text, outcome } : undefined;
}
