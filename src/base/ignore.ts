/**
 * The rules of `.gitignore` (https://git-scm.com/docs/gitignore), as git itself applies them: the last rule that
 * matches decides, `!` takes back, a `/` inside anchors, a `/` at the end means folders only.
 */

import { compile, isLiteral, isStar, isWild, matches, type Token, textOf } from "./ignore-pattern.ts";

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
      const head = textOf(pattern.slice(0, from));
      const tail = textOf(pattern.slice(to + 1)).replace(/^.*\//s, "");
      const simple = !rule.anchored && from === to && isStar(pattern[from]);
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
  for (const { rule, head, tail, simple } of globs ?? []) {
    if (best && rule.order < best.order) break;
    if (!speaks(rule, isDirectory)) continue;
    const text = rule.anchored ? path : name;
    if (!name.endsWith(tail) || !text.startsWith(head)) continue;
    if (simple ? text.length >= head.length + tail.length : matches(rule.pattern, text)) return rule;
  }
  return best;
}

function speaks(rule: Rule, isDirectory: boolean): boolean {
  return isDirectory || !rule.directoryOnly;
}
