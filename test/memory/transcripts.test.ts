import { describe, expect, test } from "bun:test";
import type { Event, EventBody } from "../../src/contracts/event.ts";
import { Words } from "../../src/memory/transcripts.ts";
import { never, openRig, type Rig } from "./support.ts";

function events(bodies: readonly EventBody[], parent: string | null = null): Event[] {
  return bodies.map((body, at) => ({
    v: 1,
    seq: at + 1,
    time: "2026-11-23T10:00:00.000Z",
    task: "t1",
    agent: "main",
    parent,
    iteration: 1,
    ...body,
  }));
}

function said(text: string): EventBody {
  return { type: "message", message: { role: "assistant", from: "fake/model", blocks: [{ type: "text", text }] } };
}

function chunks(rig: Rig) {
  return rig.database
    .query<{ id: string; kind: string; text: string }, []>("SELECT id, kind, text FROM memory_chunks ORDER BY n")
    .all();
}

/** As the recorder does it with the task's last row; returns how many pieces are new. */
function keep({ database }: Rig, task: { id: string; workspace: string }, told: readonly Event[]): number {
  const words = new Words();
  for (const event of told) words.add(event);
  return words.keep(database, task);
}

const TASK = { id: "t1", workspace: "/work" };
const SENTENCE = "The scheduler keeps its jobs in a heap that is ordered by the time at which each of them is due.";

describe("a transcript", () => {
  test("leaves the agent's words, what the user said meanwhile, and facts, so that they can be found", async () => {
    using rig = openRig();
    const facts = "The tests need a server on port 8080, which the script start-server.sh starts before they run.";
    const kept = keep(
      rig,
      TASK,
      events([
        said(SENTENCE),
        { type: "steered", text: "Please use the existing heap of the standard library instead of our own one" },
        { type: "compacted", compaction: { shortened: [], facts: { until: 3, text: facts } }, before: 9, after: 3 },
        { type: "warning", code: "plan", message: SENTENCE },
      ]),
    );
    expect(kept).toBe(3);
    expect(chunks(rig)).toEqual([
      { id: "transcript:t1#3.0", kind: "facts", text: facts },
      { id: "transcript:t1#1.0", kind: "transcript", text: SENTENCE },
      {
        id: "transcript:t1#2.0",
        kind: "transcript",
        text: "The user said: Please use the existing heap of the standard library instead of our own one",
      },
    ]);
    const [hit] = await rig.memory.search("which script starts the server", 3, never);
    expect(hit).toMatchObject({ kind: "facts", text: facts, id: "transcript:t1#3.0" });
  });

  test("adds nothing the second time, and nothing that another one said already", async () => {
    using rig = openRig();
    expect(keep(rig, TASK, events([said(SENTENCE)]))).toBe(1);
    expect(keep(rig, TASK, events([said(SENTENCE)]))).toBe(0);
    expect(keep(rig, { ...TASK, id: "t2" }, events([said(SENTENCE)]))).toBe(0);
  });

  test("of great length leaves so many pieces of so much text at most, the newest", async () => {
    using rig = openRig();
    const long = Array.from({ length: 500 }, (_, at) => said(`Step ${at}: ${SENTENCE}`));
    keep(rig, TASK, events([...long, said(Array.from({ length: 20_000 }, (_, at) => `word${at}`).join(" "))]));
    const kept = chunks(rig);
    expect(kept.length).toBe(40);
    expect(Math.max(...kept.map(({ text }) => text.length))).toBeLessThanOrEqual(1200);
    expect(kept[0]!.text).toStartWith("Step 468:");
  });

  test("leaves out what says nothing, and what helpers said", async () => {
    using rig = openRig();
    expect(keep(rig, TASK, events([said("Done."), said("")]))).toBe(0);
    expect(keep(rig, TASK, events([said(SENTENCE)], "main"))).toBe(0);
  });

  test("never cuts a character in two", async () => {
    using rig = openRig();
    keep(rig, TASK, events([said("🐟".repeat(3000))]));
    for (const { text } of chunks(rig)) expect(text.isWellFormed()).toBe(true);
  });

  test("can be forgotten piece by piece, and stays so when it is read again; a task cannot", async () => {
    using rig = openRig();
    rig.task("t1", "Write a scheduler");
    const told = events([said(SENTENCE), said(`Then: ${SENTENCE}`)]);
    keep(rig, TASK, told);
    const id = "transcript:t1#1.0";
    expect(await rig.memory.look(id)).toBe(SENTENCE);
    expect(await rig.memory.forget(id)).toBe(true);
    expect(await rig.memory.forget(id)).toBe(false);
    expect(await rig.memory.look(id)).toBeUndefined();
    expect(keep(rig, TASK, told)).toBe(0);
    expect(chunks(rig).map((chunk) => chunk.id)).toEqual(["task:t1", "transcript:t1#2.0"]);
    expect((await rig.memory.search("scheduler heap", 9, never)).map((hit) => hit.id)).not.toContain(id);
    for (const other of ["t1", "task:t1"]) {
      expect([await rig.memory.look(other), await rig.memory.forget(other)]).toEqual([undefined, false]);
    }
  });

  test("is forgotten with its task", async () => {
    using rig = openRig();
    rig.task("t1", "Write a scheduler");
    rig.task("t10", "Another");
    keep(rig, TASK, events([said(SENTENCE)]));
    keep(rig, { ...TASK, id: "t10" }, events([said(`Then: ${SENTENCE}`)]));
    rig.database.query("DELETE FROM tasks WHERE id = 't1'").run();
    expect(chunks(rig).map(({ id }) => id)).toEqual(["task:t10", "transcript:t10#1.0"]);
  });
});
