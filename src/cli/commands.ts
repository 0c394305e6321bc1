/** One command: what the help says of it and what it may be followed by. The code of each is loaded by main.ts. */
export interface CommandRow {
  group: CommandGroup;
  summary: string;
  /** False: of a later version; typed exactly, it is refused instead of being run as a task. */
  ready: boolean;
  /** The one word that may follow it, as the help calls it. */
  argument?: string;
  /** What that word may be and what each does; more words may follow it. */
  subcommands?: Readonly<Record<string, string>>;
  /** What wrongly follows it may be a key, and is not repeated. */
  secret?: boolean;
}

/** How the help sorts the commands. */
export type CommandGroup = "Tasks" | "Set-up" | "Look" | "Data" | "Serve";

/** Every command of the contract. `run` is the default and has no word of its own: `openkoi "run the tests"` is a task. */
export const COMMANDS = {
  run: { group: "Tasks", summary: "run a task", ready: true },
  demo: { group: "Tasks", summary: "the whole cycle, offline, with no key", ready: true },
  status: { group: "Look", summary: "models, the active task, last results, cost today", ready: true },
  doctor: { group: "Set-up", summary: "what is wrong with the set-up, and how to mend it", ready: true },
  resume: { group: "Tasks", summary: "go on with a task that was cut short", ready: true, argument: "TASK" },
  undo: { group: "Tasks", summary: "put back what a task changed; again: redo", ready: true, argument: "TASK" },
  chat: { group: "Tasks", summary: "interactive session", ready: false },
  learn: {
    group: "Tasks",
    summary: "habits, the skills proposed for them, learnings",
    ready: true,
    argument: "SUBCOMMAND",
    subcommands: {
      list: "everything that was learned",
      "show NAME": "a pattern, a proposal, a learning, in full",
      "write NAME": "have the planner model word a proposed skill",
      "approve NAME|all": "use a proposed skill from now on",
      "dismiss NAME": "away with it, until it shows much more clearly",
      "edit ID [TEXT]": "put a learning right (without TEXT: in EDITOR)",
      "forget ID": "away with a learning",
      "install [SOURCE]": "a skill: a folder, git URL, archive or name",
      "evolve-soul": "small changes of SOUL.md, for you to accept",
    },
  },
  connect: {
    group: "Set-up",
    summary: "save keys and log in; see what is there",
    ready: true,
    argument: "TARGET|status",
    secret: true,
  },
  disconnect: { group: "Set-up", summary: "remove what is saved", ready: true, argument: "TARGET|all" },
  init: { group: "Set-up", summary: "first-time set-up", ready: true },
  setup: { group: "Set-up", summary: "first-time set-up", ready: true },
  daemon: { group: "Serve", summary: "background service", ready: false },
  dashboard: { group: "Look", summary: "full-screen dashboard", ready: false },
  export: {
    group: "Data",
    summary: "all your data, or learnings, sessions, patterns, skills",
    ready: true,
    argument: "WHAT",
  },
  import: { group: "Data", summary: "bring an export in", ready: true, argument: "PATH" },
  migrate: { group: "Data", summary: "the database's schema: forward, or back one", ready: true },
  update: { group: "Set-up", summary: "verified self-update", ready: false },
  models: { group: "Look", summary: "every model, its price, and whether it can be used now", ready: true },
  eval: { group: "Tasks", summary: "run a folder of tasks with checks", ready: false },
  mcp: { group: "Serve", summary: "serve as an MCP server", ready: false },
  acp: { group: "Serve", summary: "serve editors", ready: false },
  worker: { group: "Serve", summary: "take tasks from a shared queue", ready: false },
  completion: { group: "Set-up", summary: "shell completion", ready: false },
} as const satisfies Record<string, CommandRow>;

export type CommandName = keyof typeof COMMANDS;

/** The command that a word names, `run` excepted. */
export function commandNamed(word: string): CommandName | undefined {
  return word !== "run" && Object.hasOwn(COMMANDS, word) ? (word as CommandName) : undefined;
}

/** The words that name a command. */
export function commandWords(): CommandName[] {
  return (Object.keys(COMMANDS) as CommandName[]).filter((name) => name !== "run");
}

/** The row of a command, with all its optional fields. */
export function commandRow(name: CommandName): CommandRow {
  return COMMANDS[name];
}
