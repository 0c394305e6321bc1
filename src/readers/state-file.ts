import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { readText, writeAtomic } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import { type Infer, parse, s } from "../base/schema.ts";
import { clip } from "../base/text.ts";
import type { Reader } from "../contracts/event.ts";
import type { Clock } from "../contracts/kit.ts";
import { initialState, step, type TaskState } from "../engine/state.ts";
import { isOwnerAlive, ownerHere } from "../workspace/claims.ts";
import { isPassing } from "./transcript.ts";

/** Least time between two writes, ms (PRODUCT.md section 2: at most ten a second). */
const WRITE_MS = 100;
const MOST_DESCRIPTION = 500;

/** `state/current-task.json`, for programs outside. Scores are 0..1, null where not measured. */
export type CurrentTask = Infer<ReturnType<typeof currentTaskSchema>>;

function currentTaskSchema() {
  const scored = () => s.optional(s.number());
  return s.object({
    task_id: s.string(),
    description: s.string(),
    /** `running`, `waiting` (for a person), or how it ended. */
    status: s.string(),
    phase: s.optional(s.string()),
    iteration: s.integer(),
    max_iterations: s.integer(),
    score: scored(),
    best_score: scored(),
    cost_usd: s.number(),
    /** False: the cost is a lower bound, because a price is unknown. */
    cost_known: s.boolean(),
    tokens: s.integer(),
    elapsed_ms: s.number(),
    pid: s.integer(),
    /** When that process started, in the system's own count: its number may be another one's by now. */
    pid_started: s.withDefault(s.string(), ""),
    workspace: s.string(),
    model: s.string(),
    started_at: s.string(),
    updated_at: s.string(),
    /** What a person is asked at this moment. */
    waiting_for: s.optional(s.string()),
  });
}

export interface StateFileOptions {
  paths: Pick<Paths, "currentTask">;
  clock: Pick<Clock, "now">;
  /** Runs something later without keeping the process alive; returns how to call it off. */
  timer?: (ms: number, run: () => void) => () => void;
  /** Whose task it is; default: this process. */
  owner?: ProcessMark;
}

/** A process, told apart from a later one of the same number. */
type ProcessMark = Pick<ReturnType<typeof ownerHere>, "pid" | "started">;

/**
 * Keeps `current-task.json` up to date. Where two tasks run in one home the newest one has the file; the other takes it
 * back when that one has ended. A write that fails costs nothing but the file: it is a view, not a record.
 */
export function createStateFile(options: StateFileOptions): Reader {
  const { clock, timer = systemTimer, owner = ownerHere() } = options;
  const path = options.paths.currentTask;
  let state = initialState();
  let dirty = false;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let waiting: (() => void) | undefined;
  let writing: Promise<void> = Promise.resolve();
  let busy = false;

  const write = async (): Promise<void> => {
    const mine = describe(state, owner, clock.now());
    const held = await readCurrentTask(path);
    if (held && held.task_id !== mine.task_id && held.started_at > mine.started_at && isRunning(held)) return;
    // Every field is always there, so that outside readers need not ask.
    const whole = { phase: null, score: null, best_score: null, waiting_for: null, ...mine };
    await writeAtomic(path, `${JSON.stringify(whole, null, 2)}\n`, { fsync: false, mode: 0o600 });
  };
  const flush = (): Promise<void> => {
    waiting?.();
    waiting = undefined;
    if (!dirty || busy || !state.task) return writing;
    dirty = false;
    busy = true;
    writtenAt = clock.now();
    writing = write()
      .catch(() => {})
      .finally(() => {
        busy = false;
        if (dirty) schedule();
      });
    return writing;
  };
  const schedule = (): void => {
    if (waiting || busy) return;
    const wait = writtenAt + WRITE_MS - clock.now();
    if (wait <= 0) void flush();
    else waiting = timer(wait, () => void flush());
  };

  return {
    recall(history) {
      state = history.reduce(step, state);
    },
    receive(event) {
      if (isPassing(event.type)) return;
      if (event.type === "task_started" || event.type === "resumed") makeFolder(path);
      state = step(state, event);
      dirty = true;
      schedule();
    },
    async close() {
      await writing;
      await flush();
    },
  };
}

/** What the file says; undefined where there is none or it cannot be understood. */
export async function readCurrentTask(path: string): Promise<CurrentTask | undefined> {
  try {
    const parsed = parse(currentTaskSchema(), JSON.parse((await readText(path)) ?? "null"));
    return parsed.ok ? parsed.value : undefined;
  } catch {
    return;
  }
}

/** True where the file speaks of a task at work and its process is there. */
export function isRunning(current: CurrentTask): boolean {
  return isUnfinished(current) && isOwnerAlive({ pid: current.pid, started: current.pid_started });
}

/** True where the file says that the task is at work, whether or not its process still is. */
export function isUnfinished(current: CurrentTask): boolean {
  return current.status === "running" || current.status === "waiting";
}

function describe(state: TaskState, owner: ProcessMark, now: number): CurrentTask {
  const { task, question } = state;
  return {
    task_id: task?.id ?? "",
    description: clip(task?.description ?? "", MOST_DESCRIPTION),
    status: state.status,
    ...(state.phase === undefined ? {} : { phase: state.phase }),
    iteration: state.iteration,
    max_iterations: state.limits?.iterations ?? 0,
    ...(state.score === null ? {} : { score: state.score }),
    ...(state.best === null ? {} : { best_score: state.best }),
    cost_usd: state.spent.costUsd,
    cost_known: state.spent.costKnown,
    tokens: state.tokens,
    elapsed_ms: Math.max(0, now - Date.parse(state.startedAt)),
    pid: owner.pid,
    pid_started: owner.started,
    workspace: task?.workspace ?? "",
    model: state.model,
    started_at: state.startedAt,
    updated_at: state.updatedAt,
    ...(question === undefined ? {} : { waiting_for: questionText(question) }),
  };
}

function questionText(question: NonNullable<TaskState["question"]>): string {
  switch (question.kind) {
    case "permission":
      return `permission for ${question.tool}: ${clip(question.subject, MOST_DESCRIPTION)}`;
    case "escalation":
      return clip(question.reason, MOST_DESCRIPTION);
    case "choice":
      return clip(question.text, MOST_DESCRIPTION);
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch {
    // Said by the writes that follow: they are given up.
  }
}

const systemTimer: NonNullable<StateFileOptions["timer"]> = (ms, run) => {
  const pending = setTimeout(run, ms);
  pending.unref();
  return () => clearTimeout(pending);
};
