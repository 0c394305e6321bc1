import { UsageError } from "../base/errors.ts";
import { clip, closest, firstLine } from "../base/text.ts";
import { type CommandName, commandNamed, commandRow, commandWords } from "./commands.ts";
import { FLAGS, type FlagName, type FlagRow, type Flags, flagRow, flagText } from "./flags.ts";

export interface CommandLine {
  command: CommandName;
  /** The task in words, for `run`; missing where none was given. */
  task?: string;
  /** The word behind a command that takes one. */
  argument?: string;
  /** What follows that word, where a command takes more. */
  words?: readonly string[];
  flags: Flags;
}

/**
 * Reads the arguments after the program's name. Flags may stand anywhere before `--`; several words are one task.
 * A word that names a command is that command, one that nearly does is refused where what follows would fit it, and any
 * other text is a task.
 * Throws UsageError.
 */
export function parseArgs(argv: readonly string[]): CommandLine {
  const { flags, words, literal } = readFlags(argv);
  const first = words[0];
  const command = first === undefined ? undefined : commandNamed(first);

  if (first === "help" && words.length <= 2 && literal.length === 0) {
    const about = words[1] === undefined ? "run" : commandNamed(words[1]);
    if (about) return { command: about, flags: { ...flags, help: true } };
  }
  if (command) {
    const [argument, ...more] = checkCommand(command, [...words.slice(1), ...literal]);
    checkFlags(command, flags);
    const rest = more.length > 0 ? { words: more } : {};
    return { command, ...(argument === undefined ? {} : { argument }), ...rest, flags };
  }
  if (literal.length === 0) refuseMistypedCommand(words);
  checkFlags("run", flags);
  const all = [...words, ...literal];
  const task = all.join(" ").trim();
  if (all.length > 0 && task === "" && !flags.help && !flags.version) {
    throw new UsageError("the task is empty", 'Say what to do: openkoi "make the failing test pass"');
  }
  if (flags.stdin && task !== "") {
    throw new UsageError(
      "--stdin takes the task from standard input, and another task stands on the command line",
      "Leave one of the two out; without --stdin piped text is added to the task.",
    );
  }
  return { command: "run", ...(task === "" ? {} : { task }), flags };
}

interface Separated {
  flags: Flags;
  /** Words before `--`. */
  words: string[];
  /** Words after `--`, never a flag nor a command. */
  literal: string[];
}

function readFlags(argv: readonly string[]): Separated {
  const flags: Flags = {};
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at]!;
    if (arg === "--") return { flags, words, literal: argv.slice(at + 1) };
    if (!arg.startsWith("-") || arg === "-" || arg.startsWith("- ")) {
      words.push(arg);
      continue;
    }
    const { name, shown, value } = arg.startsWith("--") ? longFlag(arg) : shortFlag(arg);
    const row = flagRow(name);
    if (row.type === "switch") {
      if (value !== undefined) throw new UsageError(`${shown} takes no value`, `Write ${shown} alone.`);
      Object.assign(flags, { [name]: true });
      continue;
    }
    const given = value ?? nextValue(row, argv[at + 1]);
    if (value === undefined && given !== undefined) at++;
    if (given === undefined || given === "") {
      throw new UsageError(`${shown} needs a value`, `Write ${shown} ${row.param}: ${row.help}.`);
    }
    const read = readValue(row, shown, given);
    Object.assign(flags, {
      [name]: row.type === "list" ? [...((flags[name] as string[] | undefined) ?? []), read] : read,
    });
  }
  return { flags, words, literal: [] };
}

interface Found {
  name: FlagName;
  /** As the user wrote it, without the value. */
  shown: string;
  value: string | undefined;
}

function longFlag(arg: string): Found {
  const equals = arg.indexOf("=");
  const shown = equals < 0 ? arg : arg.slice(0, equals);
  const value = equals < 0 ? undefined : arg.slice(equals + 1);
  const names = Object.keys(FLAGS) as FlagName[];
  const name = names.find((candidate) => flagText(candidate) === shown);
  if (name) return { name, shown, value };
  throw unknownFlag(shown, closest(shown, names.map(flagText)));
}

/** `-i 3`, `-i3` and `-i=3`. */
function shortFlag(arg: string): Found {
  const shown = arg.slice(0, 2);
  const name = (Object.keys(FLAGS) as FlagName[]).find((candidate) => flagRow(candidate).short === shown[1]);
  // A long name after one dash (`-iterate`) would otherwise be read as `-i terate`.
  const long = Object.keys(FLAGS).find((candidate) => flagText(candidate as FlagName) === `-${arg.split("=")[0]}`);
  if (!name || (long && long.length > 1)) throw unknownFlag(arg.split("=")[0]!, long && flagText(long as FlagName));
  const value = arg.slice(2).replace(/^=/, "");
  return { name, shown, value: arg.length === 2 ? undefined : value };
}

function unknownFlag(shown: string, meant: string | undefined): UsageError {
  return new UsageError(
    `unknown flag ${firstLine(shown)}${meant ? `: did you mean ${meant}?` : ""}`,
    "See openkoi --help; text that begins with a dash goes after --.",
  );
}

