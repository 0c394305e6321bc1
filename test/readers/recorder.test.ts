import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import type { Event, EventBody } from "../../src/contracts/event.ts";
import { openDatabase } from "../../src/memory/database.ts";
import { catchUp } from "../../src/readers/catch-up.ts";
import { claimTask } from "../../src/readers/interrupted.ts";
import { createMemoryStore } from "../../src/readers/memory-store.ts";
import { createRecorder } from "../../src/readers/recorder.ts";
// What the recorder loads late is loaded already here, so that a turn of the loop is enough.
import "../../src/readers/recording.ts";
import { isPassing } from "../../src/readers/transcript.ts";
import { ended, evaluated, finding, spent, started, story, told } from "../cli/story.ts";
import { useDataPaths } from "./place.ts";

const TASK = "20261123-101502-k3f9";
const NOW = Date.parse("2026-11-23T11:00:00Z");
const paths = useDataPaths();

/** A timer that runs when it is told to. */
function handTimer() {
  let due: (() => void)[] = [];
  return {
    timer: (_ms: number, run: () => void) => {
      due.push(run);
      return () => {
        due = due.filter((other) => other !== run);
      };
    },
    /** What waits runs, also what that makes wait. */
    async run() {
      for (let round = 0; round < 5; round++) {
        for (const run of due.splice(0)) run();
        await Bun.sleep(0);
      }
    },
  };
}

const lines = (events: readonly Event[]) =>
  events
    .filter(({ type }) => !isPassing(type))
    .map((event) => `${JSON.stringify(event)}\n`)
    .join("");

function writeTranscript(events: readonly Event[], id = TASK): string {
  const path = join(paths.sessions, `${id}.jsonl`);
  writeFileSync(path, lines(events));
  return path;
}

/** Records events as a task would: its transcript is written, then the memory. `killed`: nothing is closed. */
async function record(events: readonly Event[], options: { killed?: boolean; history?: readonly Event[] } = {}) {
  const transcript = writeTranscript([...(options.history ?? []), ...events]);
  const store = createMemoryStore({ paths, now: () => NOW });
  const hand = handTimer();
  // As long as it is at work, nobody else records it.
  const claim = claimTask(paths, TASK, () => NOW);
  const notices: string[] = [];
  const recorder = createRecorder({
    task: TASK,
    store,
    transcript,
    onNotice: (text) => notices.push(text),
    timer: hand.timer,
  });
  if (options.history) recorder.recall?.(options.history);
  for (const event of events) {
    expect(recorder.receive(event)).toBeUndefined();
    if (event.type === "model_started") {
      await hand.run();
      await store.open().catch(() => {});
    }
  }
  await hand.run();
  if (!options.killed) await recorder.close?.();
  store.close();
  claim.release();
  return notices;
}

/** Lets the memory read what the transcripts say; returns how many were read. */
async function caughtUp(): Promise<number> {
  using memory = openDatabase({ path: paths.database, now: () => NOW, onNotice: () => {} });
  return await catchUp({ paths, memory, now: () => NOW, isOver: () => false });
}

const TABLES = [
  ...["sessions", "tasks", "iteration_cycles", "findings", "model_calls", "usage_events", "skill_effectiveness"],
];

function rows(table: string): Record<string, unknown>[] {
  using db = new Database(paths.database, { readonly: true });
  return db.query<Record<string, unknown>, []>(`SELECT * FROM ${table} ORDER BY 1, 2`).all();
}

function allRows(): Record<string, unknown[]> {
  return Object.fromEntries(TABLES.map((table) => [table, rows(table)]));
}

