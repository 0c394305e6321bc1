import worker from "../../embed/tools/grep-worker.txt" with { type: "text" };
import type { LinePattern } from "./grep-pattern.ts";
import { Mistake } from "./mistake.ts";

/** Finds the lines of a text that match. */
export interface LineMatcher {
  /**
   * Start indices of at most `limit` matching lines that begin in `from` to `to`. `name`: what is searched, for the
   * `Mistake` that ends a pattern which would never be done with it.
   */
  find(text: string, from: number, to: number, limit: number, name: string): number[] | Promise<number[]>;
  /** Ends what runs beside. */
  close(): void;
}

/** ms for one text. Four megabytes take a pattern that does not run wild a tenth of it. */
const PATIENCE_MS = 5000;

/**
 * A regular expression cannot be interrupted, and some take for ever. Those run in a worker, which can be ended; all
 * others here, where they are faster.
 */
export function createMatcher(pattern: LinePattern, signal: AbortSignal, patienceMs = PATIENCE_MS): LineMatcher {
  let beside: Beside | undefined;
  return {
    find(text, from, to, limit, name) {
      if (pattern.plain) return findLiteral(text, pattern.literal, from, to, limit);
      if (!hasLongLine(text, pattern.safeLine)) return findRegExp(text, pattern, from, to, limit);
      beside ??= new Beside(pattern, signal);
      const tooSlow = new Mistake(
        `The search was ended: on ${name} the pattern ${pattern.inLine.source} ran for more than ${patienceMs / 1000} s. ` +
          "What repeats inside something repeated, as in (a+)+ or (a|ab)*, and several .* in a row try every way to " +
          "divide a line. Write each repetition once (a+, [^,]*,), begin with a piece of plain text, or leave out files " +
          "with very long lines by path and glob.",
      );
      return within(patienceMs, beside.find(text, from, to, limit), tooSlow);
    },
    close: () => beside?.close(),
  };
}

async function within<T>(ms: number, work: Promise<T>, tooSlow: Mistake): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(tooSlow), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function findLiteral(text: string, literal: string, from: number, to: number, limit: number): number[] {
  const lines: number[] = [];
  for (let at = text.indexOf(literal, from); at >= 0 && at < to && lines.length < limit; ) {
    lines.push(text.lastIndexOf("\n", at - 1) + 1);
    const end = text.indexOf("\n", at);
    if (end < 0) break;
    at = text.indexOf(literal, end + 1);
  }
  return lines;
}

function findRegExp(text: string, pattern: LinePattern, from: number, to: number, limit: number): number[] {
  const { inText, inLine } = pattern;
  const lines: number[] = [];
  inText.lastIndex = from;
  while (lines.length < limit) {
    const found = inText.exec(text);
    if (!found || found.index >= to) break;
    const start = found.index === 0 ? 0 : text.lastIndexOf("\n", found.index - 1) + 1;
    const newline = text.indexOf("\n", found.index);
    const end = newline < 0 ? text.length : newline;
    // A match may have run over the end of its line; the line alone decides.
    if (start < to && (found.index + found[0].length <= end || inLine.test(text.slice(start, end)))) lines.push(start);
    if (newline < 0 || newline + 1 >= text.length) break;
    inText.lastIndex = newline + 1;
  }
  return lines;
}

function hasLongLine(text: string, length: number): boolean {
  for (let at = 0; at + length < text.length; ) {
    const newline = text.lastIndexOf("\n", at + length);
    if (newline < at) return true;
    at = newline + 1;
  }
  return false;
}

/** The same search in a worker. Aborting ends it in the middle of a regular expression. */
class Beside {
  readonly #worker: Worker;
  readonly #ended: Promise<never>;

  constructor(pattern: LinePattern, signal: AbortSignal) {
    this.#worker = new Worker(URL.createObjectURL(new Blob([worker])));
    this.#worker.postMessage({ source: pattern.inLine.source, flags: pattern.inLine.flags });
    this.#ended = new Promise((_, reject) => {
      const stop = () => {
        this.close();
        reject(signal.reason);
      };
      signal.addEventListener("abort", stop, { once: true });
      this.#worker.onerror = (event) => reject(new Error(event.message));
    });
    // Looked at only while a search runs.
    this.#ended.catch(() => {});
  }

  find(text: string, from: number, to: number, limit: number): Promise<number[]> {
    const answer = new Promise<number[]>((resolve) => {
      this.#worker.onmessage = (event: MessageEvent<number[]>) => resolve(event.data);
    });
    this.#worker.postMessage({ text, from, to, limit });
    return Promise.race([answer, this.#ended]);
  }

  close(): void {
    this.#worker.terminate();
  }
}
