import { foldLine, plainPart, similarity } from "./edit-lines.ts";
import type { EditText } from "./edit-text.ts";

/** One place where `old` may stand. */
export interface Place {
  /** Indices of the text's bytes. */
  start: number;
  end: number;
  replacement: string;
  /** For the model: how it was found. ASCII. */
  how: string;
}

/** Middle lines of an anchored block: this share must be equal, and the others this similar. */
const EQUAL_SHARE = 0.5;
const LIKE = 0.5;

const DIFFERED = "white space or quotes differed; the file's own were kept";
const DIFFERED_IN_PART = "white space or quotes in old differed from the file's";
/** A shorter piece of a line may be found by chance, characters. */
const LEAST_PIECE = 8;

/** What `foldLine` takes for the same, as a part of a regular expression. */
const ALIKE: Readonly<Record<string, string>> = {
  "'": "\\\\?['\u2018-\u201b]",
  '"': '\\\\?["\u201c-\u201f]',
  "-": "[-\u2010-\u2015\u2212]",
  " ": "[^\\S\\n]+",
};

/** A part of a line whose white space or quotes are others. */
function findInLines(text: EditText, old: string, now: string, lineEnd: string): Place[] {
  const plain = foldLine(old);
  // Half a character would be found within a whole one, whose bytes cannot be parted.
  if (plain.length < LEAST_PIECE || !plain.isWellFormed()) return [];
  const folded = plain.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replace(/['"\- ]/g, (sign) => ALIKE[sign]!);
  // `x` is no part of `max`.
  const source = `${/^\w/.test(plain) ? "(?<!\\w)" : ""}${folded}${/\w$/.test(plain) ? "(?!\\w)" : ""}`;
  const [before, after] = [indentOf(old), /[ \t]*$/.exec(old)![0]];
  const start = now.startsWith(before) ? before.length : 0;
  const end = now.endsWith(after) ? now.length - after.length : now.length;
  const replacement = now.slice(start, end).replaceAll("\n", lineEnd);
  const whole = text.decode();
  const places: Place[] = [];
  let [at, chars] = [0, 0];
  for (const match of whole.matchAll(new RegExp(source, "g"))) {
    at += text.sizeOf(whole.slice(chars, match.index));
    chars = match.index;
    places.push({ start: at, end: at + text.sizeOf(match[0]), replacement, how: DIFFERED_IN_PART });
  }
  return places;
}

/**
 * Every place where `old` stands when white space and typographic quotes do not count; where there is none, every
 * place whose first and last line do and whose middle is alike. `old` and `now` have plain line ends.
 */
export function findTolerant(text: EditText, old: string, now: string, lineEnd: string): Place[] {
  const wanted = old.split("\n");
  const closed = wanted.length > 1 && wanted.at(-1) === "";
  if (closed) wanted.pop();
  const target = wanted.map(foldLine);
  if (target.every((line) => line === "")) return [];
  const lines = new FoldedLines(text);

  const make = (first: number, how: string): Place => {
    const found = wanted.map((_, index) => text.line(first + index));
    const last = found.at(-1)!;
    // The end of the last line belongs to `old` where it was written: it stays if `now` has it too.
    const stays = closed && now.endsWith("\n");
    const body = adapt(
      found.map((line) => line.text),
      wanted,
      stays ? now.slice(0, -1) : now,
    );
    const end = closed && !stays ? last.next : last.end;
    return { start: found[0]!.start, end, replacement: body.replaceAll("\n", lineEnd), how };
  };

  const equal = candidates(text, target, [...target.keys()]).filter((at) =>
    target.every((line, i) => line === lines.at(at + i)),
  );
  if (equal.length > 0) return equal.map((at) => make(at, DIFFERED));
  const inLines = wanted.length === 1 ? findInLines(text, wanted[0]!, now, lineEnd) : [];
  if (inLines.length > 0) return inLines;
  const last = target.length - 1;
  if (last < 2 || !/\w{2}/.test(target[0]!) || target[last] === "") return [];
  const anchored = candidates(text, target, [0, last]).filter((at) => isAnchored(lines, target, at));
  return anchored.map((at) => make(at, differences(text, wanted, lines, target, at)));
}

/** The lines of a text, from 0, folded when first asked for. */
class FoldedLines {
  readonly #text: EditText;
  readonly #folded = new Map<number, string>();

  constructor(text: EditText) {
    this.#text = text;
  }

  at(index: number): string {
    let line = this.#folded.get(index);
    if (line === undefined) {
      line = foldLine(this.#text.line(index).text);
      this.#folded.set(index, line);
    }
    return line;
  }
}

/**
 * The lines, from 0, at which `target` may begin. `sure`: indices of its lines that must stand there. Looked for is the
 * longest word of those, so that not every line of the text has to be looked at.
 */
function candidates(text: EditText, target: readonly string[], sure: readonly number[]): number[] {
  const { bytes, starts } = text;
  const last = starts.length - target.length;
  const words = sure.map((row) => ({ row, word: plainPart(target[row]!) }));
  const { row, word } = words.reduce((best, other) => (other.word.length > best.word.length ? other : best));
  if (word === "") return [...starts.keys()].slice(0, Math.max(0, last + 1));
  const needle = text.encode(word);
  const found: number[] = [];
  for (let at = bytes.indexOf(needle); at >= 0; ) {
    const line = lineHolding(starts, at);
    const first = line - row;
    if (first >= 0 && first <= last) found.push(first);
    at = bytes.indexOf(needle, starts[line + 1] ?? bytes.length);
  }
  return found;
}

/** Index of the last start that is not behind `at`. */
function lineHolding(starts: readonly number[], at: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= at) low = middle;
    else high = middle;
  }
  return low;
}

function isAnchored(lines: FoldedLines, target: readonly string[], at: number): boolean {
  const last = target.length - 1;
  if (target[0] !== lines.at(at) || target[last] !== lines.at(at + last)) return false;
  let equal = 0;
  for (let index = 1; index < last; index++) {
    const line = lines.at(at + index);
    if (target[index] === line) equal++;
    else if (similarity(target[index]!, line) < LIKE) return false;
  }
  return equal >= (last - 1) * EQUAL_SHARE;
}

function differences(
  text: EditText,
  wanted: readonly string[],
  lines: FoldedLines,
  target: readonly string[],
  at: number,
): string {
  const differing = target.flatMap((line, index) => (line === lines.at(at + index) ? [] : [index]));
  const shown = differing.slice(0, 3).map((index) => {
    const pair = [wanted[index]!, text.line(at + index).text];
    const [mine, theirs] = pair.map((line) => line.trim().slice(0, 200));
    return `line ${at + index + 1} was ${JSON.stringify(theirs)}, not ${JSON.stringify(mine)}`;
  });
  return `found by its first and last line; ${shown.join("; ")}`;
}

/**
 * `now` as it would have been written by somebody who saw the file: lines it shares with `wanted` are taken from the
 * file as they are, the others get the file's indentation.
 */
function adapt(found: readonly string[], wanted: readonly string[], now: string): string {
  if (now === "") return "";
  const lines = now.split("\n");
  const kept = align(wanted, lines);
  const indents = wanted.map((line, index) => [indentOf(line), indentOf(found[index]!)] as const);
  const pairs = indents.filter((_, index) => wanted[index]!.trim() !== "" && found[index]!.trim() !== "");
  return lines
    .map((line, index) => {
      const same = kept.get(index);
      return same === undefined ? reindent(line, pairs) : found[same]!;
    })
    .join("\n");
}

/** The longest common run of equal lines: index in `now` to index in `old`. */
function align(old: readonly string[], now: readonly string[]): Map<number, number> {
  const width = now.length + 1;
  const length = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      length[i * width + j] =
        old[i] === now[j]
          ? length[(i + 1) * width + j + 1]! + 1
          : Math.max(length[(i + 1) * width + j]!, length[i * width + j + 1]!);
    }
  }
  const pairs = new Map<number, number>();
  for (let i = 0, j = 0; i < old.length && j < now.length; ) {
    if (old[i] === now[j]) pairs.set(j++, i++);
    else if (length[(i + 1) * width + j]! >= length[i * width + j + 1]!) i++;
    else j++;
  }
  return pairs;
}

