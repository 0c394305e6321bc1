import type { ShellWord } from "../base/shell/words.ts";
import { isLong } from "./long-option.ts";

/** A git command line, taken apart. */
interface GitCommand {
  /** "" where there is none. */
  verb: string;
  /** What follows it. */
  words: readonly ShellWord[];
  /** Their texts. */
  rest: readonly string[];
  /** `name=value` of `-c`, and `name=VARIABLE` of `--config-env`: settings for this one command. */
  settings: readonly ShellWord[];
}

/** Options of git itself stand before its command (https://git-scm.com/docs/git). */
export function readGit(args: readonly ShellWord[]): GitCommand {
  const settings: ShellWord[] = [];
  let at = 0;
  for (; at < args.length && args[at]!.text.startsWith("-"); at++) {
    const { text } = args[at]!;
    if (text.startsWith("--config-env=")) {
      settings.push({ ...args[at]!, text: text.slice("--config-env=".length) });
      continue;
    }
    if (!/^-[Cc]$|^--(?:git-dir|work-tree|namespace|super-prefix|attr-source|config-env)$/.test(text)) continue;
    const value = args[++at];
    if (value && (text === "-c" || text === "--config-env")) settings.push(value);
  }
  const words = args.slice(at + 1);
  return { verb: args[at]?.text ?? "", words, rest: words.map((word) => word.text), settings };
}

/** Names that no program stands behind; all others of `core` are commands, or files that lead to some. */
const PLAIN_CORE =
  /^core\.(?:abbrev|autocrlf|bare|bigfilethreshold|checkstat|commentchar|compression|eol|filemode|fscache|ignorecase|logallrefupdates|longpaths|precomposeunicode|preloadindex|quotepath|safecrlf|symlinks|trustctime|untrackedcache|whitespace)$/;
const PROGRAM =
  /^(?:alias|core|pager|include|includeif|filter|difftool|mergetool)\.|^(?:sequence\.editor|url\..*|protocol\..*|credential\..*|.*\.(?:command|cmd|program|helper|external|textconv|driver|clean|smudge|process|vcs|packobjectshook|receivepack|uploadpack|proxy|proxycommand))$/;

/** True for a setting (`name=value`) by which git would start a program that the line does not show. */
export function startsProgram({ text }: ShellWord): boolean {
  const equals = text.indexOf("=");
  // Names of settings, but for their middle part, are the same in any case.
  const name = (equals < 0 ? text : text.slice(0, equals)).toLowerCase();
  const value = equals < 0 ? "true" : text.slice(equals + 1);
  if (/[$`{]/.test(name)) return true;
  if (!PROGRAM.test(name) || PLAIN_CORE.test(name)) return false;
  if (name.startsWith("alias.") || /^include(?:if)?\./.test(name)) return true;
  return !/^(?:|cat|less|true|false|:|\/dev\/null)$/.test(value);
}

/** What cannot be taken back in a git command line, in words. */
export function gitReason(args: readonly ShellWord[]): string | undefined {
  const { verb, rest } = readGit(args);
  /** One of these long options, or one of these letters among short ones. */
  const has = (letters: string, ...longs: string[]) =>
    rest.some(
      (text) =>
        longs.some((full) => isLong(text, full)) ||
        (letters !== "" && new RegExp(`^-[a-zA-Z]*[${letters}]`).test(text)),
    );
  const says = (pattern: RegExp) => rest.some((text) => pattern.test(text));
  const lost = `git ${verb} loses what was not committed`;
  switch (verb) {
    case "push":
    case "send-pack":
      if (has("f", "force", "force-with-lease", "force-if-includes", "mirror", "prune") || says(/^\+/))
        return "git push --force rewrites what others have";
      return has("d", "delete") || says(/^:./) ? "git push removes a branch or tag" : undefined;
    case "reset":
      return has("", "hard", "merge", "keep") ? lost : undefined;
    case "clean":
      return has("f", "force") && !has("n", "dry-run") ? "git clean removes files" : undefined;
    case "checkout":
      return has("f", "force") || says(/^--$/) || namesPaths(rest) ? lost : undefined;
    case "checkout-index":
      return has("f", "force") ? lost : undefined;
    case "read-tree":
      return has("", "reset") ? lost : undefined;
    case "rm":
      return has("f", "force") && !has("", "cached") ? lost : undefined;
    case "switch":
      return has("f", "force", "discard-changes") ? lost : undefined;
    case "restore":
      return has("S", "staged") && !has("W", "worktree") ? undefined : lost;
    case "stash":
      return says(/^(?:drop|clear)$/) ? "git stash removes what was put aside" : undefined;
    case "branch":
      return has("D") || (has("d", "delete") && has("f", "force")) ? "git branch -D loses commits" : undefined;
    case "reflog":
      return says(/^(?:expire|delete)$/) ? "it removes the way back to old commits" : undefined;
    case "prune":
      return has("n", "dry-run") ? undefined : "it removes the way back to old commits";
    case "gc":
      return says(/^--pru\w*=(?:now|all)/) ? "it removes the way back to old commits" : undefined;
    case "filter-branch":
    case "filter-repo":
      return `git ${verb} rewrites the history`;
    case "update-ref":
      return has("d") || has("", "stdin") ? "it removes a reference" : undefined;
    case "worktree":
      return says(/^remove$/) && has("f", "force") ? lost : undefined;
    case "submodule":
      return says(/^deinit$/) && has("f", "force") ? lost : undefined;
    default:
      return undefined;
  }
}

/** `git checkout main` goes to a branch; `git checkout HEAD a.ts` and `git checkout .` take files from one. */
function namesPaths(rest: readonly string[]): boolean {
  if (rest.some((text) => /^-[bB]|^--orphan$|^-t$|^--track/.test(text))) return false;
  const operands = rest.filter((text) => !text.startsWith("-") || text === "-");
  return operands.length > 1 || operands.some((text) => /^\.{1,2}(?:\/|$)|^:[/(]|[*?[]|\/$/.test(text));
}
