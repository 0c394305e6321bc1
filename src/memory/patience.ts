import { UserError } from "../base/errors.ts";
import { sleep } from "../base/stream.ts";
import { sqliteCode } from "./faults.ts";

/** How long one asks again where another process writes, ms, and how often. */
const PATIENCE = 10_000;
const AGAIN = 50;

/**
 * Runs `body`, which writes all or nothing, and again after a while where another process writes: nothing else stands still
 * meanwhile. @throws what `body` threw last; the signal's reason.
 */
export async function patiently<T>(
  body: () => T,
  signal = new AbortController().signal,
  patience = PATIENCE,
): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    try {
      return body();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= end) throw error;
    }
    await sleep(AGAIN, signal);
  }
}

/** True where another process was writing. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error instanceof UserError ? error.cause : error) === "SQLITE_BUSY";
}
