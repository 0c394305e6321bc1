import { foldLine, similarity } from "./edit-lines.ts";

/** Lines of the nearest place that are shown, and characters of each. */
const SHOWN_LINES = 12;
const SHOWN_CHARS = 240;

/** Below this nothing is near. */
const NEAR = 0.4;

/** Where no line is equal, this many lines at most are compared letter by letter. */
const COMPARED_LINES = 50_000;
/** And of the places found so, this many as a whole. */
const COMPARED_PLACES = 8;

/** Says what did not match: the nearest place with its line numbers and the first difference. ASCII beside quotes. */
export function explainMiss(text: string, old: string, now: string): string {
  const lines = text === "" ? [] : text.replace(/\r?\n$/, "").split(/\r?\n/);
  const wanted = old.replace(/\n$/, "").split("\n");
  // Shorter texts occur anywhere by chance.
  if (now.trim().length >= 10 && occursOnce(text.replaceAll("\r\n", "\n"), now)) {
    return "old is not in the file, but new is there already: this edit seems to be done.";
  }
  const at = nearest(lines, wanted);
  if (at === undefined) {
    return `old is not in the file, and nothing in its ${lines.length} lines is like it. Read the file again.`;
  }
  const place = lines.slice(at, at + wanted.length);
  const shown = place.slice(0, SHOWN_LINES).map((line, index) => `${at + index + 1}\t${line.slice(0, SHOWN_CHARS)}`);
  if (place.length > SHOWN_LINES) shown.push(`... ${place.length - SHOWN_LINES} more lines`);
  return [
    `old is not in the file. Nearest is line ${at + 1}:`,
    ...shown,
    firstDifference(place, wanted, at),
    "Copy old from the file as it is, without line numbers.",
  ].join("\n");
}

function occursOnce(text: string, part: string): boolean {
  const at = text.indexOf(part);
  return at >= 0 && text.indexOf(part, at + 1) < 0;
}

/** Index of the line where most of `wanted` stands, or something like its most telling line. */
function nearest(lines: readonly string[], wanted: readonly string[]): number | undefined {
  const target = wanted.map(foldLine);
  const places = new Map<string, number[]>();
  target.forEach((line, index) => {
    if (line.length > 2) places.set(line, [...(places.get(line) ?? []), index]);
  });
  const votes = new Map<number, number>();
  lines.forEach((line, index) => {
    for (const offset of places.get(foldLine(line)) ?? []) {
      const start = index - offset;
      if (start >= 0) votes.set(start, (votes.get(start) ?? 0) + 1);
    }
  });
  let best: number | undefined;
  for (const [start, count] of votes) if (best === undefined || count > votes.get(best)!) best = start;
  return best ?? mostSimilar(lines, target);
}

/** Of the places that hold something like the most telling line, the one that is most alike as a whole. */
function mostSimilar(lines: readonly string[], target: readonly string[]): number | undefined {
  const telling = target.reduce((a, b) => (b.length > a.length ? b : a), "");
  const offset = target.indexOf(telling);
  const near: { start: number; score: number }[] = [];
  lines.slice(0, COMPARED_LINES).forEach((line, index) => {
    const score = likeness(line, telling);
    if (score > NEAR) near.push({ start: Math.max(0, index - offset), score });
  });
  const nearest = near.sort((a, b) => b.score - a.score).slice(0, COMPARED_PLACES);
  const whole = (start: number) =>
    lines.slice(start, start + target.length).reduce((sum, line, index) => sum + likeness(line, target[index]!), 0);
  return nearest.map(({ start }) => ({ start, sum: whole(start) })).sort((a, b) => b.sum - a.sum)[0]?.start;
}

/** 0 to 1. Part of a longer line is near as well. */
function likeness(line: string, wanted: string): number {
  const folded = foldLine(line);
  return wanted !== "" && folded.includes(wanted) ? 1 : similarity(folded, wanted);
}

function firstDifference(place: readonly string[], wanted: readonly string[], at: number): string {
  const index = wanted.findIndex((line, i) => place[i] !== line);
  const theirs = place[index];
  if (theirs === undefined) return `First difference: the file ends before line ${at + index + 1}.`;
  const mine = wanted[index]!;
  // The first line of old may begin within one of the file's, which is shown from there on then.
  const begin = index === 0 ? beginning(mine, theirs) : 0;
  const equal = commonLength(mine, theirs, begin);
  const column = begin + equal;
  // A long line is shown around the place where it goes apart.
  const from = Math.max(0, equal - 80);
  const cut = (line: string) => JSON.stringify(line.slice(from, from + SHOWN_CHARS));
  const shown = `old:  ${cut(mine)}\nfile: ${cut(theirs.slice(begin))}`;
  return `First difference, line ${at + index + 1}, column ${column + 1}:\n${shown}`;
}

/** So much in common says where in a line another text begins, characters. */
const LEAST_COMMON = 4;

/** Where in `theirs` most of the beginning of `mine` stands; 0 where that is nowhere in particular. */
function beginning(mine: string, theirs: string): number {
  let [best, length] = [0, Math.max(commonLength(mine, theirs, 0), LEAST_COMMON - 1)];
  for (let start = 1; start < Math.min(theirs.length, COMPARED_CHARS); start++) {
    const common = commonLength(mine, theirs, start);
    if (common > length) [best, length] = [start, common];
  }
  return best;
}

/** Characters of a line that are looked at for that. */
const COMPARED_CHARS = 2000;

/** How many characters of `mine` stand in `theirs` from `start` on. */
function commonLength(mine: string, theirs: string, start: number): number {
  let length = 0;
  while (length < mine.length && mine[length] === theirs[start + length]) length++;
  return length;
}
