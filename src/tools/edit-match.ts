import { plural } from "../base/text.ts";
import { explainMiss } from "./edit-miss.ts";
import type { EditText } from "./edit-text.ts";
import { findTolerant } from "./edit-tolerant.ts";

export interface Edit {
  old: string;
  new: string;
  /** Every occurrence, not just one. */
  all?: boolean;
}

export type Found =
  | {
      ok: true;
      /** Where `now` takes the place of `length` bytes, in order. */
      places: readonly number[];
      length: number;
      now: Buffer;
      /** Set where `old` did not occur as it was written: what is done instead. */
      note?: string;
    }
  /** `message` says what did not match and what to do; ASCII, beside what it quotes. */
  | { ok: false; message: string };

/** Places listed when there are too many. */
const LISTED = 8;

/** Places counted where only one is wanted, and replaced where all are. */
const COUNTED = 1_000;
const REPLACED = 100_000;

/**
 * Finds where `old` is to be replaced by `new`: first as written, then with other white space, then by its first and
 * last line. More than one place is never guessed between.
 */
export function findEdit(text: EditText, edit: Edit): Found {
  if (edit.old === "") return fail("old is empty. To write a whole file use write.");
  const old = edit.old.replaceAll("\r\n", "\n");
  const now = edit.new.replaceAll("\r\n", "\n");
  if (old === now) return fail("old and new are the same: nothing to change.");
  const ends = `${old}${now}`.includes("\n") ? lineEnds(text.bytes) : (["\n"] as const);

  for (const end of ends) {
    const found = findExact(text, old.replaceAll("\n", end), now.replaceAll("\n", end), edit.all === true);
    if (found) return found;
  }

  const plain = withoutLineNumbers(old, now);
  if (plain) {
    const found = findEdit(text, { ...plain, all: edit.all === true });
    if (found.ok) return { ...found, note: "line numbers in old were left out" };
  }

  const tolerant = findTolerant(text, old, now, ends[0]);
  if (tolerant.length > 1) {
    const where = several(tolerant, ({ start }) => text.lineAt(start));
    return fail(`old matches only with other white space, and then in ${where}. Copy one of them exactly.`);
  }
  const [place] = tolerant;
  if (!place) return fail(explainMiss(text.decode(), old, now));
  const { start, end, replacement, how } = place;
  return { ok: true, places: [start], length: end - start, now: text.encode(replacement), note: how };
}

function findExact(text: EditText, old: string, now: string, all: boolean): Found | undefined {
  // Half a character has no bytes of its own, those of U+FFFD stand for it.
  if (!old.isWellFormed()) return undefined;
  const { bytes } = text;
  const wanted = text.encode(old);
  const places: number[] = [];
  // Without `all`, overlapping places count too: "aa" is twice in "aaa".
  const step = all ? wanted.length : 1;
  const most = all ? REPLACED : COUNTED;
  let at = bytes.indexOf(wanted);
  for (; at >= 0 && places.length < most; at = bytes.indexOf(wanted, at + step)) places.push(at);
  const isMore = at >= 0;
  if (places.length === 0) return undefined;
  if (all && isMore) {
    return fail(`old occurs more than ${most} times, too many for edit. Replace them with a command (sed or perl).`);
  }
  if (places.length > 1 && !all) {
    const count = `${isMore ? "more than " : ""}${places.length}`;
    const where = several(places, (place) => text.lineAt(place));
    return fail(`old occurs ${count} times, in ${where}${isMore ? " at least" : ""}. Add lines around it, or set all.`);
  }
  return { ok: true, places, length: wanted.length, now: text.encode(now) };
}

/** The line ends of a text, the usual one first. */
function lineEnds(bytes: Buffer): readonly ["\n" | "\r\n", ...("\n" | "\r\n")[]] {
  if (!bytes.includes("\r\n")) return ["\n"];
  let [lf, crlf] = [0, 0];
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at - 1] === 13) crlf++;
    else lf++;
  }
  return crlf >= lf ? ["\r\n", "\n"] : ["\n", "\r\n"];
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

function several<T>(places: readonly T[], lineAt: (place: T) => number): string {
  const shown = places.slice(0, LISTED).map(lineAt).join(", ");
  const more = places.length > LISTED ? ` and ${plural(places.length - LISTED, "other")}` : "";
  return `${places.length === 1 ? "line" : "lines"} ${shown}${more}`;
}

function fail(message: string): Found {
  return { ok: false, message };
}
