import { appendFile, mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { randomId } from "../base/crypto/random.ts";
import { readText } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import { type Infer, parse, type Schema, s } from "../base/schema.ts";
import { clip } from "../base/text.ts";
import type { Reader } from "../contracts/event.ts";
import type { HistoryEntry, Ledger } from "../contracts/ledger.ts";
import type { CostSum } from "../contracts/memory.ts";
import type { OutcomeStatus } from "../contracts/task.ts";
import { countedTokens } from "../engine/budget.ts";
import { initialState, step } from "../engine/state.ts";
import type { MemoryStore } from "./memory-store.ts";

/** When the file is put aside and a new one begun (PRODUCT.md section 2). */
const MOST_LINES = 1000;
const MOST_BYTES = 1_000_000;
/** Files put aside that are kept. */
const MOST_ARCHIVES = 9;
const MOST_DESCRIPTION = 500;

/** How an entry lies in the file. */
function entrySchema() {
  return s.object({
    task_id: s.string(),
    description: s.string(),
    status: s.string() as Schema<OutcomeStatus>,
    score: s.optional(s.number()),
    iterations: s.integer(),
    cost_usd: s.number(),
    cost_known: s.boolean(),
    tokens: s.integer(),
    elapsed_ms: s.number(),
    workspace: s.string(),
    model: s.string(),
    started_at: s.string(),
    finished_at: s.string(),
  });
}

/**
 * The history of tasks in `state/task-history.jsonl`, for programs outside too. Several processes may record at once: an
 * entry is one write to a file opened for appending, and a full file is renamed to a name of its own, so that nobody
 * overwrites anything. What was spent is asked of the memory, which knows every call; without one the history says it.
 */
export function createLedger(options: {
  paths: Pick<Paths, "history">;
  store: Pick<MemoryStore, "exists" | "isBehind" | "whole">;
}): Ledger {
  const path = options.paths.history;
  return {
    async record(entry) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const torn = await endsTorn(path);
      await appendFile(path, `${torn ? "\n" : ""}${serialize(entry)}\n`, { mode: 0o600 });
      await rotate(path);
    },
    async recent(limit) {
      const found: HistoryEntry[] = [];
      for (const file of await filesNewestFirst(path)) {
        if (found.length >= limit) break;
        found.push(...(await readEntries(file)).reverse());
      }
      return found.slice(0, limit);
    },
    async costs(from, to) {
      const { store } = options;
      const isThere = store.exists() && !(await store.isBehind());
      const memory = isThere ? await store.whole().catch(() => undefined) : undefined;
      if (!memory) return costsOfHistory(path, from, to);
      const { costsOf } = await import("../memory/costs.ts");
      return costsOf(memory, from, to);
    },
  };
}

/** What tasks cost that ended in that time. */
async function costsOfHistory(path: string, from: number, to: number): Promise<CostSum> {
  const models = new Map<string, CostSum["models"][number]>();
  let tasks = 0;
  for (const file of await filesNewestFirst(path)) {
    const entries = await readEntries(file);
    for (const entry of entries) {
      const ended = Date.parse(entry.finishedAt);
      if (ended < from || ended >= to) continue;
      tasks++;
      const sum = models.get(entry.model) ?? { model: entry.model, costUsd: 0, known: true, calls: 0, tokens: 0 };
      sum.costUsd += entry.costUsd;
      sum.known &&= entry.costKnown;
      sum.tokens += entry.tokens;
      models.set(entry.model, sum);
    }
    // Older files hold nothing newer than this one's first entry.
    if (entries.some((entry) => Date.parse(entry.finishedAt) < from)) break;
  }
  const dearest = [...models.values()].sort((a, b) => b.costUsd - a.costUsd);
  return {
    costUsd: dearest.reduce((sum, { costUsd }) => sum + costUsd, 0),
    known: dearest.every(({ known }) => known),
    tasks,
    calls: 0,
    tokens: dearest.reduce((sum, model) => sum + model.tokens, 0),
    models: dearest,
    saved: { deltaFeedback: 0, skippedEvaluation: 0, caching: 0 },
  };
}

