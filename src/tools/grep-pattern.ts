import { messageOf } from "../base/errors.ts";
import { Mistake } from "./mistake.ts";

/** A search for text in lines, prepared. */
export interface LinePattern {
  /** With the flags g and m: finds candidates in a whole text. */
  inText: RegExp;
  /** Without g: decides about one line. */
  inLine: RegExp;
  /** A text that every match contains; "" where none is known. */
  literal: string;
  /** The pattern is nothing but `literal`. */
  plain: boolean;
  /** Characters of the longest line on which it surely ends soon. On longer ones run it where it can be stopped. */
  safeLine: number;
}

const SPECIAL = /[\\^$.*+?()[\]{}|]/;

/** Throws a `Mistake` that explains what is wrong with the pattern and what to write instead. */
export function compileLinePattern(source: string, ignoreCase: boolean): LinePattern {
  if (source === "") throw new Mistake("The pattern is empty. To list files use glob.");
  // Not a part of JavaScript, but often written.
  const inline = source.startsWith("(?i)");
  const body = inline ? source.slice(4) : source;
  const caseless = ignoreCase || inline;
  explainForeign(body);
  const flags = `m${caseless ? "i" : ""}${/\\[pP]\{/.test(body) ? "u" : ""}`;
  let inLine: RegExp;
  try {
    inLine = new RegExp(body, flags);
  } catch (error) {
    const what = messageOf(error).replace(/^Invalid regular expression: /, "");
    throw new Mistake(`${body} is not a valid regular expression: ${what}. For the text itself write ${escaped(body)}`);
  }
  const literal = caseless ? "" : requiredLiteral(body);
  return {
    inText: new RegExp(withinLines(body), `${flags}g`),
    inLine,
    literal,
    plain: !caseless && (literal === body || escaped(literal) === body),
    safeLine: safeLineOf(body),
  };
}

/** Spellings of other tools that JavaScript takes for something else, or for nothing. */
function explainForeign(source: string): void {
  const known: [RegExp, string][] = [
    [/\[\[:\w+:\]/, "[[:alpha:]] and its like do not exist in JavaScript: write [a-zA-Z], \\d, \\s, \\w"],
    [/(?<!\\)\\[<>]/, "\\< and \\> do not exist in JavaScript: write \\b"],
    [/(?<!\\)\\[AzZ]/, "\\A and \\z do not exist in JavaScript: write ^ and $"],
    [/(?<!\\)\\n/, "the search goes line by line, so \\n never matches: search for one of the lines, with context"],
  ];
  const found = known.find(([pattern]) => pattern.test(source));
  if (found) throw new Mistake(`${source}: ${found[1]}.`);
}

function escaped(text: string): string {
  return text.replace(new RegExp(SPECIAL, "g"), "\\$&");
}

/**
 * The longest run of plain characters that is a part of every match. Careful: with an alternative anywhere nothing is
 * said, groups and classes are passed over, and a character that may be absent does not count.
 */
export function requiredLiteral(source: string): string {
  if (source.includes("|")) return "";
  let best = "";
  let run = "";
  const finish = () => {
    if (run.length > best.length) best = run;
    run = "";
  };
  for (let i = 0; i < source.length; ) {
    const char = source[i]!;
    let next = i + 1;
    let plain: string | undefined;
    if (char === "\\") {
      const after = source[i + 1] ?? "";
      next = i + 2;
      if (/[^\w\s]/.test(after)) plain = after;
      // What follows \x, \u, \p, \k, \c belongs to it.
      else if (/[xupPkcC0-9]/.test(after)) return best.length > run.length ? best : run;
    } else if (char === "[") {
      next = endOfClass(source, i);
    } else if (char === "(") {
      next = endOfGroup(source, i);
    } else if (!SPECIAL.test(char)) {
      plain = char;
    }
    const quantifier = /^(?:[*?]|\{0*,|\{0*\})/.test(source.slice(next))
      ? "absent"
      : /^(?:\+|\{\d)/.test(source.slice(next))
        ? "repeated"
        : "none";
    if (plain === undefined || quantifier === "absent") finish();
    else {
      run += plain;
      if (quantifier === "repeated") finish();
    }
    if (quantifier !== "none") next += /^(?:[*?+]|\{[\d,]*\})\??/.exec(source.slice(next))?.[0].length ?? 0;
    i = next;
  }
  finish();
  return best;
}

function endOfClass(source: string, start: number): number {
  for (let i = start + 1; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === "]") return i + 1;
  }
  return source.length;
}

function endOfGroup(source: string, start: number): number {
  for (let i = start + 1; i < source.length; ) {
    if (source[i] === "\\") i += 2;
    else if (source[i] === "[") i = endOfClass(source, i);
    else if (source[i] === "(") i = endOfGroup(source, i);
    else if (source[i] === ")") return i + 1;
    else i++;
  }
  return source.length;
}

/** The same pattern, but what is repeated does not run over the end of a line: it would look through the whole file. */
function withinLines(source: string): string {
  const inner: Record<string, string> = { "\\s": "[^\\S\\n]", "\\W": "[^\\w\\n]", "\\D": "[^\\d\\n]" };
  let result = "";
  for (let i = 0; i < source.length; ) {
    const end = source[i] === "\\" ? i + 2 : source[i] === "[" ? endOfClass(source, i) : i + 1;
    const part = source.slice(i, end);
    if (part.startsWith("[^")) result += `${part.slice(0, -1)}\\n]`;
    else if (/^\[.*\\[sWD]/s.test(part)) result += `(?:(?!\\n)${part})`;
    else result += inner[part] ?? part;
    i = end;
  }
  return result;
}

/**
 * A backtracking engine may need exponential time where a repeated group holds a repetition or a choice, and a power of
 * the line's length with several repetitions. Looking around is judged line by line, as the worker does.
 */
function safeLineOf(source: string): number {
  if (/(?<!\\)\\[1-9k]|\(\?<?[=!]/.test(source)) return 0;
  let repetitions = 0;
  for (let i = 0; i < source.length; ) {
    if (source[i] === "\\") i += 2;
    else if (source[i] === "[") i = endOfClass(source, i);
    else if (source[i] === "(") {
      const end = endOfGroup(source, i);
      if (isRepetition(source, end) && /[*+|]|\{\d+,/.test(source.slice(i, end))) return 0;
      i++;
    } else {
      if (isRepetition(source, i)) repetitions++;
      i++;
    }
  }
  return [Number.POSITIVE_INFINITY, 10_000, 2000][repetitions] ?? 500;
}

function isRepetition(source: string, at: number): boolean {
  return /^(?:[*+]|\{\d+,?\d*\})/.test(source.slice(at, at + 12));
}
