import type { CostSum } from "../contracts/memory.ts";
import type { CallRecord } from "../contracts/task.ts";
import type { MemoryDatabase } from "./database.ts";
import { patiently } from "./patience.ts";

/** Keeps a model call. `at` in ms since 1970; its task must be there; null: it was made for none. */
export function addCallRow(memory: MemoryDatabase, task: string | null, at: number, call: CallRecord): void {
  const { usage } = call;
  memory
    .query(
      `INSERT INTO model_calls (task_id, at, role, model, input, output, cache_read, cache_write, reasoning, cost_usd, ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      task,
      at,
      call.role,
      call.model,
      usage.input,
      usage.output,
      usage.cacheRead,
      usage.cacheWrite,
      usage.reasoning,
      call.costUsd,
      Math.round(call.ms),
    );
}

/** Keeps a call that no task's transcript tells of. One that cannot be kept is not worth a failure. */
export async function keepCall(memory: MemoryDatabase, at: number, call: CallRecord): Promise<void> {
  await patiently(() => addCallRow(memory, null, at, call)).catch(() => {});
}

interface ModelSum {
  model: string;
  cost: number;
  unknown: number;
  calls: number;
  tokens: number;
}

/**
 * What calls from `from` until before `to` cost, ms since 1970, and what tasks that ended then did not spend. Tasks of
 * the earlier program have no calls; their sums count, by the time they began.
 */
export function costsOf(memory: MemoryDatabase, from: number, to: number): CostSum {
  // Model by model: sorting a million calls by their model would take most of the time.
  const spentOn = memory.query<Omit<ModelSum, "model">, [string, number, number]>(
    `SELECT total(cost_usd) AS cost, coalesce(sum(cost_usd IS NULL), 0) AS unknown, count(*) AS calls,
       coalesce(sum(input + cache_write + output), 0) AS tokens
     FROM model_calls WHERE model = ? AND at >= ? AND at < ?`,
  );
  const calls = modelsOf(memory)
    .map((model): ModelSum => ({ model, ...spentOn.get(model, from, to)! }))
    .filter((row) => row.calls > 0);
  const earlier = memory
    .query<ModelSum & { tasks: number }, [string, string]>(
      `SELECT coalesce(s.model_provider || '/' || s.model_id, 'unknown') AS model, total(t.total_cost_usd) AS cost,
         0 AS unknown, 0 AS calls, coalesce(sum(t.total_tokens), 0) AS tokens, count(*) AS tasks
       FROM tasks t LEFT JOIN sessions s ON s.id = t.session_id
       WHERE t.created_at >= ?1 AND t.created_at < ?2 AND t.model IS NULL AND t.total_tokens > 0 GROUP BY 1`,
    )
    .all(sqliteTime(from), sqliteTime(to));
  const { tasks } = memory
    .query<{ tasks: number }, [string, number, number]>(
      `SELECT count(*) AS tasks FROM tasks t JOIN sessions s ON s.id = t.session_id
       WHERE s.updated_at >= ?
         AND EXISTS (SELECT 1 FROM model_calls c WHERE c.task_id = t.id AND c.at >= ? AND c.at < ?)`,
    )
    .get(isoTime(from), from, to)!;
  const saved = memory
    .query<{ delta: number; evaluation: number; caching: number }, [string, string]>(
      `SELECT coalesce(sum(saved_delta), 0) AS delta, coalesce(sum(saved_evaluation), 0) AS evaluation,
         coalesce(sum(saved_caching), 0) AS caching
       FROM tasks WHERE completed_at >= ? AND completed_at < ?`,
    )
    .get(isoTime(from), isoTime(to))!;
  const models = merge([...calls, ...earlier]);
  return {
    costUsd: sum(models, ({ costUsd }) => costUsd),
    known: models.every(({ known }) => known),
    tasks: tasks + sum(earlier, (row) => row.tasks),
    calls: sum(models, (row) => row.calls),
    tokens: sum(models, (row) => row.tokens),
    models,
    saved: { deltaFeedback: saved.delta, skippedEvaluation: saved.evaluation, caching: saved.caching },
  };
}

/** Every model that was ever called: one step of the index for each, however many calls there are. */
function modelsOf(memory: MemoryDatabase): string[] {
  return memory
    .query<{ model: string }, []>(
      `WITH RECURSIVE known(model) AS (
         SELECT min(model) FROM model_calls
         UNION ALL SELECT (SELECT min(model) FROM model_calls WHERE model > known.model) FROM known WHERE model IS NOT NULL
       ) SELECT model FROM known WHERE model IS NOT NULL`,
    )
    .all()
    .map(({ model }) => model);
}

/** One row a model, dearest first. */
function merge(rows: readonly ModelSum[]): CostSum["models"] {
  const byModel = new Map<string, CostSum["models"][number]>();
  for (const { model, cost, unknown, calls, tokens } of rows) {
    const before = byModel.get(model) ?? { model, costUsd: 0, known: true, calls: 0, tokens: 0 };
    byModel.set(model, {
      model,
      costUsd: before.costUsd + cost,
      known: before.known && unknown === 0,
      calls: before.calls + calls,
      tokens: before.tokens + tokens,
    });
  }
  return [...byModel.values()].sort((a, b) => b.costUsd - a.costUsd || b.tokens - a.tokens);
}

function sum<T>(rows: readonly T[], of: (row: T) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

/** The last millisecond of the year 9999: ISO times up to there sort as text. */
const LAST_TIME = 253_402_300_799_999;

function isoTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), LAST_TIME)).toISOString();
}

/** As SQLite writes times, and the earlier program. */
function sqliteTime(ms: number): string {
  return isoTime(ms).slice(0, 19).replace("T", " ");
}
