import type { Settings, Tapes } from "./app.ts";
import type { Config } from "./base/config.ts";
import type { Paths } from "./base/paths.ts";
import { timeLimit } from "./base/stream.ts";
import type { Clock } from "./contracts/kit.ts";
import { removeAbandonedTemps } from "./private-temp.ts";
import type { MemoryStore } from "./readers/memory-store.ts";
import type { Recollection } from "./recollection.ts";
import { collectDaily } from "./workspace/index.ts";

/** A task that this process has run. */
export interface EndedTask {
  here: Settings;
  /** What it ran on: what is done for it afterwards asks nobody else. */
  tapes: Tapes;
}

export interface TidyInput {
  paths: Paths;
  clock: Clock;
  store: MemoryStore;
  recollection(ended: EndedTask): Recollection;
  ended: readonly EndedTask[];
  signal: AbortSignal;
}

/** After so long the rest is left for the next time, ms: somebody is waiting for the prompt. */
const TIDY_MS = 5000;
/**
 * What the memory may take of that, ms, what reading transcripts may that it lacks (many where a new one was begun), and what
 * removing may that is beyond the storage limit.
 */
const TEND_MS = 1000;
const READ_MS = 1000;
const PRUNE_MS = 1000;

/**
 * What is done once a task has ended, and can wait: what nobody can need any more is removed, what was written goes into
 * the indexes, habits are looked for. Returns what the user should know, a line each. Never throws: whatever goes wrong
 * here is no trouble of the task.
 */
export async function tidyUp(input: TidyInput): Promise<string[]> {
  const { paths, clock, store, ended } = input;
  const signal = AbortSignal.any([input.signal, AbortSignal.timeout(TIDY_MS)]);
  const news: (string | undefined)[] = [];
  const now = clock.now();
  const steps: (() => Promise<unknown>)[] = [
    async () => removeAbandonedTemps(now),
    () => collectDaily({ dir: paths.checkpoints, now, isOver: timeLimit(TIDY_MS, signal) }),
  ];
  const last = ended.at(-1);
  // A memory that the task had no use for is not opened for this; what is left waits for one that has.
  if (last && store.isOpen()) {
    const { config } = last.here;
    steps.push(() => input.recollection(last).tend(TEND_MS, signal));
    steps.push(() => store.readOn(timeLimit(READ_MS, signal)));
    steps.push(async () => news.push(await newHabits(input, config)));
    steps.push(async () => news.push(await soulHint(input, last)));
    steps.push(async () => news.push(...(await pruned(input, config, signal))));
  }
  for (const step of steps) {
    if (signal.aborted) break;
    await step().catch(() => {});
  }
  return news.filter((line) => line !== undefined);
}

async function newHabits({ paths, clock, store }: TidyInput, { patterns }: Config): Promise<string | undefined> {
  const { mineWhenDue } = await import("./habits.ts");
  return mineWhenDue({ paths, config: patterns, now: clock.now() }, () => store.open());
}

async function soulHint({ paths, store, recollection }: TidyInput, last: EndedTask): Promise<string | undefined> {
  const [{ countTasks }, { evolutionHint }] = await Promise.all([
    import("./memory/inspect.ts"),
    import("./skills/soul-evolution.ts"),
  ]);
  return evolutionHint(paths, countTasks(await store.open()), () => recollection(last).learnings());
}

async function pruned({ paths, clock, store }: TidyInput, { memory }: Config, signal: AbortSignal): Promise<string[]> {
  const { pruneDaily } = await import("./readers/prune.ts");
  const input = { paths, maxMegabytes: memory.max_storage_mb, now: clock.now() };
  return pruneDaily({ ...input, memory: () => store.whole(), isOver: timeLimit(PRUNE_MS, signal) });
}
