import { stat } from "node:fs/promises";
import { UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import { patiently } from "../memory/patience.ts";
import { recordedSizes } from "../memory/tasks.ts";
import { noteUndone } from "../memory/uses.ts";
import { livingTasks, undoneSince } from "./interrupted.ts";
import { Recording } from "./recording.ts";
import { readTranscript, transcriptIds, transcriptPath } from "./transcript.ts";

/** Transcripts whose size is compared: the newest ones. Those that the memory has never heard of are always found. */
const MOST_COMPARED = 200;
/** Rows that are written at once. */
const BATCH = 500;
/** Another process may write for so long; longer, and it is left for the next one, ms. */
const WAIT = 100;

type RecordPaths = Pick<Paths, "sessions" | "data" | "checkpoints">;

export interface CatchUp {
  paths: RecordPaths;
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
    const size = (await stat(transcriptPath(paths, id)).catch(() => undefined))?.size;
    if (size === undefined || size === bytes) continue;
    if ((await recordTranscript(paths, memory, id, size)) === "busy") break;
    read++;
  }
  return read;
}

/**
 * Says in the memory that the user put back what a task changed, or brought it again: as the task's folder tells. What the
 * memory does not know of the task yet it reads first. @throws the signal's reason where another process writes for so long.
 */
export async function recordUndoing(
  paths: RecordPaths,
  memory: MemoryDatabase,
  task: UndoneTask,
  signal: AbortSignal,
): Promise<void> {
  const undone = (await undoneSince(paths, task)) ?? null;
  if (await patiently(() => noteUndone(memory, task.id, undone), signal)) return;
  const size = (await stat(transcriptPath(paths, task.id)).catch(() => undefined))?.size;
  if (size !== undefined) await recordTranscript(paths, memory, task.id, size);
}

type UndoneTask = { id: string; workspace: string };

async function recordTranscript(
  paths: RecordPaths,
  memory: MemoryDatabase,
  id: string,
  size: number,
): Promise<boolean | "busy"> {
  const recording = new Recording(id);
  try {
    for await (const event of readTranscript(transcriptPath(paths, id))) {
      recording.add(event);
      if (recording.waiting < BATCH) continue;
      const written = memory.attempt(WAIT, () => recording.write(memory));
      if (written !== true) return written;
    }
  } catch (error) {
    // Damaged, or of a later version: what could be read counts, and it is not read again until it grows.
    if (!(error instanceof UserError)) throw error;
  }
  const undone = recording.task && (await undoneSince(paths, recording.task));
  return memory.attempt(WAIT, () => {
    const written = recording.complete(memory, size);
    if (undone !== undefined) noteUndone(memory, id, undone);
    return written;
  });
}
