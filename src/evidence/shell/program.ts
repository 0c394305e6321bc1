import { behindWrapper } from "../../base/shell/wrappers.ts";
import type { Simple } from "./syntax.ts";
import type { Word } from "./tokens.ts";

/** What a simple command starts, with everything taken off that only stands before it (`env A=b timeout 5 npx jest`). */
export interface Program {
  /** Without its folder: `/usr/bin/git` is `git`. "" where there are only assignments. */
  name: string;
  args: Word[];
  /** The command line of `sh -c '…'`. */
  script?: string;
}

/** Behind these the exit code is that of the program they start, and what it does is what they do. */
const SEEN_THROUGH = /^(?:env|timeout|nice|time|nohup|command|exec|stdbuf|npx|bunx|pnpm|yarn|uv|poetry|pipenv|bundle)$/;

/** The program behind all wrappers. */
export function programOf(simple: Simple): Program {
  let words: readonly Word[] = simple.words;
  for (;;) {
    const name = words[0]?.text.replace(/^.*\//, "") ?? "";
    const inner = SEEN_THROUGH.test(name) ? behindWrapper(name, words.slice(1)) : undefined;
    if (!inner || inner.length === 0) return { name, args: words.slice(1), ...scriptOf(name, words.slice(1)) };
    words = inner;
  }
}

function scriptOf(name: string, args: readonly Word[]): { script?: string } {
  if (!/^(?:ba|da|z|k)?sh$/.test(name)) return {};
  const at = args.findIndex((word) => /^-\w*c$/.test(word.text));
  const script = at < 0 ? undefined : args[at + 1]?.text;
  return script === undefined ? {} : { script };
}

/** The command as a person would write it, for messages. */
export function wordsOf(simple: Simple): string {
  const text = [...simple.assignments, ...simple.words].map((word) => word.text).join(" ");
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
