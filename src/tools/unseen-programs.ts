import type { ShellWord } from "../base/shell/words.ts";
import { readGit, startsProgram } from "./git-command.ts";
import { isLong } from "./long-option.ts";

/** What an option or a little language makes a program start: lines for a shell, and whether more may be hidden. */
export interface Unseen {
  lines: readonly string[];
  /** As it is written, where it cannot be seen what is started. */
  hidden?: string;
}

/**
 * Programs that well-known programs start where no word of the line names them: `tar --to-command`, `rsync -e`,
 * `git rebase -x`, `awk 'system(…)'`, `sed '1e …'`. There are others that are not known here (docs/SECURITY.md); what
 * they then may do is for the sandbox to hold.
 */
export function unseenPrograms(name: string, args: readonly ShellWord[]): Unseen {
  switch (name) {
    case "awk":
    case "gawk":
    case "mawk":
    case "nawk":
      return ofAwk(args);
    case "sed":
    case "gsed":
      return ofSed(args);
    case "git":
      return ofGit(args);
    case "ssh":
    case "scp":
    case "sftp":
      return merged(ofSsh(args), name === "ssh" ? remoteLine(args) : NOTHING);
    case "tar":
    case "bsdtar":
      return merged(
        valuesOf(args, /^-[A-Za-z]*[IF]$/, [
          "to-command",
          "use-compress-program",
          "info-script",
          "new-volume-script",
          "rsh-command",
        ]),
        ofCheckpoint(args),
      );
    case "rsync":
      return valuesOf(args, /^-[A-Za-z]*e$/, ["rsh", "rsync-path"]);
    case "sort":
      return valuesOf(args, undefined, ["compress-program"]);
    case "split":
      return valuesOf(args, undefined, ["filter"]);
    case "mapfile":
    case "readarray":
    case "complete":
    case "compgen":
      return valuesOf(args, /^-C$/, []);
    case "hyperfine":
      return all(operands(args));
    case "nix-shell":
      return valuesOf(args, undefined, ["run", "command"]);
    case "alias":
      return all(args.flatMap((word) => (word.text.includes("=") ? [behindEquals(word)] : [])));
    case "hash":
      return args.some((word) => /^-\w*p/.test(word.text)) ? { lines: [], hidden: written("hash", args) } : NOTHING;
    case "enable":
      return args.some((word) => /^-\w*f/.test(word.text)) ? { lines: [], hidden: written("enable", args) } : NOTHING;
    default:
      return NOTHING;
  }
}

/** Variables whose value is a command that other programs start. */
export const COMMAND_VARIABLE =
  /^(?:PAGER|MANPAGER|EDITOR|VISUAL|LESSOPEN|LESSCLOSE|PROMPT_COMMAND|RSYNC_RSH|GIT_(?:SSH|SSH_COMMAND|EXTERNAL_DIFF|PAGER|EDITOR|SEQUENCE_EDITOR|ASKPASS|PROXY_COMMAND))$/;

/** Files that an option makes a program write: `git diff --output=x`, `sort -o x`, `find -fprint x`. */
export function writesByOption(name: string, args: readonly ShellWord[]): boolean {
  if (name === "find") return args.some((word) => /^-(?:fprint0?|fprintf|fls)$/.test(word.text));
  if (name === "sort") return args.some((word) => /^-[a-zA-Z]*o/.test(word.text) || isLong(word.text, "output"));
  return name === "git" && readGit(args).rest.some((text) => isLong(text, "output"));
}

const NOTHING: Unseen = { lines: [] };

function merged(...parts: readonly Unseen[]): Unseen {
  const hidden = parts.find((part) => part.hidden !== undefined)?.hidden;
  return { lines: parts.flatMap((part) => part.lines), ...(hidden === undefined ? {} : { hidden }) };
}

function written(name: string, args: readonly ShellWord[]): string {
  return [name, ...args.map((word) => word.written)].join(" ");
}

function all(words: readonly ShellWord[]): Unseen {
  const hidden = words.find((word) => word.dynamic);
  const lines = words.filter((word) => !word.dynamic).map((word) => word.text);
  return { lines, ...(hidden ? { hidden: hidden.written } : {}) };
}

