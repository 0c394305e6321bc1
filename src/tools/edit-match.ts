import { plural } from "../base/text.ts";
import { explainMiss } from "./edit-miss.ts";
import { findTolerant } from "./edit-tolerant.ts";

export interface Edit {
  old: string;
  new: string;
  /** Every occurrence, not just one. */
  all?: boolean;
}

export type Edited =
  | {
      ok: true;
      text: string;
      /** Index in `text` of each replacement, and its length. */
      changes: { at: number; length: number }[];
      /** Set where `old` did not occur as it was written: what was done instead. */
      note?: string;
    }
  /** `message` says what did not match and what to do; ASCII, beside what it quotes. */
  | { ok: false; message: string };

/** Places listed when there are too many. */
const LISTED = 8;

/**
 * Replaces `old` by `new` in a text without byte order mark: first as written, then with other white space, then by its
 * first and last line. More than one place is never guessed between.
 */
export function applyEdit(text: string, edit: Edit): Edited {
  if (edit.old === "") return fail("old is empty. To write a whole file use write.");
  const ends = lineEnds(text);
  const old = edit.old.replaceAll("\r\n", "\n");
  const now = edit.new.replaceAll("\r\n", "\n");
  if (old === now) return fail("old and new are the same: nothing to change.");

  for (const end of ends) {
    const found = replaceExact(text, old.replaceAll("\n", end), now.replaceAll("\n", end), edit.all === true);
    if (found) return found;
  }

  const plain = withoutLineNumbers(old, now);
  if (plain) {
    const found = applyEdit(text, { ...plain, all: edit.all === true });
    if (found.ok) return { ...found, note: "line numbers in old were left out" };
  }

  const tolerant = findTolerant(text, old, now, ends[0]);
  if (tolerant.length > 1) {
    const lines = tolerant.map((place) => lineAt(text, place.start));
    return fail(`old matches only with other white space, and then in ${several(lines)}. Copy one of them exactly.`);
  }
  const [place] = tolerant;
  if (!place) return fail(explainMiss(text, old, now));
  return {
    ok: true,
    text: text.slice(0, place.start) + place.replacement + text.slice(place.end),
    changes: [{ at: place.start, length: place.replacement.length }],
    note: place.how,
  };
}

function replaceExact(text: string, old: string, now: string, all: boolean): Edited | undefined {
  const places: number[] = [];
  // Without `all`, overlapping places count too: "aa" is twice in "aaa".
  for (let at = text.indexOf(old); at >= 0; at = text.indexOf(old, at + (all ? old.length : 1))) places.push(at);
  if (places.length === 0) return undefined;
  if (places.length > 1 && !all) {
    const lines = places.map((at) => lineAt(text, at));
    return fail(`old occurs ${places.length} times, in ${several(lines)}. Add lines around it, or set all.`);
  }
  const pieces: string[] = [];
  const changes: { at: number; length: number }[] = [];
  let from = 0;
  places.forEach((at, index) => {
    pieces.push(text.slice(from, at), now);
    changes.push({ at: at + index * (now.length - old.length), length: now.length });
    from = at + old.length;
  });
  pieces.push(text.slice(from));
  return { ok: true, text: pieces.join(""), changes };
}

/** The line ends of a text, the usual one first. */
function lineEnds(text: string): ["\n" | "\r\n", ...("\n" | "\r\n")[]] {
  if (!text.includes("\r\n")) return ["\n"];
  const all = text.split("\n").length - 1;
  const crlf = text.split("\r\n").length - 1;
  return crlf * 2 >= all ? ["\r\n", "\n"] : ["\n", "\r\n"];
}

/** Models sometimes copy the numbers that `read` puts before lines. Undefined where not every line has one. */
function withoutLineNumbers(old: string, now: string): { old: string; new: string } | undefined {
  const numbered = /^ *\d+\t/;
  const lines = old.split("\n");
  if (!lines.every((line, index) => numbered.test(line) || (line === "" && index === lines.length - 1))) {
    return undefined;
  }
  const strip = (text: string) => text.replace(/^ *\d+\t/gm, "");
  return { old: strip(old), new: strip(now) };
}

/** Number of the line, from 1, that holds the character at `index`. */
export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < index; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

function several(lines: readonly number[]): string {
  const shown = lines.slice(0, LISTED).join(", ");
  const more = lines.length > LISTED ? ` and ${plural(lines.length - LISTED, "other")}` : "";
  return `${lines.length === 1 ? "line" : "lines"} ${shown}${more}`;
}

function fail(message: string): Edited {
  return { ok: false, message };
}
