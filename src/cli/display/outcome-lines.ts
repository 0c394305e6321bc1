import { formatDuration, formatTokens, plural } from "../../base/text.ts";
import type { Limits } from "../../contracts/event.ts";
import type { Usage } from "../../contracts/message.ts";
import type { Outcome, OutcomeStatus } from "../../contracts/task.ts";
import type { FileChange } from "../../contracts/workspace.ts";
import { countedTokens } from "../../engine/budget.ts";
import { distinct } from "../../engine/score.ts";
import { UNFINISHED } from "../../engine/state.ts";
import { hang, type LineOptions, oneLine } from "./layout.ts";
import { money, score } from "./style.ts";

/** Files named in one line of changes. */
const MOST_FILES = 6;

/** How each ending is called. */
export const ENDINGS: Record<OutcomeStatus, string> = {
  accepted: "accepted",
  answered: "answered",
  completed: "done",
  below: "below the threshold",
  regressed: "got worse, the best result was kept",
  unmeasured: "not measured",
  budget: "stopped by the budget",
  timeout: "stopped by the time limit",
  escalated: "stopped, it needs you",
  failed: "failed",
  cancelled: "cancelled",
};

/** Endings of work, to which an evaluation led. */
const MEASURED: ReadonlySet<OutcomeStatus> = new Set(["accepted", "below", "regressed", "unmeasured"]);

/** The last lines of a task: how it ended, with what score, at what price. */
export function outcomeLines(outcome: Outcome, limits: Limits | undefined, options: LineOptions): string[] {
  const { style, width, resumable = true } = options;
  const { status, spent, saved, iterations, best } = outcome;
  const good = status === "accepted" || status === "answered" || status === "completed";
  const paint = good ? style.good : status === "failed" ? style.bad : style.notice;
  const aim = limits && status === "below" ? ` of ${score(limits.qualityThreshold)}` : "";
  const facts = [
    ...(outcome.score === null ? [] : [`score ${score(outcome.score)}${aim}`]),
    ...(iterations > 1 ? [`${iterations} iterations${best > 0 && best < iterations ? `, best ${best}` : ""}`] : []),
    ...changed(outcome),
    money(spent),
    `${formatTokens(countedTokens(spent.usage))} tokens`,
    ...cachedShare(spent.usage),
    formatDuration(outcome.wallMs),
  ];
  const explained = status === "accepted" || status === "answered" ? [] : hang("  ", oneLine(outcome.reason), width);
  const total = saved.deltaFeedback + saved.skippedEvaluation + saved.incrementalEvaluation + saved.caching;
  return [
    "",
    ...hang(`${paint(style.bold(ENDINGS[status]))}  `, unbroken(facts), width).map((line) =>
      line.replaceAll(NO_BREAK, " "),
    ),
    ...explained,
    ...(status === "accepted" ? doubts(outcome).flatMap((text) => hang("  ", style.notice(text), width)) : []),
    ...(outcome.kept ? hang("  ", `kept, because somebody else changed them: ${names(outcome.kept)}`, width) : []),
    ...foreignLines(outcome, width),
    ...(resumable && UNFINISHED.has(status) ? [style.dim(`  ${wayOn(outcome)}`)] : []),
    ...(total > 0 ? [style.dim(`  ${formatTokens(total)} tokens saved`)] : []),
    ...(outcome.text === "" ? [] : [""]),
  ];
}

/** How much was changed. Of work that was measured it is said, too, that it was nothing. */
function changed({ changes, status }: Outcome): string[] {
  if (changes.length > 0) return [`${plural(changes.length, "file")} changed`];
  return MEASURED.has(status) ? ["nothing was changed in the files"] : [];
}

/** What who reads no more than the end has to know of a result that was accepted. */
function doubts({ evaluation }: Outcome): string[] {
  if (!evaluation) return [];
  const { oldFailures, judgement, testsTouched } = evaluation;
  const old = distinct(oldFailures).length;
  const touched = [...new Set(testsTouched.filter(({ kind }) => kind !== "changed").map(({ detail }) => detail))];
  return [
    ...(old > 0 ? [`but ${old === 1 ? "1 failure is" : `${old} failures are`} as before the task`] : []),
    ...(evaluation.tests === null && judgement.state === "scored" ? ["but no test says so: the judge alone"] : []),
    ...(judgement.state === "failed" ? ["but no judge was heard: checks alone say so"] : []),
    ...(touched.length > 0 ? [`but it touched tests: ${oneLine(touched.join("; "))}`] : []),
  ];
}

/** What somebody else did meanwhile; what was kept because of it is said already. */
function foreignLines({ foreign = [], kept = [], changes }: Outcome, width: number): string[] {
  const ours = new Set(changes.map(({ path }) => path));
  const rest = foreign.filter((path) => !kept.includes(path));
  const say = (what: string, paths: readonly string[]): string[] =>
    paths.length === 0 ? [] : hang("  ", `${what}: ${names(paths)}`, width);
  return [
    ...say(
      "somebody else changed these meanwhile, too",
      rest.filter((path) => ours.has(path)),
    ),
    ...say(
      "also changed meanwhile, not by this task",
      rest.filter((path) => !ours.has(path)),
    ),
  ];
}

/** How much of what was sent the provider knew already; nothing where it says so of nothing. */
function cachedShare({ input, cacheRead, cacheWrite }: Usage): string[] {
  if (cacheRead === 0) return [];
  // Cut, not rounded: 100 % must not stand where something was paid in full.
  return [`${Math.floor((100 * cacheRead) / (input + cacheRead + cacheWrite))} % of the input cached`];
}

/** A limit that was reached stops the next run, too: how it is raised stands in the reason. */
function wayOn({ changes, status }: Outcome): string {
  const back = changes.length > 0 ? "; openkoi undo puts everything back" : "";
  const limited = status === "budget" || status === "timeout" ? " once more is allowed" : "";
  return `openkoi resume goes on from here${limited}${back}`;
}

const NO_BREAK = "\u00a0";

/** Facts in a row that is broken between them only, never between a number and its unit. */
function unbroken(facts: readonly string[]): string {
  return facts.map((fact) => fact.replaceAll(" ", NO_BREAK)).join("  ");
}

/** `a.ts, b.ts and 3 files more`. */
export function names(paths: readonly string[]): string {
  const more = paths.length - MOST_FILES;
  return paths.slice(0, MOST_FILES).map(oneLine).join(", ") + (more > 0 ? ` and ${plural(more, "file")} more` : "");
}

/** `src/a.ts +3 -1, src/b.ts (created)`. */
export function changeText(changes: readonly FileChange[]): string {
  const named = changes.slice(0, MOST_FILES).map((change) => {
    const added = change.added ? ` +${change.added}` : "";
    const removed = change.removed ? ` -${change.removed}` : "";
    const kind = change.kind === "changed" ? "" : ` (${change.kind})`;
    return `${oneLine(change.path)}${kind}${change.kind === "deleted" ? "" : added + removed}`;
  });
  const more = changes.length - named.length;
  return named.join(", ") + (more > 0 ? ` and ${plural(more, "file")} more` : "");
}
