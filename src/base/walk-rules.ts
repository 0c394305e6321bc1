import { dirname, join, relative } from "node:path";
import { readRegular } from "./files.ts";
import { gitFolders } from "./git-folder.ts";
import type { IgnoreRules } from "./ignore.ts";

/** The file with the rules of the folder it lies in. */
export const IGNORE_FILE = ".gitignore";

/** Rules and where they count from: `prefix` goes before a path of the walk, or `cut` characters go from its start. */
export interface Layer {
  rules: IgnoreRules;
  prefix: string;
  cut: number;
}

/** The rules of a file; none where there is nothing to read. */
export type RulesReader = (path: string) => IgnoreRules;

/** What the first of these layers says that says anything. Strongest first. */
export function isIgnored(layers: readonly Layer[], path: string, name: string, isDirectory: boolean): boolean {
  for (const { rules, prefix, cut } of layers) {
    const verdict = rules.match(prefix === "" ? path.slice(cut) : prefix + path, name, isDirectory);
    if (verdict !== undefined) return verdict;
  }
  return false;
}

/**
 * Rules from outside a walk that starts in `start` (absolute): the folders above, nearest first, then the repository's
 * `info/exclude`.
 */
export function outerLayers(start: string, rulesOf: RulesReader): Layer[] {
  const files: Layer[] = [];
  for (let folder = start; ; folder = dirname(folder)) {
    const prefix = folder === start ? "" : `${relative(folder, start).replaceAll("\\", "/")}/`;
    // The root's own .gitignore is read when the walk opens it.
    if (folder !== start) files.push({ rules: rulesOf(join(folder, IGNORE_FILE)), prefix, cut: 0 });
    const git = gitFolders(folder)?.common;
    if (git) return [...files, { rules: rulesOf(join(git, "info", "exclude")), prefix, cut: 0 }];
    // Outside a repository the files above say nothing about this folder.
    if (folder === dirname(folder)) return [];
  }
}

/** More than this is no list of rules. Bytes. */
const RULES_LIMIT = 4 * 1024 * 1024;

/** "" where there is nothing to read. */
export function rulesText(path: string): string {
  return readRegular(path, RULES_LIMIT)?.toString() ?? "";
}
