import { isUtf8 } from "node:buffer";
import { giveWay } from "../base/stream.ts";
import type { ToolContext } from "../contracts/tool.ts";
import { LINE_CHARS } from "./limits.ts";
import { PIECE, type Pieces } from "./pieces.ts";

export interface LineRange {
  /** Without line ends; long ones are cut and say so. */
  lines: string[];
  /** Number of the last line that was looked at; the file's length in lines where `complete`. */
  counted: number;
  /** The end of the file was reached. */
  complete: boolean;
  /** Stopped because `maxBytes` were full, not because `limit` lines were. */
  full: boolean;
  /** Some bytes were not UTF-8 and are shown as U+FFFD. */
  garbled: boolean;
}

/** Of a line that long, this many bytes hold at least the characters that are shown, and a secret that begins in them. */
const KEPT_BYTES = LINE_CHARS * 4 + 4096;

/** A file is counted to its end up to this size; a larger one is left once the range is read. */
const COUNTED_BYTES = 16 * 1024 * 1024;

/**
 * Reads lines `offset` (from 1) to `offset + limit - 1` of a file, of which nothing but the first piece was read:
 * however large it or a line is, memory stays small.
 */
export async function readLines(
  pieces: Pieces,
  size: number,
  range: { offset: number; limit: number; maxBytes: number },
  { signal, hide }: Pick<ToolContext, "signal" | "hide">,
): Promise<LineRange> {
  const result: LineRange = { lines: [], counted: 0, complete: false, full: false, garbled: false };
  const last = range.offset + range.limit - 1;
  let left = range.maxBytes;
  let read = 0;
  /** Of the line at hand: its first bytes, where it is shown, and how many there are. */
  const nothing = Buffer.alloc(0);
  let kept: Buffer = nothing;
  let length = 0;

  const isShown = () => result.counted + 1 >= range.offset && result.counted < last && !result.full;

  function endLine(): void {
    const shown = isShown();
    result.counted++;
    if (shown) {
      const line = lineOf(kept, length, result, hide);
      left -= Buffer.byteLength(line) + String(result.counted).length + 2;
      if (left < 0 && result.lines.length > 0) result.full = true;
      else result.lines.push(line);
    }
    kept = nothing;
    length = 0;
  }

  for (let piece = pieces.current; piece.length > 0; piece = pieces.next()) {
    for (let from = 0; from < piece.length; ) {
      const newline = piece.indexOf(10, from);
      const end = newline < 0 ? piece.length : newline;
      if (kept.length < KEPT_BYTES && isShown()) {
        const part = piece.subarray(from, Math.min(end, from + KEPT_BYTES - kept.length));
        kept = kept.length === 0 ? part : Buffer.concat([kept, part]);
      }
      length += end - from;
      if (newline >= 0) endLine();
      from = end + 1;
    }
    if ((result.counted > last || result.full) && size > COUNTED_BYTES) return result;
    // The next piece takes the place of this one.
    if (kept.length > 0) kept = Buffer.from(kept);
    read += piece.length;
    if (read >= PIECE) {
      // Large: the display and the abort get a turn.
      await giveWay();
      signal.throwIfAborted();
    }
  }
  if (length > 0) endLine();
  result.complete = true;
  return result;
}

function lineOf(bytes: Buffer, length: number, result: LineRange, hide: ToolContext["hide"]): string {
  const whole = bytes.length === length;
  let text = bytes.toString("utf8");
  if (whole && text.includes("\uFFFD") && !isUtf8(bytes)) result.garbled = true;
  if (result.counted === 1 && text.startsWith("\uFEFF")) text = text.slice(1);
  if (whole && text.endsWith("\r")) text = text.slice(0, -1);
  if (whole && text.length <= LINE_CHARS) return text;
  const shown = hide(text)
    .slice(0, LINE_CHARS)
    .replace(/[\uD800-\uDBFF]$/, "");
  return `${shown}… [line cut: it has ${length} bytes]`;
}

/** Line ends before the byte `to`. */
export function countLines(buffer: Buffer, to: number): number {
  let count = 0;
  for (let at = buffer.indexOf(10); at >= 0 && at < to; at = buffer.indexOf(10, at + 1)) count++;
  return count;
}
