import { Mistake } from "./mistake.ts";

/**
 * Tests paths (relative, `/`) against a pattern in the manner of a shell (`*`, `?`, `[a-z]`, `{a,b}`, `**` for any folders). A pattern without a slash is about
 * the name alone, in any folder. Throws a `Mistake` for a pattern that cannot be meant.
 */
export function compileNamePattern(pattern: string): (path: string, name: string) => boolean {
  const plain = pattern.replace(/^(?:\.\/)+/, "");
  if (plain === "") throw new Mistake("The pattern is empty. ** lists everything.");
  if (plain.split("/").includes("..")) throw new Mistake(`${pattern}: .. is not possible in a pattern; use path.`);
  const suffix = /^(?:\*\*\/)?\*(\.[\w.-]+)$/.exec(plain)?.[1];
  if (suffix !== undefined) return (_, name) => name.endsWith(suffix);
  const glob = new Bun.Glob(plain);
  return plain.includes("/") ? (path) => glob.match(path) : (_, name) => glob.match(name);
}

/** An absolute pattern inside `root` is made relative to it: models like to write whole paths. */
export function relativePattern(pattern: string, root: string): string {
  if (!pattern.startsWith("/")) return pattern;
  if (pattern.startsWith(`${root}/`)) return pattern.slice(root.length + 1);
  throw new Mistake(`${pattern} is outside ${root}. Give a pattern relative to it, and path for another folder.`);
}
