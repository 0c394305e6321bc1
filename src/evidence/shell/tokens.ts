import { readShellWord, ShellSyntaxError, type ShellWord } from "../../base/shell/words.ts";

/** A word of a command line that is cut into tokens, as far as is needed to judge what its exit code says. */
export interface Word extends ShellWord {
  type: "word";
}

/** `;` stands for a line end too. `>` and the like are followed by the word they take. */
export interface Operator {
  type: "operator";
  text: "&&" | "||" | ";" | ";;" | "&" | "|" | "(" | ")" | "<" | ">" | "<<" | "<<<";
}

export type Token = Word | Operator;

/** Throws `ShellSyntaxError` where a quote or a bracket is never closed. */
export function tokenize(line: string): Token[] {
  const tokens: Token[] = [];
  /** Here-documents whose text begins after the next line end. */
  const waiting: string[] = [];
  let at = 0;
  while (at < line.length) {
    const char = line[at]!;
    if (char === "\n") {
      tokens.push({ type: "operator", text: ";" });
      at = skipHereDocuments(line, at + 1, waiting.splice(0));
    } else if (char === " " || char === "\t") at++;
    else if (line.startsWith("\\\n", at)) at += 2;
    else if (char === "#") at = lineEnd(line, at);
    else {
      const operator = /^[<>]\(/.test(line.slice(at, at + 2)) ? undefined : readOperator(line, at);
      if (operator) {
        at += operator.length;
        if (operator.token) tokens.push(operator.token);
        continue;
      }
      const { word, next } = readWord(line, at);
      const before = tokens.at(-1);
      if (before?.type === "operator" && before.text === "<<") waiting.push(word.text.replace(/^-/, ""));
      // `2>file`: the number belongs to the redirection.
      const isNumber = !word.quoted && /^\d+$/.test(word.text) && /[<>]/.test(line[next] ?? "");
      if (!isNumber) tokens.push(word);
      at = next;
    }
  }
  return tokens;
}

function readOperator(line: string, at: number): { token?: Operator; length: number } | undefined {
  const text = /^(?:&>>?|>>|>\||<>|<<<|<<-?|&&|\|\||\|&|;;|[;&|()<>])/.exec(line.slice(at, at + 3))?.[0];
  if (text === undefined) return undefined;
  // `2>&1` and `<&3` copy a descriptor and touch no file.
  const copies = /^[<>]&(?:\d+|-)/.exec(line.slice(at));
  if (copies) return { length: copies[0].length };
  const same: Record<string, Operator["text"]> = {
    "&>": ">",
    "&>>": ">",
    ">>": ">",
    ">|": ">",
    "<>": "<",
    "<<-": "<<",
    "|&": "|",
  };
  return { token: { type: "operator", text: same[text] ?? (text as Operator["text"]) }, length: text.length };
}

/** Between `[[` and `]]` other rules hold: all of it is one word. */
function readWord(line: string, start: number): { word: Word; next: number } {
  if (!/^\[\[\s/.test(line.slice(start, start + 3))) {
    const { word, next } = readShellWord(line, start);
    return { word: { type: "word", ...word }, next };
  }
  const close = line.indexOf(" ]]", start);
  if (close < 0) throw new ShellSyntaxError("a ]] is never closed");
  const text = line.slice(start, close + 3);
  const plain = { quoted: false, glob: false, commands: [] };
  return { word: { type: "word", text, written: text, dynamic: text.includes("$"), ...plain }, next: close + 3 };
}

function skipHereDocuments(line: string, start: number, delimiters: readonly string[]): number {
  let at = start;
  for (const delimiter of delimiters) {
    for (;;) {
      if (at >= line.length) return at;
      const stop = lineEnd(line, at);
      const text = line.slice(at, stop);
      at = stop + 1;
      if (text.trim() === delimiter) break;
    }
  }
  return at;
}

function lineEnd(line: string, from: number): number {
  const found = line.indexOf("\n", from);
  return found < 0 ? line.length : found;
}
