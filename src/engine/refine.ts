import { clip, fill } from "../base/text.ts";
import type { Evaluation, Finding, Severity } from "../contracts/task.ts";
import type { FileChange } from "../contracts/workspace.ts";
import type { Context } from "./context.ts";
import type { Proof } from "./evaluate.ts";
import { evidenceText } from "./judge.ts";
import { contextText, planText } from "./plan.ts";

const ORDER: Record<Severity, number> = { blocker: 0, important: 1, suggestion: 2 };
/** More changed files than this are counted, not listed. */
const MOST_FILES = 30;

/**
 * What the next iteration starts from: the task, the plan and only what is unresolved. The history stays behind, which
 * is what makes an iteration cheap (delta feedback).
 */
export function refineText(
  context: Context,
  proof: Proof,
  evaluation: Evaluation,
  changes: readonly FileChange[],
): string {
  // What only fails as it did before is not the task's to mend; what a finding names is not told twice.
  const named = new Set(evaluation.regressions.map(({ check }) => check.id));
  const unproven = new Set(evaluation.unproven.map(({ command }) => command));
  const failed = evaluation.checks.filter(({ check, status }) => {
    return status === "timeout" || (status === "failed" && !named.has(check.id) && unproven.has(check.command));
  });
  const findings = [...evaluation.findings].sort((a, b) => ORDER[a.severity] - ORDER[b.severity]).map(findingText);
  const evidence = failed.length > 0 ? [`What ran and failed:\n${evidenceText(failed, proof.baseline)}`] : [];
  return fill(context.kit.prompts.refine, {
    task: context.task.description,
    context: contextText(context),
    plan: planText(proof.planned),
    changes: changesText(changes),
    score: (evaluation.score ?? 0).toFixed(2),
    threshold: context.kit.limits.qualityThreshold.toFixed(2),
    findings:
      [...findings, ...evidence].join("\n\n") || "The judge found no single defect but scored it below the mark.",
  });
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
