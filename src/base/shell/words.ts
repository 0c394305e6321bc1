/** A word of a shell command line. */
export interface ShellWord {
  /** Quotes and backslashes removed; expansions as they are written. */
  text: string;
  /** As it stands in the line. */
  written: string;
  /** Some of it was quoted: it is no keyword. */
  quoted: boolean;
  /** The shell puts something in that cannot be seen here: `$x`, `$(…)`, backticks, `{a,b}`, `$'…'`. */
  dynamic: boolean;
  /** Unquoted `*`, `?` or `[`. */
  glob: boolean;
  /** Command lines inside `$(…)`, backticks, `<(…)`. */
  commands: string[];
}

/** The line cannot be read: an open quote, a keyword in the wrong place. The message says why, without naming the line. */
export class ShellSyntaxError extends Error {
  override readonly name = "ShellSyntaxError";
}

/** Reads one word; an empty one where a separator stands. Throws `ShellSyntaxError` for quotes and brackets left open. */
export function readShellWord(line: string, start: number): { word: ShellWord; next: number } {
  const word: ShellWord = { text: "", written: "", quoted: false, dynamic: false, glob: false, commands: [] };
  let at = start;
  // Only these end a word: to a shell, other white space is a letter like any other.
  while (at < line.length && !/[ \t\n;&|()]/.test(line[at]!)) {
    const char = line[at]!;
    if (char === "<" || char === ">") {
      if (line[at + 1] !== "(" || at > start) break;
      // bash's process substitution stands for a file.
      const close = closing(line, at + 1, "(", ")");
      add(word, line.slice(at, close), line.slice(at + 2, close - 1));
      at = close;
    } else if (char === "'") {
      const close = find(line, "'", at + 1);
      word.text += line.slice(at + 1, close);
      word.quoted = true;
      at = close + 1;
    } else if (char === '"') at = readDouble(line, at + 1, word);
    else if (line.startsWith("$'", at)) {
      const close = endOfAnsiQuote(line, at + 2);
      const text = line.slice(at + 2, close);
      word.text += text;
      word.quoted = true;
      // `\x72m` would have to be decoded to be seen.
      if (text.includes("\\")) word.dynamic = true;
      at = close + 1;
    } else if (line.startsWith('$"', at)) at = readDouble(line, at + 2, word);
    else if (char === "\\") {
      if (line[at + 1] !== "\n") word.text += line[at + 1] ?? "";
      word.quoted = true;
      at += 2;
    } else {
      if (/[*?[]/.test(char)) word.glob = true;
      // Lists and ranges in braces become several words.
      if (char === "{" && /^\{[^\s{}]*(?:,|\.\.)/.test(line.slice(at))) word.dynamic = true;
      at = readCharacter(line, at, word);
    }
  }
  word.written = line.slice(start, at);
  return { word, next: at };
}

function add(word: ShellWord, text: string, command?: string): void {
  word.text += text;
  word.dynamic = true;
  if (command !== undefined) word.commands.push(command);
}

function readDouble(line: string, start: number, word: ShellWord): number {
  word.quoted = true;
  let at = start;
  while (line[at] !== '"') {
    if (at >= line.length) throw new ShellSyntaxError('a " is never closed');
    if (line[at] === "\\" && /["$`\\\n]/.test(line[at + 1] ?? "")) {
      if (line[at + 1] !== "\n") word.text += line[at + 1];
      at += 2;
    } else at = readCharacter(line, at, word);
  }
  return at + 1;
}

/** One character, or one whole expansion. */
function readCharacter(line: string, at: number, word: ShellWord): number {
  const begins = /^(?:\$\(\(|\$\(|\$\{|\$\[|`|\$[\w?#@*!$-])/.exec(line.slice(at, at + 3))?.[0];
  if (begins === undefined) {
    word.text += line[at];
    return at + 1;
  }
  if (begins === "`") {
    const close = endOfBackticks(line, at + 1);
    add(word, line.slice(at, close + 1), line.slice(at + 1, close).replace(/\\([`\\$])/g, "$1"));
    return close + 1;
  }
  if (begins === "$(" || begins === "$((") {
    const close = closing(line, at + 1, "(", ")");
    const inner = line.slice(at + 2, close - 1);
    // Arithmetic may hold substitutions too; where the second bracket ends early, it began a subshell.
    if (begins === "$((" && closing(inner, 0, "(", ")") === inner.length)
      addInner(word, line.slice(at, close), inner.slice(1, -1));
    else add(word, line.slice(at, close), inner);
    return close;
  }
  if (begins === "${" || begins === "$[") {
    const close = begins === "${" ? closing(line, at + 1, "{", "}") : closing(line, at + 1, "[", "]");
    addInner(word, line.slice(at, close), line.slice(at + 2, close - 1));
    return close;
  }
  add(word, begins);
  return at + begins.length;
}

/** An expansion that runs nothing itself, but whose text may. */
function addInner(word: ShellWord, text: string, inner: string): void {
  add(word, text);
  const unquoted = inner.replaceAll('"', " ");
  word.commands.push(...readShellWord(`"${unquoted}"`, 0).word.commands);
}

/** Behind the bracket that closes the one at `start`; quotes hide brackets. */
function closing(line: string, start: number, open: string, close: string): number {
  let depth = 0;
  for (let at = start; at < line.length; at++) {
    const char = line[at];
    if (char === "\\") at++;
    else if (char === "'" && open === "(") at = find(line, "'", at + 1);
    else if (char === '"') at = skipDouble(line, at + 1);
    else if (char === "`") at = endOfBackticks(line, at + 1);
    else if (char === "#" && open === "(" && /[ \t\n]/.test(line[at - 1] ?? "")) {
      const end = line.indexOf("\n", at);
      if (end < 0) break;
      at = end;
    } else if (char === open) depth++;
    else if (char === close && --depth === 0) return at + 1;
  }
  throw new ShellSyntaxError(`a ${open} is never closed`);
}

/** Index of the quote that closes; substitutions in between may hold quotes of their own. */
function skipDouble(line: string, start: number): number {
  let at = start;
  while (at < line.length && line[at] !== '"') {
    if (line[at] === "\\") at += 2;
    else if (line.startsWith("$(", at)) at = closing(line, at + 1, "(", ")");
    else if (line[at] === "`") at = endOfBackticks(line, at + 1) + 1;
    else at++;
  }
  if (at >= line.length) throw new ShellSyntaxError('a " is never closed');
  return at;
}

function endOfBackticks(line: string, start: number): number {
  for (let at = start; at < line.length; at++) {
    if (line[at] === "\\") at++;
    else if (line[at] === "`") return at;
  }
  throw new ShellSyntaxError("a ` is never closed");
}

function endOfAnsiQuote(line: string, start: number): number {
  for (let at = start; at < line.length; at++) {
    if (line[at] === "\\") at++;
    else if (line[at] === "'") return at;
  }
  throw new ShellSyntaxError("a ' is never closed");
}

function find(line: string, text: string, from: number): number {
  const found = line.indexOf(text, from);
  if (found < 0) throw new ShellSyntaxError(`a ${text} is never closed`);
  return found;
}
