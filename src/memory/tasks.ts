import type { Decision, Finding } from "../contracts/task.ts";
import type { MemoryDatabase } from "./database.ts";

/** A task as it is kept: while it runs, and when it has ended. */
export interface TaskRow {
  id: string;
  description: string;
  /** The plan's; null before there is one. */
  category: string | null;
  workspace: string;
  /** `provider/model` of the executor. */
  model: string;
  /** How it ended (OutcomeStatus); null while it runs. */
  status: string | null;
  reason: string | null;
  summary: string | null;
  score: number | null;
  iterations: number;
  decision: Decision | null;
  /** Tokens that count against the budget. */
  tokens: number;
  costUsd: number;
  costKnown: boolean;
  wallMs: number | null;
  /** Tokens not spent. */
  saved: { deltaFeedback: number; skippedEvaluation: number; caching: number };
  /** ISO times. */
  createdAt: string;
  completedAt: string | null;
}

/** A stretch of work with one transcript. */
export interface SessionRow {
  id: string;
  /** Where it came from: `cli`. */
  channel: string;
  /** `provider/model`. */
  model: string;
  tokens: number;
  costUsd: number;
  /** ISO times. */
  createdAt: string;
  updatedAt: string;
  /** Relative to the data folder. */
  transcript: string;
  /** Number of the last event that is recorded. */
  seq: number;
}

export interface CycleRow {
  task: string;
  iteration: number;
  score: number | null;
  decision: string;
  inputTokens: number;
  outputTokens: number;
  ms: number;
  createdAt: string;
}

/** Keeps a session, new or known. Its size is told separately (`noteSize`). */
export function putSession(memory: MemoryDatabase, row: SessionRow): void {
  const slash = row.model.indexOf("/");
  memory
    .query(
      `INSERT INTO sessions (id, channel, model_provider, model_id, created_at, updated_at, total_tokens, total_cost_usd,
         transcript_path, seq) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET channel = excluded.channel, model_provider = excluded.model_provider,
         model_id = excluded.model_id, updated_at = excluded.updated_at, total_tokens = excluded.total_tokens,
         total_cost_usd = excluded.total_cost_usd, transcript_path = excluded.transcript_path, seq = excluded.seq`,
    )
    .run(
      row.id,
      row.channel,
      slash < 0 ? null : row.model.slice(0, slash),
      row.model.slice(slash + 1) || null,
      row.createdAt,
      row.updatedAt,
      row.tokens,
      row.costUsd,
      row.transcript,
      row.seq,
    );
}

/** Keeps a task, new or known. */
export function putTask(memory: MemoryDatabase, row: TaskRow): void {
  memory
    .query(
      `INSERT INTO tasks (id, session_id, description, category, workspace, model, status, reason, summary, final_score,
         iterations, decision, total_tokens, total_cost_usd, cost_known, wall_ms, saved_delta, saved_evaluation,
         saved_caching, created_at, completed_at)
       VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
       ON CONFLICT (id) DO UPDATE SET session_id = excluded.session_id, description = excluded.description,
         category = excluded.category, workspace = excluded.workspace, model = excluded.model, status = excluded.status,
         reason = excluded.reason, summary = excluded.summary, final_score = excluded.final_score,
         iterations = excluded.iterations, decision = excluded.decision, total_tokens = excluded.total_tokens,
         total_cost_usd = excluded.total_cost_usd, cost_known = excluded.cost_known, wall_ms = excluded.wall_ms,
         saved_delta = excluded.saved_delta, saved_evaluation = excluded.saved_evaluation,
         saved_caching = excluded.saved_caching, created_at = excluded.created_at, completed_at = excluded.completed_at`,
    )
    .run(
      row.id,
      row.description,
      row.category,
      row.workspace,
      row.model,
      row.status,
      row.reason,
      row.summary,
      row.score,
      row.iterations,
      row.decision,
      row.tokens,
      row.costUsd,
      row.costKnown ? 1 : 0,
      row.wallMs,
      row.saved.deltaFeedback,
      row.saved.skippedEvaluation,
      row.saved.caching,
      row.createdAt,
      row.completedAt,
    );
}

