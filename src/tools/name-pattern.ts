import type { PathFilter } from "../base/walk.ts";
import { Mistake } from "./mistake.ts";

/**
 * Paths (relative, `/`) that fit a pattern in the manner of a shell (`*`, `?`, `[a-z]`, `{a,b}`, `**` for any folders). A
 * pattern without a slash is about the name alone, in any folder. Throws a `Mistake` for a pattern that cannot be meant.
 */
export function compileNamePattern(pattern: string): PathFilter {
  const plain = pattern.replace(/^(?:\.\/)+/, "");
  if (plain === "") throw new Mistake("The pattern is empty. ** lists everything.");
  if (plain.split("/").includes("..")) throw new Mistake(`${pattern}: .. is not possible in a pattern; use path.`);
  const inAnyFolder = plain.replace(/^\*\*\/(?=[^/!][^/]*$)/, "");
  if (!inAnyFolder.includes("/")) {
    const fitsName = compileName(inAnyFolder);
    return { fits: (_, name) => fitsName(name), mayHold: () => true };
  }
  const whole = new Bun.Glob(plain);
  const parts = partsOf(plain);
  const last = parts.at(-1);
  const fitsName = last === undefined || last.includes("**") ? () => true : compileName(last);
  const open = parts.findIndex((part) => part.includes("**"));
  const folders = parts.slice(0, open < 0 ? -1 : open).map(compileName);
  const isDeep = open >= 0 || parts.length === 0;
  return {
    // Most names tell already that they do not fit.
    fits: (path, name) => fitsName(name) && whole.match(path),
    mayHold(path) {
      const names = path.split("/");
      // A folder is asked about when those above it were found to fit.
      const fitsLast = folders[names.length - 1];
      return fitsLast === undefined ? isDeep : fitsLast(names.at(-1)!);
    },
  };
}

/** Most patterns are `*.ext`. */
function compileName(pattern: string): (name: string) => boolean {
  const suffix = /^\*(\.[\w.-]+)$/.exec(pattern)?.[1];
  if (suffix !== undefined) return (name) => name.endsWith(suffix);
  const glob = new Bun.Glob(pattern);
  return (name) => glob.match(name);
}

/** What the slashes part, each a pattern of its own; none where that is not so (`{a/b,c}`, `!a/b`). */
function partsOf(pattern: string): string[] {
  const parts = pattern.split("/");
  const isWhole = (part: string) => /^(?:[^\\!{}[\]]|\{[^\\{}[\]]*\}|\[[^\\{}[\]]+\])+$/.test(part);
  return parts.every(isWhole) ? parts : [];
}

/** An absolute pattern inside `root` is made relative to it: models like to write whole paths. */
export function relativePattern(pattern: string, root: string): string {
  if (!pattern.startsWith("/")) return pattern;
  if (pattern.startsWith(`${root}/`)) return pattern.slice(root.length + 1);
  throw new Mistake(`${pattern} is outside ${root}. Give a pattern relative to it, and path for another folder.`);
}
