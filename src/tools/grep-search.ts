import { isAscii } from "node:buffer";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { giveWay } from "../base/stream.ts";
import { plural } from "../base/text.ts";
import type { ToolContext } from "../contracts/tool.ts";
import { createMatcher, type LineMatcher } from "./grep-matcher.ts";
import type { LinePattern } from "./grep-pattern.ts";
import { Scout, Verdict } from "./grep-scout.ts";
import { NOTE_BYTES, NOTE_LINES, RESULT_BYTES, RESULT_LINES } from "./limits.ts";
import { countLines } from "./lines.ts";

/** Matching lines that are shown, and of one file where several are searched: no file uses up the room of all. */
const SHOWN_MATCHES = 250;
const SHOWN_OF_FILE = 50;
/** Characters of a line that are shown, around the match. */
const SHOWN_CHARS = 400;

/** Nearly every file fits; others are searched in pieces of the larger size, which end between lines. */
const SMALL = 256 * 1024;
const PIECE = 4 * 1024 * 1024;
/** A file with a zero byte in its beginning is not text. */
const SNIFFED = 8192;
/** So many files are searched here; of more, every second batch is sorted out in another thread. */
const ALONE = 5000;
const BATCH = 2000;
/** The display and the abort get a turn this often, ms. */
const TURN_MS = 20;

/** What is searched at once: whole lines; matches count in those from `from` to `to`, the others are context. */
interface Piece {
  text: string;
  from: number;
  to: number;
  /** Number of the first line. */
  line: number;
}

/** One search through many files and what it found, up to the size of a result. */
export class Search {
  /** Matching lines that were found, files looked through, and files that could not be opened. */
  matches = 0;
  searched = 0;
  unread = 0;
  readonly #pattern: LinePattern;
  readonly #matcher: LineMatcher;
  readonly #needle: Buffer | undefined;
  readonly #around: number;
  readonly #several: boolean;
  readonly #context: Pick<ToolContext, "signal" | "hide">;
  readonly #shown: string[] = [];
  #filesWithMatches = 0;
  #shownMatches = 0;
  /** Of the file at hand: the last line that was shown, and how many matches were and were not. */
  #lastLine = 0;
  #shownHere = 0;
  #hiddenHere = 0;
  #bytesLeft = RESULT_BYTES - NOTE_BYTES;
  /** When the display and the abort last had their turn. */
  #turn = performance.now();
  #scout: Scout | undefined;
  #small = Buffer.allocUnsafe(SMALL);
  #large: Buffer | undefined;

  /** `around`: lines of context. `several`: more than one file is searched. */
  constructor(pattern: LinePattern, around: number, several: boolean, context: ToolContext) {
    this.#pattern = pattern;
    this.#matcher = createMatcher(pattern, context.signal);
    // A file without it needs no decoding.
    this.#needle = pattern.literal === "" ? undefined : Buffer.from(pattern.literal);
    this.#around = around;
    this.#several = several;
    this.#context = context;
  }

  /** Searches the files, absolute paths, in their order, until the result is full. */
  async run(paths: Iterable<string>, shown: (path: string) => string): Promise<void> {
    const left = paths[Symbol.iterator]();
    await this.#each(take(left, ALONE), shown);
    while (!this.#full) {
      const own = take(left, BATCH);
      if (own.length === 0) return;
      // Without a text that every match holds nothing can be sorted out.
      const others = this.#needle === undefined ? [] : take(left, BATCH);
      const verdicts = others.length > 0 ? this.#openScout().look(others) : undefined;
      await this.#each(own, shown);
      if (verdicts) await this.#each(this.#promising(others, await verdicts), shown);
    }
  }

