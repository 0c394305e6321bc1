import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { isObject } from "../base/schema.ts";
import type { Clock } from "../contracts/kit.ts";
import type { Activity, RestoreReport } from "../contracts/workspace.ts";
import { createCheckpoints } from "./checkpoints.ts";
import type { Exchange } from "./exchange.ts";
import { codeOf, writeFault } from "./faults.ts";
import { lockWorkspace } from "./lock.ts";
import { loadManifest } from "./manifest.ts";
import { manifestNames, recordIds, taskFolder, taskNames, workspaceKey } from "./manifest-names.ts";
import { ownChanges } from "./own.ts";
import type { RecordLimits } from "./record-limits.ts";
import { changedPaths, type State } from "./state.ts";
import type { TaskCheckpoints } from "./task-checkpoints.ts";

/** How a task left the workspace, as its transcript tells. */
export interface Leaving {
  /** Number of its last event: what an undo noted at an earlier number no longer holds. 0: no transcript. */
  seq: number;
  /**
   * Id of the record of what it left on disk. Undefined where it was cut short: then what is there now is recorded, and
   * what changed while the task acted counts as its work.
   */
  left: string | undefined;
  /** No effect had begun: it left what it found, whether or not it came to tell of its record. */
  untouched?: true;
  /** When it acted; absent where nothing tells. */
  activity?: Activity;
}

/**
 * The last undo of a task, kept in its folder as `undone`: the next one goes back from `to` to `from`. Written before
 * the first file is touched, so that one that was killed is finished by the next.
 */
interface Turn {
  v: 1;
  seq: number;
  /** ISO time. */
  at: string;
  /** Ids of checkpoints. */
  from: string;
  to: string;
  done: boolean;
  /** Absent in what an earlier version wrote: where it leads tells. */
  redo?: boolean;
  /** Some of it was kept, because somebody had changed it. */
  kept?: true;
  /** It was forced; one of `from` and `to` is its `there`. */
  exchange?: Exchange;
}

export interface Undoable {
  task: string;
  /** ISO time of its last record. */
  at: string;
  /**
   * How many paths it changed, and how many of them are no folders; undefined where only the workspace itself could
   * tell, because the task was cut short.
   */
  changed: { paths: number; files: number } | undefined;
  /** How many paths its checks left behind that would be put back, too; 0 also where `changed` cannot be told. */
  outputs: number;
  /** True where its changes are put back already: the next undo brings them again. */
  undone: boolean;
}

export interface UndoReport extends RestoreReport {
  /** `redo`: it was to bring the task's changes back. */
  turn: "undo" | "redo";
  /** False: nothing could be put back, so all is as it was before. */
  done: boolean;
  /** The task was cut short: everything that changed while it acted counted as its work. */
  guessed: boolean;
  /** What somebody changed since was put back, too, and is recorded: the next undo brings it again. */
  forced?: true;
  /** It brings what was there before an undo that was forced: not only what the task left. */
  again?: true;
}

export interface UndoInput {
  /** Absolute, real. */
  workspace: string;
  /** `data/checkpoints`. */
  dir: string;
  task: string;
  leaving: Leaving;
  /** As of the task, where the user set them. */
  limits?: RecordLimits;
  /** Also what somebody changed since. After an undo that kept something: the rest of it. */
  force?: boolean;
  clock: Clock;
}

/** A task's undo where nothing is to be done yet. */
type Subject = Omit<UndoInput, "clock" | "force">;

