import { messageOf, ProviderError } from "../base/errors.ts";
import { clip, formatScore } from "../base/text.ts";
import type { EventBody } from "../contracts/event.ts";
import type { LearningType, Lesson } from "../contracts/memory.ts";
import type { Evaluation, OutcomeStatus } from "../contracts/task.ts";
import { callModel } from "./call.ts";
import type { Context } from "./context.ts";
import { isTelling, lessonsOf } from "./lessons.ts";
import type { Progress } from "./progress.ts";
import { MEASURED } from "./state.ts";
import { Stop } from "./stop.ts";

/** When the small model is asked what a task taught (PRODUCT.md section 3). */
const LEAST_CYCLES = 2;
const LEAST_FINDINGS = 3;
/** About 500 tokens in all; a model that thinks first needs more room for its answer. */
const MOST_READ = 1600;
const LEARN_TOKENS = 1000;
/** Nobody waits longer than this for what a task taught, ms. */
const LEARN_MS = 30_000;
const MOST_LESSONS = 3;
/** How sure a lesson is that a model put into words. */
const TOLD = 0.7;

/** A sentence that is shorter says nothing, one that is longer is no sentence; characters. */
const SENTENCE = { least: 20, most: 400 } as const;
/** How a line of the model's begins. What the user prefers is for the user to say: PREFER is the model's own word. */
const TYPES: Readonly<Record<string, LearningType>> = { DO: "heuristic", AVOID: "anti_pattern", PREFER: "heuristic" };

/**
 * What the task taught: by rule, and for a task that took several iterations and findings in the words of the small
 * model. A memory that fails costs the task nothing but a warning.
 */
export async function* learn(
  context: Context,
  progress: Progress,
  status: OutcomeStatus,
): AsyncGenerator<EventBody, void> {
  const { kit, task } = context;
  const evaluations = progress.attempts.map(({ evaluation }) => evaluation);
  if (evaluations.length === 0) return;
  const category = progress.planned?.plan.category ?? "general";
  const lessons = lessonsOf(category, evaluations);
  if (MEASURED.has(status)) lessons.push(...(yield* distil(context, progress, category, status)));
  try {
    if (lessons.length === 0) return;
    const source = { task: task.id, workspace: task.workspace };
    const learned = await kit.memory.learn(lessons, source, AbortSignal.timeout(LEARN_MS));
    if (learned.length > 0) yield { type: "learned", learned };
  } catch (error) {
    yield { type: "warning", code: "memory", message: `what this task taught is not kept: ${messageOf(error)}` };
  }
}

/** The lessons in a model's words. That it cannot be asked, paid or understood is no loss worth a word. */
async function* distil(
  context: Context,
  progress: Progress,
  category: string,
  status: OutcomeStatus,
): AsyncGenerator<EventBody, Lesson[]> {
  const { kit } = context;
  const evaluations = progress.attempts.map(({ evaluation }) => evaluation);
  const findings = new Set(evaluations.flatMap((evaluation) => evaluation.findings.map(({ id }) => id)));
  if (evaluations.length < LEAST_CYCLES || findings.size < LEAST_FINDINGS) return [];
  yield { type: "phase", phase: "learn" };
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(LEARN_MS)]);
  const request = {
    system: kit.prompts.learn,
    messages: [
      { role: "user" as const, blocks: [{ type: "text" as const, text: storyOf(context, progress, status) }] },
    ],
    tools: [],
    maxTokens: LEARN_TOKENS,
  };
  try {
    const reply = yield* callModel({ ...context, signal }, "small", kit.models.small, request, false);
    return sentences(reply.text).map((lesson) => ({ ...lesson, category, confidence: TOLD }));
  } catch (error) {
    if (signal.aborted || error instanceof Stop || error instanceof ProviderError) return [];
    throw error;
  }
}

/** One lesson a line. Where no line begins with its word, the model forgot that, and has said what to do. */
function sentences(text: string): Pick<Lesson, "type" | "content">[] {
  const lines = text.split("\n").map((line) => {
    const [, word, content = ""] = /^\W*(?:(DO|AVOID|PREFER)\W+)?(.*)$/.exec(line.trim()) ?? [];
    return { word, content };
  });
  const isMarked = lines.some(({ word }) => word !== undefined);
  const told = lines.flatMap(({ word = "DO", content }, at) => {
    // What introduces a list is no lesson.
    if ((isMarked && lines[at]!.word === undefined) || content.endsWith(":")) return [];
    const fits = content.length >= SENTENCE.least && content.length <= SENTENCE.most;
    return fits ? [{ type: TYPES[word]!, content }] : [];
  });
  return told.slice(0, MOST_LESSONS);
}

/** How the task ended, for those endings that were measured. */
const ENDED: Readonly<Partial<Record<OutcomeStatus, string>>> = {
  accepted: "It was accepted.",
  below: "It was not accepted: it stayed below the mark.",
  regressed: "It was not accepted: the last iteration made it worse and was taken back.",
};

/** The task as it was measured, in few words; what is left out where there is too much is the end. */
function storyOf({ task, kit }: Context, { attempts, best, last, text }: Progress, status: OutcomeStatus): string {
  const told = new Set<string>();
  const rounds = attempts.map(({ evaluation }) => roundText(evaluation, told));
  const mark = formatScore(kit.limits.qualityThreshold);
  const story = [
    `# Task\n${clip(task.description, 400)}`,
    `# How it ended\n${ENDED[status] ?? status} ${mark} was needed.`,
    ...rounds,
    `# The agent's closing words\n${clip((best ?? last)?.text ?? text, 300)}`,
  ];
  return clip(story.join("\n\n"), MOST_READ);
}

/** What an iteration left open and what it mended; what was told before is named. */
function roundText({ iteration, score, findings, resolved }: Evaluation, told: Set<string>): string {
  const open = findings
    .filter(isTelling)
    .slice(0, 5)
    .map(({ id, severity, title, description, location, fix }) => {
      if (told.has(id)) return `- still open: ${clip(title, 120)}`;
      told.add(id);
      const why = clip(description.replace(/\s+/g, " ").trim(), 160);
      const where = location ? ` (${clip(location, 80)})` : "";
      return `- [${severity}] ${clip(title, 120)}${where}: ${why}${fix ? ` Fix: ${clip(fix, 120)}` : ""}`;
    });
  const mended = resolved.filter(isTelling).slice(0, 5);
  const head = `# Iteration ${iteration}: ${score === null ? "not measured" : formatScore(score)}`;
  return [head, ...mended.map(({ title }) => `- mended: ${clip(title, 120)}`), ...open].join("\n");
}
