import { readSync } from "node:fs";

/** Bytes that are read, and hashed, at once. Memory is not had for nothing: a large file goes through one small buffer. */
export const PIECE = 256 * 1024;

/** At least so many: a file that grows, or one of a file system that does not know its size, has more than it says. */
const LEAST_PIECE = 4096;

/** Larger files are told apart by time and size alone. */
const HASHED_BYTES = 2 * 1024 * 1024;

/** An open file from its beginning, in pieces of one buffer. */
export class Pieces {
  /** What was read last, good until the next is read; empty at the end of the file. */
  current: Buffer;
  readonly #fd: number;
  readonly #size: number;
  readonly #buffer: Buffer;
  #position = 0;
  #ended = false;
  #hash: bigint | undefined;

  /** Reads the first piece. `size`: what the file is said to have, bytes. */
  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.#size = size;
    // One byte more shows the end.
    this.#buffer = Buffer.allocUnsafe(Math.min(PIECE, Math.max(LEAST_PIECE, size + 1)));
    this.#hash = size > HASHED_BYTES ? undefined : NOTHING;
    this.current = this.next();
  }

  next(): Buffer {
    const buffer = this.#buffer;
    let filled = 0;
    while (filled < buffer.length && !this.#ended) {
      const n = readSync(this.#fd, buffer, filled, buffer.length - filled, this.#position);
      filled += n;
      this.#position += n;
      // A read that gives less than was asked for says that this is the end, but not where no size is known.
      this.#ended = n === 0 || (this.#size > 0 && filled < buffer.length && this.#position >= this.#size);
    }
    this.current = buffer.subarray(0, filled);
    if (this.#hash !== undefined && filled > 0) this.#hash = hashPiece(this.current, this.#hash);
    return this.current;
  }

  /** As `hashOf`, of the whole file: what was not read so far is read. */
  hash(): bigint | undefined {
    while (this.#hash !== undefined && this.current.length > 0) this.next();
    return this.#hash;
  }
}

/** The hash of no bytes. */
const NOTHING = 0n;

/** Tells the bytes of a file from others; undefined where there are too many. */
export function hashOf(bytes: Buffer): bigint | undefined {
  if (bytes.length > HASHED_BYTES) return undefined;
  let hash = NOTHING;
  for (let at = 0; at < bytes.length; at += PIECE) hash = hashPiece(bytes.subarray(at, at + PIECE), hash);
  return hash;
}

function hashPiece(piece: Buffer, before: bigint): bigint {
  return BigInt(Bun.hash(piece, before));
}
