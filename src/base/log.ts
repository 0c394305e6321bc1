import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Env } from "./env.ts";
import type { Redactor } from "./redact.ts";

/** From the least to the most talkative. */
export type LogLevel = "error" | "warn" | "info" | "debug" | "trace";

/** What goes beside the message: plain values; errors are written with their stack. */
export type Facts = Readonly<Record<string, unknown>>;

/** The program's diary, for people who look for a fault. Never throws, never speaks on the terminal. */
export interface Log {
  readonly level: LogLevel;
  error(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  info(message: string, facts?: Facts): void;
  debug(message: string, facts?: Facts): void;
  trace(message: string, facts?: Facts): void;
}

const LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug", "trace"];
const DEFAULT_LEVEL: LogLevel = "info";
const MAX_BYTES = 5 * 1024 * 1024;
/** `openkoi.log.1` is the youngest of the old ones. */
const OLD_FILES = 3;

export interface LogOptions {
  /** The folder; made with the first line. */
  folder: string;
  env: Env;
  redactor: Redactor;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Size at which a file is put aside. Default 5 MiB. */
  maxBytes?: number;
}

/** The file in the folder of the log, and what is written to it (`OPENKOI_LOG_LEVEL`, default info). */
export function logPlace(folder: string, env: Env): { file: string; level: LogLevel } {
  const level = LEVELS.find((known) => known === env["OPENKOI_LOG_LEVEL"]?.toLowerCase()) ?? DEFAULT_LEVEL;
  return { file: join(folder, "openkoi.log"), level };
}

/**
 * Writes `openkoi.log`: one JSON object a line, `{time, level, message, …facts}`, through the redactor. The level comes
 * from `OPENKOI_LOG_LEVEL` (default info). Nothing is on disk before the first line.
 */
export function createLog(options: LogOptions): Log {
  const { file, level } = logPlace(options.folder, options.env);
  const threshold = LEVELS.indexOf(level);
  const maxBytes = options.maxBytes ?? MAX_BYTES;
  let size: number | undefined;

  const write = (at: LogLevel, message: string, facts: Facts = {}): void => {
    if (LEVELS.indexOf(at) > threshold) return;
    try {
      const time = new Date(options.now?.() ?? Date.now()).toISOString();
      const line = `${options.redactor.hide(JSON.stringify({ time, level: at, message, ...facts }, plain))}\n`;
      if (size === undefined) {
        mkdirSync(options.folder, { recursive: true, mode: 0o700 });
        size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      }
      if (size > 0 && size + line.length > maxBytes) {
        rotate(file);
        size = 0;
      }
      appendFileSync(file, line, { mode: 0o600 });
      size += Buffer.byteLength(line);
    } catch {
      // A full disk or a value that JSON cannot hold must not stop a task.
    }
  };

  return {
    level,
    error: (message, facts) => write("error", message, facts),
    warn: (message, facts) => write("warn", message, facts),
    info: (message, facts) => write("info", message, facts),
    debug: (message, facts) => write("debug", message, facts),
    trace: (message, facts) => write("trace", message, facts),
  };
}

function rotate(file: string): void {
  for (let number = OLD_FILES; number > 0; number--) {
    const younger = number === 1 ? file : `${file}.${number - 1}`;
    if (statSync(younger, { throwIfNoEntry: false })) renameSync(younger, `${file}.${number}`);
  }
}

/** Errors and large integers have no JSON of their own. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!(value instanceof Error)) return value;
  return {
    name: value.name,
    message: value.message,
    stack: value.stack,
    ...(value.cause ? { cause: value.cause } : {}),
  };
}
