import { join } from "node:path";
import { UsageError, UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import type { Event } from "../contracts/event.ts";
import type { Task } from "../contracts/task.ts";
import { UNFINISHED } from "../engine/state.ts";
import { type Claim, isUndone, livingClaims, makeClaim, undoneAt, writeFault } from "../workspace/index.ts";
import { firstEvent, lastAlive, lastEvent, readTranscript, transcriptIds, transcriptPath } from "./transcript.ts";

/** A task as its transcript tells, without its whole history. */
export interface KnownTask {
  id: string;
  description: string;
  workspace: string;
  /** ISO time of its last event. */
  at: string;
  /** It came to its end: there is nothing to resume. */
  ended: boolean;
  /** It did not come to an end of its own: the process died, or somebody interrupted it. */
  cutShort: boolean;
}

/** The tasks that were begun, newest first; only those of `workspace` where one is given. */
export async function* knownTasks(paths: Pick<Paths, "sessions">, workspace?: string): AsyncGenerator<KnownTask> {
  const ids = await transcriptIds(paths);
  for (let at = 0; at < ids.length; ) {
    // An id begins with its second; what began in the same one is told apart by its first event.
    const second = ids[at]!.slice(0, 15);
    const began: { task: KnownTask; time: string }[] = [];
    for (; ids[at]?.startsWith(second); at++) {
      const known = await knownTask(paths, ids[at]!, workspace);
      if (known) began.push(known);
    }
    began.sort((a, b) => (a.time < b.time ? 1 : -1));
    for (const { task } of began) yield task;
  }
}

async function knownTask(
  paths: Pick<Paths, "sessions">,
  id: string,
  workspace: string | undefined,
): Promise<{ task: KnownTask; time: string } | undefined> {
  const path = transcriptPath(paths, id);
  const first = await firstEvent(path);
  if (first?.type !== "task_started") return undefined;
  const { request, time } = first;
  if (workspace !== undefined && request.workspace !== workspace) return undefined;
  const last = await lastEvent(path);
  const cutShort = last?.type !== "task_finished" || last.outcome.status === "cancelled";
  const at = (last ?? first).time;
  const { description } = request;
  return { task: { id, description, workspace: request.workspace, at, ended: hasEnded(last), cutShort }, time };
}

/** How long a task that was cut short is shown, ms. */
const SHOWN_FOR = 7 * 24 * 3_600_000;
/** Tasks that are looked at for it: newest first, this is more than a week of them. */
const MOST_LOOKED_AT = 200;

/** Tasks of the last week that were cut short and neither resumed nor undone since, newest first. `now`: ms. */
export async function cutShortTasks(
  paths: Pick<Paths, "sessions" | "checkpoints" | "data">,
  now: number,
): Promise<KnownTask[]> {
  const running = livingTasks(paths, () => now);
  const found: KnownTask[] = [];
  let looked = 0;
  for await (const task of knownTasks(paths)) {
    if (++looked > MOST_LOOKED_AT) break;
    if (!task.cutShort || running.has(task.id) || now - Date.parse(task.at) > SHOWN_FOR) continue;
    if ((await undoneSince(paths, task)) === undefined) found.push(task);
  }
  return found;
}

/** When what the task changed was put back, ISO time; undefined where it stands. */
export async function undoneSince(
  paths: Pick<Paths, "sessions" | "checkpoints">,
  { id, workspace }: Pick<KnownTask, "id" | "workspace">,
): Promise<string | undefined> {
  const seq = (await lastEvent(transcriptPath(paths, id)))?.seq ?? 0;
  return undoneAt({ workspace, dir: paths.checkpoints, task: id, leaving: { seq, left: undefined } });
}

function hasEnded(last: Event | undefined): boolean {
  return last?.type === "task_finished" && !UNFINISHED.has(last.outcome.status);
}

/**
 * The events of a task, for going on with it, the task as it was last begun, and when its process was last seen alive
 * (ms). Throws a UserError where that cannot be.
 */
export async function historyOf(
  paths: Pick<Paths, "sessions" | "checkpoints">,
  id: string,
): Promise<{ history: Event[]; task: Task; lastAlive: number | undefined }> {
  const path = transcriptPath(paths, id);
  const history = await Array.fromAsync(readTranscript(path));
  const begun = history.findLast((event) => event.type === "task_started" || event.type === "resumed");
  if (!begun) throw new UserError(`the transcript of task ${id} does not say what the task was`, "Start it anew.");
  const last = history.at(-1)!;
  if (hasEnded(last)) throw new UsageError(`task ${id} has ended: there is nothing to resume`, "Give a new task.");
  const task = begun.request;
  const leaving = { seq: last.seq, left: undefined };
  if (isUndone({ workspace: task.workspace, dir: paths.checkpoints, task: id, leaving })) {
    throw new UserError(`task ${id} was undone`, `To bring its changes back first: openkoi undo ${id}`);
  }
  return { history, task, lastAlive: lastAlive(path) };
}

/** Says that this process works on a task, until it is released. Throws a UserError where another one does. */
export function claimTask(paths: Pick<Paths, "data">, id: string, now: () => number): { release(): void } {
  const folder = runningFolder(paths);
  try {
    const own = makeClaim(folder, id, now);
    const other = livingClaims(folder, now).find((claim: Claim) => claim.task === id && claim.name !== own.name);
    if (!other) return own;
    own.release();
    throw new UserError(
      `task ${id} is still at work (process ${other.pid})`,
      "Wait until it has ended, or stop it with Ctrl-C.",
    );
  } catch (error) {
    throw writeFault(error, "that the task runs", folder);
  }
}

/** Ids of the tasks on which a process works. */
export function livingTasks(paths: Pick<Paths, "data">, now: () => number): Set<string> {
  return new Set(livingClaims(runningFolder(paths), now).map(({ task }) => task));
}

/** Where a process says that it works on a task. */
function runningFolder(paths: Pick<Paths, "data">): string {
  return join(paths.data, "running");
}