/** Makes room for a row that refers to a task which the recorder has not written yet; it fills in the rest. */
export function ensureTask(memory: MemoryDatabase, id: string): void {
  memory.query("INSERT INTO tasks (id, description) VALUES (?, '') ON CONFLICT DO NOTHING").run(id);
}

/** Keeps an iteration with its measurement; measured again, it replaces what it said before. Its task must be there. */
export function putCycle(memory: MemoryDatabase, row: CycleRow): void {
  memory
    .query(
      `INSERT INTO iteration_cycles (id, task_id, iteration, score, decision, input_tokens, output_tokens, duration_ms,
         created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET score = excluded.score, decision = excluded.decision,
         input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
         duration_ms = excluded.duration_ms, created_at = excluded.created_at`,
    )
    .run(
      cycleId(row.task, row.iteration),
      row.task,
      row.iteration,
      row.score,
      row.decision,
      row.inputTokens,
      row.outputTokens,
      row.ms,
      row.createdAt,
    );
}

/** Keeps a finding that is open after this iteration. `cycle_id` stays the one that found it first. */
export function putFinding(memory: MemoryDatabase, task: string, iteration: number, finding: Finding): void {
  memory
    .query(
      `INSERT INTO findings (id, cycle_id, severity, dimension, title, description, location, fix)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, dimension = excluded.dimension,
         title = excluded.title, description = excluded.description, location = excluded.location, fix = excluded.fix,
         resolved_in = NULL`,
    )
    .run(
      findingId(task, finding.id),
      cycleId(task, iteration),
      finding.severity,
      finding.dimension,
      finding.title,
      finding.description,
      finding.location ?? null,
      finding.fix ?? null,
    );
}

/** Says that a finding was open before this iteration and is no more. */
export function resolveFinding(memory: MemoryDatabase, task: string, iteration: number, finding: string): void {
  memory
    .query("UPDATE findings SET resolved_in = ? WHERE id = ? AND resolved_in IS NULL")
    .run(cycleId(task, iteration), findingId(task, finding));
}

/** How far the transcripts of these sessions are recorded, bytes; those are missing that the memory never heard of. */
export function recordedSizes(memory: MemoryDatabase, ids: readonly string[]): Map<string, number> {
  const rows = memory
    .query<{ id: string; transcript_bytes: number }, [string]>(
      "SELECT id, transcript_bytes FROM sessions WHERE id IN (SELECT value FROM json_each(?))",
    )
    .all(JSON.stringify(ids));
  return new Map(rows.map(({ id, transcript_bytes }) => [id, transcript_bytes]));
}

/** Number of the last event of this session that is recorded; 0 where none is. */
export function recordedSeq(memory: MemoryDatabase, id: string): number {
  return memory.query<{ seq: number }, [string]>("SELECT seq FROM sessions WHERE id = ?").get(id)?.seq ?? 0;
}

/** Says that the transcript is recorded as far as it is so many bytes long. */
export function noteSize(memory: MemoryDatabase, id: string, bytes: number): void {
  memory
    .query(
      `INSERT INTO sessions (id, transcript_bytes) VALUES (?, ?)
       ON CONFLICT (id) DO UPDATE SET transcript_bytes = excluded.transcript_bytes`,
    )
    .run(id, bytes);
}

/** Says that these transcripts are no longer there. */
export function forgetTranscripts(memory: MemoryDatabase, ids: readonly string[]): void {
  memory.transaction(() => {
    const forget = memory.query("UPDATE sessions SET transcript_path = NULL, transcript_bytes = 0 WHERE id = ?");
    for (const id of ids) forget.run(id);
  });
}

function cycleId(task: string, iteration: number): string {
  return `${task}:${iteration}`;
}

/** The judge's ids are words, alike from task to task. */
function findingId(task: string, finding: string): string {
  return `${task}:${finding}`;
}
