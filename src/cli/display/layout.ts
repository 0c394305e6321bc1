import { stripControl } from "../../base/text.ts";
import type { Style } from "./style.ts";

/** The longest line where there is no width to fit into (a pipe). */
const UNBOUNDED = 240;

export interface LineOptions {
  /** Columns; `Infinity` for a pipe: nothing is wrapped. */
  width: number;
  /** Also reasoning and tool output. */
  verbose: boolean;
  style: Style;
  /** False: nothing will be left that could be resumed or undone. Default true. */
  resumable?: boolean;
}

/** Foreign text as one harmless line: no control sequences, no line breaks. */
export function oneLine(text: string): string {
  return stripControl(text).replace(/\s+/g, " ").trim();
}

/** Foreign text as harmless lines, without empty ones at either end. */
export function cleanLines(text: string): string[] {
  const lines = stripControl(text).replace(/\t/g, "  ").split(/\r?\n/);
  while (lines.length > 0 && lines[0]!.trim() === "") lines.shift();
  while (lines.length > 0 && lines.at(-1)!.trim() === "") lines.pop();
  return lines;
}

/** Cuts to `width` columns with an ellipsis. Colours and wide characters are respected. */
export function cut(text: string, width: number): string {
  const limit = Math.max(1, Math.min(width, UNBOUNDED));
  if (Bun.stringWidth(text) <= limit) return text;
  // A wide character on the edge is kept whole by sliceAnsi and would stand out by one column.
  let kept = Bun.sliceAnsi(text, 0, limit - 1);
  if (Bun.stringWidth(kept) > limit - 1) kept = Bun.sliceAnsi(text, 0, limit - 2);
  return `${kept}…`;
}

/** One line: `left` gives way, `right` (a mark, a duration) stays. */
export function fit(left: string, right: string, width: number): string {
  if (right === "") return cut(left, width);
  const room = Math.min(width, UNBOUNDED) - Bun.stringWidth(right) - 2;
  return room < 8 ? cut(`${left}  ${right}`, width) : `${cut(left, room)}  ${right}`;
}

/** Prose after `prefix`, wrapped to `width` columns with its further lines under its first. */
export function hang(prefix: string, text: string, width: number): string[] {
  if (!Number.isFinite(width)) return [prefix + text];
  const indent = Bun.stringWidth(prefix);
  const room = Math.max(12, width - indent);
  return Bun.wrapAnsi(text, room, { hard: true, trim: true })
    .split("\n")
    .map((line, at) => (at === 0 ? prefix : " ".repeat(indent)) + line);
}

/**
 * Text whose longer lines are broken at spaces, the further rows of each two columns further in: a terminal would break
 * them in the middle of a word.
 */
export function fold(text: string, width: number): string {
  if (!Number.isFinite(width)) return text;
  const lines = text.split("\n").map((line) => {
    if (Bun.stringWidth(line) <= width) return line;
    const indent = /^ */.exec(line)![0];
    const room = Math.max(12, width - indent.length - 2);
    const rows = Bun.wrapAnsi(line.slice(indent.length), room, { hard: true, trim: true }).split("\n");
    return rows.map((row, at) => indent + (at === 0 ? "" : "  ") + row).join("\n");
  });
  return lines.join("\n");
}

/** A word at the margin and what it says. In a narrow terminal the columns are given up. */
export function labelled(
  label: string,
  text: string,
  options: LineOptions,
  paint: (text: string) => string = options.style.dim,
): string[] {
  const padded = options.width < 60 ? `${label} ` : `${label.padEnd(10)} `;
  return hang(`  ${paint(padded)}`, text, options.width);
}