  async #each(paths: readonly string[], shown: (path: string) => string): Promise<void> {
    for (const path of paths) {
      if (this.#full) return;
      const pending = this.#file(path, shown);
      if (pending) await pending;
      if (this.#hiddenHere > 0) this.#add(`… ${this.#hiddenHere.toLocaleString("en")} more in ${shown(path)}`);
      this.#shownHere = 0;
      this.#hiddenHere = 0;
      if (performance.now() - this.#turn < TURN_MS) continue;
      await giveWay();
      this.#context.signal.throwIfAborted();
      this.#turn = performance.now();
    }
  }

  #openScout(): Scout {
    const { literal: needle } = this.#pattern;
    this.#scout ??= new Scout({ needle, small: SMALL, sniffed: SNIFFED }, this.#context.signal);
    return this.#scout;
  }

  #promising(paths: readonly string[], verdicts: Uint8Array): string[] {
    for (const verdict of verdicts) if (verdict === Verdict.empty) this.searched++;
    return paths.filter((_, index) => verdicts[index] === Verdict.search);
  }

  report(): string {
    const where = `${plural(this.matches, "matching line")} in ${plural(this.#filesWithMatches, "file")}`;
    const note = this.#full ? [`[stopped after ${where}; narrow with path, glob or a longer pattern]`] : [];
    return [...this.#shown, ...note].join("\n");
  }

  close(): void {
    this.#matcher.close();
    this.#scout?.close();
  }

  get #full(): boolean {
    return (
      this.#shownMatches >= SHOWN_MATCHES || this.#bytesLeft <= 0 || this.#shown.length >= RESULT_LINES - NOTE_LINES - 1
    );
  }

