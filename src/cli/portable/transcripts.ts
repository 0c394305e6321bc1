import { existsSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import { ensureDir, writeAtomic } from "../../base/files.ts";
import type { Paths } from "../../base/paths.ts";
import { isObject } from "../../base/schema.ts";
import { readTranscript, transcriptIds, transcriptPath } from "../../readers/transcript.ts";
import { brokenAt, type ExportRow, type InTable } from "./document.ts";

/** A session's id is a file's name. */
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/** Every event of every transcript, oldest first. `onDamaged` hears of one that cannot be read to its end. */
export async function* transcriptRows(
  paths: Pick<Paths, "sessions">,
  onDamaged: (message: string) => void,
): AsyncGenerator<ExportRow> {
  for (const session of (await transcriptIds(paths)).reverse()) {
    if (!SESSION_ID.test(session)) continue;
    try {
      for await (const event of readTranscript(transcriptPath(paths, session))) {
        yield { session, event: JSON.stringify(event) };
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      onDamaged(error.message);
    }
  }
}

/** The transcripts as texts, by session. @throws UserError for a row that is no event */
export function readTranscriptRows({ rows, placeOf }: InTable, file: string): Map<string, string> {
  const lines = new Map<string, string[]>();
  rows.forEach(({ session, event }, at) => {
    if (typeof session !== "string" || !SESSION_ID.test(session)) {
      throw brokenAt(file, placeOf(at), `${JSON.stringify(session)} is no session`);
    }
    if (typeof event !== "string" || !isEvent(event)) throw brokenAt(file, placeOf(at), "event: not an event");
    const known = lines.get(session) ?? [];
    if (known.length === 0) lines.set(session, known);
    known.push(event);
  });
  return new Map([...lines].map(([session, events]) => [session, events.map((event) => `${event}\n`).join("")]));
}

function isEvent(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return (
      isObject(value) && typeof value["seq"] === "number" && typeof value["type"] === "string" && !text.includes("\n")
    );
  } catch {
    return false;
  }
}

/** Writes the transcripts that are not there yet; returns how many. */
export async function writeTranscripts(
  paths: Pick<Paths, "sessions">,
  texts: ReadonlyMap<string, string>,
): Promise<number> {
  await ensureDir(paths.sessions, 0o700);
  let written = 0;
  for (const [session, text] of texts) {
    const path = transcriptPath(paths, session);
    if (existsSync(path)) continue;
    await writeAtomic(path, text, { mode: 0o600 });
    written++;
  }
  return written;
}
