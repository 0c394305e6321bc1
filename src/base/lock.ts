import { sleep } from "./stream.ts";

/** How often somebody else's lock is looked at, ms. */
const LOOK_MS = 25;

/**
 * Runs `body` while no other process does the same under this path. The lock is the kernel's (an exclusive transaction
 * of SQLite on an empty file), so it goes with the process that held it: there is nothing stale to clean up, and no
 * guess who still lives. @throws the signal's reason where it aborts before the lock is there.
 */
export async function withLock<T>(path: string, signal: AbortSignal, body: () => Promise<T>): Promise<T> {
  const { Database } = await import("bun:sqlite");
  const lock = new Database(path, { create: true });
  try {
    lock.run("PRAGMA busy_timeout = 0");
    for (;;) {
      signal.throwIfAborted();
      try {
        lock.run("BEGIN EXCLUSIVE");
        break;
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "SQLITE_BUSY")) throw error;
      }
      await sleep(LOOK_MS, signal);
    }
    return await body();
  } finally {
    lock.close();
  }
}
