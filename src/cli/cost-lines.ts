import { formatTokens } from "../base/text.ts";
import type { CostSum } from "../contracts/memory.ts";
import { oneLine } from "./display/layout.ts";
import { money } from "./display/style.ts";

/** What was spent: today, and where it was asked for in the last seven and thirty days, today included. */
export interface Costs {
  today: CostSum;
  week?: CostSum;
  month?: CostSum;
}

/** Models that are named one by one. */
const MOST_MODELS = 20;
const COLUMN = 16;

/** `openkoi status --costs`: fits 80 columns. */
export function costLines(costs: Costs): string {
  const spans: [string, CostSum][] = [
    ["today", costs.today],
    ...(costs.week ? [["last 7 days", costs.week] as [string, CostSum]] : []),
    ...(costs.month ? [["last 30 days", costs.month] as [string, CostSum]] : []),
  ];
  const row = (label: string, of: (sum: CostSum) => string) =>
    `  ${label.padEnd(20)}${spans.map(([, sum]) => of(sum).padStart(COLUMN)).join("")}`;
  const unknown = spans.some(([, sum]) => !sum.known);
  const longest = spans.at(-1)![1];
  return [
    `${"".padEnd(22)}${spans.map(([label]) => label.padStart(COLUMN)).join("")}`,
    row("spent", amount),
    row("tasks", ({ tasks }) => String(tasks)),
    row("model calls", ({ calls }) => String(calls)),
    row("tokens", ({ tokens }) => formatTokens(tokens)),
    "",
    "tokens saved",
    row("delta feedback", ({ saved }) => formatTokens(saved.deltaFeedback)),
    row("judging left out", ({ saved }) => formatTokens(saved.skippedEvaluation)),
    row("prompt caching", ({ saved }) => formatTokens(saved.caching)),
    "",
    `by model, ${spans.at(-1)![0]}`,
    ...modelLines(longest),
    ...(unknown ? ["", "≥: the price of a model is unknown; what is known is the least that was spent"] : []),
    "",
  ].join("\n");
}

function modelLines({ models }: CostSum): string[] {
  if (models.length === 0) return ["  none was called"];
  const shown = models.slice(0, MOST_MODELS);
  const width = Math.min(40, Math.max(...shown.map(({ model }) => Bun.stringWidth(oneLine(model)))));
  const lines = shown.map((sum) => {
    const name = oneLine(sum.model);
    const cut = Bun.stringWidth(name) > width ? `${Bun.sliceAnsi(name, 0, width - 1)}…` : name;
    const calls = `${sum.calls} ${sum.calls === 1 ? "call" : "calls"}`;
    const padded = cut + " ".repeat(Math.max(0, width - Bun.stringWidth(cut)));
    return `  ${padded}${amount(sum).padStart(12)}${calls.padStart(12)}${formatTokens(sum.tokens).padStart(8)} tokens`;
  });
  const more = models.length - shown.length;
  return [...lines, ...(more > 0 ? [`  and ${more} more`] : [])];
}

/** `$1.25`, `≥ $1.25` where a price is unknown. */
function amount({ costUsd, known }: { costUsd: number; known: boolean }): string {
  return `${known ? "" : "≥ "}${money({ costUsd, costKnown: true })}`;
}
