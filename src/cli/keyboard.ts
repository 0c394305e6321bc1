import { EventEmitter } from "node:events";
import { constants, openSync } from "node:fs";
import { ReadStream } from "node:tty";

/** What is asked of a keyboard. `process.stdin` fits. */
export interface Keyboard {
  on(event: "data" | "end", listener: (chunk: Uint8Array | string) => void): unknown;
  off(event: "data" | "end", listener: (chunk: Uint8Array | string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
  /** Absent where single keys cannot be read: then whole lines are. */
  setRawMode?(on: boolean): unknown;
}

export const CTRL_C = "\x03";

/** A keyboard that was opened for one question and is given back after it. */
export interface OpenKeyboard {
  input: Keyboard;
  release(): void;
}

/** The terminal that the program was started at, where standard input is something else; undefined where there is none. */
export function openTerminal(): OpenKeyboard | undefined {
  let fd: number;
  try {
    fd = openSync("/dev/tty", constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return;
  }
  // Reads nothing: its read would wait in a thread for a key that nobody presses, and the process with it.
  const settings = new ReadStream(fd);
  const events = new EventEmitter();
  const reader = Bun.file(fd).stream().getReader() as KeyReader;
  const pass = async () => {
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
      if (done || !value) break;
      events.emit("data", value);
    }
    events.emit("end");
  };
  let begun = false;
  return {
    input: {
      on: (event, listener) => events.on(event, listener),
      off: (event, listener) => events.off(event, listener),
      resume() {
        if (!begun) void pass();
        begun = true;
      },
      pause() {},
      setRawMode: (on) => settings.setRawMode(on),
    },
    release() {
      void reader.cancel().catch(() => {});
      settings.destroy();
    },
  };
}

type KeyReader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** What is typed, until `close`. */
export interface Keys {
  /** True where single keys come, false where whole lines do. */
  raw: boolean;
  /** Throws away what was typed before. */
  discard(ms: number): Promise<void>;
  /** The next key or line; undefined when the terminal is gone. Rejects when aborted. */
  next(signal: AbortSignal): Promise<string | undefined>;
  close(): void;
}

/** Begins to read single keys (`single`), or lines where that is not possible or not wanted. */
export function openKeys(input: Keyboard, single: boolean): Keys {
  const raw = single && setRaw(input, true);
  let typed: string[] = [];
  let ended = false;
  let partial = "";
  let wake = () => {};
  const decoder = new TextDecoder();
  const onData = (chunk: Uint8Array | string) => {
    // A slow line may bring a character in two pieces.
    const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (raw) typed.push(text);
    else {
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      typed.push(...lines.map((line) => line.trim()));
    }
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  input.on("data", onData);
  input.on("end", onEnd);
  input.resume();
  return {
    raw,
    async discard(ms) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      typed = typed.filter((text) => text.includes(CTRL_C));
      partial = "";
    },
    async next(signal) {
      const onAbort = () => wake();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        for (;;) {
          signal.throwIfAborted();
          const text = typed.shift();
          if (text !== undefined) return text;
          if (ended) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    close() {
      input.off("data", onData);
      input.off("end", onEnd);
      if (raw) setRaw(input, false);
      input.pause();
    },
  };
}

/** False where the terminal does not do it. */
function setRaw(input: Keyboard, on: boolean): boolean {
  try {
    if (!input.setRawMode) return false;
    input.setRawMode(on);
    return true;
  } catch {
    return false;
  }
}