describe("a task in the memory", () => {
  test("is there with its session, its calls, its iterations and what became of its findings", async () => {
    await record(story());
    expect(rows("tasks")).toMatchObject([
      {
        id: TASK,
        session_id: TASK,
        description: "Make the failing test pass",
        category: "code",
        workspace: "/home/ada/shop",
        model: "anthropic/claude-sonnet",
        status: "accepted",
        decision: "accept",
        final_score: 0.91,
        iterations: 2,
        total_tokens: 4820,
        cost_known: 1,
        saved_delta: 4000,
        saved_caching: 22_000,
        created_at: "2026-11-23T10:15:02.000Z",
      },
    ]);
    expect(rows("sessions")).toMatchObject([
      { id: TASK, channel: "cli", model_provider: "anthropic", model_id: "claude-sonnet", total_tokens: 4820 },
    ]);
    expect(rows("sessions")[0]!["transcript_bytes"]).toBe(statSync(join(paths.sessions, `${TASK}.jsonl`)).size);
    expect(rows("model_calls").map(({ role, cost_usd }) => [role, cost_usd])).toEqual([
      ["planner", 0.0042],
      ["executor", 0.0061],
    ]);
    expect(rows("iteration_cycles").map(({ iteration, score, decision }) => [iteration, score, decision])).toEqual([
      [1, 0.62, "continue"],
      [2, 0.91, "accept"],
    ]);
    expect(rows("findings")).toMatchObject([
      { cycle_id: `${TASK}:1`, severity: "important", location: "src/price.js:12", resolved_in: `${TASK}:2` },
    ]);
  });

  test("is a usage event with what became of it, and counts for the evaluator that judged it", async () => {
    await record(story());
    expect(rows("usage_events")).toMatchObject([
      {
        event_type: "task",
        channel: "cli",
        description: "Make the failing test pass",
        category: "code",
        score: 0.91,
        timestamp: "2026-11-23T10:15:02.000Z",
        outcome: "ok",
        task_id: TASK,
      },
    ]);
    expect(rows("skill_effectiveness")).toMatchObject([
      { skill_name: "code-review", task_category: "code", avg_score: 0.91, sample_count: 1 },
    ]);
  });

  test("says of each lesson that was recalled for it whether it helped", async () => {
    const learn = (id: string, content: string) =>
      `INSERT INTO learnings (id, type, content, confidence, created_at) VALUES ('${id}', 'heuristic', '${content}', 0.7, '2026-11-20')`;
    const note = (id: string, text: string) => ({ kind: "heuristic" as const, id, text, why: "", tokens: 1 });
    {
      using memory = openDatabase({ path: paths.database, now: () => NOW, onNotice: () => {} });
      memory.db.run(learn("l1", "Negate banknotes in kopecks"));
      memory.db.run(learn("l2", "Brush the goats"));
    }
    const recalled: EventBody = {
      type: "recalled",
      mementos: [
        note("l1", "Worked before: Negate banknotes in kopecks"),
        note("l2", "Worked before: Brush the goats"),
      ],
      tokens: 2,
    };
    const said: EventBody = {
      type: "message",
      message: { role: "assistant", from: "x/y", blocks: [{ type: "text", text: "I negate the banknotes." }] },
    };
    const bodies = story().map(({ seq: _, time: __, ...body }) => body as EventBody);
    bodies.splice(1, 0, recalled, said);
    await record(told(bodies));
    const verdicts = [
      { learning_id: "l1", verdict: "helped", task_id: TASK },
      { learning_id: "l2", verdict: "unused", task_id: TASK },
    ];
    expect(rows("learning_uses")).toMatchObject(verdicts);
    // Who reads the transcript once more counts nothing twice.
    {
      using memory = openDatabase({ path: paths.database, now: () => NOW, onNotice: () => {} });
      memory.db.run("UPDATE sessions SET transcript_bytes = 0");
    }
    expect(await caughtUp()).toBe(1);
    expect(rows("learning_uses")).toMatchObject(verdicts);
  });

  test("counts for the skills that it loaded, in a running mean", async () => {
    const use = (id: string, args: unknown, isError = false): EventBody[] => [
      {
        type: "tool_started",
        call: { type: "tool_call", id, name: "skill", arguments: JSON.stringify(args) },
        effect: "read",
        subject: "release-notes",
      },
      { type: "tool_finished", id, name: "skill", result: { text: "", isError }, ms: 1 },
    ];
    const events = told([
      started,
      { type: "model_started", role: "executor", model: "a/b" },
      ...use("c1", { name: "release-notes" }),
      ...use("c2", { name: "release-notes" }),
      ...use("c3", "no name"),
      ...use("c4", { name: "there-is-none" }, true),
      { type: "task_finished", outcome: ended("below", { score: 0.5 }) },
    ]);
    await record(events);
    const better = [...events.slice(0, -1), { ...events.at(-1)!, outcome: ended("accepted", { score: 0.9 }) } as Event];
    writeTranscript(better, "20261124-101502-aaaa");
    await caughtUp();
    expect(rows("skill_effectiveness")).toMatchObject([
      { skill_name: "release-notes", task_category: "general", avg_score: 0.7, sample_count: 2 },
    ]);
    expect(rows("usage_events").filter((row) => row["event_type"] === "skill")).toMatchObject([
      { description: "release-notes", outcome: "failed" },
      { description: "release-notes", outcome: "ok" },
    ]);
  });

  test("a finding that comes back is open again", async () => {
    const round = (iteration: number, findings: (typeof finding)[]) => [
      { type: "iteration_started" as const, iteration },
      { type: "evaluated" as const, evaluation: evaluated(0.5, { iteration, findings }) },
      { type: "decided" as const, decision: "continue" as const, reason: "" },
    ];
    const model = { type: "model_started" as const, role: "executor" as const, model: "a/b" };
    await record(told([started, model, ...round(1, [finding]), ...round(2, []), ...round(3, [finding])]));
    expect(rows("findings")).toMatchObject([{ cycle_id: `${TASK}:1`, resolved_in: null }]);
  });

  test("an iteration that was cut short is kept, without a score", async () => {
    await record(
      told([
        started,
        { type: "model_started", role: "executor", model: "a/b" },
        { type: "iteration_started", iteration: 1 },
        spent("executor", 0.01),
        { type: "task_finished", outcome: ended("budget", { decision: "abort_budget", score: null }) },
      ]),
    );
    expect(rows("iteration_cycles")).toMatchObject([
      { iteration: 1, score: null, decision: "abort_budget", input_tokens: 6100, output_tokens: 310 },
    ]);
    expect(rows("skill_effectiveness")).toEqual([]);
  });

  test("a clock that is set back makes nothing negative and breaks no order", async () => {
    await record(
      told(
        [
          started,
          { type: "model_started", role: "executor", model: "a/b" },
          { type: "iteration_started", iteration: 1 },
          spent("executor", 0.01),
          spent("executor", 0.02),
          { type: "evaluated", evaluation: evaluated(0.9) },
          { type: "decided", decision: "accept", reason: "" },
          { type: "task_finished", outcome: ended("accepted") },
        ],
        -60_000,
      ),
    );
    expect(rows("iteration_cycles")).toMatchObject([{ iteration: 1, duration_ms: 0 }]);
    expect(rows("model_calls").map(({ cost_usd }) => cost_usd)).toEqual([0.01, 0.02]);
  });
});

