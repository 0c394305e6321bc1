import type { ShellWord } from "./shell-words.ts";

/** A git command line, taken apart. */
interface GitCommand {
  /** "" where there is none. */
  verb: string;
  rest: readonly string[];
  /** `name=value` of `-c`, and `name=VARIABLE` of `--config-env`: settings for this one command. */
  settings: readonly ShellWord[];
}

/** Options of git itself stand before its command (https://git-scm.com/docs/git). */
function readGit(args: readonly ShellWord[]): GitCommand {
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
  return { verb: args[at]?.text ?? "", rest: args.slice(at + 1).map((word) => word.text), settings };
}

/** The setting by which this git would start a program that the line does not show, as it is written. */
export function gitRunsUnseen(args: readonly ShellWord[]): string | undefined {
  return readGit(args).settings.find(startsProgram)?.written;
}

/** Names that no program stands behind; all others of `core` are commands, or files that lead to some. */
const PLAIN_CORE =
  /^core\.(?:abbrev|autocrlf|bare|bigfilethreshold|checkstat|commentchar|compression|eol|filemode|fscache|ignorecase|logallrefupdates|longpaths|precomposeunicode|preloadindex|quotepath|safecrlf|symlinks|trustctime|untrackedcache|whitespace)$/;
const PROGRAM =
  /^(?:alias|core|pager|include|includeif|filter|difftool|mergetool)\.|^(?:sequence\.editor|url\..*|protocol\..*|credential\..*|.*\.(?:command|cmd|program|helper|external|textconv|driver|clean|smudge|process|vcs|packobjectshook|receivepack|uploadpack|proxy|proxycommand))$/;

function startsProgram({ text }: ShellWord): boolean {
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
  const has = (pattern: RegExp) => rest.some((text) => pattern.test(text));
  const lost = `git ${verb} loses what was not committed`;
  switch (verb) {
    case "push":
      if (has(/^(?:-\w*f\w*|--force.*|--mirror|--prune)$|^\+/)) return "git push --force rewrites what others have";
      return has(/^(?:-\w*d\w*|--delete)$|^:./) ? "git push removes a branch or tag" : undefined;
    case "reset":
      return has(/^--(?:hard|merge|keep)$/) ? lost : undefined;
    case "clean":
      return has(/^-\w*f|^--force$/) && !has(/^-\w*n|^--dry-run$/) ? "git clean removes files" : undefined;
    case "checkout":
      return has(/^(?:-\w*f\w*|--force|--|\.)$/) ? lost : undefined;
    case "switch":
      return has(/^(?:-f|--force|--discard-changes)$/) ? lost : undefined;
    case "restore":
      return has(/^(?:--staged|-S)$/) && !has(/^(?:--worktree|-W)$/) ? undefined : lost;
    case "stash":
      return has(/^(?:drop|clear)$/) ? "git stash removes what was put aside" : undefined;
    case "branch":
      return has(/^(?:-\w*D\w*)$/) || (has(/^--delete$/) && has(/^--force$/))
        ? "git branch -D loses commits"
        : undefined;
    case "reflog":
      return has(/^(?:expire|delete)$/) ? "it removes the way back to old commits" : undefined;
    case "filter-branch":
    case "filter-repo":
      return `git ${verb} rewrites the history`;
    case "update-ref":
      return has(/^(?:-d|--stdin)$/) ? "it removes a reference" : undefined;
    case "worktree":
      return has(/^remove$/) && has(/^(?:-f|--force)$/) ? lost : undefined;
    default:
      return undefined;
  }
}
