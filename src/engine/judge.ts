import { ProviderError } from "../base/errors.ts";
import { s } from "../base/schema.ts";
import { clip, fill, truncateMiddle } from "../base/text.ts";
import type { EventBody } from "../contracts/event.ts";
import type { CheckResult, TestTouch } from "../contracts/evidence.ts";
import type { Message } from "../contracts/message.ts";
import type { Rubric } from "../contracts/skill.ts";
import type { DimensionScore, Finding, Judgement } from "../contracts/task.ts";
import type { Diff } from "../contracts/workspace.ts";
import { callModel, spoken } from "./call.ts";
import type { Context } from "./context.ts";
import { readJson } from "./json.ts";
import { charactersIn } from "./measure.ts";
import { type Planned, planText, taskText } from "./plan.ts";
import { Stop } from "./stop.ts";

/** Output tokens of the judge (PRODUCT.md section 3). */
const JUDGE_TOKENS = 2000;
const JUDGE_TEMPERATURE = 0.1;
/** More failures of one check than this are counted, not listed. */
const MOST_FAILURES = 20;
/** What the diff may take of the judge's window. */
const DIFF_SHARE = 0.4;
/** How the ids of findings begin that are made of evidence. */
export const EVIDENCE_ID = "evidence:";
/** A blocker caps its dimension at this score. */
const BLOCKER_CAP = 0.3;

const findingSchema = s.object({
  id: s.optional(s.string()),
  severity: s.choice(["blocker", "important", "suggestion"]),
  dimension: s.withDefault(s.string(), ""),
  title: s.string(),
  description: s.withDefault(s.string(), ""),
  location: s.optional(s.string()),
  fix: s.optional(s.string()),
});

const verdictSchema = s.object({
  scores: s.record(s.number(undefined, { min: 0, max: 1 })),
  findings: s.withDefault(s.array(findingSchema), []),
});

export interface Case {
  planned: Planned;
  rubric: Rubric;
  diff: Diff;
  checks: readonly CheckResult[];
  /** How the checks stood before the task. */
  baseline: readonly CheckResult[];
  /** Tests that the change itself touches. */
  touched: readonly TestTouch[];
  /** The judge's open findings of the last round. */
  open: readonly Finding[];
  /** The executor's closing words: shown as a claim. */
  claim: string;
}

/**
 * Asks the judge. One repair; after that, or when the judge cannot be reached or paid, the judgement is `failed`: not a
 * pass, not a middle value, but not measured. The evidence of the iteration still counts then, and a budget that is used
 * up ends the task where it is decided. Interruption and the time limit are thrown on.
 */
export async function* judge(context: Context, matter: Case): AsyncGenerator<EventBody, Judgement> {
  try {
    return yield* ask(context, matter);
  } catch (error) {
    const unpaid = error instanceof Stop && error.decision === "abort_budget";
    if (context.signal.aborted || !(unpaid || error instanceof ProviderError)) throw error;
    return { state: "failed", reason: `the judge could not be asked: ${error.message}` };
  }
}

async function* ask(context: Context, matter: Case): AsyncGenerator<EventBody, Judgement> {
  const { kit } = context;
  const { rubric } = matter;
  const system = fill(kit.prompts.judge, {
    rubric: rubric.name,
    body: rubric.body.trim(),
    dimensions: rubric.dimensions.map((d) => `${d.name} (weight ${round(d.weight)})`).join(", "),
  });
  const messages: Message[] = [{ role: "user", blocks: [{ type: "text", text: caseText(context, matter) }] }];
  const base = { system, messages, tools: [], maxTokens: JUDGE_TOKENS, temperature: JUDGE_TEMPERATURE };
  const request = { ...base, schema: { name: "verdict", schema: verdictSchema.json } };
  let problem = "";
  for (const role of ["evaluator", "repair"] as const) {
    const reply = yield* callModel(context, role, kit.models.evaluator, request, false);
    const read = readJson(verdictSchema, reply.text);
    problem = read.ok ? missingScores(rubric, read.value.scores) : read.problem;
    if (read.ok && problem === "") return score(rubric, read.value.scores, read.value.findings.map(named));
    if (reply.text) messages.push(spoken(reply.message));
    messages.push({ role: "user", blocks: [{ type: "text", text: fill(kit.prompts.repair, { problem }) }] });
  }
  return { state: "failed", reason: `the judge gave no valid verdict (${problem})` };
}

function missingScores(rubric: Rubric, scores: Record<string, number>): string {
  const missing = rubric.dimensions.filter((dimension) => scores[dimension.name] === undefined);
  return missing.length > 0 ? `scores for ${missing.map((d) => d.name).join(", ")} are missing` : "";
}

function named(finding: Omit<Finding, "id" | "location" | "fix"> & Partial<Finding>): Finding {
  // The ids of findings that are made of evidence are not the judge's to give.
  const own = finding.id && !finding.id.startsWith(EVIDENCE_ID);
  return { ...finding, id: own ? finding.id! : slug(finding.title) };
}

function slug(title: string): string {
  return (
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 48) || "finding"
  );
}

/** The weighted mean of the rubric's dimensions, each capped by its blockers. Pure. */
export function score(rubric: Rubric, scores: Record<string, number>, findings: Finding[]): Judgement {
  const blocked = new Set(findings.filter((f) => f.severity === "blocker").map((f) => f.dimension));
  const dimensions: DimensionScore[] = rubric.dimensions.map(({ name, weight }) => {
    const given = scores[name] ?? 0;
    return { name, weight, score: blocked.has(name) ? Math.min(given, BLOCKER_CAP) : given };
  });
  const total = dimensions.reduce((sum, dimension) => sum + dimension.weight * dimension.score, 0);
  const weights = dimensions.reduce((sum, dimension) => sum + dimension.weight, 0);
  // Weights that add up to 1 only nearly must not lift a score over it.
  return { state: "scored", dimensions, score: Math.min(1, total / (weights || 1)), findings, rubric: rubric.name };
}

function caseText(context: Context, matter: Case): string {
  const { kit } = context;
  const sections = [
    `# Task\n${taskText(context)}`,
    planText(matter.planned).trim(),
    `# Diff, from before the task until now\n${diffText(matter.diff, kit.models.evaluator.info.context * DIFF_SHARE)}`,
    `# Evidence\n${evidenceText(matter.checks, matter.baseline)}`,
    matter.touched.length > 0 &&
      `# Tests that the change itself touches\n${matter.touched.map(({ path, detail }) => `- ${path}: ${detail}`).join("\n")}`,
    matter.open.length > 0 && `# Open findings of the last round\n${matter.open.map(openText).join("\n")}`,
    `# The author's closing words (a claim, not evidence)\n${clip(matter.claim, 2000)}`,
  ];
  return sections.filter(Boolean).join("\n\n");
}

function openText({ id, severity, title, location, fix }: Finding): string {
  return `- ${id} (${severity}${location ? `, ${location}` : ""}): ${title}${fix ? `. Fix: ${fix}` : ""}`;
}

/** At most about `most` tokens of it. */
function diffText({ changes, text, truncated }: Diff, most: number): string {
  if (changes.length === 0) return "Nothing in the workspace was changed.";
  const shown = truncateMiddle(text, charactersIn(text, most));
  return truncated ? `${shown}\n(the diff was cut here)` : shown;
}

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

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
