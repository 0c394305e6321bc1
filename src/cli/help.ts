import { VERSION } from "../base/version.ts";
import { COMMANDS, type CommandName, commandRow } from "./commands.ts";
import { hang } from "./display/layout.ts";
import { FLAGS, type FlagGroup, type FlagName, flagRow, flagText } from "./flags.ts";

/** Column at which explanations begin. */
const TEXT_COLUMN = 30;

const GROUP_COLUMN = 8;

/** What `openkoi COMMAND --help` prints; of `run`, the general help: at most 40 lines of 80 columns. */
export function helpText(command: CommandName): string {
  if (command === "run") return generalHelp();
  return [`${usage(command)}: ${COMMANDS[command].summary}`, ...subcommandsOf(command), ...groupsOf(command), ""].join(
    "\n",
  );
}

function generalHelp(): string {
  return [
    `openkoi ${VERSION}: an AI agent that reviews its own work`,
    row('openkoi [flags] "task"', "run a task; piped text is added to it"),
    "Commands (more of each: openkoi COMMAND --help)",
    ...commandLines(),
    ...groupsOf("run"),
    "Exit: 0 accepted, 1 failure, 2 usage, 3 below the threshold or not measured,",
    "4 stopped by a limit, 130 interrupted. After -- nothing is a flag or a command.",
    "",
  ].join("\n");
}

function usage(command: CommandName): string {
  const { argument } = commandRow(command);
  return `openkoi ${command}${argument ? ` [${argument}]` : ""}`;
}

function subcommandsOf(command: CommandName): string[] {
  return Object.entries(commandRow(command).subcommands ?? {}).map(([name, help]) => row(`  ${name}`, help));
}

function takes(name: FlagName, command: CommandName): boolean {
  const { on } = flagRow(name);
  return on === "all" || on.includes(command);
}

/** The commands by group, a few to a line: there are too many for a line each. */
function commandLines(): string[] {
  const names = (Object.keys(COMMANDS) as CommandName[]).filter((name) => name !== "run" && COMMANDS[name].ready);
  const groups = new Set(names.map((name) => COMMANDS[name].group));
  return [...groups].flatMap((group) => {
    const own = names.filter((name) => COMMANDS[name].group === group).map((name) => name + ownFlags(name));
    return hang(`  ${group.padEnd(GROUP_COLUMN)}`, own.join(", "), 80);
  });
}

/** The flags that are not a task's, each behind the first command that takes it. */
function ownFlags(command: CommandName): string {
  const commands = Object.keys(COMMANDS) as CommandName[];
  const own = (Object.keys(FLAGS) as FlagName[]).filter((name) => flagRow(name).on !== "all" && !takes(name, "run"));
  return own
    .filter((name) => commands.find((each) => takes(name, each)) === command)
    .map((name) => ` [${flagText(name)}]`)
    .join("");
}

function groupsOf(command: CommandName): string[] {
  const names = (Object.keys(FLAGS) as FlagName[]).filter((name) => takes(name, command));
  const groups = new Set<FlagGroup>(names.map((name) => flagRow(name).group));
  return [...groups].flatMap((group) => [
    group,
    ...rowsOf(
      names.filter((name) => flagRow(name).group === group),
      command,
    ),
  ]);
}

function rowsOf(names: readonly FlagName[], command: CommandName): string[] {
  return names.map((name) => {
    const { short, param, choicesOn } = flagRow(name);
    const choices = choicesOn?.[command];
    const help = choices ? `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}` : flagRow(name).help;
    return row(`  ${short ? `-${short}, ` : ""}${flagText(name)}${param ? ` ${param}` : ""}`, help);
  });
}

function row(left: string, text: string): string {
  return `${left.padEnd(TEXT_COLUMN)}${text}`;
}
