import type { CommandName } from "./commands.ts";

/** What one flag is: its row in the table below gives the parser, the help text and the type of `Flags`. */
export interface FlagRow {
  /** Letter without the dash. */
  short?: string;
  /** `switch` takes no value, `list` may be given several times. */
  type: "switch" | "text" | "number" | "integer" | "list" | "choice";
  /** Name of the value in the help text; absent for switches. */
  param?: string;
  help: string;
  group: FlagGroup;
  /** Config keys that the value sets; `fixed` where the switch stands for a value other than `true`. */
  sets?: readonly string[];
  fixed?: string;
  /** Smallest and largest number, both allowed. */
  min?: number;
  max?: number;
  choices?: readonly string[];
  /** Commands that take some of the choices only. */
  choicesOn?: Partial<Record<CommandName, readonly string[]>>;
  /** Commands that take it. */
  on: readonly CommandName[] | "all";
}

export type FlagGroup = "Models" | "Limits" | "Place" | "Safety" | "Input and output" | "Other";

const FORMATS = ["text", "json", "stream-json", "markdown", "yaml", "csv"] as const;
const RESULT_FORMATS = ["text", "json", "stream-json", "markdown"] as const;
const EXPORT_FORMATS = ["json", "yaml", "csv"] as const;
/** How a task's result is told. */
export type ResultFormat = (typeof RESULT_FORMATS)[number];
const PERMISSIONS = ["ask", "auto", "read-only"] as const;
const SANDBOXES = ["off", "workspace"] as const;

