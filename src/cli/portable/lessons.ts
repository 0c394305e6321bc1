import { existsSync } from "node:fs";
import type { Paths } from "../../base/paths.ts";
import { showControl } from "../../base/text.ts";
import type { Event } from "../../contracts/event.ts";
import type { Learning } from "../../contracts/memory.ts";
import type { MemoryDatabase } from "../../memory/database.ts";
import { type Incoming, idsOf, type PortableRow } from "../../memory/portable.ts";
import { Recording } from "../../readers/recording.ts";
import { Taught } from "../../readers/taught.ts";
import { transcriptPath } from "../../readers/transcript.ts";
import { TYPES } from "../learn-view.ts";
import { brokenAt } from "./document.ts";

/** What an import would teach: it is recalled for tasks from then on. */
export interface NewLessons {
  /** A line each: what is to be done with it, and its words, all of them. */
  lines: string[];
  /** Sessions whose transcripts teach one: a memory that is lost is made of transcripts. */
  taughtIn: ReadonlySet<string>;
}

/**
 * The lessons of an export that are not here yet: those in its table, and those in transcripts that are not here.
 * @throws UserError for a transcript whose events are none
 */
export function newLessons(
  { memory, paths, file }: { memory: MemoryDatabase; paths: Pick<Paths, "sessions">; file: string },
  incoming: readonly Incoming[],
  transcripts: ReadonlyMap<string, string>,
): NewLessons {
  const known = idsOf(memory, "learnings", "id");
  const lines = new Set<string>();
  for (const { id, type, content } of rowsOf(incoming, "learnings")) {
    if (!known.has(id ?? null)) lines.add(lineOf(String(type), String(content)));
  }
  const taughtIn = new Set<string>();
  for (const [session, text] of transcripts) {
    if (existsSync(transcriptPath(paths, session))) continue;
    const broken = () => brokenAt(file, `transcript ${session}`, "it holds an event that cannot be read");
    for (const { type, content } of taughtBy(session, text, broken)) {
      lines.add(lineOf(String(type), String(content)));
      taughtIn.add(session);
    }
  }
  return { lines: [...lines], taughtIn };
}

/** The same without lessons that are not here, and without what became of those. */
export function withoutLessons(memory: MemoryDatabase, incoming: readonly Incoming[]): Incoming[] {
  const known = idsOf(memory, "learnings", "id");
  const column: Partial<Record<Incoming["table"], string>> = { learnings: "id", learning_uses: "learning_id" };
  return incoming.map((part) => {
    const name = column[part.table];
    if (name === undefined) return part;
    const kept = part.rows
      .map((row, at) => ({ row, place: part.placeOf(at) }))
      .filter(({ row }) => known.has(row[name] ?? null));
    return { ...part, rows: kept.map(({ row }) => row), placeOf: (at) => kept[at]?.place ?? part.table };
  });
}

function rowsOf(incoming: readonly Incoming[], table: Incoming["table"]): PortableRow[] {
  return incoming.filter((part) => part.table === table).flatMap(({ rows }) => rows);
}

/** What the memory would learn of it, as it reads one (readers/recording.ts). */
function taughtBy(session: string, transcript: string, broken: () => Error): Learning[] {
  const taught = new Taught();
  // One that the memory cannot read would keep it from reading those behind it.
  const recording = new Recording(session);
  const lessons: Learning[] = [];
  let seq = 0;
  try {
    for (const line of transcript.trimEnd().split("\n")) {
      const event = JSON.parse(line) as Event;
      recording.add(event);
      if (event.seq <= seq) continue;
      seq = event.seq;
      if (event.agent === "main") lessons.push(...taught.add(event));
    }
  } catch {
    throw broken();
  }
  return lessons;
}

/** `prefer: …`, in one line. */
function lineOf(type: string, content: string): string {
  const verb = Object.hasOwn(TYPES, type) ? TYPES[type as keyof typeof TYPES] : type;
  return showControl(`${verb}: ${content.replace(/\s+/g, " ").trim()}`);
}
