import type { BigIntStats } from "node:fs";
import type { SeenFiles, Sight } from "../contracts/tool.ts";

/** Clocks of file systems are coarse: a file written twice within this time may look unchanged (ns). */
const COARSE_NS = 50_000_000n;

interface Known extends Sight {
  hash: bigint | undefined;
}

/**
 * What one task has read. A file that was only touched, or rewritten with the same bytes, has not changed. `earlier`:
 * what its earlier runs saw, and when (ms); of those files only the times are known.
 */
export function createSeenFiles(clock: { now(): number }, earlier: ReadonlyMap<string, number> = new Map()): SeenFiles {
  const seen = new Map<string, Known>();

  function earlierState(path: string, now: Sight, hash: () => bigint | undefined): "unseen" | "same" | "changed" {
    const at = earlier.get(path);
    if (at === undefined) return "unseen";
    // Events know milliseconds.
    const isOlder = (ns: bigint) => ns / 1_000_000n <= BigInt(at);
    if (!isOlder(now.mtime) || !isOlder(now.ctime)) return "changed";
    seen.set(path, { ...now, hash: hash() });
    return "same";
  }

  return {
    look(stats: BigIntStats) {
      const now = BigInt(Math.trunc(clock.now())) * 1_000_000n;
      const fresh = now - stats.ctimeNs < COARSE_NS;
      return { mtime: stats.mtimeNs, ctime: stats.ctimeNs, size: stats.size, inode: stats.ino, fresh };
    },

    note(path, sight, hash) {
      seen.set(path, { ...sight, hash });
    },

    state(path, now, hash) {
      const before = seen.get(path);
      if (!before) return earlierState(path, now, hash);
      if (now.size !== before.size) return "changed";
      const untouched = now.mtime === before.mtime && now.ctime === before.ctime && now.inode === before.inode;
      if (untouched && !before.fresh) return "same";
      if (before.hash === undefined) return untouched ? "same" : "changed";
      return hash() === before.hash ? "same" : "changed";
    },
  };
}