  #file(path: string, shown: (path: string) => string): Promise<void> | undefined {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch {
      this.unread++;
      return undefined;
    }
    let pending: Promise<void> | undefined;
    try {
      const n = readSync(fd, this.#small, 0, SMALL, null);
      if (this.#small.subarray(0, Math.min(n, SNIFFED)).includes(0)) return undefined;
      this.searched++;
      if (n === SMALL) pending = this.#pieces(fd, path, shown);
      else if (this.#mayMatch(this.#small, 0, n)) {
        const text = decode(this.#small, 0, n);
        pending = this.#search({ text, from: 0, to: text.length, line: 1 }, path, shown, true);
      }
    } catch {
      this.unread++;
    } finally {
      if (!pending) closeSync(fd);
    }
    return pending?.finally(() => closeSync(fd));
  }

  /** A file that is larger than the small buffer, whose beginning lies there. */
  async #pieces(fd: number, path: string, shown: (path: string) => string): Promise<void> {
    this.#large ??= Buffer.allocUnsafe(PIECE);
    const buffer = this.#large;
    let filled = this.#small.copy(buffer);
    let line = 1;
    let from = 0;
    let first = true;
    for (let ended = false; !ended; ) {
      while (filled < PIECE && !ended) {
        const n = readSync(fd, buffer, filled, PIECE - filled, null);
        filled += n;
        ended = n === 0;
      }
      // The last lines wait for the next piece: it has the lines after them.
      const lineEnd = buffer.lastIndexOf(10, filled - 1) + 1;
      const cut = ended || lineEnd === 0 ? filled : lineEnd;
      const to = ended || lineEnd === 0 ? cut : Math.max(from, linesBack(buffer, cut, this.#around));
      if (to > from && this.#mayMatch(buffer, from, to)) {
        const before = decode(buffer, 0, from);
        const body = decode(buffer, from, to);
        const text = before + body + decode(buffer, to, cut);
        const piece = { text, from: before.length, to: before.length + body.length, line };
        const found = this.matches;
        await this.#search(piece, path, shown, first);
        if (this.matches > found) first = false;
      }
      if (ended || this.#full) return;
      const keep = Math.min(linesBack(buffer, to, this.#around), filled);
      line += countLines(buffer, keep);
      buffer.copy(buffer, 0, keep, filled);
      from = to - keep;
      filled -= keep;
      if (filled === PIECE) {
        // One line as large as the buffer: what was searched goes.
        from = 0;
        filled = 0;
      }
      await giveWay();
      this.#context.signal.throwIfAborted();
    }
  }

  #mayMatch(buffer: Buffer, from: number, to: number): boolean {
    return this.#needle === undefined || buffer.subarray(from, to).includes(this.#needle);
  }

  #search(piece: Piece, path: string, shown: (path: string) => string, first: boolean): Promise<void> | undefined {
    // Of a file that is left early, what is not shown is counted.
    const limit = this.#several ? Number.POSITIVE_INFINITY : SHOWN_MATCHES - this.#shownMatches;
    const found = this.#matcher.find(piece.text, piece.from, piece.to, limit, shown(path));
    if (found instanceof Promise) return found.then((starts) => this.#show(piece, starts, path, shown, first));
    this.#show(piece, found, path, shown, first);
    return undefined;
  }

  #show(piece: Piece, starts: readonly number[], path: string, shown: (path: string) => string, first: boolean): void {
    if (starts.length === 0) return;
    if (first) {
      this.#filesWithMatches++;
      this.#lastLine = 0;
      this.#add(shown(path));
    }
    this.matches += starts.length;
    const { text } = piece;
    const matching = new Set(starts);
    let line = piece.line;
    let counted = 0;
    for (const [index, start] of starts.entries()) {
      if (this.#several && this.#shownHere === SHOWN_OF_FILE) {
        this.#hiddenHere += starts.length - index;
        return;
      }
      let at = linesBack(text, start, this.#around);
      for (; counted < at; line++) counted = text.indexOf("\n", counted) + 1;
      let after = 0;
      for (let here = line; at < text.length; here++) {
        // The next match brings its own lines.
        if (at > start && (matching.has(at) || ++after > this.#around)) break;
        const newline = text.indexOf("\n", at);
        const end = newline < 0 ? text.length : newline;
        if (here > this.#lastLine) {
          if (this.#around > 0 && this.#lastLine > 0 && here > this.#lastLine + 1) this.#add("--");
          this.#add(`${here}${matching.has(at) ? ":" : "-"}${this.#clip(text.slice(at, end))}`);
          this.#lastLine = here;
        }
        at = end + 1;
      }
      this.#shownMatches++;
      this.#shownHere++;
      if (this.#full) return;
    }
  }

  #add(line: string): void {
    this.#shown.push(line);
    this.#bytesLeft -= Buffer.byteLength(line) + 1;
  }

  /** A long line is shown around its match. */
  #clip(line: string): string {
    const whole = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (whole.length <= SHOWN_CHARS) return whole;
    const text = this.#context.hide(whole);
    const { plain, literal, inLine, safeLine } = this.#pattern;
    const at = plain ? text.indexOf(literal) : text.length <= safeLine ? text.search(inLine) : 0;
    const start = Math.max(0, Math.min(at - SHOWN_CHARS / 4, text.length - SHOWN_CHARS));
    const part = text.slice(start, start + SHOWN_CHARS).replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, "");
    return `${start > 0 ? "…" : ""}${part}${start + SHOWN_CHARS < text.length ? "…" : ""}`;
  }
}

function take(from: Iterator<string>, count: number): string[] {
  const taken: string[] = [];
  while (taken.length < count) {
    const next = from.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}

function decode(buffer: Buffer, from: number, to: number): string {
  // Most files are ASCII, and that is several times faster to decode.
  return buffer.toString(isAscii(buffer.subarray(from, to)) ? "latin1" : "utf8", from, to);
}

/** Start of the line that lies `count` lines before the line start `at`. */
function linesBack(text: string | Buffer, at: number, count: number): number {
  let start = at;
  for (let i = 0; i < count && start > 0; i++) start = start === 1 ? 0 : newlineBefore(text, start - 2) + 1;
  return start;
}

function newlineBefore(text: string | Buffer, at: number): number {
  return typeof text === "string" ? text.lastIndexOf("\n", at) : text.lastIndexOf(10, at);
}
