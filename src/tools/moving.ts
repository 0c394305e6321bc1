import { resolve } from "node:path";
import type { ShellWord } from "../base/shell/words.ts";
import { behindWrapper } from "../base/shell/wrappers.ts";
import type { Invocation } from "./command.ts";
import { isLong } from "./long-option.ts";
import { isInside, type Roots } from "./paths.ts";

/**
 * `cd /`, `pushd ..`, `env -C / …`, `sudo --chdir=/ …`: relative paths mean something else behind it. What cannot be read
 * counts as going outside.
 */
export function movesOutside(one: Invocation, roots: Roots): boolean {
  const { name, args } = one;
  // With it, `cd sub` may end anywhere.
  if (/\bCDPATH=(?!\s|$|''|"")/.test(one.text)) return true;
  if (name === "cd" || name === "pushd") return !staysInside(folderOf(args), roots);
  if (name === "su" || name === "runuser") return args.some(({ text }) => /^-(?:$|[a-z]*l|-l)/.test(text));
  if (name === "find") return searchesOutside(args, roots);
  const options = FOLDER_OPTIONS.get(name);
  if (!options) return ALWAYS_ELSEWHERE.test(name);
  const inner = behindWrapper(name, args) ?? [];
  const leading = args.slice(0, args.length - inner.length);
  return leading.some((word, at) => {
    const { text } = word;
    if (!text.startsWith("-")) return false;
    if (word.dynamic || options.elsewhere?.test(text)) return true;
    const short = options.short?.exec(text);
    const long = isLong(text, options.long);
    if (!short && !long) return false;
    const glued = short ? short[1]! : text.includes("=") ? text.slice(text.indexOf("=") + 1) : "";
    return !staysInside(glued === "" ? args[at + 1] : { ...word, text: glued }, roots);
  });
}

/** How a program is told in which folder it starts another one. */
interface FolderOptions {
  /** With the letters that may stand before it in one word; what is glued to it is the first group. */
  short?: RegExp;
  long: string;
  /** What leads elsewhere in any case. */
  elsewhere?: RegExp;
}

const FOLDER_OPTIONS: ReadonlyMap<string, FolderOptions> = new Map([
  ["env", { short: /^-[i0v]*C(.*)$/s, long: "chdir" }],
  [
    "sudo",
    { short: /^-[A-CEHKNPSVbeikns]*D(.*)$/s, long: "chdir", elsewhere: /^-[A-CEHKNPSVbekns]*[iR]|^--(?:l|chr)/ },
  ],
  ["unshare", { short: /^-[a-zA-Z]*w(.*)$/s, long: "wd", elsewhere: /^-[a-zA-Z]*R|^--ro/ }],
  ["parallel", { long: "workdir", elsewhere: /^--wd/ }],
  ["pnpm", { short: /^-C(.*)$/s, long: "dir" }],
  ["poetry", { short: /^-C(.*)$/s, long: "directory" }],
  ["uv", { long: "directory" }],
  ["yarn", { long: "cwd" }],
  ["bun", { long: "cwd" }],
]);

/** They start a program in another root, or in the folder of a service. */
const ALWAYS_ELSEWHERE = /^(?:chroot|nsenter|systemd-run)$/;

/** The folder that `cd` and `pushd` are given, behind their options (`-P`, `--`); of two words, none. */
function folderOf(args: readonly ShellWord[]): ShellWord | undefined {
  let at = 0;
  while (/^-[LPen@]+$/.test(args[at]?.text ?? "")) at++;
  const literal = args[at]?.text === "--";
  const word = args[literal ? at + 1 : at];
  return !literal && word?.text.startsWith("-") ? undefined : word;
}

/** `find / -execdir …` starts its program in the folder of what it finds. */
function searchesOutside(args: readonly ShellWord[], roots: Roots): boolean {
  if (!args.some(({ text }) => /^-(?:exec|ok)dir$/.test(text))) return false;
  const first = args.findIndex(({ text }) => /^[-(!]/.test(text));
  return args.slice(0, first).some((word) => !staysInside(word, roots));
}

function staysInside(word: ShellWord | undefined, roots: Roots): boolean {
  if (word === undefined || word.dynamic || word.glob || /^(?:~|-$)/.test(word.text)) return false;
  const path = resolve(roots.workspace, word.text);
  return [roots.workspace, ...roots.addDirs].some((folder) => isInside(path, folder));
}
