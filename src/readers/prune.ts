import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "../base/paths.ts";
import { formatBytes, plural } from "../base/text.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import { databaseBytes } from "../memory/size.ts";
import { forgetTranscripts, recordedSizes } from "../memory/tasks.ts";
import { livingTasks } from "./interrupted.ts";
import { transcriptPath } from "./transcript.ts";

const DAY = 86_400_000;
/** A transcript that was written in the last week stays: its task is still offered to be resumed, and likely undone. */
const YOUNG = 7 * DAY;
/** So much of the limit is filled afterwards: the next day would else begin with the same work. */
const FILL = 0.9;

export interface Prune {
  paths: Pick<Paths, "database" | "sessions" | "data">;
  /** `[memory] max_storage_mb`. */
  maxMegabytes: number;
  /** Milliseconds since 1970. */
  now: number;
  /** Opens the memory, with what transcripts say and it does not have yet. */
  memory: () => Promise<MemoryDatabase>;
}

/**
 * Keeps the database and the transcripts below the limit, where it did not look for a day: the oldest transcripts go
 * first. What a task was, what it cost and what it taught stays in the memory; only going on with it and reading what was
 * said word by word is lost. Never touched are those of the last week, those of tasks at work, and those that the memory
 * does not have. Returns what the user should read; empty where nothing was done.
 */
export async function pruneDaily({ paths, maxMegabytes, now, memory }: Prune): Promise<string[]> {
  const marker = join(paths.data, "pruned");
  const last = statSync(marker, { throwIfNoEntry: false })?.mtimeMs;
  if (last !== undefined && Math.abs(now - last) < DAY) return [];
  const files = transcriptsOf(paths);
  if (files.length === 0) return [];
  // First the mark: another process must not begin the same work.
  writeFileSync(marker, "", { mode: 0o600 });
  const limit = maxMegabytes * 1e6;
  const database = databaseBytes(paths.database);
  let bytes = database + files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= limit) return [];
  // No transcript that goes would help.
  if (database > limit) return [stillOver(bytes, database, maxMegabytes)];

  const open = await memory();
  const recorded = recordedSizes(
    open,
    files.map(({ id }) => id),
  );
  const working = livingTasks(paths, () => now);
  const removed: { id: string; bytes: number; changed: number }[] = [];
  for (const file of files.sort((a, b) => a.changed - b.changed)) {
    if (bytes <= limit * FILL) break;
    if (now - file.changed < YOUNG || working.has(file.id) || recorded.get(file.id) !== file.bytes) continue;
    rmSync(transcriptPath(paths, file.id), { force: true });
    removed.push(file);
    bytes -= file.bytes;
  }
  forgetTranscripts(
    open,
    removed.map(({ id }) => id),
  );
  return [...told(removed), ...(bytes > limit ? [stillOver(bytes, database, maxMegabytes)] : [])];
}

function told(removed: readonly { bytes: number; changed: number }[]): string[] {
  const newest = removed.at(-1);
  if (!newest) return [];
  const freed = formatBytes(removed.reduce((sum, { bytes }) => sum + bytes, 0));
  const day = new Date(newest.changed).toISOString().slice(0, 10);
  return [
    `${plural(removed.length, "transcript")} of tasks up to ${day} removed (${freed}): the limit is max_storage_mb; what they taught is kept`,
  ];
}

function stillOver(bytes: number, database: number, maxMegabytes: number): string {
  return `the memory takes ${formatBytes(bytes)} (database ${formatBytes(database)}), more than max_storage_mb = ${maxMegabytes}: raise it in the config, or see openkoi learn forget`;
}

interface TranscriptFile {
  id: string;
  bytes: number;
  /** When it was last written, ms. */
  changed: number;
}

function transcriptsOf(paths: Pick<Paths, "sessions">): TranscriptFile[] {
  let names: string[];
  try {
    names = readdirSync(paths.sessions);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    if (!name.endsWith(".jsonl")) return [];
    const id = name.slice(0, -".jsonl".length);
    const stats = statSync(transcriptPath(paths, id), { throwIfNoEntry: false });
    return stats ? [{ id, bytes: stats.size, changed: stats.mtimeMs }] : [];
  });
}
