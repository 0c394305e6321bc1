import type { Env } from "../../base/env.ts";
import { formatScore, formatUsd } from "../../base/text.ts";
import type { Spent } from "../../contracts/task.ts";
import { isTerminal, widthOf } from "./standard.ts";

/** Emphasis for a terminal; without colour every function returns its text unchanged. */
export interface Style {
  dim(text: string): string;
  bold(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  notice(text: string): string;
}

/** `color` false: plain text. Only the sixteen basic colours are used, so that every theme stays readable. */
export function createStyle(color: boolean): Style {
  const mark = (on: number, off: number) => (text: string) =>
    color && text !== "" ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return { dim: mark(2, 22), bold: mark(1, 22), good: mark(32, 39), bad: mark(31, 39), notice: mark(33, 39) };
}

/**
 * Whether progress is redrawn in place and whether it has colours. A pipe, a dumb terminal and CI get calm lines;
 * `NO_COLOR` (no-color.org) takes the colours and leaves the live display.
 */
export function displayMode(isTerminal: boolean, env: Env): { live: boolean; color: boolean } {
  const ci = env["CI"] !== undefined && env["CI"] !== "" && env["CI"] !== "false";
  const live = isTerminal && env["TERM"] !== "dumb" && !ci;
  return { live, color: live && !env["NO_COLOR"] };
}

/** How standard output is to be written: as wide as its terminal, with its colours; a pipe gets neither. */
export function stdoutLayout(env: Env): { width: number; style: Style } {
  const terminal = isTerminal("stdout");
  const { live, color } = displayMode(terminal, env);
  return { width: widthOf("stdout"), style: createStyle(live && color) };
}

/** `$0.0042`, `$1.25`; a lower bound where a price is unknown. */
export function money(spent: Pick<Spent, "costUsd" | "costKnown">): string {
  const amount = formatUsd(spent.costUsd);
  return spent.costKnown ? amount : `≥ ${amount} (price unknown)`;
}

/** `0.62`, or `not measured`. Cut, not rounded: 0.799 must not look like a threshold of 0.80 that was reached. */
export function score(value: number | null): string {
  return value === null ? "not measured" : formatScore(value);
}

/** How long ago an ISO time was: `just now`, `5 min ago`. `now` in ms. */
export function ago(time: string, now: number): string {
  const minutes = Math.max(0, Math.floor((now - Date.parse(time)) / 60_000));
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ago` : `${Math.floor(minutes / (24 * 60))} days ago`;
}
