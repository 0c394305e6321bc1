import { clip, indent } from "../base/text.ts";
import type { CheckResult, Failure } from "../contracts/evidence.ts";
import type { Evaluation, Finding, Severity, Unproven } from "../contracts/task.ts";
import { failureText, outputText } from "./evidence-text.ts";
import { distinct, isToldBy, judgesFindings } from "./score.ts";
import { GONE_ID } from "./verdict.ts";

const ORDER: Record<Severity, number> = { blocker: 0, important: 1, suggestion: 2 };
/** More new failures than this are counted, not told. */
const MOST_FAILURES = 20;
/** A shorter name of a test may stand in a finding by chance. */
const LEAST_NAME = 8;

/**
 * What is open, each thing once: a new failure with the commands that show it and with what the judge says of it, then
 * the proofs that fail for another reason, then the judge's other findings, the gravest first.
 */
export function openText(evaluation: Evaluation, baseline: readonly CheckResult[]): string {
  const opinions = new Opinions(evaluation);
  const failures = distinct(evaluation.regressions);
  const failing = failures
    .slice(0, MOST_FAILURES)
    .map(({ failure }) => newFailureText(failure, evaluation, opinions.about(failure)));
  const rest = failures.length - failing.length;
  const told = new Set(failures.map(({ failure }) => failure.name));
  return [
    ...failing,
    ...(rest > 0 ? [`- [blocker] and ${rest} more new failures`] : []),
    ...evaluation.unproven.flatMap((each) => proofText(each, evaluation, baseline, { opinions, told })),
    ...evaluation.findings.filter(({ id }) => id.startsWith(GONE_ID)).map((finding) => `- ${findingText(finding)}`),
    ...opinions.left.map((finding) => `- ${findingText(finding)}`),
  ].join("\n\n");
}

/** The judge's findings, the gravest first; each is told once. */
class Opinions {
  left: Finding[];

  constructor(evaluation: Evaluation) {
    this.left = judgesFindings(evaluation).sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
  }

  /** What is said of a failure, as lines below it. */
  about(failure: Failure): string[] {
    const found = this.left.filter((finding) => isAbout(finding, failure));
    this.left = this.left.filter((finding) => !found.includes(finding));
    return found.map((finding) => indent(`The judge: ${findingText(finding)}`, 2));
  }
}

/** It lies at the same place, or names the test. */
function isAbout({ location, title, description }: Finding, failure: Failure): boolean {
  if (location !== undefined && location === failure.location) return true;
  const name = failure.name.split(/ > |::| › /).at(-1) ?? "";
  return name.length >= LEAST_NAME && `${title} ${description}`.includes(name);
}

function newFailureText(failure: Failure, { regressions, checks }: Evaluation, about: readonly string[]): string {
  const same = regressions.filter((each) => isSame(each.failure, failure)).map(({ check }) => check);
  const commands = same.map(({ command }) => `\`${command}\``).filter((command) => !command.includes(failure.name));
  const result = checks.find(({ check }) => check.id === same[0]?.id);
  // What was named has its own words; of what was not, the output says most.
  const isNamed = result?.failures.some((each) => isSame(each, failure)) ?? false;
  const where = commands.length > 0 ? `, in ${commands.join(", ")}` : "";
  const why = result && !(isNamed && failure.message) ? outputText(result) : "";
  const head = `- [blocker] ${failureText(failure, `fails and did not before${where}`)}`;
  return [head, ...(why ? [indent(why, 4)] : []), ...about].join("\n");
}

function isSame(a: Failure, b: Failure): boolean {
  return a.name === b.name && a.location === b.location;
}

/** A proof that did not pass, with those of its failures that are not told yet: it had them before the task too. */
function proofText(
  { command, reason }: Unproven,
  { regressions, checks }: Evaluation,
  baseline: readonly CheckResult[],
  { opinions, told }: { opinions: Opinions; told: Set<string> },
): string[] {
  const result = checks.find(({ check }) => check.command === command);
  const failures = result?.failures ?? [];
  const untold = failures.filter(({ name }) => !told.has(name));
  if (untold.length === 0 && isToldBy(regressions, command)) return [];
  const before = new Set(baseline.flatMap(({ failures }) => failures.map(({ name }) => name)));
  const named = untold.slice(0, MOST_FAILURES).flatMap((failure) => {
    told.add(failure.name);
    const how = before.has(failure.name) ? "fails as before the task" : "fails";
    return [`  ${failureText(failure, how)}`, ...opinions.about(failure)];
  });
  const head = `- [blocker] \`${command}\` must pass: ${reason}${failures.length > untold.length ? ", see above" : ""}`;
  const output = result && failures.length === 0 ? outputText(result) : "";
  return [[head, ...named, ...(output ? [indent(output, 4)] : [])].join("\n")];
}

function findingText({ severity, title, location, description, fix }: Finding): string {
  const where = location ? ` (${location})` : "";
  const words = [clip(description, 800), fix ? `Fix: ${fix}` : ""].filter((text) => text !== "").join("\n");
  return `[${severity}] ${title}${where}${words ? `\n${indent(words, 2)}` : ""}`;
}
