import { existsSync } from "node:fs";
import { loadConfig } from "../base/config.ts";
import { readEnv } from "../base/env.ts";
import { Exit, type ExitCode, UsageError, UserError } from "../base/errors.ts";
import { type Paths, resolvePaths } from "../base/paths.ts";
import { abortable, sleep } from "../base/stream.ts";
import { clip, plural } from "../base/text.ts";
import { realFolder } from "../folders.ts";
import { readLeaving } from "../readers/leaving.ts";
import { firstEvent, transcriptPath } from "../readers/transcript.ts";
import {
  gitBegin,
  gitMoves,
  recordedTasks,
  recordLimits,
  type Undoable,
  type UndoInput,
  type UndoReport,
  undoable,
  undoTask,
} from "../workspace/index.ts";
import type { CommandLine } from "./args.ts";
import { oneLine } from "./display/layout.ts";
import { ago } from "./display/style.ts";
import { print, say } from "./display/writer.ts";
import { gitLines } from "./git-lines.ts";
import { watchSignals } from "./signals.ts";
import { findTask } from "./task-name.ts";

/** Tasks that `--list` shows. */
const MOST_LISTED = 20;
const MOST_DESCRIPTION = 50;
/** Files named one by one. */
const MOST_NAMED = 20;

/** What a statement of the memory may hold everything up, ms: Ctrl-C too. */
const MEMORY_WAIT_MS = 100;

/** `openkoi undo [TASK]`: puts back what a task changed; a second time brings it back. */
export async function undoCommand({ flags, argument }: CommandLine): Promise<ExitCode> {
  const paths = resolvePaths(readEnv());
  const workspace = realFolder(flags.dir ?? ".", "workspace");
  const tasks = recordedTasks(paths.checkpoints, workspace);
  if (flags.list) {
    print(await listText(paths, workspace, tasks, Date.now()));
    return Exit.ok;
  }
  const input =
    argument === undefined ? await lastChange(paths, workspace, tasks) : await named(paths, workspace, tasks, argument);
  const signals = watchSignals();
  try {
    const clock = { now: () => Date.now(), sleep };
    const limits = await limitsHere(paths, flags.config);
    const force = flags.force === true;
    const report = await undoTask({ ...input, ...limits, force, clock }, signals.signal);
    if (report.done) await remember(paths, { id: input.task, workspace: input.workspace }, signals.signal);
    const { activity } = input.leaving;
    const moves = activity && report.turn === "undo" ? gitMoves(input.workspace, activity, gitBegin(input)) : undefined;
    print(reportText(input.task, report, moves ? gitLines(moves) : []));
    return report.kept.length > 0 || report.failed ? Exit.below : Exit.ok;
  } finally {
    signals.stop();
  }
}

/** What was undone is not to be recalled as well done. That this cannot be written is no failure of the undo. */
async function remember(paths: Paths, task: { id: string; workspace: string }, signal: AbortSignal): Promise<void> {
  // A memory that is made later reads it from the task's folder.
  if (!existsSync(paths.database)) return;
  const { createMemoryStore } = await import("../readers/memory-store.ts");
  const store = createMemoryStore({ paths, now: () => Date.now(), waitMs: MEMORY_WAIT_MS });
  try {
    const { recordUndoing } = await import("../readers/catch-up.ts");
    await recordUndoing(paths, await abortable(store.open(), signal), task, signal);
  } catch (error) {
    store.tell(error);
  } finally {
    store.close();
    for (const notice of store.takeNotices()) say(notice);
  }
}

/** The user's own limits of checkpoints. A config that cannot be read must not keep the files from being put back. */
async function limitsHere(paths: Paths, configFile: string | undefined): Promise<Pick<UndoInput, "limits">> {
  try {
    const named = configFile === undefined ? {} : { configFile };
    const { config } = await loadConfig({ paths, env: readEnv(), ...named });
    return { limits: recordLimits(config.checkpoints) };
  } catch (error) {
    if (error instanceof UserError) return {};
    throw error;
  }
}

type Candidate = Omit<UndoInput, "clock" | "force">;

async function candidate(paths: Paths, workspace: string, task: string): Promise<Candidate> {
  const leaving = await readLeaving(transcriptPath(paths, task));
  return { workspace, dir: paths.checkpoints, task, leaving };
}

async function named(paths: Paths, workspace: string, tasks: readonly string[], argument: string): Promise<Candidate> {
  const remedy = "openkoi undo --list shows what can be undone here.";
  const task = await findTask(paths, argument, tasks, remedy);
  return candidate(paths, workspace, task);
}

