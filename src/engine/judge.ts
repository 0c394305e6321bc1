import { ProviderError } from "../base/errors.ts";
import { clip, fill, truncateMiddle } from "../base/text.ts";
import type { EventBody } from "../contracts/event.ts";
import type { CheckResult, TestTouch } from "../contracts/evidence.ts";
import type { Message } from "../contracts/message.ts";
import type { ModelRequest } from "../contracts/provider.ts";
import type { Dimension, Rubric } from "../contracts/skill.ts";
import type { Finding, Judgement } from "../contracts/task.ts";
import type { Diff } from "../contracts/workspace.ts";
import { callModel, spoken } from "./call.ts";
import type { Context } from "./context.ts";
import { evidenceText } from "./evidence-text.ts";
import { readJson } from "./json.ts";
import { charactersIn, measure } from "./measure.ts";
import type { Narrowing } from "./narrow.ts";
import { type Planned, stepsText, taskText } from "./plan.ts";
import { Stop } from "./stop.ts";
import { identify, inWordsOf, missingScores, score, verdictSchema } from "./verdict.ts";

/** Output tokens of the judge (PRODUCT.md section 3). */
const JUDGE_TOKENS = 2000;
const JUDGE_TEMPERATURE = 0.1;
/** What the diff may take of the judge's window, and what was changed since the last judgement. */
const DIFF_SHARE = 0.4;
const SINCE_SHARE = 0.2;

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
  /** Where not all is judged again: what is, and what was changed since the last judgement. */
  narrowed?: Narrowing & { since: string };
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

/** Input tokens that a judgement takes, estimated. */
export function judgingTokens(context: Context, matter: Case): number {
  return measure(requestFor(context, matter));
}

async function* ask(context: Context, matter: Case): AsyncGenerator<EventBody, Judgement> {
  const { kit } = context;
  const { rubric, open, narrowed } = matter;
  const request = requestFor(context, matter);
  const { messages } = request;
  let problem = "";
  for (const role of ["evaluator", "repair"] as const) {
    const reply = yield* callModel(context, role, kit.models.evaluator, request, false);
    const read = readJson(verdictSchema, reply.text);
    const { scores, findings } = inWordsOf(rubric, read.ok ? read.value : { scores: {}, findings: [] });
    problem = read.ok ? missingScores(asked(matter), scores) : read.problem;
    if (read.ok && problem === "") {
      return score(rubric, scores, identify(findings, open), narrowed?.carried);
    }
    if (reply.text) messages.push(spoken(reply.message));
    messages.push({ role: "user", blocks: [{ type: "text", text: fill(kit.prompts.repair, { problem }) }] });
  }
  return { state: "failed", reason: `the judge gave no valid verdict (${problem})` };
}

function asked({ rubric, narrowed }: Case): readonly Dimension[] {
  return narrowed?.asked ?? rubric.dimensions;
}

function requestFor(context: Context, matter: Case): ModelRequest & { messages: Message[] } {
  const { rubric } = matter;
  const system = fill(context.kit.prompts.judge, {
    rubric: rubric.name,
    body: rubric.body.trim(),
    dimensions: asked(matter)
      .map((d) => `${d.name} (weight ${round(d.weight)})`)
      .join(", "),
  });
  const messages: Message[] = [{ role: "user", blocks: [{ type: "text", text: caseText(context, matter) }] }];
  const schema = { name: "verdict", schema: verdictSchema.json };
  return { system, messages, tools: [], maxTokens: JUDGE_TOKENS, temperature: JUDGE_TEMPERATURE, schema };
}

function caseText(context: Context, matter: Case): string {
  const { kit } = context;
  const { narrowed } = matter;
  const window = kit.models.evaluator.info.context;
  const sections = [
    `# Task\n${taskText(context)}`,
    planText(matter),
    `# Diff, from before the task until now\n${diffText(matter.diff, window * DIFF_SHARE)}`,
    narrowed && `# Of that, changed since the last judgement\n${fitting(narrowed.since, window * SINCE_SHARE)}`,
    `# Evidence\n${evidenceText(matter.checks, matter.baseline)}`,
    matter.touched.length > 0 &&
      `# Tests that the change itself touches\n${matter.touched.map(({ detail }) => `- ${detail}`).join("\n")}`,
    matter.open.length > 0 && `# Open findings of the last round\n${matter.open.map(openText).join("\n")}`,
    `# The author's closing words (a claim, not evidence)\n${clip(matter.claim, 2000)}`,
    narrowed && narrowText(narrowed),
  ];
  return sections.filter(Boolean).join("\n\n");
}

/** The plan is this program's, not the user's: no demand of the task. */
function planText({ planned }: Case): string {
  const commands = planned.proofs.map(({ command }) => `\`${command}\``).join(", ");
  const parts = [stepsText(planned), commands && `Its checks, each must exit 0: ${commands}`].filter(Boolean);
  return parts.length > 0 ? `# Plan, made by OpenKoi before anybody had read the project\n${parts.join("\n")}` : "";
}

function narrowText({ asked, carried }: Narrowing): string {
  const names = (each: readonly { name: string }[]) => each.map(({ name }) => name).join(", ");
  const [stand, them] = carried.length === 1 ? ["stands", "it"] : ["stand", "them"];
  return `# What to judge now\nOnly ${names(asked)}. ${names(carried)} ${stand} as judged before: nothing that could alter ${them} was changed since.`;
}

function openText({ id, severity, title, location, fix }: Finding): string {
  return `- ${id} (${severity}${location ? `, ${location}` : ""}): ${title}${fix ? `. Fix: ${fix}` : ""}`;
}

/** At most about `most` tokens of it. */
function diffText({ changes, text, truncated, foreign = [] }: Diff, most: number): string {
  if (changes.length === 0) return "Nothing in the workspace was changed.";
  const both = changes.flatMap(({ path }) => (foreign.includes(path) ? [path] : []));
  const whose = `(somebody else changed ${both.join(", ")} meanwhile, too: not every line of it has to be the task's)\n`;
  const shown = (both.length > 0 ? whose : "") + fitting(text, most);
  return truncated ? `${shown}\n(the diff was cut here)` : shown;
}

function fitting(text: string, most: number): string {
  return truncateMiddle(text, charactersIn(text, most));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