describe("what is missing is caught up from the transcript", () => {
  test("wherever a process was killed, nothing is lost and nothing counted twice", async () => {
    const events = story();
    await record(events);
    const whole = allRows();
    for (let cut = 1; cut < events.length; cut++) {
      for (const end of ["", "-wal", "-shm"]) rmSync(paths.database + end, { force: true });
      await record(events.slice(0, cut), { killed: true });
      writeTranscript(events);
      expect(await caughtUp()).toBe(1);
      expect(allRows()).toEqual(whole);
      expect(await caughtUp()).toBe(0);
    }
  }, 60_000);

  test("what was said in it can be found, however it ended", async () => {
    const wish = "The scheduler keeps its jobs in a heap that is ordered by the time at which each of them is due.";
    const first = story()[0]!;
    const steered = { ...first, seq: 2, type: "steered", text: wish } as Event;
    const cut = [
      first,
      steered,
      ...story()
        .slice(1, 4)
        .map((event) => ({ ...event, seq: event.seq + 1 })),
    ];
    for (const killed of [true, false]) {
      await record(cut, { killed });
      await caughtUp();
      expect(rows("memory_chunks").map(({ text }) => text)).toContain(`The user said: ${wish}`);
      rmSync(paths.database);
    }
  });

  test("a task that goes on is recorded on, from what the memory has", async () => {
    const events = story();
    await record(events);
    const whole = allRows();
    for (const end of ["", "-wal", "-shm"]) rmSync(paths.database + end, { force: true });
    await record(events.slice(0, 22), { killed: true });
    await record(events.slice(25), { history: events.slice(0, 25) });
    expect(allRows()).toEqual(whole);
  });

  test("a task that ended before the memory was opened is there afterwards", async () => {
    const events = story().filter(({ type }) => type !== "model_started");
    await record(events);
    expect(Bun.file(paths.database).size).toBe(0);
    expect(await caughtUp()).toBe(1);
    expect(rows("tasks")).toMatchObject([{ status: "accepted" }]);
  });

  test("a damaged transcript counts as far as it can be read, and is not read again", async () => {
    writeFileSync(
      join(paths.sessions, `${TASK}.jsonl`),
      `${lines(story().slice(0, 6))}{broken\n{"also": "not an event"}\n`,
    );
    expect(await caughtUp()).toBe(1);
    expect(await caughtUp()).toBe(0);
    expect(rows("model_calls")).toHaveLength(1);
  });

  test("of many, the newest are read first, and the rest another time", async () => {
    for (const day of ["01", "02", "03"]) writeTranscript(story(), `202611${day}-101502-k3f9`);
    using memory = openDatabase({ path: paths.database, now: () => NOW, onNotice: () => {} });
    let asked = 0;
    const once = () => asked++ >= 1;
    expect(await catchUp({ paths, memory, now: () => NOW, isOver: once })).toBe(1);
    expect(rows("tasks").map(({ id }) => id)).toEqual(["20261103-101502-k3f9"]);
    expect(await catchUp({ paths, memory, now: () => NOW, isOver: () => false })).toBe(2);
  });
});

