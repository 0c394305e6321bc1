import { crc32 } from "./crypto/crc32.ts";

/**
 * `application/vnd.amazon.eventstream`, the binary framing of AWS streams (smithy.io/2.0/aws/amazon-eventstream.html):
 * total length, header length, their CRC-32, headers, payload, the CRC-32 of everything before.
 */

/** One message. Headers of other types than strings are left out: none of them says what a message is. */
export interface EventMessage {
  headers: Readonly<Record<string, string>>;
  /** Read as UTF-8. */
  payload: string;
}

/** The stream is not one, was damaged on the way, or ends inside a message. */
export class EventStreamError extends Error {
  override readonly name = "EventStreamError";
}

const LENGTHS = 8;
const PRELUDE = 12;
const CHECKSUM = 4;
/** The format's own limits, bytes. */
const MAX_MESSAGE = 24 * 1024 * 1024;
const MAX_HEADERS = 128 * 1024;
/** Messages of a stream have a handful of header blocks, again and again. */
const MAX_REMEMBERED = 64;

/** Cuts a stream into messages, every checksum checked. */
export class EventStreamDecoder {
  readonly #headers = new HeaderReader();
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes of `#rest` that were not read; behind them it has room to grow. */
  #held = 0;
  #wanted = PRELUDE;

  /** The messages that end in this chunk; all of them must be asked for before the next chunk comes. @throws EventStreamError */
  *take(chunk: Uint8Array): Generator<EventMessage, void> {
    let all = chunk;
    if (this.#held > 0) {
      this.#add(chunk);
      if (this.#held < this.#wanted) return;
      all = this.#rest.subarray(0, this.#held);
    }
    const bytes = Buffer.from(all.buffer, all.byteOffset, all.length);
    let at = 0;
    this.#wanted = PRELUDE;
    while (bytes.length - at >= PRELUDE) {
      const length = messageLength(bytes, at);
      if (bytes.length - at < length) {
        this.#wanted = length;
        break;
      }
      yield message(bytes, at, length, this.#headers);
      at += length;
    }
    this.#keep(bytes.subarray(at));
  }

  /** To be called when the stream is over. @throws EventStreamError where that is inside a message. */
  end(): void {
    if (this.#held > 0) throw new EventStreamError("the stream ended inside a message");
  }

  #add(chunk: Uint8Array): void {
    const needed = this.#held + chunk.length;
    if (needed > this.#rest.length) this.#rest = grown(this.#rest, this.#held, Math.max(this.#wanted, needed));
    this.#rest.set(chunk, this.#held);
    this.#held = needed;
  }

  /** What is left may lie in `#rest` itself; a large block that is done with is let go. */
  #keep(left: Uint8Array): void {
    const isLarge = this.#rest.length > 4 * Math.max(this.#wanted, 65_536);
    if (left.length > this.#rest.length || isLarge) this.#rest = left.slice();
    else this.#rest.set(left);
    this.#held = left.length;
  }
}

function grown(bytes: Uint8Array, used: number, needed: number): Uint8Array {
  const larger = new Uint8Array(Math.max(needed, 2 * bytes.length));
  larger.set(bytes.subarray(0, used));
  return larger;
}

/** Reads a prelude. The lengths are used only after their checksum was right. */
function messageLength(bytes: Uint8Array, at: number): number {
  if (crc32(bytes, at, at + LENGTHS) !== uint32(bytes, at + LENGTHS)) {
    throw new EventStreamError("the checksum of a message's lengths is wrong");
  }
  const total = uint32(bytes, at);
  const headers = uint32(bytes, at + 4);
  if (total > MAX_MESSAGE || headers > MAX_HEADERS || PRELUDE + headers + CHECKSUM > total) {
    throw new EventStreamError("a message states impossible lengths");
  }
  return total;
}

/** `bytes` as a Buffer, which reads a text in the middle of it without making a view of that first. */
function message(bytes: Buffer, at: number, length: number, reader: HeaderReader): EventMessage {
  const end = at + length - CHECKSUM;
  // The checksum of the lengths was right: the message's own goes on from it.
  if (crc32(bytes, at + LENGTHS, end, uint32(bytes, at + LENGTHS)) !== uint32(bytes, end)) {
    throw new EventStreamError("the checksum of a message is wrong");
  }
  const body = at + PRELUDE + uint32(bytes, at + 4);
  return { headers: reader.read(bytes, at + PRELUDE, body), payload: bytes.toString("utf8", body, end) };
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Lengths of the values of fixed size by their type: true, false, byte, short, integer, long, …, timestamp, uuid. */
const FIXED: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 };
const BYTES = 6;
const STRING = 7;

class HeaderReader {
  readonly #known: { block: Uint8Array; headers: Readonly<Record<string, string>> }[] = [];
  readonly #decoder = new TextDecoder();

  /** The block that `bytes[start, end)` is. */
  read(bytes: Uint8Array, start: number, end: number): Readonly<Record<string, string>> {
    for (const { block, headers } of this.#known) {
      if (block.length === end - start && beginsAt(bytes, start, block)) return headers;
    }
    const block = new Uint8Array(bytes.subarray(start, end));
    const headers = this.#parse(block);
    if (this.#known.length < MAX_REMEMBERED) this.#known.push({ block, headers });
    return headers;
  }

  #parse(block: Uint8Array): Record<string, string> {
    const headers: Record<string, string> = {};
    let at = 0;
    while (at < block.length) {
      const nameEnd = at + 1 + block[at]!;
      const type = block[nameEnd]!;
      let from = nameEnd + 1;
      let size = FIXED[type];
      if (type === BYTES || type === STRING) {
        size = (block[from]! << 8) | block[from + 1]!;
        from += 2;
      }
      if (size === undefined || !(from + size <= block.length)) {
        throw new EventStreamError("a message has headers that cannot be read");
      }
      if (type === STRING) {
        const name = this.#decoder.decode(block.subarray(at + 1, nameEnd));
        headers[name] = this.#decoder.decode(block.subarray(from, from + size));
      }
      at = from + size;
    }
    return headers;
  }
}

function beginsAt(bytes: Uint8Array, start: number, block: Uint8Array): boolean {
  for (let i = 0; i < block.length; i++) if (bytes[start + i] !== block[i]) return false;
  return true;
}
