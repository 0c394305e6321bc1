import { clip, fill } from "../base/text.ts";
import type { CheckResult } from "../contracts/evidence.ts";
import type { Evaluation, Finding, Severity } from "../contracts/task.ts";
import type { FileChange } from "../contracts/workspace.ts";
import type { Context } from "./context.ts";
import { evidenceText } from "./evidence-text.ts";
import { contextText, planText } from "./plan.ts";
import type { Attempt } from "./progress.ts";
import type { Proof } from "./proof.ts";

const ORDER: Record<Severity, number> = { blocker: 0, important: 1, suggestion: 2 };
/** More changed files than this are counted, not listed. */
const MOST_FILES = 30;

/**
 * What the next iteration starts from: the task, the plan and only what is unresolved. The history stays behind, which
 * is what makes an iteration cheap (delta feedback).
 */
export function refineText(context: Context, proof: Proof, { evaluation, changes, idle, text }: Attempt): string {
  const findings = [...evaluation.findings].sort((a, b) => ORDER[a.severity] - ORDER[b.severity]).map(findingText);
  const failed = untold(evaluation);
  const evidence = failed.length > 0 ? [`What ran and failed:\n${evidenceText(failed, proof.baseline)}`] : [];
  return fill(context.kit.prompts.refine, {
    task: context.task.description,
    context: contextText(context),
    plan: planText(proof.planned),
    changes: changesText(changes) + (idle > 0 ? idleText(text) : ""),
    score: (evaluation.score ?? 0).toFixed(2),
    threshold: context.kit.limits.qualityThreshold.toFixed(2),
    findings:
      [...findings, ...evidence].join("\n\n") || "The judge found no single defect but scored it below the mark.",
  });
}

/**
 * Failures of what must pass that no finding names: those that a declared proof had before the task too. What only
 * fails as it did before is otherwise not the task's to mend.
 */
function untold({ checks, regressions, unproven }: Evaluation): CheckResult[] {
  const declared = new Set(unproven.map(({ command }) => command));
  return checks.flatMap((result) => {
    if (result.status === "timeout") return [result];
    if (result.status !== "failed" || !declared.has(result.check.command)) return [];
    const told = new Set(
      regressions.filter(({ check }) => check.id === result.check.id).map((each) => each.failure.name),
    );
    const failures = result.failures.filter(({ name }) => !told.has(name));
    return told.size > 0 && failures.length === 0 ? [] : [{ ...result, failures }];
  });
}

/** Whoever changed nothing has said why, or has overlooked something; the next one starts without its memory. */
function idleText(closingWords: string): string {
  return `\n\nThe last round changed nothing. It ended with these words:\n<words>\n${clip(closingWords, 1000)}\n</words>`;
}

function findingText(finding: Finding): string {
  const where = finding.location ? ` (${finding.location})` : "";
  const fix = finding.fix ? `\n  Fix: ${finding.fix}` : "";
  return `- [${finding.severity}] ${finding.title}${where}\n  ${clip(finding.description, 800)}${fix}`;
}

function changesText(changes: readonly FileChange[]): string {
  if (changes.length === 0) return "- nothing yet";
  const listed = changes.slice(0, MOST_FILES).map((change) => `- ${change.path} (${change.kind})`);
  const rest = changes.length - listed.length;
  return [...listed, ...(rest > 0 ? [`- and ${rest} more`] : [])].join("\n");
}
