import { clip, enclose, fill, formatScore } from "../base/text.ts";
import type { FileChange } from "../contracts/workspace.ts";
import type { Context } from "./context.ts";
import { openText } from "./open-text.ts";
import { noteText, planText, taskText } from "./plan.ts";
import type { Attempt } from "./progress.ts";
import { measuresText, type Proof } from "./proof.ts";

/** More changed files than this are counted, not listed. */
const MOST_FILES = 30;

/**
 * What the next iteration starts from: the task, the plan and only what is unresolved. The history stays behind, which
 * is what makes an iteration cheap (delta feedback).
 */
export function refineText(context: Context, proof: Proof, { evaluation, changes, idle, text }: Attempt): string {
  const note = fill(context.kit.prompts.refine, {
    changes: changesText(changes) + (idle > 0 ? idleText(text) : ""),
    plan: planText(proof.planned),
    score: formatScore(evaluation.score ?? 0),
    threshold: formatScore(context.kit.limits.qualityThreshold),
    findings: openText(evaluation, proof.baseline) || "The judge found no single defect but scored it below the mark.",
    checks: measuresText(proof),
  });
  return `${taskText(context)}\n\n${noteText(note.trim())}`;
}

/** Whoever changed nothing has said why, or has overlooked something; the next one starts without its memory. */
function idleText(closingWords: string): string {
  return `\n\nThe last round changed nothing. It ended with these words:\n${enclose("words", clip(closingWords, 1000))}`;
}

function changesText(changes: readonly FileChange[]): string {
  if (changes.length === 0) return "- nothing yet";
  const listed = changes.slice(0, MOST_FILES).map((change) => `- ${change.path} (${change.kind})`);
  const rest = changes.length - listed.length;
  return [...listed, ...(rest > 0 ? [`- and ${rest} more`] : [])].join("\n");
}
