/** What was kept of a stream of bytes. */
export interface Kept {
  text: string;
  /** Bytes left out of the middle; where they were, the text has a line that says so. */
  omitted: number;
}

/**
 * The first and the last bytes of an endless stream, in bounded memory: the head as it came, the tail in a ring that
 * overwrites itself.
 */
export class HeadAndTail {
  readonly #headSize: number;
  readonly #tailSize: number;
  #head: Uint8Array[] = [];
  #headBytes = 0;
  #ring: Uint8Array | undefined;
  #tailBytes = 0;

  /** `limit`: bytes kept in all. */
  constructor(limit: number) {
    this.#headSize = Math.ceil(limit / 2);
    this.#tailSize = Math.floor(limit / 2);
  }

  add(chunk: Uint8Array): void {
    const room = this.#headSize - this.#headBytes;
    if (room > 0) {
      const part = chunk.subarray(0, room);
      this.#head.push(part);
      this.#headBytes += part.length;
    }
    if (chunk.length > room) this.#addTail(chunk.subarray(Math.max(0, room)));
  }

  #addTail(chunk: Uint8Array): void {
    this.#ring ??= new Uint8Array(this.#tailSize);
    const part = chunk.subarray(Math.max(0, chunk.length - this.#tailSize));
    const at = (this.#tailBytes + chunk.length - part.length) % Math.max(1, this.#tailSize);
    const first = part.subarray(0, this.#tailSize - at);
    this.#ring.set(first, at);
    this.#ring.set(part.subarray(first.length), 0);
    this.#tailBytes += chunk.length;
  }

  /**
   * Everything kept so far, and starts anew. Unless `final`, a character that has only begun to arrive stays for the
   * next time.
   */
  take(final: boolean): Kept {
    const head = concat(this.#head);
    const tail = this.#tail();
    const lost = this.#tailBytes - tail.length;
    this.#head = [];
    this.#headBytes = 0;
    this.#tailBytes = 0;
    if (lost > 0) {
      const start = head.subarray(0, wholeLength(head));
      const end = tail.subarray(strayStart(tail));
      const kept = final ? end.length : wholeLength(end);
      const rest = end.subarray(kept);
      if (rest.length > 0) this.add(rest.slice());
      const omitted = lost + (head.length - start.length) + (tail.length - end.length);
      const text = `${decode(start)}\n[${omitted} bytes of output left out here]\n${decode(end.subarray(0, kept))}`;
      return { text, omitted };
    }
    const whole = concat([head, tail]);
    const kept = final ? whole.length : wholeLength(whole);
    if (kept < whole.length) this.add(whole.slice(kept));
    return { text: decode(whole.subarray(0, kept)), omitted: 0 };
  }

  /** The ring in order. */
  #tail(): Uint8Array {
    if (!this.#ring) return new Uint8Array();
    if (this.#tailBytes <= this.#tailSize) return this.#ring.slice(0, this.#tailBytes);
    const at = this.#tailBytes % Math.max(1, this.#tailSize);
    return concat([this.#ring.subarray(at), this.#ring.subarray(0, at)]);
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Length without a character at the end that is not complete. */
function wholeLength(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** How many bytes at the beginning belong to a character whose start is missing. */
function strayStart(bytes: Uint8Array): number {
  let start = 0;
  while (start < Math.min(3, bytes.length) && (bytes[start]! & 0xc0) === 0x80) start++;
  return start;
}

/** Where the output of one process goes: memory, and the listener. */
export class OutputSink {
  readonly #kept: HeadAndTail;
  readonly #listener: ((chunk: string) => void) | undefined;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(options: { maxOutput: number; onOutput?: ((chunk: string) => void) | undefined }) {
    this.#kept = new HeadAndTail(options.maxOutput);
    this.#listener = options.onOutput;
  }

  add(chunk: Uint8Array): void {
    this.#kept.add(chunk);
    if (!this.#listener) return;
    const text = this.#decoder.decode(chunk, { stream: true });
    if (text) this.#listener(text);
  }

  take(final: boolean): Kept {
    return this.#kept.take(final);
  }

  end(): void {
    const rest = this.#listener ? this.#decoder.decode() : "";
    if (rest) this.#listener?.(rest);
  }
}