/** Every flag, by the name under which its value is found in `Flags`; `addDir` is written `--add-dir`. */
export const FLAGS = {
  model: {
    short: "m",
    type: "text",
    param: "MODEL",
    help: 'provider/name for every role; "?" lets you pick',
    group: "Models",
    sets: ["models.executor", "models.evaluator", "models.planner"],
    on: ["run", "resume"],
  },
  executor: {
    type: "text",
    param: "MODEL",
    help: "the model that works",
    group: "Models",
    sets: ["models.executor"],
    on: ["run", "resume"],
  },
  evaluator: {
    type: "text",
    param: "MODEL",
    help: "the model that judges",
    group: "Models",
    sets: ["models.evaluator"],
    on: ["run", "resume"],
  },
  planner: {
    type: "text",
    param: "MODEL",
    help: "the model that plans",
    group: "Models",
    sets: ["models.planner"],
    on: ["run", "resume"],
  },
  selectModel: { type: "switch", help: "pick the model from a list", group: "Models", on: ["run"] },
  iterate: {
    short: "i",
    type: "integer",
    param: "N",
    help: "most iterations (3); 0: one pass, not evaluated",
    group: "Limits",
    sets: ["iteration.max_iterations"],
    min: 0,
    max: 100,
    on: ["run", "resume"],
  },
  quality: {
    short: "q",
    type: "number",
    param: "0..1",
    help: "score at which a result is accepted (0.8)",
    group: "Limits",
    sets: ["iteration.quality_threshold"],
    min: 0,
    max: 1,
    on: ["run", "resume"],
  },
  budget: {
    type: "number",
    param: "USD",
    help: "most it may cost (2.00)",
    group: "Limits",
    sets: ["safety.max_cost_usd"],
    min: 0,
    max: 1_000_000,
    on: ["run", "resume"],
  },
  timeout: {
    type: "integer",
    param: "SECONDS",
    help: "most time of work (1800)",
    group: "Limits",
    sets: ["iteration.timeout_seconds"],
    min: 1,
    max: 2_592_000,
    on: ["run", "resume"],
  },
  dir: {
    short: "C",
    type: "text",
    param: "PATH",
    help: "work in this folder",
    group: "Place",
    on: ["run", "status", "doctor", "undo", "learn", "models", "connect", "disconnect", "init", "setup", "resume"],
  },
  addDir: {
    type: "list",
    param: "PATH",
    help: "another writable folder (repeatable)",
    group: "Place",
    on: ["run"],
  },
  config: {
    type: "text",
    param: "PATH",
    help: "another config file",
    group: "Place",
    on: ["run", "status", "doctor", "learn", "models", "connect", "disconnect", "init", "setup", "resume", "export"],
  },
  permission: {
    type: "choice",
    param: "MODE",
    choices: PERMISSIONS,
    help: "ask, auto or read-only",
    group: "Safety",
    sets: ["permissions.mode"],
    on: ["run", "resume"],
  },
  yes: {
    type: "switch",
    help: "do not ask: short for --permission auto",
    group: "Safety",
    sets: ["permissions.mode"],
    fixed: "auto",
    on: ["run", "disconnect", "resume", "migrate", "learn", "import"],
  },
  sandbox: {
    type: "choice",
    param: "MODE",
    choices: SANDBOXES,
    help: "off or workspace",
    group: "Safety",
    sets: ["sandbox.mode"],
    on: ["run", "resume"],
  },
  redact: {
    type: "switch",
    help: "keep secrets of every known kind from the model",
    group: "Safety",
    sets: ["redaction.enabled"],
    on: ["run", "resume", "export"],
  },
  stdin: { type: "switch", help: "read the task itself from standard input", group: "Input and output", on: ["run"] },
  format: {
    type: "choice",
    param: "FORMAT",
    choices: FORMATS,
    choicesOn: { run: RESULT_FORMATS, resume: RESULT_FORMATS, export: EXPORT_FORMATS },
    help: "how the result is told",
    group: "Input and output",
    on: ["run", "resume", "export"],
  },
  output: {
    type: "text",
    param: "PATH",
    help: "write to this file or folder",
    group: "Input and output",
    on: ["export"],
  },
  schema: {
    type: "text",
    param: "FILE",
    help: "the result as JSON that fits this JSON Schema",
    group: "Input and output",
    on: ["run"],
  },
  record: {
    type: "text",
    param: "FILE",
    help: "write the model's answers to a file",
    group: "Input and output",
    on: ["run"],
  },
  replay: {
    type: "text",
    param: "FILE",
    help: "answer from such a file, offline",
    group: "Input and output",
    on: ["run"],
  },
  quiet: { type: "switch", help: "show nothing but errors", group: "Input and output", on: ["run", "demo", "resume"] },
  verbose: {
    type: "switch",
    help: "also show reasoning and tool output",
    group: "Input and output",
    on: ["run", "demo", "resume", "status"],
  },
  costs: { type: "switch", help: "what was spent, by model, and saved", group: "Other", on: ["status"] },
  live: { type: "switch", help: "redrawn every second; q leaves", group: "Other", on: ["status"] },
  json: { type: "switch", help: "print JSON", group: "Other", on: ["status", "models", "learn"] },
  install: { type: "switch", help: "pick a skill to install from the sources", group: "Other", on: ["learn"] },
  list: { type: "switch", help: "show what can be undone", group: "Other", on: ["undo"] },
  force: { type: "switch", help: "undo what was changed since, too", group: "Other", on: ["undo"] },
  status: { type: "switch", help: "only say which schema it has", group: "Other", on: ["migrate"] },
  rollback: { type: "switch", help: "go back one schema; a copy is kept", group: "Other", on: ["migrate"] },
  refresh: { type: "switch", help: "ask the providers for their models", group: "Other", on: ["models"] },
  connect: { type: "text", param: "TARGET", help: "connect this provider too", group: "Other", on: ["init", "setup"] },
  fix: { type: "switch", help: "mend file modes, tidy the database", group: "Other", on: ["doctor"] },
  help: { short: "h", type: "switch", help: "this text, or that of a command", group: "Other", on: "all" },
  version: { short: "V", type: "switch", help: "the version", group: "Other", on: "all" },
} as const satisfies Record<string, FlagRow>;

export type FlagName = keyof typeof FLAGS;

type ValueOf<Row extends FlagRow> = Row extends { type: "switch" }
  ? true
  : Row extends { type: "number" | "integer" }
    ? number
    : Row extends { type: "list" }
      ? string[]
      : Row extends { choices: readonly (infer Choice)[] }
        ? Choice
        : string;

/** The flags of one command line; what was not given is missing. `--add-dir` is `addDir`. */
export type Flags = { [Name in FlagName]?: ValueOf<(typeof FLAGS)[Name]> };

/** `--add-dir` of `addDir`. */
export function flagText(name: FlagName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The row of a flag, with all its optional fields. */
export function flagRow(name: FlagName): FlagRow {
  return FLAGS[name];
}

/**
 * The config keys that the flags set, as `section.key` → value. A role's own flag outranks `--model`, whatever their
 * order, because the table lists it later.
 */
export function configOverrides(flags: Flags): Record<string, string | number | boolean> {
  const overrides: Record<string, string | number | boolean> = {};
  for (const name of Object.keys(FLAGS) as FlagName[]) {
    const value = flags[name];
    if (value === undefined || Array.isArray(value)) continue;
    const row = flagRow(name);
    for (const key of row.sets ?? []) overrides[key] = row.fixed ?? value;
  }
  return overrides;
}
