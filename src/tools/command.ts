import type { ShellWord } from "../base/shell/words.ts";
import { behindWrapper, isPackageRunner, splitString } from "../base/shell/wrappers.ts";
import { readShell } from "./shell-reader.ts";
import type { SimpleCommand } from "./simple-command.ts";
import { COMMAND_VARIABLE, unseenPrograms, writesByOption } from "./unseen-programs.ts";

/** One program that a command line starts. */
export interface Invocation {
  /** Without its folder: `/usr/bin/git` is `git`. */
  name: string;
  /** As it is named in the line, quotes removed; `./git` is not `git`. */
  program: string;
  args: readonly ShellWord[];
  /** As a person would write it, with assignments and redirections: what rules and questions speak about. */
  text: string;
  /** Nothing but program and arguments: no variable set for it, no file written by `>`. */
  bare: boolean;
  /** It only starts the next one of the list, which is what matters: `env`, `timeout`, `xargs`. */
  transparent: boolean;
  /** What is before it in the list speaks for it: who allows `uv run` allows what it runs. */
  carried: boolean;
  /** Files that `>` and `>>` write. */
  writes: readonly ShellWord[];
  /** It gets more arguments than the line shows: it stands behind `xargs`. */
  given: boolean;
  /** Its input is the output of these programs, nearest last. */
  fedBy: readonly string[];
  /** Text that is given as input: here-documents and here-strings. */
  input: string;
}

export interface CommandLine {
  /** Every program, wherever it stands: pipelines, lists, loops, substitutions, behind `sudo`, `env`, `xargs`, … */
  invocations: readonly Invocation[];
  /** Files that `<` reads. */
  reads: readonly ShellWord[];
  /** Something cannot be seen from the text, in words; then no list of programs is complete. */
  unknown: string | undefined;
  /** A function that calls itself. */
  recursive: boolean;
}

/** A line inside a line inside a line … */
const MAX_DEPTH = 8;

/** What a shell command line would run. It never throws; what it cannot read is `unknown`. */
export function analyzeCommand(line: string): CommandLine {
  const found: Found = { invocations: [], reads: [], unknown: undefined, recursive: false };
  collect(line, found, 0);
  return found;
}

interface Found extends CommandLine {
  invocations: Invocation[];
  reads: ShellWord[];
}

