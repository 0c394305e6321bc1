import { describe, expect, test } from "bun:test";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Event, EventBody } from "../../src/contracts/event.ts";
import type { Learning } from "../../src/contracts/memory.ts";
import { type MemoryDatabase, openDatabase } from "../../src/memory/database.ts";
import { Learnings } from "../../src/memory/learnings.ts";
import { hasUncounted } from "../../src/memory/uses.ts";
import { catchUp } from "../../src/readers/catch-up.ts";
import { ended, started, told } from "../cli/story.ts";
import { kept } from "../fakes/memory.ts";
import { useDataPaths } from "./place.ts";

/** After every transcript of here. */
const NOW = Date.parse("2026-11-25T12:00:00Z");
const paths = useDataPaths();

const LESSON = "Negate the banknotes in kopecks";
const note = (id: string): EventBody => ({
  type: "recalled",
  mementos: [{ kind: "heuristic", id, text: `Worked before: ${LESSON}`, why: "", tokens: 9 }],
  tokens: 9,
});
const follows: EventBody = {
  type: "message",
  message: { role: "assistant", from: "x/y", blocks: [{ type: "text", text: "I negate the banknotes." }] },
};
const end: EventBody = { type: "task_finished", outcome: ended("accepted") };
const teaches = (id: string, day: number, more: Partial<Learning> = {}): EventBody => {
  const lesson = { type: "heuristic", content: LESSON, category: "code", confidence: 0.7 } as const;
  const createdAt = `2026-11-${day}T10:15:03.000Z`;
  const learning = { ...kept(lesson, { task: taskOf(day), workspace: "/home/ada/shop" }, id), createdAt, ...more };
  return { type: "learned", learned: [{ learning, is: "new" }] };
};
const remembers = (action: string, text: string, answer: string, name = "memory"): EventBody[] => [
  {
    type: "tool_started",
    call: { type: "tool_call", id: "m", name, arguments: JSON.stringify({ action, text }) },
    effect: "read",
    subject: "",
  },
  { type: "tool_finished", id: "m", name, result: { text: answer, isError: false }, ms: 1 },
];

const taskOf = (day: number) => `202611${day}-101502-k3f9`;

/** The transcript of a task of that day. */
function transcript(day: number, bodies: readonly EventBody[]): void {
  const shift = (day - 23) * 24 * 60 * 60 * 1000;
  const events = told([started, ...bodies, end]).map((event): Event => {
    const time = new Date(Date.parse(event.time) + shift).toISOString();
    const request = event.type === "task_started" ? { request: { ...event.request, id: taskOf(day) } } : {};
    return { ...event, ...request, time, task: taskOf(day) } as Event;
  });
  writeFileSync(
    join(paths.sessions, `${taskOf(day)}.jsonl`),
    events.map((event) => `${JSON.stringify(event)}\n`).join(""),
  );
}

function open(now = NOW): MemoryDatabase {
  return openDatabase({ path: paths.database, now: () => now, onNotice: () => {} });
}

function learningsOf(memory: MemoryDatabase): Learnings {
  return new Learnings({ database: memory, now: () => NOW, decayRate: 0, hide: (text) => text });
}

async function rebuilt(now = NOW): Promise<Learning[]> {
  using memory = open(now);
  await catchUp({ paths, memory, now: () => now, isOver: () => false });
  const learnings = learningsOf(memory);
  learnings.countUses();
  return learnings.all();
}

describe("a new memory in the place of a lost one", () => {
  test("has the lessons that transcripts tell of, with what became of them before and after the last word on them", async () => {
    transcript(10, [teaches("l1", 10)]);
    transcript(11, [note("l1"), follows]);
    // Learned again: its numbers hold what was before.
    transcript(12, [teaches("l1", 10, { confidence: 0.9, reinforced: 1, recalled: 1, helped: 1 })]);
    transcript(13, [note("l1"), follows]);
    const [lesson, ...others] = await rebuilt();
    expect(others).toEqual([]);
    expect(lesson).toMatchObject({
      ...{ id: "l1", content: LESSON, type: "heuristic", category: "code", workspace: "/home/ada/shop" },
      ...{ sourceTask: taskOf(10), reinforced: 1, recalled: 2, helped: 2, createdAt: "2026-11-10T10:15:03.000Z" },
    });
    expect(lesson!.confidence).toBeCloseTo(0.9 + 0.1 * 0.2, 10);
    // What is read once more changes nothing.
    {
      using memory = open();
      memory.db.run("UPDATE sessions SET transcript_bytes = 0");
    }
    expect(await rebuilt()).toEqual([lesson!]);
  });

  test("counts once what became of a lesson that no transcript tells of, and anew where an older one does", async () => {
    transcript(12, [note("l1"), follows]);
    expect(await rebuilt()).toEqual([]);
    {
      using memory = open();
      expect(hasUncounted(memory)).toBe(false);
    }
    transcript(10, [teaches("l1", 10)]);
    transcript(11, [note("l1"), follows]);
    expect(await rebuilt()).toMatchObject([{ id: "l1", recalled: 2, helped: 2 }]);
  });

  test("has what the agent noted of its own accord", async () => {
    transcript(10, remembers("save", " Ada likes\nshort names ", "Remembered as abc123."));
    transcript(11, remembers("save", "Ada likes short names", "Known already as abc123; now surer."));
    transcript(12, remembers("search", "names", "Remembered as zzz."));
    transcript(13, remembers("wish", "Ada wants tests with every change", "Remembered as def456."));
    expect((await rebuilt()).sort((a, b) => (a.id < b.id ? -1 : 1))).toMatchObject([
      { id: "abc123", type: "heuristic", content: "Ada likes short names", sourceTask: taskOf(10) },
      { id: "def456", type: "preference", content: "Ada wants tests with every change", sourceTask: taskOf(13) },
    ]);
  });

  test("has it also where the call was written as models write it", async () => {
    const answer = (id: string) => `Remembered as ${id}.\n[unknown, so ignored: why, scope]`;
    transcript(10, remembers("save", "Ada likes short names", answer("abc123")));
    transcript(11, remembers("wish", "Ada wants tests", "Remembered as def456.", "functions.Memory"));
    const [started, finished] = remembers("save", "?", "Remembered as ghi789.");
    const call = { type: "tool_call", id: "m", name: "memory" } as const;
    const broken = '{"action": "save", "text": "Tests run\nby night"}';
    transcript(12, [{ ...started, call: { ...call, arguments: broken } } as EventBody, finished!]);
    expect((await rebuilt()).map(({ id, content }) => [id, content]).sort()).toEqual([
      ["abc123", "Ada likes short names"],
      ["def456", "Ada wants tests"],
      ["ghi789", "Tests run by night"],
    ]);
  });

  test("does not have what the user had forgotten", async () => {
    transcript(10, [teaches("l1", 10)]);
    transcript(11, [teaches("l2", 11)]);
    await rebuilt();
    {
      using memory = open();
      expect(learningsOf(memory).forget("l1")).toBe(true);
    }
    renameSync(paths.database, `${paths.database}.broken`);
    for (const end of ["-wal", "-shm"]) rmSync(paths.database + end, { force: true });
    expect((await rebuilt()).map(({ id }) => id)).toEqual(["l2"]);
  });

  test("that was there already takes no lesson from a transcript: it wrote it itself, and may have forgotten it", async () => {
    transcript(10, [teaches("l1", 10)]);
    expect(await rebuilt(Date.parse("2026-11-01T00:00:00Z"))).toEqual([]);
  });
});
