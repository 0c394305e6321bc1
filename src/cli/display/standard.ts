import { fstatSync, statSync } from "node:fs";

/** Where a terminal does not say how wide it is (a serial line, some CI). */
const USUAL_COLUMNS = 80;
const NUMBERS = { stdin: 0, stdout: 1, stderr: 2 } as const;

/**
 * True where a person may sit at the standard stream. Node's objects for the streams take 5 ms to load, more than all else at
 * a start: they are made for a terminal, or when something is written, and not to find out that there is none.
 */
export function isTerminal(name: keyof typeof NUMBERS): boolean {
  return isDevice(NUMBERS[name]) && process[name].isTTY === true;
}

/** How many columns a standard stream has; a pipe has no end. */
export function widthOf(name: "stdout" | "stderr"): number {
  return isTerminal(name) ? process[name].columns || USUAL_COLUMNS : Number.POSITIVE_INFINITY;
}

/** Standard error. That a message could not be shown alters nothing of what is done, nor the exit code. */
export function standardError(): NodeJS.WriteStream {
  const { stderr } = process;
  if (stderr.listenerCount("error") === 0) stderr.on("error", () => {});
  return stderr;
}

function isDevice(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isCharacterDevice() && stat.rdev !== statSync("/dev/null").rdev;
  } catch {
    // It is closed.
    return false;
  }
}
