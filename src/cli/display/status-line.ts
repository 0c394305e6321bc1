import { formatDuration, formatTokens, formatUsd } from "../../base/text.ts";
import { cut, oneLine } from "./layout.ts";
import { type Style, score } from "./style.ts";
import type { View } from "./view.ts";

/** Columns that what is going on needs at least to be worth showing. */
const LEAST_ACTIVITY = 10;
/** From here on it is said how long something takes, ms. */
const LONG_WORK = 5000;
const SEPARATOR = " · ";

/**
 * The one line that is redrawn: where the cycle is, for how long, at what price and score, and what is going on. What
 * does not fit into `width` columns is left out, the least important first. `now` in ms.
 */
export function statusLine(view: View, now: number, width: number, style: Style): string {
  const facts = factsOf(view, now);
  while (facts.length > 1 && widthOf(facts) > width) {
    facts.splice(facts.indexOf(facts.reduce((least, fact) => (fact.rank < least.rank ? fact : least))), 1);
  }
  const line = cut(facts.map((fact) => fact.text).join(SEPARATOR), width);
  const room = width - Bun.stringWidth(line) - SEPARATOR.length;
  const activity = activityOf(view, now);
  const shown = room >= LEAST_ACTIVITY && activity !== "" ? SEPARATOR + cut(activity, room) : "";
  return style.dim(line + shown);
}

interface Fact {
  text: string;
  /** The least goes first where there is no room. */
  rank: number;
}

function factsOf({ task }: View, now: number): Fact[] {
  const most = task.limits?.iterations ?? 0;
  const round = task.iteration > 0 && most > 1 ? ` ${task.iteration}/${most}` : "";
  const facts: Fact[] = [{ text: `${task.phase ?? "start"}${round}`, rank: 9 }];
  if (task.startedAt !== "") facts.push({ text: elapsed(now - Date.parse(task.startedAt)), rank: 8 });
  if (task.spent.calls > 0) {
    const bound = task.spent.costKnown ? "" : "≥ ";
    facts.push({ text: bound + formatUsd(task.spent.costUsd), rank: 6 });
    facts.push({ text: `${formatTokens(task.tokens)} tokens`, rank: 3 });
  }
  if (task.score !== null) facts.push({ text: `score ${score(task.score)}`, rank: 7 });
  if (task.best !== null && task.best !== task.score) facts.push({ text: `best ${score(task.best)}`, rank: 4 });
  return facts;
}

function activityOf(view: View, now: number): string {
  const lasts = now - Date.parse(view.since);
  return view.activity !== "" && lasts >= LONG_WORK ? `${oneLine(view.activity)} (${elapsed(lasts)})` : view.activity;
}

/** Whole seconds: a line that is redrawn once a second must not pretend to more. */
function elapsed(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.floor(ms / 1000))} s` : formatDuration(ms);
}

function widthOf(facts: readonly Fact[]): number {
  return Bun.stringWidth(facts.map((fact) => fact.text).join(SEPARATOR));
}
