import { write, writeSync } from "node:fs";
import { messageOf, UserError } from "../../base/errors.ts";
import { fold } from "./layout.ts";
import { standardError, widthOf } from "./standard.ts";

const STDOUT = 1;
/** How long a terminal or pipe that takes nothing at this moment is left alone, ms. */
const PAUSE_MS = 2;

/** Standard output, for what may be long or has to wait for whoever reads it. */
export interface Writer {
  /**
   * Resolves when the text has left the process, or was dropped because its reader has gone (`| head`): the task and
   * its exit code go on as if it had been read. Never rejects.
   */
  write(text: string): Promise<void>;
  /** Nobody reads any more. */
  readonly gone: boolean;
  /** Why a text could not be written although somebody wanted it: the disk is full. What came after it was dropped. */
  readonly fault: UserError | undefined;
}

/** `fd`: a file descriptor. Node's stream is not used: on a full disk it goes round in a circle for ever. */
export function createWriter(fd = STDOUT): Writer {
  let gone = false;
  let fault: UserError | undefined;
  return {
    async write(text) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length && !gone && !fault; ) {
        try {
          at += await writeSome(fd, bytes, at);
        } catch (error) {
          if (isBusy(error)) await Bun.sleep(PAUSE_MS);
          else if (isClosed(error)) gone = true;
          else fault = unwritable(error);
        }
      }
    },
    get gone() {
      return gone;
    },
    get fault() {
      return fault;
    },
  };
}

function writeSome(fd: number, bytes: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, null, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** Writes a text for people to standard output, on a terminal without a broken word. Throws as `printExactly`. */
export function print(text: string): void {
  printExactly(fold(text, widthOf("stdout")));
}

/**
 * Writes a short text to standard output as it is; where its reader has gone, it is dropped. @throws UserError where it
 * cannot be written: the disk is full.
 */
export function printExactly(text: string, fd = STDOUT): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at, bytes.length - at);
    } catch (error) {
      if (isClosed(error)) return;
      if (!isBusy(error)) throw unwritable(error);
      Bun.sleepSync(PAUSE_MS);
    }
  }
}

/** A line for the user beside the result, on standard error. */
export function say(message: string): void {
  complain(`openkoi: ${message}\n`);
}

/** Whole lines on standard error, on a terminal without a broken word. */
export function complain(text: string): void {
  standardError().write(fold(text, widthOf("stderr")));
}

function isBusy(error: unknown): boolean {
  return codeOf(error) === "EAGAIN";
}

function isClosed(error: unknown): boolean {
  return codeOf(error) === "EPIPE";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function unwritable(error: unknown): UserError {
  const reason = messageOf(error)
    .replace(/^E[A-Z]+: /, "")
    .replace(/, write$/, "");
  return new UserError(`standard output cannot be written: ${reason}`, "Make room there, or send it elsewhere.");
}
