import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Event, Reader } from "../../src/contracts/event.ts";
import { createStateFile, isRunning, isUnfinished, readCurrentTask } from "../../src/readers/state-file.ts";
import { ended, evaluated, spent, started, story, told } from "../cli/story.ts";

let dir = "";
let paths = { currentTask: "" };
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "openkoi-state-"));
  paths = { currentTask: join(dir, "state", "current-task.json") };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A clock and timers that move when they are told to. */
function stage() {
  let now = Date.UTC(2026, 10, 23, 10, 15, 2);
  const timers: { at: number; run: () => void }[] = [];
  return {
    clock: { now: () => now },
    timer: (ms: number, run: () => void) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer) >>> 0, 1);
    },
    pass(ms: number) {
      now += ms;
      for (const timer of timers.splice(0)) {
        if (timer.at <= now) timer.run();
        else timers.push(timer);
      }
    },
    waiting: () => timers.length,
  };
}

const document = async () => JSON.parse(await readFile(paths.currentTask, "utf8"));

async function tell(reader: Reader, events: readonly Event[]): Promise<void> {
  for (const event of events) await reader.receive(event);
}

describe("current-task.json", () => {
  test("says how the task stands, with every field there", async () => {
    const { clock, timer, pass } = stage();
    const reader = createStateFile({ paths, clock, timer, owner: { pid: 42, started: "7" } });
    await tell(reader, told([started, { type: "phase", phase: "execute" }, spent("executor", null)]));
    pass(5000);
    await tell(
      reader,
      told([
        { type: "iteration_started", iteration: 2 },
        { type: "evaluated", evaluation: evaluated(0.62) },
      ]),
    );
    await reader.close?.();
    expect(await document()).toEqual({
      phase: "execute",
      score: 0.62,
      best_score: 0.62,
      waiting_for: null,
      task_id: "20261123-101502-k3f9",
      description: "Make the failing test pass",
      status: "running",
      iteration: 2,
      max_iterations: 3,
      cost_usd: 0,
      cost_known: false,
      tokens: 2410,
      elapsed_ms: 5000,
      pid: 42,
      pid_started: "7",
      workspace: "/home/ada/shop",
      model: "anthropic/claude-sonnet",
      started_at: "2026-11-23T10:15:02.000Z",
      updated_at: "2026-11-23T10:15:03.000Z",
    });
    expect((await stat(paths.currentTask)).mode & 0o777).toBe(0o600);
  });

  test("is written at most ten times a second, and the newest state is never left out", async () => {
    const { clock, timer, pass, waiting } = stage();
    const reader = createStateFile({ paths, clock, timer });
    await tell(reader, told([started]));
    await reader.close?.();
    const first = await document();
    for (let iteration = 1; iteration <= 50; iteration++) {
      await tell(reader, told([{ type: "iteration_started", iteration }]));
    }
    expect(waiting()).toBe(1);
    pass(99);
    expect(await document()).toEqual(first);
    pass(1);
    expect(waiting()).toBe(0);
    await reader.close?.();
    expect((await document()).iteration).toBe(50);
  });

  test("says how the task ended", async () => {
    for (const status of ["accepted", "cancelled", "failed"] as const) {
      const reader = createStateFile({ paths, ...stage() });
      await tell(reader, told([started, { type: "task_finished", outcome: ended(status) }]));
      await reader.close?.();
      expect((await document()).status).toBe(status);
    }
  });

  test("says what a person is asked", async () => {
    const reader = createStateFile({ paths, ...stage() });
    const question = { kind: "choice", id: "q", text: "Which one?", choices: ["a"] } as const;
    await tell(reader, told([started, { type: "asked", question }]));
    await reader.close?.();
    expect(await document()).toMatchObject({ status: "waiting", waiting_for: "Which one?" });
  });

  test("is not touched by text that passes, and leaves no temporary file behind", async () => {
    const reader = createStateFile({ paths, ...stage() });
    await tell(reader, story());
    await reader.close?.();
    expect(await readdir(dirname(paths.currentTask))).toEqual(["current-task.json"]);
  });

  test("belongs to the newest of two tasks; the other takes it back when that one has ended", async () => {
    const oldStage = stage();
    const older = createStateFile({ paths, ...oldStage });
    const newer = createStateFile({ paths, ...stage() });
    const late = told([started]).map((event) => ({ ...event, task: "t2", time: "2026-11-23T11:00:00.000Z" }));
    const renamed = late.map((event) =>
      event.type === "task_started" ? { ...event, request: { ...event.request, id: "t2" } } : event,
    );
    await tell(older, told([started]));
    await older.close?.();
    await tell(newer, renamed);
    await newer.close?.();
    oldStage.pass(1000);
    await tell(older, told([{ type: "phase", phase: "evaluate" }]));
    await older.close?.();
    expect((await document()).task_id).toBe("t2");

    await tell(newer, [{ ...told([{ type: "task_finished", outcome: ended("accepted") }])[0]!, task: "t2" }]);
    await newer.close?.();
    await tell(older, told([{ type: "phase", phase: "refine" }]));
    await older.close?.();
    expect(await document()).toMatchObject({ task_id: "20261123-101502-k3f9", phase: "refine" });
  });

  test("written by two tasks at once is whole at every moment", async () => {
    const readers = [1, 2].map(() => createStateFile({ paths, clock: Date, timer: () => () => {} }));
    let done = false;
    const writing = Promise.all(
      readers.map(async (reader) => {
        await reader.receive(told([started])[0]!);
        for (let round = 0; round < 50; round++) {
          await reader.receive(told([{ type: "iteration_started", iteration: round }])[0]!);
          await reader.close?.();
        }
      }),
    ).then(() => {
      done = true;
    });
    while (!done) {
      const text = await readFile(paths.currentTask, "utf8").catch(() => "{}");
      expect(() => JSON.parse(text)).not.toThrow();
    }
    await writing;
  });

  test("that cannot be written costs the task nothing", async () => {
    await writeFile(join(dir, "state"), "a file where the folder should be");
    const reader = createStateFile({ paths, ...stage() });
    await tell(reader, story());
    await reader.close?.();
  });

  test("of a process that is gone is told from one at work", async () => {
    const reader = createStateFile({ paths, ...stage() });
    await tell(reader, told([started]));
    await reader.close?.();
    const current = (await readCurrentTask(paths.currentTask))!;
    expect(isRunning(current)).toBe(true);
    const gone = Bun.spawn(["true"]);
    await gone.exited;
    expect(isRunning({ ...current, pid: gone.pid })).toBe(false);
    expect(isUnfinished({ ...current, pid: gone.pid })).toBe(true);
    // The number was given to another process in the meantime.
    if (current.pid_started !== "") expect(isRunning({ ...current, pid_started: "1" })).toBe(false);
    expect(isUnfinished({ ...current, status: "accepted" })).toBe(false);
  });

  test("that is missing or no JSON is no task", async () => {
    expect(await readCurrentTask(paths.currentTask)).toBeUndefined();
    const other = join(dir, "other.json");
    await writeFile(other, '{"task_id": 3');
    expect(await readCurrentTask(other)).toBeUndefined();
  });
});
