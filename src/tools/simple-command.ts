import type { ShellWord } from "../base/shell/words.ts";

/** Program and arguments between two separators. */
export interface SimpleCommand {
  assignments: ShellWord[];
  words: ShellWord[];
  /** Targets of `>`, `>>`, `>|`, `&>` and `<>`. */
  writes: ShellWord[];
  /** Programs before it in its pipeline. */
  fedBy: string[];
  /** Here-documents and here-strings. */
  input: string;
}

/** Name of the program without its folder, "" where there is none. */
export function baseName(command: SimpleCommand): string {
  return command.words[0]?.text.replace(/^.*\//, "") ?? "";
}

export function emptyCommand(): SimpleCommand {
  return { assignments: [], words: [], writes: [], fedBy: [], input: "" };
}

/** Variables that decide which program is started, or what a program starts in turn. */
export const STEERING =
  /^(?:PATH|ENV|IFS|SHELL|PAGER|EDITOR|VISUAL|HOME|BASH_\w+|LD_\w+|DYLD_\w+|GIT_\w+|NODE_\w+|PYTHON\w*|PERL5?\w*|RUBY\w*)$/;
