import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { giveWay } from "../base/stream.ts";
import { formatBytes, plural } from "../base/text.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import { databaseFault } from "../memory/faults.ts";
import { pruneUsage, pruneWords, type Removed, usedBytes } from "../memory/limits.ts";
import { databaseBytes } from "../memory/size.ts";
import { forgetTranscripts, recordedSizes } from "../memory/tasks.ts";
import { livingTasks } from "./interrupted.ts";
import { transcriptPath } from "./transcript.ts";

const DAY = 86_400_000;
/** A transcript that was written in the last week stays: its task is still offered to be resumed, and likely undone. */
const YOUNG = 7 * DAY;
/** Habits are mined of the last 30 days; what is told of them may look back further. */
const MINED = 90 * DAY;
/** So much of the limit is filled afterwards: the next day would else begin with the same work. */
const FILL = 0.9;
/** Another process may write for so long; longer, and the rest is left for the next time, ms. */
const WAIT = 100;

export interface Prune {
  paths: Pick<Paths, "database" | "sessions" | "data">;
  /** `[memory] max_storage_mb`. */
  maxMegabytes: number;
  /** Milliseconds since 1970. */
  now: number;
  /** Opens the memory, with what transcripts say and it does not have yet. */
  memory: () => Promise<MemoryDatabase>;
  /** True when the time for it is over; what is left goes after the next task. Asked between pieces of work. */
  isOver: () => boolean;
}

/**
 * Keeps the database and the transcripts below the limit, where it did not look for a day. The oldest go first: transcripts,
 * down to half of the limit; then what was said in tasks goes out of the search, then usage events that habits are no longer
 * mined of, then more transcripts. What a task was, what it cost and what it taught stays in the memory. Never touched are
 * those of the last week, transcripts of tasks at work, and those that the memory does not have. Returns what the user should
 * read: all that is gone, also where the rest failed; empty where nothing was done.
 */
export async function pruneDaily({ paths, maxMegabytes, now, memory, isOver }: Prune): Promise<string[]> {
  const marker = join(paths.data, "pruned");
  const last = statSync(marker, { throwIfNoEntry: false })?.mtimeMs;
  if (last !== undefined && Math.abs(now - last) < DAY) return [];
  const files = transcriptsOf(paths);
  if (files.length === 0 && !existsSync(paths.database)) return [];
  // First the mark: another process must not begin the same work.
  writeFileSync(marker, "", { mode: 0o600 });
  const limit = maxMegabytes * 1e6;
  const all = files.reduce((sum, file) => sum + file.bytes, 0);
  if (databaseBytes(paths.database) + all <= limit) return [];

  const open = await memory();
  // What was removed from it leaves room in the file, which is filled before the file grows.
  const database = () => usedBytes(open);
  const transcripts = new Transcripts(open, files, removable(paths, open, now, files));
  const bytes = () => database() + transcripts.bytes;
  if (bytes() <= limit) return [];
  const fill = limit * FILL;
  // Where the database alone is over the limit no transcript that goes would help.
  const isHopeless = () => database() > limit;
  const words = new Gone();
  const usage = new Gone();

  async function removeAll(): Promise<boolean> {
    if (!(await transcripts.remove(() => isHopeless() || bytes() <= fill || transcripts.bytes <= fill / 2, isOver))) {
      return false;
    }
    const most = Math.max(fill / 2, fill - transcripts.bytes);
    const wordsOf = { most, before: isoTime(now - YOUNG), isOver, onRemoved: words.add };
    if (!(await pruneWords(open, wordsOf))) return false;
    const usageOf = { most, before: isoTime(now - MINED), isOver, onRemoved: usage.add };
    if (!(await pruneUsage(open, usageOf))) return false;
    return transcripts.remove(() => isHopeless() || bytes() <= fill, isOver);
  }

  const rest: string[] = [];
  try {
    // A limit that a second's work does not reach is not left for a day.
    if (!(await removeAll())) rmSync(marker, { force: true });
    else if (bytes() > limit) rest.push(stillOver(bytes(), database(), maxMegabytes));
  } catch (error) {
    const reason = messageOf(databaseFault(error, paths.database));
    rest.push(`what is beyond max_storage_mb could not all be removed: ${reason}`);
  }
  return [
    ...told(transcripts.removed),
    ...toldRows(words, "piece", "of what was said in tasks", "found no more"),
    ...toldRows(usage, "usage event", "", "removed"),
    ...rest,
  ];
}

/** The sum of what was removed. */
class Gone implements Removed {
  rows = 0;
  upto = "";

  readonly add = ({ rows, upto }: Removed): void => {
    this.rows += rows;
    if (upto > this.upto) this.upto = upto;
  };
}

/** The transcripts that there are, and what was removed of them. */
class Transcripts {
  bytes: number;
  readonly removed: TranscriptFile[] = [];
  readonly #memory: MemoryDatabase;
  readonly #oldest: TranscriptFile[];

  constructor(memory: MemoryDatabase, all: readonly TranscriptFile[], removable: readonly TranscriptFile[]) {
    this.#memory = memory;
    this.bytes = all.reduce((sum, file) => sum + file.bytes, 0);
    this.#oldest = [...removable].sort((a, b) => a.changed - b.changed);
  }

  /** The oldest, until it is enough. False where time was over, or another process was writing, before that. */
  async remove(isEnough: () => boolean, isOver: () => boolean): Promise<boolean> {
    for (let file = this.#oldest[0]; file && !isEnough(); file = this.#oldest[0]) {
      await giveWay();
      if (isOver()) return false;
      const { id, path, bytes } = file;
      // Together: a file goes only where the memory can say so.
      const gone = this.#memory.attempt(WAIT, () => {
        forgetTranscripts(this.#memory, [id]);
        rmSync(path, { force: true });
      });
      if (gone === "busy") return false;
      this.#oldest.shift();
      this.removed.push(file);
      this.bytes -= bytes;
    }
    return true;
  }
}

/** Those that nobody needs any more and the memory has. */
function removable(
  paths: Prune["paths"],
  memory: MemoryDatabase,
  now: number,
  files: readonly TranscriptFile[],
): TranscriptFile[] {
  const recorded = recordedSizes(
    memory,
    files.map(({ id }) => id),
  );
  const working = livingTasks(paths, () => now);
  return files.filter(
    ({ id, bytes, changed }) => now - changed >= YOUNG && !working.has(id) && recorded.get(id) === bytes,
  );
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

function toldRows({ rows, upto }: Removed, what: string, of: string, became: string): string[] {
  if (rows === 0) return [];
  const named = [plural(rows, what), of, `up to ${upto.slice(0, 10)} ${became}`].filter((part) => part !== "");
  return [`${named.join(" ")}: the limit is max_storage_mb; what tasks taught is kept`];
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function stillOver(bytes: number, database: number, maxMegabytes: number): string {
  return `the memory takes ${formatBytes(bytes)} (database ${formatBytes(database)}), more than max_storage_mb = ${maxMegabytes}: raise it in the config, or see openkoi learn forget`;
}

interface TranscriptFile {
  id: string;
  path: string;
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
    const path = transcriptPath(paths, id);
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats ? [{ id, path, bytes: stats.size, changed: stats.mtimeMs }] : [];
  });
}
