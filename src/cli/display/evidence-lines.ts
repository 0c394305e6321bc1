import { formatDuration, plural } from "../../base/text.ts";
import type { Event } from "../../contracts/event.ts";
import type { CheckResult } from "../../contracts/evidence.ts";
import type { Evaluation, Finding, Judgement } from "../../contracts/task.ts";
import { OPEN_BLOCKER, regressionId } from "../../engine/score.ts";
import { hang, type LineOptions, labelled, oneLine } from "./layout.ts";
import { score } from "./style.ts";
import type { View } from "./view.ts";

/** Failures named under a check where not everything is shown. */
const MOST_FAILURES = 5;
/** Findings listed of one evaluation, the worst first. */
const MOST_FINDINGS = 8;

const LABELS = { test: "tests", static: "static", proof: "proof" } as const;

/**
 * One check: what ran, what came out, and whether it was so before the task. What failed is run once more: that is told
 * with what differs.
 */
export function checkLines(event: Event & { type: "check_finished" }, view: View, options: LineOptions): string[] {
  const { result, purpose } = event;
  const { style } = options;
  const { id, kind, command } = result.check;
  const before = purpose === "evidence" ? view.baseline.get(id) : undefined;
  const first = purpose === "evidence" ? view.measured.get(id) : undefined;
  const label = purpose === "baseline" ? "baseline" : LABELS[kind];
  const isSame = first !== undefined && sameOutcome(first, result);
  const outcome = isSame ? "the same" : verdict(result, before, options);
  const again = first ? "run again: " : "";
  const text = `${oneLine(command)}  ${again}${outcome}  ${style.dim(formatDuration(result.ms))}`;
  const fresh = purpose === "evidence" && !isSame ? freshFailures(result, before) : [];
  const shown = options.verbose ? fresh : fresh.slice(0, MOST_FAILURES);
  return [
    ...labelled(label, text, options),
    ...shown.flatMap(({ name, location, message }) => {
      const where = location ? `  ${style.dim(oneLine(location))}` : "";
      const what = message && options.verbose ? `: ${oneLine(message)}` : "";
      return hang(`    ${style.bad("✗")} `, oneLine(name) + what + where, options.width);
    }),
    ...(fresh.length > shown.length ? [style.dim(`    … and ${fresh.length - shown.length} more`)] : []),
  ];
}

function sameOutcome(a: CheckResult, b: CheckResult): boolean {
  const names = ({ failures }: CheckResult) => JSON.stringify(failures.map(({ name }) => name).sort());
  return a.status === b.status && names(a) === names(b);
}

function freshFailures(result: CheckResult, before: CheckResult | undefined): CheckResult["failures"] {
  const known = new Set(before?.failures.map(({ name }) => name));
  return result.failures.filter(({ name }) => !known.has(name));
}

/** How a check ended, in words. */
export function verdict(result: CheckResult, before: CheckResult | undefined, options: LineOptions): string {
  const { style } = options;
  const counts = countsText(result, options);
  const flaky = result.flaky ? style.notice(" (flaky: it failed once and passed when run again)") : "";
  switch (result.status) {
    case "passed":
      return (counts || style.good("passed")) + flaky;
    case "failed": {
      const failed = counts || style.bad(`failed (exit ${result.exitCode ?? "by a signal"})`);
      return failed + since(result, before, options) + flaky;
    }
    case "empty":
      return style.notice("ran no test: not a pass");
    case "timeout":
      return style.bad("did not end in time") + since(result, before, options);
    case "unavailable":
      return style.notice("could not be started: not measured");
  }
}

function countsText(result: CheckResult, { style }: LineOptions): string {
  if (!result.counts) return "";
  const { passed, failed, skipped } = result.counts;
  return [
    style.good(`${passed} passed`),
    ...(failed > 0 ? [style.bad(`${failed} failed`)] : []),
    ...(skipped > 0 ? [style.notice(`${skipped} skipped`)] : []),
  ].join(", ");
}

/** Which of the failures were there before the task; nothing where there is no baseline to compare with. */
function since(result: CheckResult, before: CheckResult | undefined, { style }: LineOptions): string {
  if (!before) return "";
  const failedBefore = before.status === "failed" || before.status === "timeout";
  const known = new Set(before.failures.map((failure) => failure.name));
  const fresh = result.failures.filter((failure) => !known.has(failure.name)).length;
  // A run that names nothing can only be compared as a whole.
  if (failedBefore && (fresh === 0 || known.size === 0)) return style.dim(" (as before)");
  if (fresh > 0 && fresh < result.failures.length) return style.bad(` (${fresh} new)`);
  return style.bad(" (new)");
}