describe("a memory that gives trouble", () => {
  test("that cannot be opened costs the task one notice", async () => {
    mkdirSync(`${paths.database}.lock`);
    const notices = await record(story());
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain("this goes on without it");
  });

  test("of which the engine has spoken already is not spoken of again", async () => {
    mkdirSync(`${paths.database}.lock`);
    const store = createMemoryStore({ paths, now: () => NOW });
    const why = await store.open().then(
      () => "",
      (error: Error) => error.message,
    );
    store.close();
    const [first, ...rest] = story();
    const warning = { ...first!, type: "warning", code: "memory", message: `nothing is remembered: ${why}` } as Event;
    expect(await record([first!, { ...warning, seq: 1.5 }, ...rest])).toEqual([]);
  });

  test("that another process writes to holds up nothing, and is written when it is free", async () => {
    openDatabase({ path: paths.database, now: () => NOW, onNotice: () => {} }).close();
    const other = new Database(paths.database);
    other.run("BEGIN IMMEDIATE");
    const claim = claimTask(paths, TASK, () => NOW);
    const store = createMemoryStore({ paths, now: () => NOW });
    const hand = handTimer();
    const transcript = writeTranscript(story());
    const recorder = createRecorder({ task: TASK, store, transcript, onNotice: () => {}, timer: hand.timer });
    for (const event of story()) recorder.receive(event);
    await hand.run();
    await store.open();
    await hand.run();
    expect(rows("tasks")).toEqual([]);
    other.run("COMMIT");
    await hand.run();
    expect(rows("tasks")).toMatchObject([{ status: "accepted" }]);
    await recorder.close?.();
    store.close();
    other.close();
    claim.release();
  });

  test("that another process writes to at the end is waited for, and nothing stands still meanwhile", async () => {
    const claim = claimTask(paths, TASK, () => NOW);
    const store = createMemoryStore({ paths, now: () => NOW });
    await store.open();
    using other = new Database(paths.database);
    other.run("BEGIN IMMEDIATE");
    const hand = handTimer();
    const transcript = writeTranscript(story());
    const recorder = createRecorder({ task: TASK, store, transcript, onNotice: () => {}, timer: hand.timer });
    for (const event of story()) recorder.receive(event);
    await hand.run();
    const closed = recorder.close?.();
    await Bun.sleep(0);
    other.run("COMMIT");
    await closed;
    expect(rows("tasks")).toMatchObject([{ status: "accepted" }]);
    store.close();
    claim.release();
  });

  test("that throws in the middle is given up with one notice", async () => {
    const notices: string[] = [];
    const claim = claimTask(paths, TASK, () => NOW);
    const store = createMemoryStore({ paths, now: () => NOW });
    const memory = await store.open();
    const hand = handTimer();
    const transcript = writeTranscript(story());
    const recorder = createRecorder({
      task: TASK,
      store,
      transcript,
      onNotice: (text) => notices.push(text),
      timer: hand.timer,
    });
    const events = story();
    for (const event of events.slice(0, 10)) recorder.receive(event);
    await hand.run();
    memory.db.run("DROP TABLE model_calls");
    for (const event of events.slice(10)) recorder.receive(event);
    await hand.run();
    await recorder.close?.();
    expect(notices).toEqual(["no such table: model_calls"]);
    store.close();
    claim.release();
  });

  test("tells everybody who asks, and the user once", async () => {
    mkdirSync(`${paths.database}.lock`);
    const store = createMemoryStore({ paths, now: () => NOW });
    for (let time = 0; time < 2; time++) await expect(store.whole()).rejects.toBeInstanceOf(UserError);
    expect(store.takeNotices()).toHaveLength(1);
    expect(store.takeNotices()).toEqual([]);
  });
});
