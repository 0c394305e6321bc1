import { hunks } from "../base/hunks.ts";

/** Lines of a preview that are kept for a person to look through; the question shows the first of them. */
const SHOWN_LINES = 1000;
/** Of a longer line the beginning is shown. */
const SHOWN_CHARACTERS = 500;
/** Lines shown around each change. */
const CONTEXT = 2;

/**
 * What changes in a file, for a person to judge: `head` with the lines that come and go counted, then the hunks of a
 * unified diff. Says what it leaves out.
 */
export function previewDiff(head: string, before: string, after: string): string {
  const { text, added, removed } = hunks(before, after, { maxBytes: Number.POSITIVE_INFINITY, context: CONTEXT });
  const counted = `${added > 0 ? ` +${added}` : ""}${removed > 0 ? ` -${removed}` : ""}`;
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  const more = lines.length > SHOWN_LINES ? [`… ${lines.length - SHOWN_LINES} more lines are not shown`] : [];
  return [`${head.replaceAll("\n", "\\n")}${counted}`, ...lines.slice(0, SHOWN_LINES).map(shortened), ...more].join(
    "\n",
  );
}

function shortened(line: string): string {
  const more = line.length - SHOWN_CHARACTERS;
  return more > 0 ? `${line.slice(0, SHOWN_CHARACTERS).toWellFormed()}… (${more} more characters)` : line;
}
