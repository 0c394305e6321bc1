import { existsSync } from "node:fs";
import { join } from "node:path";
import { readRegular } from "../base/files.ts";

/** Larger ones are not read. Bytes. */
const INDEX_LIMIT = 256 * 1024 * 1024;

/** Bytes of what `stat` told, then a name's mode, and the lengths of SHA-1 and SHA-256. */
const STAT = 40;
const MODE = 24;
const HASHES = [20, 32];

const STAGE = 0x3000;
const EXTENDED = 0x4000;

/**
 * What is staged: a hash of the names, modes and contents in a repository's index (gitformat-index(5)), and not of the
 * times, which `git status` writes, too. Undefined where it cannot be read, or lies in two files (a split index).
 */
export function indexHash(folder: string): string | undefined {
  const path = join(folder, "index");
  const bytes = readRegular(path, INDEX_LIMIT);
  if (!bytes) return existsSync(path) ? undefined : hashOf(Buffer.alloc(0));
  for (const length of HASHES) {
    const entries = entriesOf(bytes, length);
    if (entries) return hashOf(entries);
  }
  return undefined;
}

function hashOf(bytes: Buffer): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("base64url");
}

/** Undefined where it is no index with hashes of that length: one fills its file exactly. */
function entriesOf(bytes: Buffer, hash: number): Buffer | undefined {
  const end = bytes.length - hash;
  if (end < 12 || bytes.toString("latin1", 0, 4) !== "DIRC") return undefined;
  const version = bytes.readUInt32BE(4);
  if (version < 2 || version > 4) return undefined;
  const kept = Buffer.alloc(bytes.length);
  let length = 0;
  const keep = (from: number, to: number) => {
    length += bytes.copy(kept, length, from, to);
  };
  let at = 12;
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    const flagsAt = at + STAT + hash;
    if (flagsAt + 2 > end) return undefined;
    const flags = bytes.readUInt16BE(flagsAt);
    const name = flagsAt + 2 + (version > 2 && flags & EXTENDED ? 2 : 0);
    let text = name;
    // A name of version 4 begins with how much of the one before it is left out: a number of several bytes.
    if (version === 4) while (bytes[text++]! & 0x80);
    const nul = bytes.indexOf(0, text);
    if (nul < 0 || nul >= end) return undefined;
    keep(at + MODE, at + MODE + 4);
    keep(at + STAT, flagsAt);
    length = kept.writeUInt16BE(flags & STAGE, length);
    keep(flagsAt + 2, nul + 1);
    at = version === 4 ? nul + 1 : at + ((nul - at + 8) & ~7);
  }
  while (at + 8 <= end) {
    if (bytes.toString("latin1", at, at + 4) === "link") return undefined;
    at += 8 + bytes.readUInt32BE(at + 4);
  }
  return at === end ? kept.subarray(0, length) : undefined;
}
