import { formatDuration, formatTokens } from "../base/text.ts";
import type { HistoryEntry } from "../contracts/ledger.ts";
import { type CurrentTask, isRunning, isUnfinished } from "../readers/state-file.ts";
import { cut, oneLine } from "./display/layout.ts";
import { ENDINGS } from "./display/outcome-lines.ts";
import { ago, money, type Style, score } from "./display/style.ts";

/** What `status --live` shows. */
export interface LiveFacts {
  current: CurrentTask | undefined;
  /** Newest first. */
  recent: readonly HistoryEntry[];
  /** Milliseconds since 1970. */
  now: number;
}

/** How much of an iteration is behind, by its phase. */
const SHARES: Record<string, number> = { execute: 0.1, refine: 0.1, evaluate: 0.7, result: 0.95, learn: 0.95 };
/** Before the first iteration. */
const PLANNING = 0.03;

/** The screen as lines, none wider than `width` and not more than `height`. */
export function liveFrame({ current, recent, now }: LiveFacts, width: number, height: number, style: Style): string[] {
  const task = current && isUnfinished(current) ? taskLines(current, now, width, style) : ["no task is at work"];
  const results = recent.length === 0 ? ["none yet"] : recent.map((entry) => resultLine(entry, now));
  const lines = [
    style.dim("openkoi status --live    q quits"),
    "",
    ...task,
    "",
    style.bold("last results"),
    ...results,
  ];
  return lines.slice(0, height).map((line) => cut(line, width));
}

function taskLines(task: CurrentTask, now: number, width: number, style: Style): string[] {
  const alive = isRunning(task);
  const most = Math.max(1, task.max_iterations);
  const round = task.iteration > 0 ? ` ${task.iteration}/${most}` : "";
  const where = `${task.phase ?? "start"}${round}`;
  const elapsed = alive ? now - Date.parse(task.started_at) : task.elapsed_ms;
  return [
    `${style.bold(task.task_id)}  ${alive ? task.status : style.bad("ended without a word (its process is gone)")}`,
    oneLine(task.description),
    style.dim(oneLine(task.workspace)),
    "",
    `${bar(progressOf(task), Math.min(40, width - 24), style)}  ${where}`,
    `score ${score(task.score ?? null)}   best ${score(task.best_score ?? null)}`,
    [
      `cost ${money({ costUsd: task.cost_usd, costKnown: task.cost_known })}`,
      `${formatTokens(task.tokens)} tokens`,
      `elapsed ${elapsedText(elapsed)}`,
    ].join("   "),
    ...(alive && task.waiting_for !== undefined ? [style.notice(`waits for: ${oneLine(task.waiting_for)}`)] : []),
  ];
}

/** 0..1, by what is behind of the iterations that are allowed: a task may be done sooner. */
export function progressOf({ iteration, max_iterations, phase }: CurrentTask): number {
  if (iteration === 0) return max_iterations === 0 ? 0.5 : PLANNING;
  return Math.min(1, (iteration - 1 + (SHARES[phase ?? ""] ?? 0)) / Math.max(1, max_iterations));
}

function bar(share: number, width: number, style: Style): string {
  const cells = Math.max(8, width);
  const full = Math.round(share * cells);
  return style.good("█".repeat(full)) + style.dim("░".repeat(cells - full));
}

function resultLine(entry: HistoryEntry, now: number): string {
  const ending = ENDINGS[entry.status] ?? entry.status;
  const scored = entry.score === null ? "" : ` ${score(entry.score)}`;
  return [`${ending}${scored}`, money(entry), ago(entry.finishedAt, now), oneLine(entry.description)].join("  ");
}

/** Whole seconds: what is redrawn once a second must not pretend to more. */
function elapsedText(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : formatDuration(ms);
}
