import { isUtf8 } from "node:buffer";
import { countLines } from "./lines.ts";

/** A line of a text and where it lies. */
export interface TextLine {
  /** Without its end. */
  text: string;
  start: number;
  /** Index behind the last byte of the line, before its end. */
  end: number;
  /** Index of the next line. */
  next: number;
}

/** The byte order mark. */
const MARK = [0xef, 0xbb, 0xbf];

/**
 * The text of a file while it is edited, as the bytes that it is on disk: a megabyte is neither decoded nor copied for
 * a change of one word. Indices count the bytes behind a byte order mark. Where it is not UTF-8, each byte is one
 * character of a string, so that what is no text stays as it is.
 */
export class EditText {
  readonly isUtf8: boolean;
  /** Of which the first `#length` are the file's. */
  #room: Buffer;
  #length: number;
  readonly #mark: number;
  #starts: readonly number[] | undefined;

  /** The first `length` bytes of `room`, which is changed; what lies behind them is space to grow. */
  constructor(room: Buffer, length = room.length, isText = isUtf8(room.subarray(0, length))) {
    this.#room = room;
    this.#length = length;
    this.isUtf8 = isText;
    this.#mark = isText && MARK.every((byte, index) => room[index] === byte && index < length) ? MARK.length : 0;
  }

  /** All of the file, byte order mark included; good until the next change. */
  get file(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  /** The text; good until the next change. */
  get bytes(): Buffer {
    return this.#room.subarray(this.#mark, this.#length);
  }

  decode(from = 0, to = this.bytes.length): string {
    return this.bytes.toString(this.isUtf8 ? "utf8" : "latin1", from, to);
  }

  encode(text: string): Buffer {
    return Buffer.from(text, this.isUtf8 ? "utf8" : "latin1");
  }

  /** For messages that quote the file. */
  show(text: string): string {
    return this.isUtf8 ? text : Buffer.from(text, "latin1").toString("utf8");
  }

  /** What the model wrote, in the same characters as `decode`. */
  take(text: string): string {
    return this.isUtf8 ? text : Buffer.from(text, "utf8").toString("latin1");
  }

  /** Bytes of a string such as `decode` gives. */
  sizeOf(text: string): number {
    return this.isUtf8 ? Buffer.byteLength(text) : text.length;
  }

  /** Replaces `length` bytes by `now` at each of `places`, which are in order and do not overlap. */
  replace(places: readonly number[], length: number, now: Buffer): void {
    this.#starts = undefined;
    const size = this.#length + places.length * (now.length - length);
    const [first] = places;
    if (first !== undefined && places.length === 1 && size <= this.#room.length) {
      const at = this.#mark + first;
      this.#room.copyWithin(at + now.length, at + length, this.#length);
      now.copy(this.#room, at);
    } else {
      const pieces: Buffer[] = [];
      let from = 0;
      for (const place of places) {
        pieces.push(this.#room.subarray(from, this.#mark + place), now);
        from = this.#mark + place + length;
      }
      this.#room = Buffer.concat([...pieces, this.file.subarray(from)]);
    }
    this.#length = size;
  }

  /** Number of the line, from 1, that holds the byte at `index`. */
  lineAt(index: number): number {
    return countLines(this.bytes, index) + 1;
  }

  /** Where the line begins that holds the byte at `index`. */
  lineStart(index: number): number {
    return index === 0 ? 0 : this.bytes.lastIndexOf(10, index - 1) + 1;
  }

  /** Where each line begins. A text that ends with a line end has no empty line after it. */
  get starts(): readonly number[] {
    if (this.#starts) return this.#starts;
    const { bytes } = this;
    const starts: number[] = [];
    for (let at = 0; at < bytes.length; at = bytes.indexOf(10, at) + 1 || bytes.length) starts.push(at);
    this.#starts = starts;
    return starts;
  }

  /** `index` from 0, into `starts`. */
  line(index: number): TextLine {
    return this.lineFrom(this.starts[index]!);
  }

  /** The line that begins at a byte; an empty one at the end of the text. */
  lineFrom(start: number): TextLine {
    const { bytes } = this;
    const newline = bytes.indexOf(10, start);
    const next = newline < 0 ? bytes.length : newline + 1;
    const end = newline > start && bytes[newline - 1] === 13 ? newline - 1 : newline < 0 ? next : newline;
    return { text: this.decode(start, end), start, end, next };
  }
}
