/**
 * What keeping costs: rows a second, costs over a million calls, and whether the size of the memory is felt at a start.
 * `bun bench/memory-store.ts [rows]`; bench/memory.ts has these rows beside those of search.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { addCallRow, costsOf } from "../src/memory/costs.ts";
import { type MemoryDatabase, openDatabase } from "../src/memory/database.ts";
import { createMemory } from "../src/memory/memory.ts";
import { putSession, putTask } from "../src/memory/tasks.ts";
import { startOpenAiFake } from "../test/fakes/openai-server.ts";
import { median, type Row, table } from "./table.ts";

const BINARY = resolve(import.meta.dir, "../dist/openkoi");
/** Rows of a transaction: what a busy task gathers. */
const BATCH = 100;
const CALLS_A_TASK = 100;
const DAY = 86_400_000;
const RUNS = 11;

const open = (path: string): MemoryDatabase => openDatabase({ path, now: () => Date.now(), onNotice: () => {} });

/** Fills the database with so many model calls, and the tasks that made them, over 30 days. Returns rows a second. */
function fill(memory: MemoryDatabase, calls: number): number {
  const began = performance.now();
  const now = Date.now();
  let rows = 0;
  for (let first = 0; first < calls; first += BATCH) {
    memory.transaction(() => {
      for (let at = first; at < first + BATCH; at++, rows++) {
        const task = `t${Math.floor(at / CALLS_A_TASK)}`;
        const time = now - 30 * DAY + Math.floor((at / calls) * 30 * DAY);
        if (at % CALLS_A_TASK === 0) {
          putSession(memory, sessionRow(task, time));
          putTask(memory, taskRow(task, time));
          rows += 2;
        }
        addCallRow(memory, task, time, {
          role: "executor",
          model: `provider/model-${at % 5}`,
          usage: { input: 2000, output: 300, cacheRead: 9000, cacheWrite: 100, reasoning: 0 },
          costUsd: 0.004,
          ms: 900,
          stop: "end",
        });
      }
    });
  }
  return rows / ((performance.now() - began) / 1000);
}

/** Makes everything findable, as the tasks themselves would have done one by one. */
async function index(memory: MemoryDatabase): Promise<void> {
  const searchable = createMemory({
    database: () => memory,
    now: () => Date.now(),
    decayRate: 0.05,
    hide: (text) => text,
    embedder: async () => undefined,
    skills: async () => [],
    onWarning: (text) => console.error(text),
  });
  while (!(await searchable.tend(60_000, new AbortController().signal)));
}

function sessionRow(id: string, time: number): Parameters<typeof putSession>[1] {
  const at = new Date(time).toISOString();
  const kept = { channel: "cli", model: "provider/model-0", tokens: 48_000, costUsd: 0.08, seq: 400 };
  return { id, ...kept, createdAt: at, updatedAt: at, transcript: `sessions/${id}.jsonl` };
}

function taskRow(id: string, time: number): Parameters<typeof putTask>[1] {
  const at = new Date(time).toISOString();
  return {
    ...{ id, description: `Task ${id}: mend the parser so that it reads numbers`, category: "code" },
    ...{ workspace: "/home/ada/shop", model: "provider/model-0", status: "accepted", reason: "0.91 reaches 0.80" },
    ...{ summary: "It reads numbers now.", score: 0.91, iterations: 2, decision: "accept" as const },
    ...{ tokens: 48_000, costUsd: 0.08, costKnown: true, wallMs: 60_000 },
    ...{ saved: { deltaFeedback: 4000, skippedEvaluation: 0, caching: 180_000 }, createdAt: at, completedAt: at },
  };
}

/** Median time of the binary with this home, ms. */
async function start(home: string, argv: string[], runs = RUNS): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const began = performance.now();
    const child = Bun.spawn([BINARY, ...argv], {
      cwd: join(home, "project"),
      env: { HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin", TMPDIR: tmpdir() },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const code = await child.exited;
    const ms = performance.now() - began;
    if (code !== 0) throw new Error(`${argv[0]} ended with ${code}: ${await child.stderr.text()}`);
    if (run > 0) times.push(ms); // the first one warms the disk cache
  }
  return median(times);
}

/** Measures with so many model calls in the memory. */
export async function memoryStoreRows(calls: number): Promise<Row[]> {
  const root = mkdtempSync(join(tmpdir(), "openkoi-bench-store-"));
  const server = startOpenAiFake(() => "Four.");
  try {
    const homes = ["empty", "full"].map((name) => {
      const home = join(root, name);
      mkdirSync(join(home, "project"), { recursive: true });
      mkdirSync(join(home, ".openkoi"));
      const config = `[models]\nexecutor = "local/bench"\n[providers.local]\nbase_url = "${server.baseUrl}"\n`;
      writeFileSync(join(home, ".openkoi", "config.toml"), config);
      return home;
    });
    const [empty, full] = homes as [string, string];
    open(join(empty, ".local/share/openkoi/openkoi.db")).close();
    const memory = open(join(full, ".local/share/openkoi/openkoi.db"));
    const rate = fill(memory, calls);
    const costs = Array.from({ length: RUNS }, () => {
      const began = performance.now();
      costsOf(memory, Date.now() - 29 * DAY, Number.POSITIVE_INFINITY);
      return performance.now() - began;
    });
    const today = Array.from({ length: RUNS }, () => {
      const began = performance.now();
      costsOf(memory, Date.now() - DAY, Number.POSITIVE_INFINITY);
      return performance.now() - began;
    });
    await index(memory);
    memory.close();
    const many = calls.toLocaleString("en");
    return [
      { what: `rows written, ${BATCH} a transaction`, value: rate, reach: 20_000, unit: "rows/s", higher: true },
      { what: `costs of 30 days, over ${many} calls`, value: median(costs), unit: "ms" },
      { what: "costs of a day, in the same", value: median(today), reach: 100, unit: "ms" },
      { what: "`--version`, empty memory", value: await start(empty, ["--version"]), unit: "ms" },
      { what: `the same, ${many} calls in it`, value: await start(full, ["--version"]), unit: "ms" },
      {
        what: "one answer, `-i 0`, empty memory",
        value: await start(empty, ["--yes", "-i", "0", "Say it."]),
        unit: "ms",
      },
      { what: `the same, ${many} calls in it`, value: await start(full, ["--yes", "-i", "0", "Say it."]), unit: "ms" },
    ];
  } finally {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const rows = await memoryStoreRows(Number(process.argv[2] ?? 1_000_000));
  console.log(table(rows));
  console.log(JSON.stringify({ bench: "memory-store", rows }));
}