/** What its checks left behind is something, too. */
function leftSomething({ changed, outputs }: Undoable): boolean {
  return changed?.paths !== 0 || outputs > 0;
}

/** The newest task that changed something: a question is nothing to undo. */
async function lastChange(paths: Paths, workspace: string, tasks: readonly string[]): Promise<Candidate> {
  for (const task of tasks) {
    const input = await candidate(paths, workspace, task);
    const found = undoable(input);
    if (found && leftSomething(found)) return input;
  }
  throw new UsageError(
    `no task changed anything in ${workspace}`,
    "Name the folder in which a task worked with -C PATH.",
  );
}

async function listText(paths: Paths, workspace: string, tasks: readonly string[], now: number): Promise<string> {
  const lines: string[] = [];
  for (const task of tasks.slice(0, MOST_LISTED)) {
    const found = undoable(await candidate(paths, workspace, task));
    if (!found || !leftSomething(found)) continue;
    const started = await firstEvent(transcriptPath(paths, task));
    const about = started?.type === "task_started" ? clip(oneLine(started.request.description), MOST_DESCRIPTION) : "";
    lines.push([`  ${task}`, ago(found.at, now), standing(found), about].filter((part) => part !== "").join("  "));
  }
  if (lines.length === 0) return `no task changed anything in ${workspace}\n`;
  return `${[`what undo can put back in ${workspace}, newest first`, ...lines].join("\n")}\n`;
}

function standing({ changed, outputs, undone }: Undoable): string {
  if (undone) return "undone";
  if (!changed) return "cut short";
  if (changed.paths === 0) return `${plural(outputs, "path")} left by checks`;
  return changed.files > 0 ? `${plural(changed.files, "file")} changed` : `${plural(changed.paths, "folder")} changed`;
}

/** What was done, in calm lines. */
function reportText(task: string, report: UndoReport, git: readonly string[]): string {
  const { turn, done, guessed, forced, again, restored, kept, failed, foreign = [], unsure = [] } = report;
  const undid = turn === "undo";
  const did = undid ? "undone" : "redone";
  const theirs = undid ? foreign.filter((path) => restored.includes(path)) : [];
  const others = foreign.filter((path) => !restored.includes(path));
  const since = [
    ...(kept.length === 0 ? [] : ["kept, because somebody else changed them, too:", ...listed(kept)]),
    ...(failed ? ["could not be put back:", ...listed(failed)] : []),
    ...(theirs.length === 0 ? [] : ["as somebody else had left them before the task changed them:", ...listed(theirs)]),
    ...(unsure.length === 0 ? [] : ["changed while checks ran, and left as they are:", ...listed(unsure)]),
    ...(others.length === 0 ? [] : ["also changed meanwhile, not by this task:", ...listed(others)]),
  ];
  const more = kept.length === 0 || forced ? [] : [onward(task, turn)];
  if (!done) {
    const why = failed ? "none of it could be put back" : "somebody else changed all of it, too";
    return [`nothing was ${did}: ${why}`, ...since, ...more, ...git, ""].join("\n");
  }
  const left = again ? "as before the undo" : `as the task left ${restored.length === 1 ? "it" : "them"}`;
  const state = undid ? "as before the task" : left;
  const nothing = undid ? "nothing had to be put back" : "nothing had to be brought back";
  const what = restored.length === 0 ? nothing : `${plural(restored.length, "path")} ${state}`;
  return [
    `task ${task} ${did}: ${what}`,
    ...listed(restored),
    ...(guessed ? ["The task was cut short: all that changed while it acted counted as its work."] : []),
    ...since,
    ...more,
    ...git,
    undid
      ? `To bring ${forced ? "what was there" : "its changes"} back: openkoi undo ${task}`
      : `To put them back again: openkoi undo ${task}`,
    "",
  ].join("\n");
}

/** How what was kept is had, too. */
function onward(task: string, turn: UndoReport["turn"]): string {
  const what = turn === "undo" ? "To put those back, too" : "To bring those back, too";
  return `${what}: openkoi undo ${task} --force (what is there now is recorded: another undo brings it again)`;
}

function listed(paths: readonly string[]): string[] {
  const more = paths.length - MOST_NAMED;
  return [
    ...paths.slice(0, MOST_NAMED).map((path) => `  ${oneLine(path)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
