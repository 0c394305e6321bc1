import { compareLines, splitLines } from "./compare-lines.ts";

export interface HunkOptions {
  maxBytes: number;
  /** Lines shown around a change. */
  context: number;
}

/**
 * The hunks of one file, as git writes them (https://git-scm.com/docs/diff-format); past `maxBytes` only the counting
 * goes on.
 */
export function hunks(
  before: string,
  after: string,
  { maxBytes, context }: HunkOptions,
): { text: string; added: number; removed: number } {
  const a = splitLines(before);
  const b = splitLines(after);
  const { removed, added } = compareLines(a, b);
  const count = (marks: Uint8Array): number => marks.reduce((sum, mark) => sum + mark, 0);
  let text = "";
  for (const { aFrom, aTo, bFrom, bTo } of ranges(removed, added, context)) {
    if (text.length > maxBytes) break;
    const lines: string[] = [`@@ -${range(aFrom, aTo)} +${range(bFrom, bTo)} @@\n`];
    let bytes = 0;
    for (let i = aFrom, j = bFrom; (i < aTo || j < bTo) && bytes <= maxBytes; ) {
      const line = i < aTo && removed[i] ? `-${a[i++]}` : j < bTo && added[j] ? `+${b[j++]}` : ` ${a[i++]}`;
      if (line.startsWith(" ")) j++;
      lines.push(line.endsWith("\n") ? line : `${line}\n\\ No newline at end of file\n`);
      bytes += line.length;
    }
    text += lines.join("");
  }
  return { text, added: count(added), removed: count(removed) };
}

interface Range {
  aFrom: number;
  aTo: number;
  bFrom: number;
  bTo: number;
}

/** Changes with their context, joined where they touch. */
function* ranges(removed: Uint8Array, added: Uint8Array, context: number): Generator<Range> {
  let open: Range | undefined;
  let i = 0;
  let j = 0;
  while (i < removed.length || j < added.length) {
    if (!removed[i] && !added[j]) {
      i++;
      j++;
      continue;
    }
    const lead = Math.min(i, j, context);
    if (open && i - lead > open.aTo) {
      yield open;
      open = undefined;
    }
    open ??= { aFrom: i - lead, aTo: i, bFrom: j - lead, bTo: j };
    while (removed[i]) i++;
    while (added[j]) j++;
    const trail = Math.min(removed.length - i, context);
    open.aTo = i + trail;
    open.bTo = j + trail;
  }
  if (open) yield open;
}

/** `start,count` from 1; an empty range names the line before it. */
function range(from: number, to: number): string {
  const count = to - from;
  return count === 1 ? `${from + 1}` : `${count === 0 ? from : from + 1},${count}`;
}