/** A number may be negative, so that its range is what is complained about; any other value is no flag. */
function nextValue(row: FlagRow, next: string | undefined): string | undefined {
  if (next === undefined || !next.startsWith("-")) return next;
  const numeric = row.type === "number" || row.type === "integer";
  return numeric && !Number.isNaN(Number(next)) ? next : undefined;
}

function readValue(row: FlagRow, shown: string, text: string): string | number {
  if (row.choices && !row.choicesOn && !row.choices.includes(text)) throw noChoice(shown, text, row.choices);
  if (row.type !== "number" && row.type !== "integer") return text;
  const value = /^-?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = row;
  if (!(value >= min && value <= max) || (row.type === "integer" && !Number.isInteger(value))) {
    const kind = row.type === "integer" ? "a whole number" : "a number";
    throw new UsageError(`${shown} cannot be ${JSON.stringify(text)}`, `It is ${kind} from ${min} to ${max}.`);
  }
  return value;
}

function noChoice(shown: string, text: string, choices: readonly string[]): UsageError {
  const meant = closest(text, choices);
  return new UsageError(
    `${shown} cannot be ${JSON.stringify(text)}${meant ? `: did you mean ${meant}?` : ""}`,
    `It is one of ${choices.join(", ")}.`,
  );
}

/** Some choices belong to another command. */
function refuseChoice(name: FlagName, value: unknown, choices: readonly string[] | undefined): void {
  if (choices && typeof value === "string" && !choices.includes(value)) throw noChoice(flagText(name), value, choices);
}

/** Returns what may follow the command. */
function checkCommand(command: CommandName, following: readonly string[]): readonly string[] {
  const { ready, argument, subcommands, secret } = commandRow(command);
  if (ready && (subcommands || following.length <= (argument ? 1 : 0))) return following;
  if (secret) {
    throw new UsageError(
      `"${command}" takes one ${argument}`,
      "A key is asked for or piped in, never given on the command line. To run this as a task, put -- before it.",
    );
  }
  const asTask = `To run it as a task: openkoi -- ${[command, ...following].join(" ")}`;
  if (!ready) throw new UsageError(`"${command}" is not in this version of OpenKoi`, asTask);
  const takes = argument ? `one ${argument}` : "no arguments";
  throw new UsageError(`"${command}" takes ${takes}, got "${following.join(" ")}"`, asTask);
}

function refuseMistypedCommand(words: readonly string[]): void {
  const [word, ...following] = words;
  if (word === undefined) return;
  if (word === "run" && following.length === 0) {
    throw new UsageError("no task was given", 'Say what to do: openkoi "make the failing test pass"');
  }
  const meant = following.length === 0 ? nearCommand(word) : nearWithArguments(word, following);
  if (meant) {
    throw new UsageError(
      `unknown command "${clip(word, MOST_WORD)}": did you mean ${meant}?`,
      `To run it as a task: openkoi -- ${words.join(" ")}`,
    );
  }
}

function nearCommand(word: string): CommandName | undefined {
  return /\s/.test(word) ? undefined : (closest(word, commandWords()) ?? begunBy(word));
}

/** Characters of a word that can belong to a command. */
const MOST_WORD = 24;

/**
 * `lern list`, `undp TASK`: one slip away from a command that takes what follows. A task in so few words may begin
 * with a word like a command's (`rename foo`, `unit tests`): two slips are none.
 */
function nearWithArguments(word: string, following: readonly string[]): CommandName | undefined {
  const areShort = [word, ...following].every((each) => each.length <= MOST_WORD && !/\s/.test(each));
  const meant = areShort ? closest(word, commandWords(), 1) : undefined;
  if (meant === undefined) return undefined;
  const { ready, argument, subcommands } = commandRow(meant);
  return ready && argument && following.length <= (subcommands ? 2 : 1) ? meant : undefined;
}

/** The one command that begins like this; a word of two letters may be anything. */
function begunBy(word: string): CommandName | undefined {
  const begun = commandWords().filter((name) => word.length > 2 && name.startsWith(word.toLowerCase()));
  return begun.length === 1 ? begun[0] : undefined;
}

/** Flags of another command, and flags that contradict each other. */
function checkFlags(command: CommandName, flags: Flags): void {
  if (flags.help || flags.version) return;
  for (const name of Object.keys(flags) as FlagName[]) {
    const { on, choicesOn } = flagRow(name);
    if (on === "all" || on.includes(command)) {
      refuseChoice(name, flags[name], choicesOn?.[command]);
      continue;
    }
    const subject = command === "run" ? "a task" : `"${command}"`;
    throw new UsageError(
      `${subject} does not take ${flagText(name)}`,
      `It belongs to ${on.join(", ")}; see openkoi --help.`,
    );
  }
  const pairs: readonly [FlagName, FlagName, boolean][] = [
    ["quiet", "verbose", true],
    ["record", "replay", true],
    ["model", "selectModel", flags.model !== "?"],
    ["yes", "permission", flags.permission !== "auto"],
  ];
  for (const [one, other, contradict] of pairs) {
    if (flags[one] !== undefined && flags[other] !== undefined && contradict) {
      throw new UsageError(`${flagText(one)} and ${flagText(other)} exclude each other`, "Give one of the two.");
    }
  }
}
