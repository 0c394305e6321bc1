import { clip } from "../base/text.ts";
import type { CheckResult } from "../contracts/evidence.ts";

/** More failures of one check than this are counted, not listed. */
const MOST_FAILURES = 20;

/**
 * The evidence in words, for models: named failures where the output named them, else its end; beside it how the same
 * check stood before the task.
 */
export function evidenceText(checks: readonly CheckResult[], baseline: readonly CheckResult[]): string {
  if (checks.length === 0) return "No command could measure this.";
  const known = new Set(baseline.flatMap((result) => result.failures.map((failure) => failure.name)));
  return checks.map((result) => checkText(result, baseline, known)).join("\n");
}

function checkText(result: CheckResult, baseline: readonly CheckResult[], known: ReadonlySet<string>): string {
  const before = baseline.find(({ check }) => check.id === result.check.id);
  const head = `- \`${result.check.command}\`: ${standing(result)}${before ? `; before the task: ${standing(before)}` : ""}`;
  if (result.status === "passed") return head;
  const named = result.failures.slice(0, MOST_FAILURES).map((failure) => {
    const where = failure.location ? ` (${failure.location})` : "";
    const since = known.has(failure.name) ? " [failed before the task too]" : "";
    const why = failure.message ? `\n${indent(clip(failure.message.trim(), 600), 4)}` : "";
    return `  ${failure.name}${where}${since}${why}`;
  });
  const rest = result.failures.length - named.length;
  if (rest > 0) named.push(`  and ${rest} more`);
  if (named.length > 0) return [head, ...named].join("\n");
  const output = clip(result.output.trim(), 3000);
  return output ? `${head}\n${indent(output, 2)}` : `${head}, no output`;
}

/** `failed (3 passed, 1 failed)`, `failed (exit code 2)`, `passed`. */
function standing({ status, counts, exitCode }: CheckResult): string {
  if (counts) return `${status} (${counts.passed} passed, ${counts.failed} failed)`;
  return status === "failed" ? `failed (exit code ${exitCode})` : status;
}

function indent(text: string, spaces: number): string {
  return text.replace(/^/gm, " ".repeat(spaces));
}
