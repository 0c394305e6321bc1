/** A shell command line cut into tokens, as far as is needed to judge what its exit code says. */

export interface Word {
  type: "word";
  /** Quotes and backslashes removed; expansions are left as they are written. */
  text: string;
  /** True where nothing of it was quoted: only such a word can be a keyword. */
  bare: boolean;
  /** True where the shell puts something in: `$x`, `$(…)`, backticks. */
  expands: boolean;
  /** The command lines inside `$(…)` and backticks. */
  commands: string[];
}

/** `;` stands for a line end too. `>` and the like are followed by the word they take. */
export interface Operator {
  type: "operator";
  text: "&&" | "||" | ";" | ";;" | "&" | "|" | "(" | ")" | "<" | ">" | "<<" | "<<<";
}

export type Token = Word | Operator;

/** The command line cannot be read: an open quote, a keyword in the wrong place. */
export class ShellSyntaxError extends Error {
  override readonly name = "ShellSyntaxError";
}

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
    } else if (/\s/.test(char)) at++;
    else if (line.startsWith("\\\n", at)) at += 2;
    else if (char === "#") at = end(line, "\n", at);
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
      const isNumber = word.bare && /^\d+$/.test(word.text) && /[<>]/.test(line[next] ?? "");
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

function readWord(line: string, start: number): { word: Word; next: number } {
  const word: Word = { type: "word", text: "", bare: true, expands: false, commands: [] };
  let at = start;
  if (/^\[\[\s/.test(line.slice(at, at + 3))) {
    const close = end(line, " ]]", at, "]]");
    return {
      word: { ...word, text: line.slice(at, close + 3), expands: line.slice(at, close).includes("$") },
      next: close + 3,
    };
  }
  if (/^[<>]\(/.test(line.slice(at, at + 2))) {
    // bash's process substitution stands for a file.
    const close = closing(line, at + 1, "(", ")");
    const commands = [line.slice(at + 2, close - 1)];
    return { word: { ...word, text: line.slice(at, close), expands: true, commands }, next: close };
  }
  while (at < line.length && !/[\s;&|()<>]/.test(line[at]!)) {
    const char = line[at]!;
    if (char === "'") {
      const close = end(line, "'", at + 1, "'");
      word.text += line.slice(at + 1, close);
      word.bare = false;
      at = close + 1;
    } else if (char === '"') {
      at = readDoubleQuoted(line, at + 1, word);
    } else if (char === "\\") {
      if (line[at + 1] !== "\n") word.text += line[at + 1] ?? "";
      word.bare = false;
      at += 2;
    } else at = readCharacter(line, at, word);
  }
  return { word, next: at };
}

function readDoubleQuoted(line: string, start: number, word: Word): number {
  word.bare = false;
  let at = start;
  while (line[at] !== '"') {
    if (at >= line.length) throw new ShellSyntaxError('a " is never closed');
    if (line[at] === "\\" && /["$`\\\n]/.test(line[at + 1] ?? "")) {
      word.text += line[at + 1];
      at += 2;
    } else at = readCharacter(line, at, word);
  }
  return at + 1;
}

/** One character, or one whole expansion. */
function readCharacter(line: string, at: number, word: Word): number {
  const expansion = /^(?:\$\(\(|\$\(|\$\{|`|\$[\w?#@*!$-])/.exec(line.slice(at, at + 3))?.[0];
  if (expansion === undefined) {
    word.text += line[at];
    return at + 1;
  }
  word.expands = true;
  let close = at + expansion.length;
  if (expansion === "$(" || expansion === "$((") close = closing(line, at + 1, "(", ")");
  else if (expansion === "${") close = closing(line, at + 1, "{", "}");
  else if (expansion === "`") close = end(line, "`", at + 1, "`") + 1;
  if (expansion === "$(") word.commands.push(line.slice(at + 2, close - 1));
  if (expansion === "`") word.commands.push(line.slice(at + 1, close - 1));
  word.text += line.slice(at, close);
  return close;
}

/** Behind the bracket that closes the one at `start`; quotes hide brackets. */
function closing(line: string, start: number, open: string, close: string): number {
  let depth = 0;
  for (let at = start; at < line.length; at++) {
    const char = line[at];
    if (char === "\\") at++;
    else if (char === "'" && open === "(") at = end(line, "'", at + 1, "'");
    else if (char === '"') {
      for (at++; at < line.length && line[at] !== '"'; at++) if (line[at] === "\\") at++;
    } else if (char === open) depth++;
    else if (char === close && --depth === 0) return at + 1;
  }
  throw new ShellSyntaxError(`a ${open} is never closed`);
}

/** Where `text` is found next. With `name` it must be there. */
function end(line: string, text: string, from: number, name?: string): number {
  const found = line.indexOf(text, from);
  if (found >= 0) return found;
  if (name !== undefined) throw new ShellSyntaxError(`a ${name} is never closed`);
  return line.length;
}

function skipHereDocuments(line: string, start: number, delimiters: readonly string[]): number {
  let at = start;
  for (const delimiter of delimiters) {
    for (;;) {
      if (at >= line.length) return at;
      const stop = end(line, "\n", at);
      const text = line.slice(at, stop);
      at = stop + 1;
      if (text.trim() === delimiter) break;
    }
  }
  return at;
}
