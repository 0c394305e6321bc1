import { clip, indent, truncateMiddle } from "../base/text.ts";
import type { CheckResult, Failure } from "../contracts/evidence.ts";

/** More failures of one check than this are counted, not listed. */
const MOST_FAILURES = 20;
/** What a model gets to read of one failure, and of the output of a check that names none, characters. */
const MOST_MESSAGE = 600;
const MOST_OUTPUT = 2000;
/** The same of a check that failed before the task too, and said the same. */
const MOST_OLD_OUTPUT = 400;

/** How checks failed before the work, in words. What names no failure is told briefly: it is nobody's task yet. */
export function beforeText(failing: readonly CheckResult[]): string {
  const told = new Set<string>();
  return failing.map((result) => checkText(result, undefined, told, MOST_OLD_OUTPUT)).join("\n");
}

/**
 * The evidence in words, for models: named failures where the output named them, else its end; beside it how the same
 * check stood before the task. A failure that several checks show is told with the first of them.
 */
export function evidenceText(checks: readonly CheckResult[], baseline: readonly CheckResult[]): string {
  if (checks.length === 0) return "No command could measure this.";
  const known = new Set(baseline.flatMap((result) => result.failures.map((failure) => failure.name)));
  const told = new Set<string>();
  const texts = checks.map((result) => {
    const before = baseline.find(({ check }) => check.id === result.check.id);
    const most = before?.status === "failed" && saysTheSame(before, result) ? MOST_OLD_OUTPUT : MOST_OUTPUT;
    return checkText(result, before, told, most, known);
  });
  return texts.join("\n");
}

function checkText(
  result: CheckResult,
  before: CheckResult | undefined,
  told: Set<string>,
  mostOutput: number,
  known: ReadonlySet<string> = new Set(),
): string {
  const head = `- \`${result.check.command}\`: ${standing(result)}${before ? `; before the task: ${standing(before)}` : ""}`;
  if (result.status === "passed") return head;
  const fresh = result.failures.filter((failure) => !told.has(JSON.stringify(failure)));
  const named = fresh.slice(0, MOST_FAILURES).map((failure) => {
    told.add(JSON.stringify(failure));
    return `  ${failureText(failure, known.has(failure.name) ? "[failed before the task too]" : "")}`;
  });
  const rest = fresh.length - named.length;
  if (rest > 0) named.push(`  and ${rest} more`);
  const again = result.failures.length - fresh.length;
  if (again > 0) named.push(again === 1 ? "  the failure named above" : `  ${again} failures named above`);
  if (named.length > 0) return [head, ...named].join("\n");
  const output = outputText(result, mostOutput);
  return output ? `${head}\n${indent(output, 2)}` : `${head}, no output`;
}

/** Figures apart: times and counts of bytes differ each time. */
function saysTheSame(a: CheckResult, b: CheckResult): boolean {
  const words = ({ output }: CheckResult) => output.replace(/\d+/g, "0").trim();
  return words(a) === words(b);
}

/** A failure with its place and its message below; `how` stands behind the place. */
export function failureText({ name, location, message }: Failure, how: string): string {
  const where = location ? ` (${location})` : "";
  const why = message ? `\n${indent(clip(message.trim(), MOST_MESSAGE), 4)}` : "";
  return `${name}${where}${how ? ` ${how}` : ""}${why}`;
}

/** What a check said: its beginning and its end. */
export function outputText({ output }: CheckResult, most = MOST_OUTPUT): string {
  return truncateMiddle(output.trim(), most);
}

const STANDING: Readonly<Record<CheckResult["status"], string>> = {
  passed: "passed",
  failed: "failed",
  empty: "ran no test",
  timeout: "did not end in time",
  unavailable: "could not be run",
};

/** `failed (3 passed, 1 failed)`, `failed (exit code 2)`, `passed`. */
function standing({ status, counts, exitCode }: CheckResult): string {
  if (counts && status !== "empty") return `${STANDING[status]} (${counts.passed} passed, ${counts.failed} failed)`;
  return status === "failed" ? `failed (exit code ${exitCode})` : STANDING[status];
}
