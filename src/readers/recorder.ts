import { statSync } from "node:fs";
import { abortable, sleep, withTimeout } from "../base/stream.ts";
import type { Event, Reader } from "../contracts/event.ts";
import type { MemoryDatabase } from "../memory/database.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { Recording } from "./recording.ts";
import { isPassing } from "./transcript.ts";

/** How long after its first model call a task's memory is opened: while the model thinks, nobody waits for it. */
const OPEN_AFTER = 50;
/** Rows wait so long for others to be written with, ms. What a killed process had not written is caught up by the next one. */
const GATHER = 1_000;
/** Where another process writes at this moment, the next attempt is made after so long, ms. */
const AGAIN = 250;

/** At the end it waits its turn for so long, ms. */
const LAST_WAIT = 2_000;
const LAST_AGAIN = 50;

export interface RecorderOptions {
  task: string;
  store: MemoryStore;
  /** The task's transcript: how long it is says later whether anything is missing. */
  transcript: string;
  /** Hears what the user should know: that nothing is remembered, and why. `late`: the events have ended already. */
  onNotice: (text: string, late: boolean) => void;
  /** Runs something later without keeping the process alive; returns how to call it off. */
  timer?: (ms: number, run: () => void) => () => void;
}

/**
 * Writes a task into the memory as it happens. It never holds the events up: rows are gathered, written in short
 * transactions, and wait where another process writes. The transcript is the truth: what is missing here in the end
 * (because the task was over before the memory was opened, the disk is full, the process was killed) is caught up later.
 */
export function createRecorder(options: RecorderOptions): Reader {
  const { task, store, transcript, onNotice, timer = systemTimer } = options;
  /** What came before the memory was open. */
  let early: Event[] | undefined = [];
  let recording: Recording | undefined;
  let memory: MemoryDatabase | undefined;
  let off = false;
  let late = false;
  let opening: Promise<void> | undefined;
  let callOff: (() => void) | undefined;

  /** What the engine has said already of the memory: `nothing is remembered: WHY`. */
  const heard: string[] = [];

  const pass = (): void => {
    for (const text of store.takeNotices()) if (!heard.some((why) => text.includes(why))) onNotice(text, late);
  };

  const giveUp = (error: unknown): void => {
    off = true;
    early = undefined;
    store.tell(error);
    pass();
  };

  const open = async (): Promise<void> => {
    try {
      const [{ Recording }, opened] = await Promise.all([import("./recording.ts"), store.open()]);
      memory = opened;
      recording = new Recording(task);
      for (const event of early ?? []) recording.add(event);
      early = undefined;
      // After the last event nobody shows it: it is left for who ends the process.
      if (!late) pass();
      flush();
      // What others left out is nobody's hurry.
      void store.whole().then(pass, pass);
    } catch (error) {
      giveUp(error);
    }
  };

  const flush = (): void => {
    if (off || !memory || !recording?.isBehind) return;
    try {
      const written = memory.attempt(0, () => recording!.write(memory!));
      if (written === "busy") later(AGAIN, flush);
      else off = !written;
    } catch (error) {
      giveUp(error);
    }
  };

  const later = (ms: number, run: () => void): void => {
    callOff ??= timer(ms, () => {
      callOff = undefined;
      run();
    });
  };

  const take = (event: Event): void => {
    if (event.type === "warning" && event.code === "memory") heard.push(event.message.replace(/^[^:]*: /, ""));
    if (off || isPassing(event.type)) return;
    if (recording) recording.add(event);
    else early?.push(event);
  };

  return {
    recall: (history) => history.forEach(take),
    receive(event) {
      take(event);
      if (recording) later(GATHER, flush);
      else if (event.type === "model_started" && !opening) {
        later(OPEN_AFTER, () => {
          opening = open();
        });
      }
    },
    async close() {
      late = true;
      // Another process may be bringing it forward.
      if (opening) {
        using limit = withTimeout(new AbortController().signal, LAST_WAIT);
        await abortable(opening, limit.signal).catch(() => {});
      }
      callOff?.();
      if (off || !memory || !recording) return;
      try {
        const size = statSync(transcript).size;
        const end = performance.now() + LAST_WAIT;
        const isWritten = () => memory!.attempt(0, () => recording!.complete(memory!, size)) !== "busy";
        // What is not written by then is caught up later.
        while (!isWritten() && performance.now() < end) await sleep(LAST_AGAIN, new AbortController().signal);
      } catch (error) {
        giveUp(error);
      }
    },
  };
}

const systemTimer: NonNullable<RecorderOptions["timer"]> = (ms, run) => {
  const pending = setTimeout(run, ms);
  pending.unref();
  return () => clearTimeout(pending);
};
