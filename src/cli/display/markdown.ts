import { formatDuration, plural } from "../../base/text.ts";
import type { CheckResult } from "../../contracts/evidence.ts";
import type { Evaluation, Finding, Outcome } from "../../contracts/task.ts";
import { verdict } from "./evidence-lines.ts";
import { oneLine } from "./layout.ts";
import { ENDINGS } from "./outcome-lines.ts";
import { createStyle, money, score } from "./style.ts";

/** `--format markdown`: the result, and below it a report of how it was measured and what it cost. */
export function outcomeMarkdown(outcome: Outcome): string {
  const { evaluation } = outcome;
  return [
    outcome.text.trim() || "*No result.*",
    "---",
    "## Report",
    factTable(outcome),
    ...(evaluation ? section("Evidence", evaluation.checks.map(checkItem)) : []),
    ...(evaluation ? section("Findings", evaluation.findings.map(findingItem)) : []),
    ...section("Changes", outcome.changes.map(changeItem)),
    ...section("Not measured", notMeasured(evaluation)),
  ]
    .join("\n\n")
    .concat("\n");
}

function factTable(outcome: Outcome): string {
  const { usage } = outcome.spent;
  const { deltaFeedback, skippedEvaluation, incrementalEvaluation, caching } = outcome.saved;
  const rows: [string, string][] = [
    ["Ended", `${ENDINGS[outcome.status]}: ${outcome.reason}`],
    ["Score", score(outcome.score)],
    ["Iterations", `${outcome.iterations}${outcome.best > 0 ? `, best ${outcome.best}` : ""}`],
    ["Cost", `${money(outcome.spent)}, ${plural(outcome.spent.calls, "call")}`],
    ["Tokens", `${usage.input} in, ${usage.output} out, ${usage.cacheRead} from cache, ${usage.cacheWrite} to cache`],
    [
      "Tokens saved",
      `${deltaFeedback} by feedback, ${skippedEvaluation + incrementalEvaluation} by evaluation, ${caching} by caching`,
    ],
    ["Time", `${formatDuration(outcome.wallMs)}, ${formatDuration(outcome.workMs)} of it work`],
  ];
  return ["| | |", "| --- | --- |", ...rows.map(([name, value]) => `| ${name} | ${cell(value)} |`)].join("\n");
}

function section(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`### ${title}`, items.map((item) => `- ${item}`).join("\n")];
}

function checkItem(result: CheckResult): string {
  const plain = { width: Number.POSITIVE_INFINITY, verbose: true, style: createStyle(false) };
  return `${result.check.kind} ${code(result.check.command)}: ${verdict(result, undefined, plain)}`;
}

function findingItem(finding: Finding): string {
  const where = finding.location ? ` (${code(finding.location)})` : "";
  const fix = finding.fix ? ` Fix: ${oneLine(finding.fix)}` : "";
  return `**${finding.severity}** ${oneLine(finding.title)}${where}: ${oneLine(finding.description)}${fix}`;
}

function changeItem(change: Outcome["changes"][number]): string {
  const counted = change.added === undefined ? "" : ` +${change.added} -${change.removed ?? 0}`;
  return `${code(change.path)} ${change.kind}${counted}`;
}

function notMeasured(evaluation: Evaluation | null): string[] {
  if (!evaluation) return ["this task was not evaluated"];
  return [
    ...evaluation.unmeasured.map(oneLine),
    ...evaluation.unproven.map(({ command, reason }) => `${code(command)}: ${oneLine(reason)}`),
  ];
}

function cell(text: string): string {
  return oneLine(text).replaceAll("|", "\\|");
}

/** Inline code whose fence is longer than any in the text (CommonMark, code spans). */
function code(text: string): string {
  const line = oneLine(text);
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  return longest > 0 ? `${fence} ${line} ${fence}` : fence + line + fence;
}