function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)![0];
}

/** `pairs`: indentation as the model wrote it, and as the file has it, of the same lines. */
function reindent(line: string, pairs: readonly (readonly [string, string])[]): string {
  const indent = indentOf(line);
  const rest = line.slice(indent.length);
  if (rest === "") return "";
  const same = pairs.find(([mine]) => mine === indent);
  if (same) return same[1] + rest;
  // The deepest known level above it, and the rest in the file's kind of indentation.
  const above = pairs.filter(([mine]) => indent.startsWith(mine)).toSorted((a, b) => b[0].length - a[0].length)[0];
  if (above) return above[1] + converted(indent.slice(above[0].length), pairs) + rest;
  const below = pairs.find(([mine]) => mine.startsWith(indent));
  const extra = below ? converted(below[0].slice(indent.length), pairs) : "";
  return (below?.[1].endsWith(extra) ? below[1].slice(0, below[1].length - extra.length) : indent) + rest;
}

/** Spaces to tabs or tabs to spaces, by the widths seen in `pairs`; unchanged where they say nothing. */
function converted(indent: string, pairs: readonly (readonly [string, string])[]): string {
  for (const [mine, theirs] of pairs) {
    if (/^ +$/.test(mine) && /^\t+$/.test(theirs) && /^ *$/.test(indent)) {
      return "\t".repeat(Math.round(indent.length / (mine.length / theirs.length)));
    }
    if (/^\t+$/.test(mine) && /^ +$/.test(theirs) && /^\t*$/.test(indent)) {
      return " ".repeat(Math.round(indent.length * (theirs.length / mine.length)));
    }
  }
  return indent;
}
