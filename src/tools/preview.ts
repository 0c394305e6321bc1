import { hunks } from "../base/hunks.ts";

/** Lines shown around each change. */
const CONTEXT = 2;

/**
 * What changes in a file, for a person to judge: `head` with the lines that come and go counted, then the hunks of a
 * unified diff. All of it: who shows it may begin with a part.
 */
export function previewDiff(head: string, before: string, after: string): string {
  const { text, added, removed } = hunks(before, after, { maxBytes: Number.POSITIVE_INFINITY, context: CONTEXT });
  const counted = `${added > 0 ? ` +${added}` : ""}${removed > 0 ? ` -${removed}` : ""}`;
  const first = `${head.replaceAll("\n", "\\n")}${counted}`;
  return text === "" ? first : `${first}\n${text.replace(/\n$/, "")}`;
}
