import type { Style } from "./style.ts";

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** True for the line that begins a hunk of a unified diff (https://git-scm.com/docs/diff-format). */
export function isHunk(line: string): boolean {
  return HUNK.test(line);
}

/**
 * A unified diff of one file as a person reads it: each line behind its number (that of a line which goes is the one it
 * had), dots where lines are left out. Lines before the first hunk stay as they are. Wrapped to `width` columns.
 */
export function diffLines(diff: readonly string[], width: number, style: Style): string[] {
  const digits = String(Math.max(0, ...diff.map(lastNumber))).length;
  const room = Math.max(12, width - digits - 1);
  const shown: string[] = [];
  let [old, now, hunks] = [0, 0, 0];
  const add = (number: string, line: string, paint: (text: string) => string) => {
    const rows = Number.isFinite(room) ? wrapped(line, room) : [line];
    rows.forEach((row, at) => {
      shown.push(`${style.dim((at === 0 ? number : "").padStart(digits))} ${paint(row)}`);
    });
  };
  for (const line of diff) {
    const hunk = HUNK.exec(line);
    if (hunk) {
      [old, now] = [Number(hunk[1]), Number(hunk[3])];
      if (hunks++ > 0) add("", style.dim("…"), asItIs);
    } else if (hunks === 0) shown.push(...(Number.isFinite(width) ? wrapped(line, width) : [line]));
    else if (line.startsWith("-")) add(String(old++), line, style.bad);
    else if (line.startsWith("+")) add(String(now++), line, style.good);
    else if (line.startsWith(" ")) {
      old++;
      add(String(now++), line, asItIs);
    } else add("", line.replace(/^\\ /, ""), style.dim);
  }
  return shown;
}

/** The number that a hunk's last line can have at most. */
function lastNumber(line: string): number {
  const hunk = HUNK.exec(line);
  if (!hunk) return 0;
  const [, old = "0", olds = "1", now = "0", news = "1"] = hunk;
  return Math.max(Number(old) + Number(olds), Number(now) + Number(news)) - 1;
}

/** Code keeps its indentation, and is broken where the line is full. */
function wrapped(line: string, room: number): string[] {
  return Bun.wrapAnsi(line.replaceAll("\t", "  "), room, { hard: true, wordWrap: false, trim: false }).split("\n");
}

function asItIs(text: string): string {
  return text;
}