/** The values of options: `-x value`, `--long value`, `--long=value`. */
function valuesOf(args: readonly ShellWord[], short: RegExp | undefined, longs: readonly string[]): Unseen {
  const values = args.flatMap((word, at): ShellWord[] => {
    const isLongOne = longs.some((full) => isLong(word.text, full));
    if (isLongOne && word.text.includes("=")) return [behindEquals(word)];
    if (isLongOne || short?.test(word.text)) return args.slice(at + 1, at + 2);
    return [];
  });
  return all(values);
}

function behindEquals(word: ShellWord): ShellWord {
  return { ...word, text: word.text.slice(word.text.indexOf("=") + 1) };
}

function operands(args: readonly ShellWord[]): ShellWord[] {
  return args.filter((word) => !word.text.startsWith("-"));
}

/** `--checkpoint-action=exec=COMMAND` (https://www.gnu.org/software/tar/manual/html_section/checkpoints.html). */
function ofCheckpoint(args: readonly ShellWord[]): Unseen {
  const actions = args.flatMap((word, at): ShellWord[] => {
    if (!isLong(word.text, "checkpoint-action")) return [];
    return word.text.includes("=") ? [behindEquals(word)] : args.slice(at + 1, at + 2);
  });
  return all(actions.filter((word) => word.dynamic || word.text.startsWith("exec=")).map(behindEquals));
}

/** `system("…")`, `"…" | getline`, `print | "…"`; a command that is put together is hidden. */
function ofAwk(args: readonly ShellWord[]): Unseen {
  const lines: string[] = [];
  let hidden: string | undefined;
  for (const word of args) {
    if (/^(?:-l|--load)/.test(word.text)) hidden = word.written;
    if (word.text.startsWith("-")) continue;
    // Texts and patterns go first, so that a | within them is none; a text is known again by its number.
    const texts: string[] = [];
    const bare = word.text
      .replace(/"((?:\\.|[^"\\])*)"/gs, (_, text: string) => `"${texts.push(unescaped(text)) - 1}"`)
      .replace(/(^|[~(,!{;&|\n]\s*)\/(?:\\.|[^/\n\\])*\//g, "$1//")
      .replaceAll("||", " ");
    for (const [, text] of [
      ...bare.matchAll(/\bsystem\s*\(\s*(?:"(\d+)"\s*\))?/g),
      ...bare.matchAll(/\bprintf?\b[^;}\n|]*\|&?\s*(?:"(\d+)"\s*(?=[;}\n]|$))?/g),
      ...bare.matchAll(/(?:"(\d+)"|[\w)\]])\s*\|&?\s*getline/g),
    ]) {
      if (text === undefined) hidden = word.written;
      else lines.push(texts[Number(text)]!);
    }
    if (/@load\b/.test(bare)) hidden = word.written;
  }
  return { lines, ...(hidden === undefined ? {} : { hidden }) };
}

function unescaped(literal: string): string {
  return literal.replace(/\\(.)/gs, "$1");
}

/** GNU sed's command `e` and the flag `e` of `s` (https://www.gnu.org/software/sed/manual/sed.html). */
function ofSed(args: readonly ShellWord[]): Unseen {
  const given = args.flatMap((word, at): string[] => {
    if (/^-[a-zA-Z]*e$/.test(word.text) || word.text === "--expression") return [args[at + 1]?.text ?? ""];
    if (/^--e\w*=/.test(word.text)) return [behindEquals(word).text];
    return /^-[a-zA-Z]*e./.test(word.text) ? [word.text.replace(/^-[a-zA-Z]*?e/, "")] : [];
  });
  const fromFile = args.some((word) => /^-[a-zA-Z]*f|^--fi/.test(word.text));
  const first = operands(args)[0]?.text;
  const scripts = given.length > 0 || fromFile || first === undefined ? given : [first];
  const address = String.raw`(?:\d+(?:~\d+)?|\$|\/(?:\\.|[^/\\])*\/I?)`;
  const start = String.raw`(?:^|[;{}\n])\s*(?:${address}(?:\s*,\s*[+~]?${address})?)?\s*!?\s*`;
  const lines: string[] = [];
  for (const script of scripts) {
    for (const [, line] of script.matchAll(new RegExp(`${start}e(?:[ \\t]+([^\\n]*))?(?=$|[\\n;}])`, "g"))) {
      if (line === undefined) return { lines, hidden: `sed ${script}` };
      lines.push(line);
    }
    const substitute = new RegExp(
      `${start}s([^\\s\\w\\\\])(?:\\\\.|(?!\\1)[^\\\\])*\\1(?:\\\\.|(?!\\1)[^\\\\])*\\1[gpIiMm0-9]*e`,
      "s",
    );
    if (substitute.test(script)) return { lines, hidden: `sed ${script}` };
  }
  return { lines };
}