/** What the judge said, or why there is no judgement. */
export function judgementLines(judgement: Judgement, options: LineOptions): string[] {
  const { style } = options;
  if (judgement.state === "failed") {
    return labelled("judge", style.notice(`not measured: ${oneLine(judgement.reason)}`), options);
  }
  if (judgement.state === "skipped") return labelled("judge", `skipped: ${oneLine(judgement.reason)}`, options);
  const parts = judgement.dimensions.map((dimension) => {
    return `${oneLine(dimension.name)} ${score(dimension.score)}${dimension.carried ? " (as before)" : ""}`;
  });
  const text = `${score(judgement.score)}  ${style.dim(`${oneLine(judgement.rubric)}: ${parts.join(", ")}`)}`;
  return labelled("judge", text, options);
}

/** What is resolved and what is open, the worst first, then the score with what held it and what it does not cover. */
export function evaluationLines(evaluation: Evaluation, view: View, options: LineOptions): string[] {
  const { style } = options;
  const before = view.task.score;
  const now = evaluation.score;
  const paint = evaluation.accepted ? style.good : style.bold;
  const move = before === null ? paint(score(now)) : `${score(before)} → ${paint(score(now))}`;
  const threshold = view.task.limits && !evaluation.accepted && now !== null;
  const aim = threshold ? style.dim(`  of ${score(view.task.limits?.qualityThreshold ?? null)}`) : "";
  const unmeasured = evaluation.unmeasured.join("; ");
  return [
    ...evaluation.resolved.flatMap(({ title }) => labelled("resolved", oneLine(title), options, style.good)),
    ...findingLines(untold(evaluation, view, options), options),
    ...labelled("score", move + aim, options),
    ...heldByWords(evaluation).flatMap((reason) => labelled("held by", oneLine(reason), options, style.notice)),
    ...(unmeasured === "" || unmeasured === view.unmeasured
      ? []
      : labelled("", style.dim(`not measured: ${oneLine(unmeasured)}`), options)),
  ];
}

/** The findings without the new failures that stand under their check already. */
function untold({ findings, regressions }: Evaluation, view: View, { verbose }: LineOptions): readonly Finding[] {
  const told = new Set(
    [...view.measured.values()].flatMap((result) => {
      const fresh = freshFailures(result, view.baseline.get(result.check.id));
      return (verbose ? fresh : fresh.slice(0, MOST_FAILURES)).map(({ name }) => `${result.check.id} ${name}`);
    }),
  );
  const ids = regressions.filter(({ check, failure }) => told.has(`${check.id} ${failure.name}`)).map(regressionId);
  return findings.filter(({ id }) => !ids.includes(id));
}

/** Blockers are counted: they stand in the lines above. */
function heldByWords({ heldBy }: Evaluation): string[] {
  const blockers = heldBy.filter((reason) => reason.startsWith(OPEN_BLOCKER)).length;
  return [
    ...heldBy.filter((reason) => !reason.startsWith(OPEN_BLOCKER)),
    ...(blockers > 0 ? [plural(blockers, "open blocker")] : []),
  ];
}

function findingLines(findings: readonly Finding[], options: LineOptions): string[] {
  const { style } = options;
  const order = { blocker: 0, important: 1, suggestion: 2 } as const;
  const paint = { blocker: style.bad, important: style.notice, suggestion: style.dim } as const;
  const sorted = [...findings].sort((a, b) => order[a.severity] - order[b.severity]);
  const shown = options.verbose ? sorted : sorted.slice(0, MOST_FINDINGS);
  const listed = shown.flatMap((finding) => {
    const where = finding.location ? `  ${style.dim(oneLine(finding.location))}` : "";
    const text = labelled(finding.severity, oneLine(finding.title) + where, options, paint[finding.severity]);
    return options.verbose
      ? [...text, ...hang("      ", style.dim(oneLine(finding.description)), options.width)]
      : text;
  });
  const more = findings.length - shown.length;
  return more > 0 ? [...listed, style.dim(`    … and ${more} more findings`)] : listed;
}
