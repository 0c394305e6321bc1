import { resolve } from "node:path";
import type { CommandLine } from "./command.ts";
import { type Roots, shownPath } from "./paths.ts";
import { isAbout, type Rule } from "./rules.ts";

/** Which files the `deny` rules about `read` keep from every way of reading. */
export interface HiddenFiles {
  /** `path` is absolute. */
  has(path: string): boolean;
  /** A word of a command line that names such a file; undefined where none is seen. */
  namedIn(line: CommandLine): string | undefined;
}

export function hiddenFiles(deny: readonly Rule[], roots: Roots): HiddenFiles {
  const rules = deny.filter((rule) => isAbout(rule, "read"));

  function has(path: string): boolean {
    if (rules.length === 0) return false;
    const shown = shownPath(path, roots);
    // `secret/` is about the folder itself too.
    return rules.some((rule) => [path, shown, `${path}/`, `${shown}/`].some((name) => rule.matches(name)));
  }

  /**
   * Words are looked at as they stand, those after = and @ too, from the workspace and from every folder the line goes
   * to; what leads up is also taken without its `../`. Not seen: patterns, variables, what a program finds by itself,
   * and the folder that an earlier call went to.
   */
  function namedIn(line: CommandLine): string | undefined {
    if (rules.length === 0) return undefined;
    const words = [...line.reads, ...line.invocations.flatMap((one) => [...one.args, ...one.writes])];
    const moves = line.invocations.filter((one) => one.name === "cd" || one.name === "pushd");
    const folders = moves.flatMap((one) => one.args.slice(0, 1)).map((word) => resolve(roots.workspace, word.text));
    for (const { text } of words) {
      const path = text.replace(/^(?:\$PWD|\$\{PWD\})(?=\/|$)/, roots.workspace);
      for (const part of [path, ...path.split(/[=@:]/)]) {
        if (part === "" || part.startsWith("-")) continue;
        const starts = [roots.workspace, ...roots.addDirs, ...folders];
        const places = starts.flatMap((start) => [
          resolve(start, part),
          resolve(start, part.replace(/^(?:\.\.\/)+/, "")),
        ]);
        if (places.some(has)) return text;
      }
    }
    return undefined;
  }

  return { has, namedIn };
}