function collect(line: string, into: Found, depth: number): void {
  if (depth > MAX_DEPTH) {
    into.unknown ??= "commands within commands, too deep to follow";
    return;
  }
  const read = readShell(line);
  into.unknown ??= read.unknown;
  into.recursive ||= read.recursive;
  into.reads.push(...read.reads);
  const network = read.reads.find((word) => /^\/dev\/(?:tcp|udp)\//.test(word.text));
  if (network) into.unknown ??= `${network.written} is a connection to a network`;
  for (const simple of read.commands) {
    for (const invocation of invocationsOf(simple)) {
      into.invocations.push(invocation);
      const { lines, hidden } = unseenPrograms(invocation.name, invocation.args);
      if (hidden !== undefined) into.unknown ??= `another program may be started by ${hidden}`;
      for (const inner of lines) collect(inner, into, depth + 1);
      for (const word of assigning(invocation)) collectVariable(word, into, depth);
      const script = scriptOf(invocation);
      if (script === undefined) continue;
      if (script.unknown !== undefined) into.unknown ??= script.unknown;
      else collect(script.text, into, depth + 1);
    }
    for (const word of simple.assignments) collectVariable(word, into, depth);
  }
}

/** The line that another program will start, where the word sets a variable for that: `PAGER=…`. */
function collectVariable({ text }: ShellWord, into: Found, depth: number): void {
  const [, variable, value] = /^(\w+)\+?=(.*)$/s.exec(text) ?? [];
  if (variable !== undefined && COMMAND_VARIABLE.test(variable)) collect(value!, into, depth + 1);
}

/** Words among the arguments that set variables: of `export` and the like all, of `env` and `sudo` those before the command. */
function assigning({ name, args }: Invocation): readonly ShellWord[] {
  if (/^(?:export|declare|typeset|readonly|local)$/.test(name)) return args;
  const inner = behindWrapper(name, args);
  return inner === undefined ? [] : args.slice(0, args.length - inner.length);
}

function* invocationsOf(simple: SimpleCommand): Generator<Invocation> {
  const outer = [...simple.assignments, ...simple.words].map((word) => word.written).join(" ");
  const redirected = simple.writes.filter(
    (word) => word.dynamic || !/^\/dev\/(?:null|stdout|stderr|tty)$/.test(word.text),
  );
  const text = [outer, ...redirected.map((word) => `> ${word.written}`)].join(" ").trim();
  let bare = simple.assignments.length === 0 && redirected.length === 0;
  let words: readonly ShellWord[] = simple.words;
  let carried = false;
  let given = false;
  for (let first = true; ; first = false) {
    const program = words[0]?.text ?? "";
    const name = program.replace(/^.*\//, "");
    const args = words.slice(1);
    const inner = behindWrapper(name, args) ?? [];
    yield {
      name,
      program,
      args,
      text: first ? text : words.map((word) => word.written).join(" "),
      bare: bare && !writesByOption(name, args),
      transparent: inner.length > 0 && !isPackageRunner(name) && !CHANGES_RIGHTS.test(name),
      carried,
      given,
      writes: redirected,
      fedBy: simple.fedBy,
      input: simple.input,
    };
    if (inner.length === 0) return;
    // `env A=b` sets a variable too.
    bare &&= !args.slice(0, args.length - inner.length).some((word) => /^\w+=/.test(word.text));
    carried ||= isPackageRunner(name);
    given ||= name === "xargs" || name === "parallel";
    words = inner;
  }
}

/** They start another program with other rights or in another place, or may do more beside (`find -delete`). */
const CHANGES_RIGHTS = /^(?:sudo|doas|chroot|runuser|setpriv|unshare|nsenter|systemd-run|find)$/;

const SHELL = /^(?:ba|da|z|k|a|fi)?sh$/;

/** The command line that this one runs in turn, where there is one. */
function scriptOf({ name, args, fedBy, input, text }: Invocation): { text: string; unknown?: string } | undefined {
  if (args.some((word) => word.dynamic) && (name === "eval" || name === "trap")) return hiddenIn(text);
  if (name === "eval") return { text: args.map((word) => word.text).join(" ") };
  if (name === "trap") return { text: args[0] && !args[0].text.startsWith("-") ? args[0].text : "" };
  if (/^(?:su|script|runuser|sg)$/.test(name)) {
    const at = args.findIndex((word) => /^(?:-\w*c|--command)$/.test(word.text));
    return at < 0 ? undefined : visible(args[at + 1], text);
  }
  if (name === "env") return splitScript(args, text);
  if (name === "source" || name === ".") {
    if (!/^(?:[<>]\(|\/dev\/(?:stdin|fd\/))/.test(args[0]?.text ?? "")) return undefined;
    return input === "" ? { text: "", unknown: `${text} runs what another program says` } : { text: input };
  }
  if (name === "watch" || name === "flock") return quotedBehind(name, args, text);
  if (!SHELL.test(name)) return undefined;
  const at = args.findIndex((word) => /^-\w*c$/.test(word.text));
  if (at >= 0) return visible(args[at + 1], text);
  // With a file to run, what is piped in is data.
  const operand = args.find((word) => !word.text.startsWith("-"))?.text;
  const fromInput = args.some((word) => /^-\w*s\w*$/.test(word.text)) || operand === "/dev/stdin";
  if (/^[<>]\(/.test(operand ?? "")) return { text: "", unknown: `${text} runs what another program says` };
  if (operand !== undefined && !fromInput) return undefined;
  if (input !== "") return { text: input };
  return fedBy.length > 0 ? { text: "", unknown: `${text} runs what is piped into it` } : undefined;
}

/** `env -S 'a b' c` starts `a` with `b` and `c`; quotes in the string are those of a shell, other signs are not. */
function splitScript(args: readonly ShellWord[], text: string): { text: string; unknown?: string } | undefined {
  const split = splitString(args);
  if (!split) return undefined;
  if (!split.holder || split.holder.dynamic || /[\\$`#;&|<>()!{\n]/.test(split.text)) return hiddenIn(text);
  const written = (words: readonly ShellWord[]) => words.map((word) => word.written);
  return { text: ["env", ...written(split.before), split.text, ...written(split.after)].join(" ") };
}

/** `watch 'a b'` and `flock file -c 'a b'` hand a line to a shell. */
function quotedBehind(name: string, args: readonly ShellWord[], text: string) {
  const inner = behindWrapper(name, args) ?? [];
  if (name === "flock") return /^(?:-c|--command)$/.test(inner[0]?.text ?? "") ? visible(inner[1], text) : undefined;
  if (!inner.some((word) => /\s/.test(word.text))) return undefined;
  return inner.some((word) => word.dynamic) ? hiddenIn(text) : { text: inner.map((word) => word.text).join(" ") };
}

function visible(word: ShellWord | undefined, text: string): { text: string; unknown?: string } {
  return word === undefined || word.dynamic ? hiddenIn(text) : { text: word.text };
}

function hiddenIn(text: string): { text: string; unknown: string } {
  return { text: "", unknown: `a command is put together only when it runs: ${text}` };
}
