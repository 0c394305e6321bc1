import { isUtf8 } from "node:buffer";
import { readSync } from "node:fs";
import { giveWay } from "../base/stream.ts";
import type { ToolContext } from "../contracts/tool.ts";
import { LINE_CHARS } from "./limits.ts";

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

const CHUNK = 256 * 1024;

/** Of a line that long, this many bytes hold at least the characters that are shown, and a secret that begins in them. */
const KEPT_BYTES = LINE_CHARS * 4 + 4096;

/** A file is counted to its end up to this size; a larger one is left once the range is read. */
const COUNTED_BYTES = 16 * 1024 * 1024;

/**
 * Reads lines `offset` (from 1) to `offset + limit - 1` of an open file, in pieces: however large the file or a line,
 * memory stays small.
 */
export async function readLines(
  fd: number,
  size: number,
  range: { offset: number; limit: number; maxBytes: number },
  { signal, hide }: Pick<ToolContext, "signal" | "hide">,
): Promise<LineRange> {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size + 1));
  const result: LineRange = { lines: [], counted: 0, complete: false, full: false, garbled: false };
  const last = range.offset + range.limit - 1;
  let left = range.maxBytes;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let lineBytes = 0;

  function endLine(): void {
    result.counted++;
    if (result.counted >= range.offset && result.counted <= last && !result.full) {
      const line = lineOf(Buffer.concat(kept), lineBytes, result, hide);
      left -= Buffer.byteLength(line) + String(result.counted).length + 2;
      if (left < 0 && result.lines.length > 0) result.full = true;
      else result.lines.push(line);
    }
    kept = [];
    keptBytes = 0;
    lineBytes = 0;
  }

  for (let position = 0; ; ) {
    const n = readSync(fd, chunk, 0, chunk.length, position);
    if (n === 0) break;
    position += n;
    for (let from = 0; from < n; ) {
      const newline = chunk.indexOf(10, from);
      const end = newline < 0 || newline >= n ? n : newline;
      const wanted = result.counted + 1 >= range.offset && result.counted < last;
      if (wanted && keptBytes < KEPT_BYTES) {
        const piece = Buffer.from(chunk.subarray(from, Math.min(end, from + KEPT_BYTES - keptBytes)));
        kept.push(piece);
        keptBytes += piece.length;
      }
      lineBytes += end - from;
      if (end === n) break;
      endLine();
      from = end + 1;
    }
    if ((result.counted > last || result.full) && size > COUNTED_BYTES) return result;
    if (position >= CHUNK) {
      // Large: the display and the abort get a turn.
      await giveWay();
      signal.throwIfAborted();
    }
  }
  if (lineBytes > 0) endLine();
  result.complete = true;
  return result;
}

function lineOf(bytes: Buffer, length: number, result: LineRange, hide: ToolContext["hide"]): string {
  const whole = bytes.length === length;
  if (whole && !isUtf8(bytes)) result.garbled = true;
  let text = bytes.toString("utf8");
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
