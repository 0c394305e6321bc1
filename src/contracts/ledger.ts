import type { CostSum } from "./memory.ts";
import type { OutcomeStatus } from "./task.ts";

/** One finished task, as `status` shows it and `task-history.jsonl` keeps it. */
export interface HistoryEntry {
  taskId: string;
  description: string;
  status: OutcomeStatus;
  score: number | null;
  iterations: number;
  costUsd: number;
  costKnown: boolean;
  tokens: number;
  /** Milliseconds. */
  ms: number;
  workspace: string;
  model: string;
  /** ISO times. */
  startedAt: string;
  finishedAt: string;
}

/** Tasks and costs over time. Asynchronous, because a fleet keeps it on PostgreSQL. */
export interface Ledger {
  record(entry: HistoryEntry): Promise<void>;
  /** Newest first. */
  recent(limit: number): Promise<HistoryEntry[]>;
  /** What was spent from `from` until before `to`, ms. */
  costs(from: number, to: number): Promise<CostSum>;
}
