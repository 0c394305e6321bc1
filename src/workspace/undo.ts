import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { isObject } from "../base/schema.ts";
import type { Clock } from "../contracts/kit.ts";
import type { Activity, RestoreReport } from "../contracts/workspace.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { codeOf, writeFault } from "./faults.ts";
import { lockWorkspace } from "./lock.ts";
import { loadManifest } from "./manifest.ts";
import { manifestNames, recordIds, taskFolder, taskNames, workspaceKey } from "./manifest-names.ts";
import { ownChanges } from "./own.ts";
import type { RecordLimits } from "./record-limits.ts";
import { changedPaths } from "./state.ts";

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
}

export interface Undoable {
  task: string;
  /** ISO time of its last record. */
  at: string;
  /** Paths that it changed; undefined where only the workspace itself could tell, because the task was cut short. */
  changed: string[] | undefined;
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
  clock: Clock;
}

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
export function undoable(input: Omit<UndoInput, "clock">): Undoable | undefined {
  try {
    const move = nextMove(input);
    if (!move) return undefined;
    const { checkpoint } = loadManifest(input.dir, move.to);
    const left = move.from === undefined ? undefined : loadManifest(input.dir, move.from);
    return {
      task: input.task,
      at: left && left.checkpoint.at > checkpoint.at ? left.checkpoint.at : checkpoint.at,
      changed: move.from === undefined ? undefined : ownPaths(input, move.to, move.from),
      undone: move.undone,
    };
  } catch (error) {
    // One that is damaged must not hide the others.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function ownPaths(input: Omit<UndoInput, "clock">, from: string, to: string): string[] {
  const own = ownChanges(from, to, recordIds(input), (id) => loadManifest(input.dir, id));
  return changedPaths(own.from, own.to);
}

/**
 * Puts back what a task changed; called again, brings it back. Files that somebody changed since are kept. Throws a
 * UserError where nothing was recorded, or where a task is writing in the workspace.
 */
export async function undoTask(input: UndoInput, signal: AbortSignal): Promise<UndoReport> {
  const { workspace, dir, task, limits, clock } = input;
  const move = nextMove(input);
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
    const { to, undone } = move;
    const from = move.from ?? (await checkpoints.record(signal)).id;
    const turn: Turn = { v: 1, seq: input.leaving.seq, at: new Date(clock.now()).toISOString(), from, to, done: false };
    const earlier = currentTurn(input);
    await writeTurn(input, turn);
    const [goal, expected] = [loadManifest(dir, to).checkpoint, loadManifest(dir, from).checkpoint];
    const report = await checkpoints.restore(goal, expected, signal);
    const about = { turn: undone ? "redo" : "undo", guessed: move.from === undefined } as const;
    if (report.restored.length === 0 && (report.kept.length > 0 || report.failed)) {
      await takeBack(input, earlier);
      return { ...report, ...about, done: false };
    }
    await writeTurn(input, { ...turn, done: true });
    return { ...report, ...about, done: true };
  } finally {
    await checkpoints.close();
    await lock.release();
  }
}

/** True where what the task changed is put back, wholly or in part, so that it cannot go on from there. */
export function isUndone(input: Omit<UndoInput, "clock">): boolean {
  return undoneAt(input) !== undefined;
}

/** When that was done, ISO time; undefined where the task's changes stand. */
export function undoneAt(input: Omit<UndoInput, "clock">): string | undefined {
  const turn = currentTurn(input);
  return turn && !(turn.done && turn.to !== recordIds(input)[0]) ? turn.at : undefined;
}

/** From which record to which the next undo goes. */
interface Move {
  /** Undefined: from what is there now. */
  from: string | undefined;
  to: string;
  /** The task's changes are put back already, and `to` brings them again. */
  undone: boolean;
}

function nextMove(input: Omit<UndoInput, "clock">): Move | undefined {
  const { leaving } = input;
  const ids = recordIds(input);
  const [before] = ids;
  if (before === undefined) return undefined;
  const turn = currentTurn(input);
  if (turn) {
    const [from, to] = turn.done ? [turn.to, turn.from] : [turn.from, turn.to];
    return { from, to, undone: to !== before };
  }
  const left = leaving.left ?? (leaving.untouched ? before : undefined);
  return { from: leaving.seq === 0 ? ids.at(-1) : left, to: before, undone: false };
}

function turnPath({ dir, workspace, task }: Pick<UndoInput, "dir" | "workspace" | "task">): string {
  return join(taskFolder(dir, workspace, task), "undone");
}

/** The last undo, unless the task went on since. */
function currentTurn(input: Omit<UndoInput, "clock">): Turn | undefined {
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
