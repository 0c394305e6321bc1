import { messageOf, ProviderError } from "../base/errors.ts";
import { clip } from "../base/text.ts";
import type { EventBody } from "../contracts/event.ts";
import type { LearningType, Lesson } from "../contracts/memory.ts";
import type { Evaluation, OutcomeStatus } from "../contracts/task.ts";
import { callModel } from "./call.ts";
import type { Context } from "./context.ts";
import { lessonsOf } from "./lessons.ts";
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
/** How a line of the model's begins. */
const TYPES: Readonly<Record<string, LearningType>> = { DO: "heuristic", AVOID: "anti_pattern", PREFER: "preference" };

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
  if (MEASURED.has(status)) lessons.push(...(yield* distil(context, progress, category)));
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
async function* distil(context: Context, progress: Progress, category: string): AsyncGenerator<EventBody, Lesson[]> {
  const { kit } = context;
  const evaluations = progress.attempts.map(({ evaluation }) => evaluation);
  const findings = new Set(evaluations.flatMap((evaluation) => evaluation.findings.map(({ id }) => id)));
  if (evaluations.length < LEAST_CYCLES || findings.size < LEAST_FINDINGS) return [];
  yield { type: "phase", phase: "learn" };
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(LEARN_MS)]);
  const request = {
    system: kit.prompts.learn,
    messages: [{ role: "user" as const, blocks: [{ type: "text" as const, text: storyOf(context, progress) }] }],
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

/** The task as it was measured, in few words. */
function storyOf({ task }: Context, { attempts, best, last, text }: Progress): string {
  const rounds = attempts.map(({ evaluation }) => roundText(evaluation));
  const closing = (best ?? last)?.text ?? text;
  const story = [
    `# Task\n${clip(task.description, 400)}`,
    ...rounds,
    `# The agent's closing words\n${clip(closing, 300)}`,
  ];
  return clip(story.join("\n\n"), MOST_READ);
}

function roundText({ iteration, score, findings }: Evaluation): string {
  const open = findings.slice(0, 5).map(({ severity, title, description, fix }) => {
    return `- [${severity}] ${clip(title, 120)}: ${clip(description, 160)}${fix ? ` Fix: ${clip(fix, 120)}` : ""}`;
  });
  return [`# Iteration ${iteration}: ${score === null ? "not measured" : score.toFixed(2)}`, ...open].join("\n");
}
