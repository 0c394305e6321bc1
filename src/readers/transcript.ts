import { createReadStream, mkdirSync, statSync, utimesSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, UserError } from "../base/errors.ts";
import { Appender } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import { isObject } from "../base/schema.ts";
import { EVENT_VERSION, type Event, type EventType, type PassingType, type Reader } from "../contracts/event.ts";

/** The durable record of one task. */
export interface Transcript extends Reader {
  readonly path: string;
}

/** Where the transcript of a task lies. */
export function transcriptPath(paths: Pick<Paths, "sessions">, task: string): string {
  return join(paths.sessions, `${task}.jsonl`);
}

/** How often a task's process shows on its transcript's file that it lives, ms. */
const BEAT = 1_000;

/** When the process of a task was last seen alive, ms: while it lives, it touches its transcript every second. */
export function lastAlive(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/**
 * Appends every durable event as one JSON line. An event has reached the system when `receive` returns, so that a killed
 * process loses none; the disk, too, before and after everything that changes something outside this file: tools with
 * effects, files that are put back, questions, the end.
 */
export function createTranscript(options: { paths: Pick<Paths, "sessions">; task: string }): Transcript {
  const path = transcriptPath(options.paths, options.task);
  mkdirSync(options.paths.sessions, { recursive: true, mode: 0o700 });
  const file = new Appender(path);
  let beat: ReturnType<typeof setInterval> | undefined;
  const live = (): void => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // Somebody took the file away: the next event will say so.
    }
  };
  /** Calls with effects that are running. */
  const effects = new Set<string>();

  const mustSync = (event: Event): boolean => {
    switch (event.type) {
      case "tool_started":
        if (event.effect === "read") return false;
        effects.add(`${event.agent} ${event.call.id}`);
        return true;
      case "tool_finished":
        return effects.delete(`${event.agent} ${event.id}`);
      case "asked":
      case "answered":
      case "restored":
      case "task_finished":
        return true;
      default:
        return false;
    }
  };

  return {
    path,
    receive(event) {
      if (isPassing(event.type)) return;
      beat ??= setInterval(live, BEAT).unref();
      return file.append(`${JSON.stringify(event)}\n`, { sync: mustSync(event) });
    },
    async close() {
      clearInterval(beat);
      await file.close();
    },
  };
}

/** True for events that no transcript holds. */
export function isPassing(type: EventType): type is PassingType {
  return type === "text" || type === "reasoning" || type === "tool_output";
}

/**
 * The events of a transcript in order, those up to number `after` left out. A last line that a crash tore is ignored.
 * @throws UserError where the file is missing, damaged before its last line, or of a later version of the program.
 */
export async function* readTranscript(path: string, after = 0): AsyncGenerator<Event> {
  let number = 0;
  let held: string | undefined;
  for await (const line of linesOf(path)) {
    // Only the last line may be torn, so each is read when the next one is there.
    if (held !== undefined) {
      const event = parseEvent(held, path, ++number);
      if (event.seq > after) yield event;
    }
    held = line;
  }
  if (held === undefined) return;
  const last = isWhole(held) ? parseEvent(held, path, ++number) : undefined;
  if (last && last.seq > after) yield last;
}

/** Ids of the tasks that have a transcript, newest first: an id begins with its time. */
export async function transcriptIds(paths: Pick<Paths, "sessions">): Promise<string[]> {
  const names = await readdir(paths.sessions).catch(() => []);
  return names
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => name.slice(0, -".jsonl".length))
    .sort()
    .reverse();
}

/** The first event of a transcript; undefined where there is none to read. */
export async function firstEvent(path: string): Promise<Event | undefined> {
  try {
    for await (const event of readTranscript(path)) return event;
  } catch (error) {
    // One that is damaged, or of a later version, must not hide the others.
    if (!(error instanceof UserError)) throw error;
  }
  return;
}

/** How much of the end of a transcript is looked at first, bytes. */
const TAIL = 64 * 1024;

/** The last event of a transcript; undefined where there is none or a crash tore it. */
export async function lastEvent(path: string): Promise<Event | undefined> {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) return;
  try {
    const { size } = await file.stat();
    for (let length = Math.min(TAIL, size); length > 0; length = Math.min(length * 8, size)) {
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
      const lines = buffer.toString().trimEnd().split("\n");
      const last = lines.pop() ?? "";
      if (lines.length > 0 || length === size) return isWhole(last) ? (JSON.parse(last) as Event) : undefined;
    }
  } finally {
    await file.close();
  }
  return;
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of createReadStream(path)) {
      const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    throw new UserError(`the transcript cannot be read: ${messageOf(error)}`, "See openkoi status for known tasks.");
  }
  if (rest !== "") yield rest;
}

function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

function parseEvent(line: string, path: string, number: number): Event {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (!isObject(value) || typeof value["seq"] !== "number" || typeof value["type"] !== "string") {
    throw new UserError(`${path}, line ${number} is not an event`, "The transcript is damaged; start the task anew.");
  }
  if (typeof value["v"] !== "number" || value["v"] > EVENT_VERSION) {
    throw new UserError(`${path} was written by a later version of OpenKoi`, "Update OpenKoi to read it.");
  }
  return value as unknown as Event;
}