/** Records the task in the history when it ends; one that was resumed, with what it spent since its last entry. */
export function createHistory(ledger: Ledger): Reader {
  let state = initialState();
  /** What an entry of an earlier run counts already. */
  let counted = { costUsd: 0, tokens: 0, ms: 0 };
  return {
    recall(history) {
      state = history.reduce(step, state);
      const ended = history.findLast((event) => event.type === "task_finished");
      if (!ended) return;
      const { spent, wallMs } = ended.outcome;
      counted = { costUsd: spent.costUsd, tokens: countedTokens(spent.usage), ms: wallMs };
    },
    async receive(event) {
      state = step(state, event);
      if (event.type !== "task_finished" || !state.task) return;
      const { outcome } = event;
      await ledger.record({
        taskId: state.task.id,
        description: state.task.description,
        status: outcome.status,
        score: outcome.score,
        iterations: outcome.iterations,
        costUsd: outcome.spent.costUsd - counted.costUsd,
        costKnown: outcome.spent.costKnown,
        tokens: countedTokens(outcome.spent.usage) - counted.tokens,
        ms: Math.max(0, outcome.wallMs - counted.ms),
        workspace: state.task.workspace,
        model: state.model,
        startedAt: state.startedAt,
        finishedAt: event.time,
      });
    },
  };
}

function serialize(entry: HistoryEntry): string {
  const line: Record<keyof Infer<ReturnType<typeof entrySchema>>, string | number | boolean | null> = {
    task_id: entry.taskId,
    description: clip(entry.description, MOST_DESCRIPTION),
    status: entry.status,
    score: entry.score,
    iterations: entry.iterations,
    cost_usd: entry.costUsd,
    cost_known: entry.costKnown,
    tokens: entry.tokens,
    elapsed_ms: entry.ms,
    workspace: entry.workspace,
    model: entry.model,
    started_at: entry.startedAt,
    finished_at: entry.finishedAt,
  };
  return JSON.stringify(line);
}

/** Lines that are no entries (torn, from another program) are left out. */
async function readEntries(path: string): Promise<HistoryEntry[]> {
  const schema = entrySchema();
  const lines = ((await readText(path)) ?? "").split("\n");
  return lines.flatMap((line) => {
    const parsed = parse(schema, parseJson(line));
    if (!parsed.ok) return [];
    const { value } = parsed;
    return {
      taskId: value.task_id,
      description: value.description,
      status: value.status,
      score: value.score ?? null,
      iterations: value.iterations,
      costUsd: value.cost_usd,
      costKnown: value.cost_known,
      tokens: value.tokens,
      ms: value.elapsed_ms,
      workspace: value.workspace,
      model: value.model,
      startedAt: value.started_at,
      finishedAt: value.finished_at,
    };
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return;
  }
}

/** True where a crash or a full disk left a line without its end: what is appended would be lost with it. */
async function endsTorn(path: string): Promise<boolean> {
  const file = await open(path, "r").catch(() => undefined);
  if (!file) return false;
  try {
    const { size } = await file.stat();
    if (size === 0) return false;
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] !== 0x0a;
  } finally {
    await file.close();
  }
}

/** Puts a full file aside. Two processes that do so at once put aside different files, and nothing is lost. */
async function rotate(path: string): Promise<void> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  // No entry is shorter than 100 bytes, so that a small file need not be counted.
  if (size < MOST_LINES * 100) return;
  const lines = ((await readText(path)) ?? "").split("\n").length - 1;
  if (lines < MOST_LINES && size < MOST_BYTES) return;
  const [last] = (await readEntries(path)).slice(-1);
  const stamp = (last?.finishedAt ?? "").replace(/\D/g, "").padEnd(17, "0");
  // A name of its own: renaming onto an older file would lose it.
  const unique = randomId(8);
  await rename(path, path.replace(/\.jsonl$/, `.${stamp}-${unique}.jsonl`)).catch(() => {});
  const [, ...archives] = await filesNewestFirst(path);
  for (const old of archives.slice(MOST_ARCHIVES)) await unlink(old).catch(() => {});
}

/** The file itself and those put aside; their names sort by time. */
async function filesNewestFirst(path: string): Promise<string[]> {
  const stem = basename(path).replace(/jsonl$/, "");
  const names = await readdir(dirname(path)).catch(() => []);
  const archives = names.filter((name) => name.startsWith(stem) && name.endsWith(".jsonl") && name !== basename(path));
  return [
    path,
    ...archives
      .sort()
      .reverse()
      .map((name) => join(dirname(path), name)),
  ];
}
