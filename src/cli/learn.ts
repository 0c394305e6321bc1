import { type App, createApp, type Settings } from "../app.ts";
import { readEnv } from "../base/env.ts";
import { Exit, type ExitCode, UsageError, UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { createRedactor } from "../base/redact.ts";
import { abortable } from "../base/stream.ts";
import { closest, firstLine } from "../base/text.ts";
import type { MemoryAccess } from "../contracts/memory.ts";
import type { Model } from "../contracts/provider.ts";
import type { CallRecord } from "../contracts/task.ts";
import { editText } from "../exec/editor.ts";
import type { Habits } from "../habits.ts";
import { redactedModel } from "../redacted.ts";
import type { CommandLine } from "./args.ts";
import { createTerminalAsk } from "./ask.ts";
import { isTerminal } from "./display/standard.ts";
import { type Style, stdoutLayout } from "./display/style.ts";
import { print, printExactly, say } from "./display/writer.ts";
import { approveCommand, dismissCommand, editCommand, forgetCommand, showCommand, writeCommand } from "./learn-acts.ts";
import { pickLessons } from "./learn-picker.ts";
import { listJson, listText, lookAtLessons } from "./learn-view.ts";
import { watchSignals } from "./signals.ts";

/** What `learn` works on. */
export interface LearnDeps {
  /** Undefined where nothing is remembered yet. */
  habits: Habits | undefined;
  access: MemoryAccess | undefined;
  paths: Pick<Paths, "skills" | "evaluators" | "data" | "home" | "soul" | "state">;
  /** The planner model. @throws UserError where there is none. */
  planner(): Promise<Model>;
  /** Keeps what a call cost. */
  spent(call: CallRecord): Promise<void>;
  /** Asks whether something is to run by itself, `every weekday about 9`. Without a terminal: no. */
  offer(frequency: string): Promise<boolean>;
  /** Lets the user change a text in their editor. */
  edit(text: string): Promise<string>;
  /** How many tasks there ever were. */
  tasks(): Promise<number>;
  /** Whether somebody can pick and answer. */
  terminal: boolean;
  width: number;
  style: Style;
  now(): number;
  write(text: string): void;
  signal: AbortSignal;
}

type Subcommand = (deps: LearnDeps, words: readonly string[], flags: CommandLine["flags"]) => Promise<ExitCode>;

const SUBCOMMANDS: Record<string, Subcommand> = {
  list: listCommand,
  show: showCommand,
  write: writeCommand,
  approve: approveCommand,
  dismiss: dismissCommand,
  edit: editCommand,
  forget: forgetCommand,
  "evolve-soul": evolveCommand,
};

/** Has an app of its own: it works on files alone. */
const INSTALL = "install";

/** `openkoi learn [SUBCOMMAND]`: patterns, proposed skills and learnings, to be looked at and decided on. */
export async function learnCommand({ argument, words = [], flags }: CommandLine): Promise<ExitCode> {
  if (argument === INSTALL || flags.install) return installing(argument, words, flags);
  if (flags.yes) throw new UsageError("--yes belongs to learn install", "openkoi learn install SOURCE --yes");
  const run = argument === undefined ? pickLessons : Object.hasOwn(SUBCOMMANDS, argument) && SUBCOMMANDS[argument];
  if (!run) throw unknown(argument!);
  if (flags.json && argument !== "list")
    throw new UsageError("--json belongs to learn list", "openkoi learn list --json");
  const app = createApp();
  const signals = watchSignals();
  try {
    const settings = await app.settings({
      dir: flags.dir ?? ".",
      ...(flags.config === undefined ? {} : { configFile: flags.config }),
    });
    const memory = app.memory.exists() ? await abortable(app.memory.whole(), signals.signal) : undefined;
    for (const notice of app.memory.takeNotices()) say(notice);
    const { paths, clock } = app;
    const terminal = isTerminal("stdin") && isTerminal("stderr");
    const deps: LearnDeps = {
      habits: memory && { memory, paths, config: settings.config.patterns, now: clock.now() },
      access: memory && accessTo(app, settings),
      paths,
      planner: () => plannerOf(app, settings),
      spent: async (call) => {
        if (memory) await (await import("../memory/costs.ts")).keepCall(memory, clock.now(), call);
      },
      offer: (frequency) => offerSchedule(frequency, terminal, signals.signal),
      edit: (text) => editText(text, app.env, signals.signal),
      tasks: async () => (memory ? (await import("../memory/inspect.ts")).countTasks(memory) : 0),
      terminal,
      ...stdoutLayout(readEnv()),
      now: () => clock.now(),
      write: flags.json ? printExactly : print,
      signal: signals.signal,
    };
    return await run(deps, words, flags);
  } finally {
    app.close();
    signals.stop();
  }
}

/** The learnings of the memory. None is to hold a key of the user's. */
function accessTo(app: App, settings: Settings): MemoryAccess {
  const access = app.recollection(settings, say);
  return {
    ...access,
    async edit(id, content, signal) {
      const redactor = createRedactor({ secrets: await app.providers(settings).secrets() });
      if (redactor.hide(content) !== content) throw new UserError("the text holds a key of yours", "Leave it out.");
      return access.edit(id, content, signal);
    },
  };
}

/** Its words are free of the keys that the program knows. */
async function plannerOf(app: App, settings: Settings): Promise<Model> {
  const providers = app.providers(settings);
  const redactor = createRedactor({ secrets: await providers.secrets(), kinds: true });
  return redactedModel(await providers.resolve("planner"), redactor);
}

async function listCommand(deps: LearnDeps, words: readonly string[], flags: CommandLine["flags"]): Promise<ExitCode> {
  if (words.length > 0) throw new UsageError('"learn list" takes no arguments', "openkoi learn show NAME shows one.");
  const lessons = await lookAtLessons(deps);
  deps.write(flags.json ? listJson(lessons) : listText(lessons, deps));
  return Exit.ok;
}

async function evolveCommand(deps: LearnDeps, words: readonly string[]): Promise<ExitCode> {
  if (words.length > 0) throw new UsageError('"learn evolve-soul" takes no arguments', "openkoi learn evolve-soul");
  const { evolveSoul } = await import("./learn-soul.ts");
  const { default: template } = await import("../../embed/prompts/soul.md", { with: { type: "text" } });
  const learnings = (await deps.access?.learnings()) ?? [];
  const ask = deps.terminal ? createTerminalAsk({ interactive: true }) : undefined;
  const { EDITOR, VISUAL } = readEnv();
  const edit = VISUAL || EDITOR ? deps.edit : undefined;
  return evolveSoul({ ...deps, edit, tasks: await deps.tasks(), learnings, template, ask });
}

async function installing(
  argument: string | undefined,
  words: readonly string[],
  flags: CommandLine["flags"],
): Promise<ExitCode> {
  const { installCommand, installFromSources } = await import("./learn-install.ts");
  const [source, ...more] = words;
  if (flags.json) throw new UsageError("--json belongs to learn list", "openkoi learn list --json");
  if (more.length > 0 || (argument !== undefined && argument !== INSTALL) || (flags.install && source !== undefined)) {
    throw new UsageError(
      '"learn install" takes one SOURCE',
      "A folder, a git URL, an archive, or the name of an optional skill.",
    );
  }
  return source === undefined ? installFromSources(flags) : installCommand(source, flags);
}

async function offerSchedule(frequency: string, terminal: boolean, signal: AbortSignal): Promise<boolean> {
  if (!terminal) return false;
  const ask = createTerminalAsk({ interactive: true });
  const text = `Is it to run by itself ${frequency}, once there is a daemon (not in this version)?`;
  const { choice } = await ask({ kind: "choice", id: "schedule", text, choices: ["yes", "no"] }, signal);
  return choice === "yes";
}

function unknown(word: string): UsageError {
  const known = [...Object.keys(SUBCOMMANDS), INSTALL];
  const meant = closest(word, known);
  return new UsageError(
    `"learn" has no subcommand "${firstLine(word)}"${meant ? `: did you mean ${meant}?` : ""}`,
    `There are ${known.join(", ")}.`,
  );
}
