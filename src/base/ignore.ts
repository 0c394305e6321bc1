/**
 * The rules of `.gitignore` (https://git-scm.com/docs/gitignore), as git itself applies them: the last rule that
 * matches decides, `!` takes back, a `/` inside anchors, a `/` at the end means folders only.
 */

/** The rules of one file. Paths are relative to the folder the file lies in, with `/`. */
export interface IgnoreRules {
  /**
   * True: ignored, false: taken back by `!`, undefined: no rule speaks about it. A folder that is ignored hides all it
   * holds; asking about what lies inside is the caller's mistake. A link to a folder is not a folder.
   */
  match(path: string, name: string, isDirectory: boolean): boolean | undefined;
}

/** Parses the text of an ignore file. Lines that can never match are left out, as git does; it never throws. */
export function parseIgnore(text: string): IgnoreRules {
  const rules: Rule[] = [];
  for (const line of text.replace(/^\uFEFF/, "").split("\n")) {
    const rule = parseLine(line.endsWith("\r") ? line.slice(0, -1) : line, rules.length);
    if (rule) rules.push(rule);
  }
  return new CompiledRules(rules);
}

interface Rule {
  /** Place in the file: the highest that matches wins. */
  order: number;
  negated: boolean;
  directoryOnly: boolean;
  /** Against the whole path, else against the name alone. */
  anchored: boolean;
  pattern: readonly Token[];
}

/** A rule with wildcards. */
interface Glob {
  rule: Rule;
  /** What everything that it matches begins with, and what its name ends with. */
  head: string;
  tail: string;
  /** One `*` in a name: between head and tail may stand anything. */
  simple: boolean;
}

function parseLine(line: string, order: number): Rule | undefined {
  let body = trimTrailingSpaces(line);
  if (body === "" || body.startsWith("#")) return undefined;
  const negated = body.startsWith("!");
  if (negated) body = body.slice(1);
  const directoryOnly = body.endsWith("/");
  if (directoryOnly) body = body.slice(0, -1);
  const anchored = body.includes("/");
  if (body.startsWith("/")) body = body.slice(1);
  const pattern = body === "" ? undefined : compile(body);
  return pattern && { order, negated, directoryOnly, anchored, pattern };
}

function trimTrailingSpaces(line: string): string {
  let end = 0;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === "\\") end = Math.min(++i + 1, line.length);
    else if (line[i] !== " ") end = i + 1;
  }
  return line.slice(0, end);
}

/**
 * A character to be found as it is, or: `?`; `*` within a name; `dirs` (the `**` and slash: any number of folders);
 * `rest` (`**` at the end: all that follows); a class like `[a-z]`.
 */
type Token = string | { kind: "any" | "star" | "dirs" | "rest" } | CharacterClass;

interface CharacterClass {
  kind: "class";
  test: (char: string) => boolean;
}

/** One character a byte: git's `?` and classes match bytes, so three `?` match a `€`. */
function bytesOf(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text).toString("latin1") : text;
}

function textOf(literals: readonly string[]): string {
  return Buffer.from(literals.join(""), "latin1").toString();
}

/** Undefined for a pattern that cannot match anything: an open bracket or a backslash at the end. */
function compile(pattern: string): Token[] | undefined {
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
function matches(pattern: readonly Token[], text: string): boolean {
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

/** Rules sorted so that of most of them a name says at once that they are not about it. */
class CompiledRules implements IgnoreRules {
  /** Plain names and paths, by name; latest first. */
  private readonly names = new Map<string, { path: string; rule: Rule }[]>();
  /** The others by their last character, and those that may end with any; latest first. */
  private readonly byEnd = new Map<number, Glob[]>();
  private readonly open: Glob[] = [];

  constructor(rules: readonly Rule[]) {
    for (const rule of rules.toReversed()) {
      const { pattern } = rule;
      if (pattern.every(isLiteral)) {
        const path = textOf(pattern);
        addTo(this.names, path.slice(path.lastIndexOf("/") + 1), { path, rule });
        continue;
      }
      const from = pattern.findIndex(isWild);
      const to = pattern.findLastIndex(isWild);
      const head = textOf(pattern.slice(0, from).filter(isLiteral));
      const tail = textOf(pattern.slice(to + 1).filter(isLiteral)).replace(/^.*\//s, "");
      const wild = pattern[from];
      const simple = !rule.anchored && from === to && typeof wild === "object" && wild.kind === "star";
      const glob = { rule, head, tail, simple };
      if (tail === "") this.open.push(glob);
      else addTo(this.byEnd, tail.charCodeAt(tail.length - 1), glob);
    }
  }

  /** Of `path` as little as possible is asked: where a walk made it of two pieces, the first look at it joins them. */
  match(path: string, name: string, isDirectory: boolean): boolean | undefined {
    let best: Rule | undefined;
    for (const named of this.names.get(name) ?? []) {
      if (!speaks(named.rule, isDirectory) || (named.rule.anchored && named.path !== path)) continue;
      best = named.rule;
      break;
    }
    best = latest(this.byEnd.get(name.charCodeAt(name.length - 1)), path, name, isDirectory, best);
    best = latest(this.open, path, name, isDirectory, best);
    return best && !best.negated;
  }
}

function addTo<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const same = map.get(key);
  if (same) same.push(value);
  else map.set(key, [value]);
}

function latest(
  globs: readonly Glob[] | undefined,
  path: string,
  name: string,
  isDirectory: boolean,
  best: Rule | undefined,
): Rule | undefined {
  if (!globs) return best;
  for (const { rule, head, tail, simple } of globs) {
    if (best && rule.order < best.order) break;
    if (!speaks(rule, isDirectory)) continue;
    if (!name.endsWith(tail)) continue;
    const text = rule.anchored ? path : name;
    if (!text.startsWith(head)) continue;
    if (simple ? text.length >= head.length + tail.length : matches(rule.pattern, bytesOf(text))) return rule;
  }
  return best;
}

function speaks(rule: Rule, isDirectory: boolean): boolean {
  return isDirectory || !rule.directoryOnly;
}

function isLiteral(token: Token): token is string {
  return typeof token === "string";
}

function isWild(token: Token): boolean {
  return typeof token === "object";
}
