/** Lines of a preview that are kept for a person to look through; the question shows the first of them. */
const SHOWN_LINES = 1000;

/** What changes between two texts, as one block: the lines that go and the lines that come, for a person to judge. */
export function blockDiff(before: string, after: string): string {
  // Nothing has no lines, not one empty one.
  const old = before === "" ? [] : before.split("\n");
  const now = after === "" ? [] : (before === "" ? after.replace(/\n$/, "") : after).split("\n");
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const lines = [
    ...old.slice(start, old.length - end).map((line) => `-${line}`),
    ...now.slice(start, now.length - end).map((line) => `+${line}`),
  ];
  const more = lines.length > SHOWN_LINES ? `\n… ${lines.length - SHOWN_LINES} more lines` : "";
  return `@@ line ${start + 1} @@\n${lines.slice(0, SHOWN_LINES).join("\n")}${more}`;
}
