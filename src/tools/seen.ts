import { closeSync, constants, openSync, readSync, statSync } from "node:fs";
import type { SeenFiles } from "../contracts/tool.ts";

/** Larger files are compared by time and size alone. */
const HASHED_BYTES = 2 * 1024 * 1024;

/** Memory is not had for nothing: a large file is read through a small buffer, bytes. */
const PIECE = 128 * 1024;

/** Clocks of file systems are coarse: a file written twice within this time may look unchanged (ns). */
const COARSE_NS = 50_000_000n;

interface Sight {
  mtime: bigint;
  ctime: bigint;
  size: bigint;
  inode: bigint;
  hash: bigint | undefined;
  /** Written so shortly before we looked that its time proves nothing. */
  fresh: boolean;
}

/**
 * What one task has read. A file that was only touched, or rewritten with the same bytes, has not changed. `earlier`:
 * what its earlier runs saw, and when (ms); of those files only the times are known.
 */
export function createSeenFiles(clock: { now(): number }, earlier: ReadonlyMap<string, number> = new Map()): SeenFiles {
  const seen = new Map<string, Sight>();

  // At once: a trip through the thread pool takes longer than reading a megabyte.
  function look(path: string, withHash: boolean): Sight | undefined {
    try {
      const stats = statSync(path, { bigint: true });
      const now = BigInt(Math.trunc(clock.now())) * 1_000_000n;
      return {
        mtime: stats.mtimeNs,
        ctime: stats.ctimeNs,
        size: stats.size,
        inode: stats.ino,
        hash: withHash && stats.isFile() && stats.size <= HASHED_BYTES ? hashOf(path) : undefined,
        fresh: now - stats.ctimeNs < COARSE_NS,
      };
    } catch {
      return undefined;
    }
  }

  function earlierState(path: string): "unseen" | "same" | "changed" {
    const at = earlier.get(path);
    if (at === undefined) return "unseen";
    const now = look(path, true);
    // Events know milliseconds.
    const isOlder = (ns: bigint) => ns / 1_000_000n <= BigInt(at);
    if (!now || !isOlder(now.mtime) || !isOlder(now.ctime)) return "changed";
    seen.set(path, now);
    return "same";
  }

  return {
    async note(path) {
      const sight = look(path, true);
      if (sight) seen.set(path, sight);
      else seen.delete(path);
    },

    async state(path) {
      const before = seen.get(path);
      if (!before) return earlierState(path);
      const now = look(path, false);
      if (!now || now.size !== before.size) return "changed";
      const untouched = now.mtime === before.mtime && now.ctime === before.ctime && now.inode === before.inode;
      if (untouched && !before.fresh) return "same";
      if (before.hash === undefined) return untouched ? "same" : "changed";
      return look(path, true)?.hash === before.hash ? "same" : "changed";
    },
  };
}

function hashOf(path: string): bigint {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const piece = Buffer.allocUnsafe(PIECE);
    let hash = 0n;
    for (;;) {
      const n = readSync(fd, piece, 0, PIECE, null);
      if (n === 0) return hash;
      hash = BigInt(Bun.hash(piece.subarray(0, n), hash));
    }
  } finally {
    closeSync(fd);
  }
}
