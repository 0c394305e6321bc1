import { ShellSyntaxError } from "../base/shell/words.ts";
import type { Folder } from "./folder.ts";
import { hazardOf } from "./shell/hazards.ts";
import { parseShell } from "./shell/syntax.ts";

/** A command that may become a check, before doubles are taken out. */
export interface Candidate {
  kind: "test" | "static";
  command: string;
  folder: Folder;
  /** The member of a monorepo that it is about, absolute, where that is not `folder`. */
  member?: string;
  /** Where it was found: `package.json scripts.test`. */
  source: string;
  /** A command line that would run the same. */
  runs: RegExp;
  /** What the command stands for, with everything that calls in turn: a script's or a recipe's lines. */
  body?: string;
  /** True where `body` is one single command and nothing has to happen before it. */
  alone?: boolean;
  /** Why it is no check: said where nothing else is found, so that it is not missed in silence. */
  refused?: string;
}

/** True where the text is one simple command. */
export function isAlone(text: string): boolean {
  try {
    return parseShell(text.trim()).kind === "simple";
  } catch (error) {
    if (error instanceof ShellSyntaxError) return false;
    throw error;
  }
}

/**
 * Takes out what would run a second time: a Makefile's `test` that is nothing but `npm test` goes, because the tests'
 * own command says more; one that builds first stays, and what it calls goes; one that installs first goes too.
 */
export function withoutDoubles(candidates: readonly Candidate[]): Candidate[] {
  const kept = new Set(candidates);
  for (const outer of candidates) {
    for (const inner of candidates) {
      if (outer === inner || !kept.has(outer) || !kept.has(inner)) continue;
      if (outer.folder.path !== inner.folder.path || !outer.body || !inner.runs.test(outer.body)) continue;
      const needless = outer.kind === inner.kind && (outer.alone || installs(outer.body));
      kept.delete(needless ? outer : inner);
    }
  }
  return [...kept];
}

function installs(body: string): boolean {
  try {
    return hazardOf(body, ["installs"]) !== undefined;
  } catch (error) {
    if (error instanceof ShellSyntaxError) return false;
    throw error;
  }
}