/** `-o ProxyCommand=…`, `-oLocalCommand …`, and a file of settings that is not seen. */
function ofSsh(args: readonly ShellWord[]): Unseen {
  const settings = args.flatMap((word, at): ShellWord[] => {
    if (word.text === "-o") return args.slice(at + 1, at + 2);
    return /^-o./.test(word.text) ? [{ ...word, text: word.text.slice(2) }] : [];
  });
  const commands = settings.flatMap((word) => {
    const found =
      /^\s*(?:ProxyCommand|LocalCommand|KnownHostsCommand|ProxyUseFdpass|PKCS11Provider|SecurityKeyProvider)\s*[\s=]\s*(.*)$/is.exec(
        word.text,
      );
    return found ? [{ ...word, text: found[1]! }] : word.dynamic ? [word] : [];
  });
  const file = args.find((word) => /^-[FS]/.test(word.text));
  return merged(all(commands), file ? { lines: [], hidden: written("ssh", args) } : NOTHING);
}

const SSH_VALUED = /^-[BbcDEeFIiJLlmOopQRSWw]$/;

/** What runs on the other machine: it can destroy there as well. */
function remoteLine(args: readonly ShellWord[]): Unseen {
  let at = 0;
  while (at < args.length && args[at]!.text.startsWith("-")) at += SSH_VALUED.test(args[at]!.text) ? 2 : 1;
  const words = args.slice(at + 1);
  return words.length === 0 ? NOTHING : { lines: [words.map((word) => word.text).join(" ")] };
}

function ofGit(args: readonly ShellWord[]): Unseen {
  const { verb, words, settings } = readGit(args);
  const own = [...settings, ...(verb === "clone" || verb === "init" ? configOf(words) : [])].find(startsProgram);
  // A remote helper that runs whatever its address says (https://git-scm.com/docs/git-remote-ext).
  const helper = words.find((word) => /^(?:ext|fd)::/.test(word.text));
  const hidden = own ? `git -c ${own.written}` : helper ? `git ${helper.written}` : undefined;
  return merged(hidden === undefined ? NOTHING : { lines: [], hidden }, ofVerb(verb, words));
}

function configOf(words: readonly ShellWord[]): ShellWord[] {
  return words.flatMap((word, at) => {
    if (word.text === "-c" || word.text === "--config") return words.slice(at + 1, at + 2);
    return isLong(word.text, "config") ? [behindEquals(word)] : [];
  });
}

function ofVerb(verb: string, words: readonly ShellWord[]): Unseen {
  const remote = ["upload-pack", "receive-pack", "exec"];
  switch (verb) {
    case "rebase":
      return valuesOf(words, /^-\w*x$/, ["exec"]);
    case "difftool":
    case "mergetool":
      return valuesOf(words, /^-x$/, ["extcmd"]);
    case "grep": {
      const pager = words.find((word) => /^-O/.test(word.text) || isLong(word.text, "open-files-in-pager"));
      return pager ? { lines: [pager.text.replace(/^-O|^--[\w-]+=?/, "")] } : NOTHING;
    }
    case "bisect":
      return words[0]?.text === "run"
        ? {
            lines: [
              words
                .slice(1)
                .map((word) => word.written)
                .join(" "),
            ],
          }
        : NOTHING;
    case "submodule": {
      const at = words.findIndex((word) => word.text === "foreach");
      const line = words.slice(at + 1).filter((word) => !/^--(?:recursive|quiet)$/.test(word.text));
      return at < 0 ? NOTHING : { lines: [line.map((word) => word.text).join(" ")] };
    }
    case "filter-branch":
      return all(
        words.flatMap((word, at) => (/^--[\w-]+-filter$|^--setup$/.test(word.text) ? words.slice(at + 1, at + 2) : [])),
      );
    case "clone":
      return valuesOf(words, /^-u$/, remote);
    case "fetch":
    case "pull":
    case "push":
    case "ls-remote":
    case "fetch-pack":
    case "send-pack":
    case "archive":
      return valuesOf(words, undefined, remote);
    default:
      return NOTHING;
  }
}