/** Ids of the tasks of a workspace that were recorded, newest first. */
export function recordedTasks(dir: string, workspace: string): string[] {
  const began = (task: string): number => {
    const folder = taskFolder(dir, workspace, task);
    const [first] = manifestNames(folder);
    return first === undefined ? 0 : (statSync(join(folder, `${first}.json`), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  };
  // An id begins with its second; what began in the same one is told apart by its first record.
  const second = (task: string): string => task.slice(0, 15);
  return taskNames(dir, workspaceKey(workspace)).sort((a, b) => {
    if (second(a) !== second(b)) return second(a) < second(b) ? 1 : -1;
    return began(b) - began(a);
  });
}

/** What the next undo of this task would do. Undefined where no record can be read. Changes nothing. */
export function undoable(input: Subject): Undoable | undefined {
  try {
    const move = nextMove(input);
    if (!move) return undefined;
    const { checkpoint } = loadManifest(input.dir, move.to);
    const left = move.from === undefined ? undefined : loadManifest(input.dir, move.from);
    const counted = move.from === undefined ? undefined : count(input, move.to, move.from);
    return {
      task: input.task,
      at: left && left.checkpoint.at > checkpoint.at ? left.checkpoint.at : checkpoint.at,
      changed: counted?.changed,
      outputs: counted?.outputs ?? 0,
      undone: move.undone,
    };
  } catch (error) {
    // One that is damaged must not hide the others.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function count(input: Subject, from: string, to: string): Required<Pick<Undoable, "changed" | "outputs">> {
  const ids = recordIds(input);
  const load = (id: string) => loadManifest(input.dir, id);
  const own = ownChanges(from, to, ids, load);
  const paths = changedPaths(own.from, own.to);
  const all = ownChanges(from, to, ids, load, true);
  const outputs = changedPaths(all.from, all.to).filter((path) => !paths.includes(path));
  const isFolder = ({ entries }: State, path: string) => (entries.get(path)?.kind ?? "dir") === "dir";
  const files = paths.filter((path) => !isFolder(own.from, path) || !isFolder(own.to, path));
  return { changed: { paths: paths.length, files: files.length }, outputs: outputs.length };
}

/**
 * Puts back what a task changed; called again, brings it back. Files that somebody changed since are kept. Throws a
 * UserError where nothing was recorded, or where a task is writing in the workspace.
 */
export async function undoTask(input: UndoInput, signal: AbortSignal): Promise<UndoReport> {
  const { workspace, dir, task, limits, clock } = input;
  const move = nextMove(input, input.force);
  if (!move)
    throw new UserError(`nothing was recorded of task ${task}`, "openkoi undo --list shows what can be undone.");
  const { addDirs } = loadManifest(dir, move.to);
  const lock = await lockWorkspace({ workspace, dir, task, clock });
  if ("heldBy" in lock) {
    throw new UserError(
      `task ${lock.heldBy.task} (process ${lock.heldBy.pid}) is working in this folder`,
      "Wait until it has ended, or stop it with Ctrl-C.",
    );
  }
  const { activity } = input.leaving;
  const acted = activity && { activity: () => activity };
  const bounds = limits && { limits };
  const now = () => clock.now();
  const checkpoints = createCheckpoints({ workspace, addDirs, dir, task, now, ...bounds, ...acted });
  try {
    const guessed = move.from === undefined;
    const left = move.from ?? (await checkpoints.record(signal)).id;
    const force = input.force === true && !move.unfinished;
    const exchange = force ? await forced(left, move, checkpoints, signal) : move.exchange;
    const [from, to] = force && exchange ? [exchange.there, exchange.goal] : [left, move.to];
    const turn: Turn = {
      v: 1,
      seq: input.leaving.seq,
      at: new Date(clock.now()).toISOString(),
      from,
      to,
      done: false,
      redo: move.undone,
      ...(exchange ? { exchange } : {}),
    };
    const earlier = currentTurn(input);
    await writeTurn(input, turn);
    const report = exchange
      ? await checkpoints.exchange(exchange, to === exchange.there, signal)
      : await checkpoints.restore(loadManifest(dir, to).checkpoint, loadManifest(dir, from).checkpoint, signal, true);
    const about = {
      turn: move.undone ? ("redo" as const) : ("undo" as const),
      guessed,
      ...(force ? { forced: true as const } : {}),
      ...(exchange && to === exchange.there ? { again: true as const } : {}),
    };
    if (report.restored.length === 0 && (report.kept.length > 0 || report.failed)) {
      await takeBack(input, earlier);
      return { ...report, ...about, done: false };
    }
    await writeTurn(input, { ...turn, done: true, ...(report.kept.length > 0 ? { kept: true as const } : {}) });
    return { ...report, ...about, done: true };
  } finally {
    await checkpoints.close();
    await lock.release();
  }
}

/** True where what the task changed is put back, wholly or in part, so that it cannot go on from there. */
export function isUndone(input: Subject): boolean {
  return undoneAt(input) !== undefined;
}

/** When that was done, ISO time; undefined where the task's changes stand. */
export function undoneAt(input: Subject): string | undefined {
  const turn = currentTurn(input);
  return turn && !(turn.done && isRedo(turn, recordIds(input)[0])) ? turn.at : undefined;
}

/** From which record to which the next undo goes. */
interface Move {
  /** Undefined: from what is there now. */
  from: string | undefined;
  to: string;
  /** The task's changes are put back already, and `to` brings them again. */
  undone: boolean;
  exchange?: Exchange;
  /** It was forced and killed: it is finished as it was begun. */
  unfinished?: true;
  /** An undo the same way has put back some of it. */
  continued?: true;
}

/** `force`: what an undo kept is not brought back, but put back, too. */
function nextMove(input: Subject, force = false): Move | undefined {
  const { leaving } = input;
  const ids = recordIds(input);
  const [before] = ids;
  if (before === undefined) return undefined;
  const turn = currentTurn(input);
  if (turn) {
    const { from, to, done, kept, exchange } = turn;
    const redo = isRedo(turn, before);
    const more = exchange && { exchange };
    if (!done) return { from, to, undone: redo, ...more, ...(exchange ? { unfinished: true } : { continued: true }) };
    if (force && kept && !exchange) return { from, to, undone: redo, continued: true };
    return { from: to, to: from, undone: !redo, ...more };
  }
  const left = leaving.left ?? (leaving.untouched ? before : undefined);
  return { from: leaving.seq === 0 ? ids.at(-1) : left, to: before, undone: false };
}

function isRedo({ redo, to }: Turn, before: string | undefined): boolean {
  return redo ?? to !== before;
}

/** Records what is there now, so that nothing of it is lost. */
async function forced(left: string, move: Move, checkpoints: TaskCheckpoints, signal: AbortSignal): Promise<Exchange> {
  const there = (await checkpoints.record(signal)).id;
  return { left, goal: move.to, there, ...(move.continued ? { continued: true } : {}) };
}

function turnPath({ dir, workspace, task }: Pick<UndoInput, "dir" | "workspace" | "task">): string {
  return join(taskFolder(dir, workspace, task), "undone");
}

/** The last undo, unless the task went on since. */
function currentTurn(input: Subject): Turn | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(turnPath(input), "utf8"));
    const turn = isObject(value) && value["v"] === 1 ? (value as unknown as Turn) : undefined;
    return turn?.seq === input.leaving.seq ? turn : undefined;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function writeTurn(input: UndoInput, turn: Turn): Promise<void> {
  const path = turnPath(input);
  try {
    await writeAtomic(path, `${JSON.stringify(turn)}\n`, { mode: 0o600 });
  } catch (error) {
    throw writeFault(error, "the record of this undo", path);
  }
}

/** Where nothing was put back, nothing is to be brought back either. */
async function takeBack(input: UndoInput, earlier: Turn | undefined): Promise<void> {
  if (earlier) await writeTurn(input, earlier);
  else rmSync(turnPath(input), { force: true });
}
