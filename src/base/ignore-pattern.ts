/**
 * One pattern of a `.gitignore` (https://git-scm.com/docs/gitignore), read and matched as git does it: byte by byte.
 */

/**
 * A character to be found as it is, or: `?`; `*` within a name; `dirs` (the `**` and slash: any number of folders);
 * `rest` (`**` at the end: all that follows); a class like `[a-z]`.
 */
export type Token = string | { kind: "any" | "star" | "dirs" | "rest" } | CharacterClass;

interface CharacterClass {
  kind: "class";
  test: (char: string) => boolean;
}

/** One character a byte: git's `?` and classes match bytes, so three `?` match a `€`. */
function bytesOf(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text).toString("latin1") : text;
}

/** The text of tokens that stand for themselves; others are left out. */
export function textOf(tokens: readonly Token[]): string {
  return Buffer.from(tokens.filter(isLiteral).join(""), "latin1").toString();
}

/** Reads a pattern. Undefined for one that cannot match anything: an open bracket or a backslash at the end. */
export function compile(pattern: string): Token[] | undefined {
  const tokens: Token[] = [];
  const bytes = bytesOf(pattern);
  for (let i = 0; i < bytes.length; ) {
    const char = bytes[i]!;
    if (char === "\\") {
      if (i + 1 === bytes.length) return undefined;
      tokens.push(bytes[i + 1]!);
      i += 2;
    } else if (char === "*") {
      let end = i;
      while (bytes[end] === "*") end++;
      // git compares the plain start of a pattern by itself, so that `ab**/c` is `ab`, then any folders, then `c`.
      const whole = end - i > 1 && (bytes[i - 1] === "/" || /^[^*?[\\]*$/.test(bytes.slice(0, i)));
      if (whole && bytes[end] === "/") {
        tokens.push({ kind: "dirs" });
        end++;
      } else tokens.push({ kind: whole && end === bytes.length ? "rest" : "star" });
      i = end;
    } else if (char === "[") {
      const set = parseClass(bytes, i + 1);
      if (!set) return undefined;
      tokens.push({ kind: "class", test: set.test });
      i = set.end;
    } else {
      tokens.push(char === "?" ? { kind: "any" } : char);
      i++;
    }
  }
  return tokens;
}

/** Reads a class from behind its `[`. Undefined where it is never closed. */
function parseClass(bytes: string, start: number): { test: (char: string) => boolean; end: number } | undefined {
  let i = start;
  const negated = bytes[i] === "!" || bytes[i] === "^";
  if (negated) i++;
  const tests: ((char: string) => boolean)[] = [];
  for (let first = true; first || bytes[i] !== "]"; first = false) {
    if (i >= bytes.length) return undefined;
    if (bytes[i] === "[" && bytes[i + 1] === ":") {
      const close = bytes.indexOf("]", i + 2);
      if (close > 0 && bytes[close - 1] === ":") {
        const named = namedClass(bytes.slice(i + 2, close - 1));
        if (!named) return undefined;
        tests.push((char) => named.test(char));
        i = close + 1;
        continue;
      }
    }
    const from = bytes[i] === "\\" ? bytes[++i] : bytes[i];
    if (from === undefined) return undefined;
    i++;
    if (bytes[i] === "-" && bytes[i + 1] !== undefined && bytes[i + 1] !== "]") {
      i++;
      const to = bytes[i] === "\\" ? bytes[++i] : bytes[i];
      if (to === undefined) return undefined;
      i++;
      tests.push((char) => char >= from && char <= to);
    } else tests.push((char) => char === from);
  }
  return { test: (char) => char !== "/" && tests.some((test) => test(char)) !== negated, end: i + 1 };
}

function namedClass(name: string): RegExp | undefined {
  const sets: Record<string, string> = {
    alnum: "A-Za-z0-9",
    alpha: "A-Za-z",
    blank: " \\t",
    cntrl: "\\x00-\\x1f\\x7f",
    digit: "0-9",
    graph: "!-~",
    lower: "a-z",
    print: " -~",
    punct: "!-\\/:-@\\[-`{-~",
    space: "\\s",
    upper: "A-Z",
    xdigit: "0-9A-Fa-f",
  };
  return Object.hasOwn(sets, name) ? new RegExp(`^[${sets[name]}]$`) : undefined;
}

/**
 * Matches without recursion. Going back to the last `*`, and from there to the last `**`, is enough: what lies before
 * them cannot match better. So no pattern takes exponential time, whoever wrote it.
 */
export function matches(pattern: readonly Token[], path: string): boolean {
  const text = bytesOf(path);
  let p = 0;
  let t = 0;
  let afterStar = -1;
  let starAt = 0;
  let afterDirs = -1;
  let dirsAt = 0;
  for (;;) {
    const token = pattern[p];
    if (token === undefined) {
      if (t === text.length) return true;
    } else if (typeof token === "string") {
      if (text[t] === token) {
        t++;
        p++;
        continue;
      }
    } else if (token.kind === "star") {
      afterStar = ++p;
      starAt = t;
      continue;
    } else if (token.kind === "dirs") {
      afterDirs = ++p;
      dirsAt = t;
      afterStar = -1;
      continue;
    } else if (token.kind === "rest") {
      return true;
    } else if (t < text.length) {
      const char = text[t]!;
      if (token.kind === "class" ? token.test(char) : char !== "/") {
        t++;
        p++;
        continue;
      }
    }
    if (afterStar >= 0 && starAt < text.length && text[starAt] !== "/") {
      t = ++starAt;
      p = afterStar;
      continue;
    }
    const slash = afterDirs < 0 ? -1 : text.indexOf("/", dirsAt);
    if (slash < 0) return false;
    dirsAt = slash + 1;
    t = dirsAt;
    p = afterDirs;
    afterStar = -1;
  }
}

/** A character that is found as it is. */
export function isLiteral(token: Token): token is string {
  return typeof token === "string";
}

/** All else. */
export function isWild(token: Token): boolean {
  return !isLiteral(token);
}

/** Anything within a name. */
export function isStar(token: Token | undefined): boolean {
  return typeof token === "object" && token.kind === "star";
}
