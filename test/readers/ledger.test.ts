import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { HistoryEntry } from "../../src/contracts/ledger.ts";
import { createHistory, createLedger } from "../../src/readers/ledger.ts";
import { story } from "../cli/story.ts";

let dir = "";
let paths = { history: "" };
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "openkoi-ledger-"));
  paths = { history: join(dir, "state", "task-history.jsonl") };
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const START = Date.UTC(2026, 10, 23);

function entry(at: number, more: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    taskId: `t${at}`,
    description: `task ${at}`,
    status: "accepted",
    score: 0.9,
    iterations: 1,
    costUsd: 0.25,
    costKnown: true,
    tokens: 1000,
    ms: 5000,
    workspace: "/w",
    model: "a/b",
    startedAt: new Date(START + at * 1000).toISOString(),
    finishedAt: new Date(START + at * 1000 + 500).toISOString(),
    ...more,
  };
}

/** One without a memory: then the history says what was spent. */
const ledgerOf = () =>
  createLedger({
    paths,
    store: { exists: () => true, isBehind: async () => false, whole: () => Promise.reject(new Error("no memory")) },
  });

const files = () => readdir(dirname(paths.history));

describe("the history", () => {
  test("is empty at first", async () => {
    const ledger = ledgerOf();
    expect(await ledger.recent(5)).toEqual([]);
    expect(await ledger.costs(0, START)).toMatchObject({ costUsd: 0, known: true, tasks: 0, models: [] });
  });

  test("gives back what was recorded, newest first", async () => {
    const ledger = ledgerOf();
    const entries = [entry(1), entry(2, { score: null, status: "cancelled" }), entry(3)];
    for (const one of entries) await ledger.record(one);
    expect(await ledger.recent(5)).toEqual([...entries].reverse());
    expect((await ledger.recent(2)).map((one) => one.taskId)).toEqual(["t3", "t2"]);
  });

  test("adds up what was spent since a time, and says where a price was unknown", async () => {
    const ledger = ledgerOf();
    await ledger.record(entry(1, { costKnown: false }));
    await ledger.record(entry(100));
    await ledger.record(entry(200));
    const end = START + 1_000_000;
    expect(await ledger.costs(START + 50_000, end)).toMatchObject({ costUsd: 0.5, known: true, tasks: 2 });
    expect(await ledger.costs(START, end)).toMatchObject({ costUsd: 0.75, known: false, tasks: 3, tokens: 3000 });
    expect(await ledger.costs(START, START + 150_000)).toMatchObject({ tasks: 2 });
  });

  test("begins a new file after 1000 tasks and forgets none of them", async () => {
    const ledger = ledgerOf();
    for (let at = 0; at < 1003; at++) await ledger.record(entry(at));
    expect((await files()).length).toBe(2);
    expect((await readFile(paths.history, "utf8")).trim().split("\n").length).toBe(3);
    expect((await ledger.recent(10)).map((one) => one.taskId)).toEqual(
      Array.from({ length: 10 }, (_, at) => `t${1002 - at}`),
    );
    expect((await ledger.costs(START, Number.POSITIVE_INFINITY)).tasks).toBe(1003);
  });

  test("begins a new file after 1 MB", async () => {
    const ledger = ledgerOf();
    await mkdir(dirname(paths.history), { recursive: true });
    await appendFile(paths.history, `${JSON.stringify({ filler: "x".repeat(1_000_000) })}\n`);
    await ledger.record(entry(1));
    await ledger.record(entry(2));
    expect((await files()).length).toBe(2);
    expect((await ledger.recent(5)).map((one) => one.taskId)).toEqual(["t2", "t1"]);
  });

  test("skips a line that a crash tore, and loses nothing recorded after it", async () => {
    const ledger = ledgerOf();
    await ledger.record(entry(1));
    await appendFile(paths.history, '{"task_id":"torn","descr');
    await ledger.record(entry(2));
    expect((await ledger.recent(5)).map((one) => one.taskId)).toEqual(["t2", "t1"]);
  });

  test("keeps what several processes record at once, also while the file is put aside", async () => {
    const script = `
      const { createLedger } = await import(${JSON.stringify(`${import.meta.dir}/../../src/readers/ledger.ts`)});
      const ledger = createLedger({ paths: { history: process.argv[1] } });
      const base = JSON.parse(process.argv[3]);
      for (let at = 0; at < 700; at++) await ledger.record({ ...base, taskId: process.argv[2] + at });
    `;
    const children = ["a", "b", "c"].map((name) =>
      Bun.spawn([process.execPath, "-e", script, paths.history, name, JSON.stringify(entry(1))], { stderr: "inherit" }),
    );
    for (const child of children) expect(await child.exited).toBe(0);
    const all = await ledgerOf().recent(5000);
    expect(new Set(all.map((one) => one.taskId)).size).toBe(2100);
  });

  test("shortens a description that is a whole document", async () => {
    const ledger = ledgerOf();
    await ledger.record(entry(1, { description: "x".repeat(100_000) }));
    expect((await ledger.recent(1))[0]!.description.length).toBe(500);
  });

  test("is written when a task ends", async () => {
    const ledger = ledgerOf();
    const reader = createHistory(ledger);
    for (const event of story()) await reader.receive(event);
    expect(await ledger.recent(5)).toEqual([
      {
        taskId: "20261123-101502-k3f9",
        description: "Make the failing test pass",
        status: "accepted",
        score: 0.91,
        iterations: 2,
        costUsd: 0.0421,
        costKnown: true,
        tokens: 12_400,
        ms: 72_000,
        workspace: "/home/ada/shop",
        model: "anthropic/claude-sonnet",
        startedAt: "2026-11-23T10:15:02.000Z",
        finishedAt: story().at(-1)!.time,
      },
    ]);
  });
});

test("a resumed task is recorded with what it spent since its last entry", async () => {
  const ledger = ledgerOf();
  const history = story();
  const last = history.findLast((event) => event.type === "task_finished")!;
  const reader = createHistory(ledger);
  reader.recall?.(history);
  const { spent } = last.outcome;
  const more = { ...spent, costUsd: spent.costUsd + 1, usage: { ...spent.usage, output: spent.usage.output + 5 } };
  await reader.receive({ ...last, outcome: { ...last.outcome, spent: more } });
  expect(await ledger.recent(1)).toMatchObject([{ costUsd: expect.closeTo(1, 9), tokens: 5 }]);
});
