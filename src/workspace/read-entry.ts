import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, type Stats } from "node:fs";
import { settled } from "../base/file-times.ts";
import type { ScanInput } from "./scan.ts";
import { type Entry, kindOf, modeOf, type Place } from "./state.ts";
import { hashContent } from "./store.ts";

/** Bytes of a file that is recorded because a tool is about to change it. */
export const COVERED_BYTES = 256e6;

/** What is watched only: `content` says why its content is not kept. */
export function opaque(path: string, content: string, stats: Stats | undefined): Entry {
  return {
    path,
    kind: "opaque",
    mode: stats ? modeOf(stats) : 0,
    size: stats?.size ?? 0,
    mtime: stats?.mtimeMs ?? 0,
    ctime: stats?.ctimeMs ?? 0,
    ino: stats?.ino ?? 0,
    content,
    place: undefined,
  };
}

/** A link, with where it leads as its content. */
export function readLink(path: string, absolute: string, stats: Stats, readAt: number): Entry {
  const target = readlinkSync(absolute, { encoding: "buffer" });
  const content = target.toString();
  // A target that is not valid UTF-8 could not be put back.
  if (content.includes("\uFFFD") && !Buffer.from(content).equals(target)) return opaque(path, "unreadable", stats);
  return entryOf(path, "link", stats, readAt, stats.size, content, undefined);
}

function entryOf(
  path: string,
  kind: "file" | "link",
  stats: Stats,
  readAt: number,
  size: number,
  content: string,
  place: Place | undefined,
): Entry {
  const ctime = settled(stats, readAt) ? stats.ctimeMs : 0;
  return { path, kind, mode: modeOf(stats), size, mtime: stats.mtimeMs, ctime, ino: stats.ino, content, place };
}

/** How often a file that changes while it is read is begun again, before it is taken as it is. */
const TRIES = 3;

/**
 * Reads a file into the pack. The name is opened so that neither a link nor a pipe put there meanwhile can lead or
 * hold us elsewhere.
 */
export function readFile(
  input: Pick<ScanInput, "writer" | "contents" | "now">,
  path: string,
  absolute: string,
  found: Stats,
): Entry {
  const { writer, contents, now } = input;
  const file = openSync(absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    let before = found;
    for (let attempt = 1; ; attempt++) {
      const readAt = now();
      // One byte more than expected shows a file that grew while it was read; `after` shows one that grew since.
      const room = writer.reserve(before.size + 1);
      let size = 0;
      while (size < before.size) {
        const count = readSync(file, room, size, before.size + 1 - size, size);
        if (count === 0) break;
        size += count;
      }
      const after = fstatSync(file);
      if (kindOf(after) !== "file") return opaque(path, "special", after);
      if (after.size > COVERED_BYTES) return opaque(path, "large", after);
      const steady = size === after.size && after.mtimeMs === before.mtimeMs && after.ctimeMs === before.ctimeMs;
      if (!steady && attempt < TRIES) {
        before = after;
        continue;
      }
      const hash = hashContent(room.subarray(0, size));
      let place = contents().get(hash);
      if (!place && size > 0) {
        place = writer.commit(size);
        contents().set(hash, place);
      }
      return entryOf(path, "file", after, steady ? readAt : 0, size, hash, place);
    }
  } finally {
    closeSync(file);
  }
}
