/**
 * How long checkpoints take: `bun bench/checkpoints.ts [files] [bytes each]`. Prints a table and one JSON line.
 * The files are words and numbers, so that they compress about as source does; they are older than the first record.
 */
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Checkpoint } from "../src/contracts/workspace.ts";
import { createCheckpoints } from "../src/workspace/checkpoints.ts";
import type { TaskCheckpoints } from "../src/workspace/task-checkpoints.ts";
import { median, type Row, table } from "./table.ts";

const RUNS = 5;
const SMALL_RUNS = 25;

async function timed<T>(act: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const start = performance.now();
  const value = await act();
  return { ms: performance.now() - start, value };
}

function words(seed: number, bytes: number): string {
  const known = "const function return export import await async string number value index offset result error".split(
    " ",
  );
  let state = seed + 1;
  const next = (below: number): number => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return Math.floor((state / 0x7fffffff) * below) % below;
  };
  let text = "";
  while (text.length < bytes) text += `${known[next(known.length)]} ${next(1000)}${next(8) === 0 ? "\n" : " "}`;
  return text.slice(0, bytes);
}

function fill(workspace: string, files: number, bytes: number): string[] {
  const past = new Date(Date.now() - 3_600_000);
  return Array.from({ length: files }, (_, index) => {
    const folder = join(workspace, `package${index % 20}`, `module${Math.floor(index / 20) % 10}`);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `file${index}.ts`);
    writeFileSync(path, words(index, bytes));
    utimesSync(path, past, past);
    return path;
  });
}

const never = new AbortController().signal;

async function large(base: string, files: number, bytes: number): Promise<Row[]> {
  const workspace = join(base, "large");
  const paths = fill(workspace, files, bytes);
  const results: Record<string, number[]> = { first: [], again: [], next: [], diff: [], restore: [], other: [] };
  for (let run = 0; run < RUNS; run++) {
    const dir = join(base, `data${run}`);
    const open = (task: string): TaskCheckpoints => createCheckpoints({ workspace, addDirs: [], dir, task });
    const task = open("task");
    const note = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
      const { ms, value } = await timed(act);
      results[name]!.push(ms);
      return value;
    };
    const before: Checkpoint = await note("first", () => task.record(never));
    await note("again", () => task.record(never));
    for (const path of paths.slice(run * 10, run * 10 + 10)) appendFileSync(path, "// changed by the task\n");
    const after = await note("next", () => task.record(never));
    await note("diff", () => task.diff(before, after, 100_000));
    await note("restore", () => task.restore(before, after, never));
    await task.close();
    const other = open("other");
    await note("other", () => other.record(never));
    await other.close();
    if (run < RUNS - 1) rmSync(dir, { recursive: true });
  }
  const size = sizeOf(join(base, `data${RUNS - 1}`));
  console.log(`stored: ${(size / 1e6).toFixed(1)} MB of ${((files * bytes) / 1e6).toFixed(1)} MB\n`);
  const label = `${files} files, ${Math.round((files * bytes) / 1e6)} MB`;
  return [
    { what: `${label}: first checkpoint`, value: median(results["first"]!), unit: "ms", reach: 1500 },
    { what: `${label}: next, nothing changed`, value: median(results["again"]!), unit: "ms" },
    { what: `${label}: next, 10 files changed`, value: median(results["next"]!), unit: "ms", reach: 120 },
    { what: `${label}: diff of the 10`, value: median(results["diff"]!), unit: "ms" },
    { what: `${label}: restore the 10`, value: median(results["restore"]!), unit: "ms", reach: 200 },
    { what: `${label}: first checkpoint of the next task`, value: median(results["other"]!), unit: "ms" },
  ];
}

async function small(base: string): Promise<Row[]> {
  const workspace = join(base, "small");
  const paths = fill(workspace, 10, 2_000);
  const first: number[] = [];
  const next: number[] = [];
  const back: number[] = [];
  for (let run = 0; run < SMALL_RUNS; run++) {
    const task = createCheckpoints({ workspace, addDirs: [], dir: join(base, "small-data"), task: `task${run}` });
    appendFileSync(paths[2]!, `${run}\n`);
    const before = await timed(() => task.record(never));
    appendFileSync(paths[1]!, `${run}\n`);
    const after = await timed(() => task.record(never));
    const restored = await timed(() => task.restore(before.value, after.value, never));
    first.push(before.ms);
    next.push(after.ms);
    back.push(restored.ms);
    await task.close();
  }
  return [
    { what: "10 files: first checkpoint of a task", value: median(first), unit: "ms", reach: 3 },
    { what: "10 files: next, one file changed", value: median(next), unit: "ms", reach: 3 },
    { what: "10 files: restore one file", value: median(back), unit: "ms" },
  ];
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => join(folder, entry.name))
    .reduce((sum, path) => sum + (statSync(path).isDirectory() ? sizeOf(path) : statSync(path).size), 0);
}

const base = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-bench-")));
try {
  const files = Number(process.argv[2] ?? 20_000);
  const bytes = Number(process.argv[3] ?? 10_000);
  const rows = [...(await small(base)), ...(await large(base, files, bytes))];
  console.log(table(rows));
  console.log(JSON.stringify({ bench: "checkpoints", rows }));
} finally {
  rmSync(base, { recursive: true, force: true });
}
