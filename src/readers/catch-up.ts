import { stat } from "node:fs/promises";
import { UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import { recordedSizes } from "../memory/tasks.ts";
import { livingTasks } from "./interrupted.ts";
import { Recording } from "./recording.ts";
import { readTranscript, transcriptIds, transcriptPath } from "./transcript.ts";

/** Transcripts whose size is compared: the newest ones. Those that the memory has never heard of are always found. */
const MOST_COMPARED = 200;
/** Rows that are written at once. */
const BATCH = 500;
/** Another process may write for so long; longer, and it is left for the next one, ms. */
const WAIT = 100;

export interface CatchUp {
  paths: Pick<Paths, "sessions" | "data">;
  memory: MemoryDatabase;
  /** Milliseconds since 1970. */
  now: () => number;
  /** True when the time for it is over: what is left is left for the next one. A transcript that was begun is ended. */
  isOver: () => boolean;
}

/**
 * Writes into the memory what transcripts say and it does not have: of killed processes, of tasks without a memory, of
 * times before it. The newest first. Returns how many transcripts were read.
 */
export async function catchUp({ paths, memory, now, isOver }: CatchUp): Promise<number> {
  const ids = await transcriptIds(paths);
  const known = recordedSizes(memory, ids);
  const working = livingTasks(paths, now);
  let read = 0;
  for (const [at, id] of ids.entries()) {
    if (isOver()) break;
    const bytes = known.get(id);
    if (working.has(id) || (bytes !== undefined && at >= MOST_COMPARED)) continue;
    const path = transcriptPath(paths, id);
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size === undefined || size === bytes) continue;
    if ((await recordTranscript(memory, id, path, size)) === "busy") break;
    read++;
  }
  return read;
}

async function recordTranscript(
  memory: MemoryDatabase,
  id: string,
  path: string,
  size: number,
): Promise<boolean | "busy"> {
  const recording = new Recording(id);
  try {
    for await (const event of readTranscript(path)) {
      recording.add(event);
      if (recording.waiting < BATCH) continue;
      const written = memory.attempt(WAIT, () => recording.write(memory));
      if (written !== true) return written;
    }
  } catch (error) {
    // Damaged, or of a later version: what could be read counts, and it is not read again until it grows.
    if (!(error instanceof UserError)) throw error;
  }
  return memory.attempt(WAIT, () => recording.complete(memory, size));
}
