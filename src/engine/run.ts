import { messageOf, ProviderError } from "../base/errors.ts";
import { fill, withoutVoice } from "../base/text.ts";
import type { Event, EventBody } from "../contracts/event.ts";
import type { Input, Kit } from "../contracts/kit.ts";
import type { Outcome, Task } from "../contracts/task.ts";
import type { Checkpoint } from "../contracts/workspace.ts";
import { countBeside } from "./call.ts";
import { type Context, createContext } from "./context.ts";
import type { Conversation } from "./conversation.ts";
import { decide } from "./decide.ts";
import { conclude, concluded, type Ending, hasChanged, STOPPED, shape, statusOf } from "./ending.ts";
import { evaluate, JUDGE_DIFF_BYTES } from "./evaluate.ts";
import { beforeText } from "./evidence-text.ts";
import { type BeforeEffect, type Execution, execute } from "./execute.ts";
import { foldHistory } from "./history.ts";
import { learn } from "./learn.ts";
import { measure } from "./measure.ts";
import { readPiped } from "./piped.ts";
import { noteText, planText, taskText } from "./plan.ts";
import { findNewChecks, measurable, measureRefused, type Prepared, prepare } from "./prepare.ts";
import { type Attempt, hold, note, type Progress, record, secure, settle, settleBroken } from "./progress.ts";
import { declaredIds, measuresText, type Proof } from "./proof.ts";
import { memoryText, recallFor } from "./recall.ts";
import { refineText } from "./refine.ts";
import { graveFindings, isMendable } from "./score.ts";
import { UNFINISHED } from "./state.ts";
import { Stop } from "./stop.ts";

/** Why checks have no baseline where a question turned out to be work. */
const CHANGED_ALREADY = "files were changed before, so old failures cannot be told from new ones";

/**
 * The cycle: plan, then { execute, evaluate, decide, refine } until the result is good or going on makes no sense.
 *
 * Yields everything that happens and returns the outcome. Throws what cannot be an outcome: the signal's reason when
 * the user interrupts, a `ProviderError` or a bug; the workspace is then back at the best measured iteration, if there
 * was one. `input` is what a person says meanwhile; `history` are the durable events of earlier runs of this task, which
 * then goes on from where they end.
 */
export async function* run(
  task: Task,
  history: readonly Event[],
  input: Input,
  kit: Kit,
  signal: AbortSignal,
): AsyncGenerator<EventBody, Outcome> {
  yield {
    ...(history.length === 0
      ? { type: "task_started" }
      : { type: "resumed", ...(kit.lastAlive === undefined ? {} : { lastAlive: kit.lastAlive }) }),
    request: task,
    models: {
      executor: kit.models.executor.info.ref,
      evaluator: kit.models.evaluator.info.ref,
      planner: kit.models.planner.info.ref,
      small: kit.models.small.info.ref,
    },
    limits: kit.limits,
    permission: kit.permission,
    version: kit.version,
  };
  for (const { code, message } of kit.notices) yield { type: "warning", code, message };
  const past = foldHistory(history, kit.lastAlive);
  const { progress } = past;
  const context = createContext(task, past, input, kit, signal);
  let ending: Ending;
  let failure: { error: unknown } | undefined;
  try {
    try {
      // An earlier run has recorded the workspace: it is held again, also where only files are left to be put back.
      if (progress.before) await hold(context, context.signal);
      yield* lookRound(context, past.recalled === undefined);
      ending = kit.limits.iterations === 0 ? yield* onePass(context, progress) : yield* cycle(context, progress);
      if (task.schema && !UNFINISHED.has(ending.status)) ending = yield* shape(context, progress, ending);
    } catch (thrown) {
      // The time limit surfaces as whatever wait it cut short.
      const error = context.work.signal.aborted && !signal.aborted ? context.work.signal.reason : thrown;
      if (error instanceof Stop) {
        ending = { status: STOPPED[error.decision], decision: error.decision, reason: error.message };
        yield { type: "decided", decision: error.decision, reason: error.message };
      } else {
        ending = { status: signal.aborted ? "cancelled" : "failed", decision: null, reason: messageOf(error) };
        failure = { error };
      }
      yield* settleBroken(context, progress, ending.reason, ending.status !== "cancelled");
      // A value for the schema would have to be asked for, and of a bug nothing is kept.
      const bug = failure && !(error instanceof ProviderError);
      if (!task.schema && !bug) ending = concluded(progress, ending);
      if (ending.status === "accepted") failure = undefined;
    }
    if (!failure) yield* learn(context, progress, ending.status);
    yield* countBeside(context);
    const outcome = yield* conclude(context, progress, ending);
    yield { type: "task_finished", outcome };
    if (failure) throw failure.error;
    return outcome;
  } finally {
    context.work.close();
  }
}

/** What is known before the first call: the place, the soul, the skills, and what earlier tasks taught. */
async function* lookRound(context: Context, anew: boolean): AsyncGenerator<EventBody, void> {
  const { kit, signal, task } = context;
  const [surroundings, soul, skills] = await Promise.all([
    kit.surroundings(signal),
    kit.soul(signal),
    kit.skillIndex(task.description, signal),
  ]);
  const piped = yield* readPiped(context, anew);
  Object.assign(context, { piped, surroundings, soul: soul && `${soul}\n\n`, skills: skills && `\n\n${skills}` });
  if (anew) yield* recallFor(context);
}

/** `-i 0`: no plan, no evaluation. */
async function* onePass(context: Context, progress: Progress): AsyncGenerator<EventBody, Ending> {
  yield { type: "phase", phase: "execute" };
  const recorded: BeforeEffect = () => secure(context, progress);
  const done = yield* execute(context, systemPrompt(context), taskText(context), recorded, takeUp(progress));
  progress.text = done.text;
  if (done.effects) progress.latest = yield* record(context, "after");
  const cut = done.cut === undefined ? "" : `; ${done.cut}`;
  return { status: "completed", decision: null, reason: `one pass, not measured, as asked (-i 0)${cut}` };
}

async function* cycle(context: Context, progress: Progress): AsyncGenerator<EventBody, Ending> {
  const { planned, proof } = progress;
  if (planned && proof && progress.iterations > 0) {
    const known = { ...proof, planned, asked: context.task.description };
    return yield* iterate(context, progress, yield* askAgain(context, progress, known), undefined);
  }
  const prepared = yield* prepare(context, progress);
  progress.planned = prepared.planned;
  if (prepared.planned.plan.kind === "question") return yield* answer(context, progress, prepared);
  yield* secure(context, progress);
  return yield* iterate(context, progress, yield* measurable(context, prepared), undefined);
}

/**
 * What an earlier run was not allowed to measure with may be allowed now. Not where an iteration was measured without
 * it: the next one would be compared with that.
 */
async function* askAgain(context: Context, progress: Progress, proof: Proof): AsyncGenerator<EventBody, Proof> {
  if (progress.attempts.length > 0 || proof.refused.every(({ check }) => check.refused !== undefined)) return proof;
  const isLate = progress.conversation?.effects ?? false;
  yield* secure(context, progress);
  return yield* measureRefused(context, proof, isLate ? CHANGED_ALREADY : undefined);
}

/** A question: one pass. Where files were changed after all, that is work, and work is measured. */
async function* answer(context: Context, progress: Progress, prepared: Prepared): AsyncGenerator<EventBody, Ending> {
  yield { type: "phase", phase: "execute" };
  const { planned } = prepared;
  let proof: Proof | undefined = progress.proof && { ...progress.proof, planned, asked: context.task.description };
  const done = yield* execute(
    context,
    systemPrompt(context),
    taskText(context),
    async function* (effect) {
      yield* secure(context, progress);
      // A command mostly looks, and then no check has to run; what is meant to write is measured from here on.
      if (effect === "write") proof ??= yield* measurable(context, prepared);
    },
    takeUp(progress),
  );
  progress.text = done.text;
  if (done.effects) progress.latest = yield* record(context, "after");
  if (!done.effects || !(yield* hasChanged(context, progress))) {
    // Half an answer is returned, but nobody can say what it is worth.
    if (done.cut !== undefined) return { status: "unmeasured", decision: null, reason: done.cut };
    return { status: "answered", decision: null, reason: "a question, answered in one pass" };
  }
  return yield* iterate(context, progress, proof ?? (yield* measurable(context, prepared, CHANGED_ALREADY)), done);
}

/** Execute, evaluate, decide, refine. `first` is an execution that has happened already. */
async function* iterate(
  context: Context,
  progress: Progress,
  proof: Proof,
  first: Execution | undefined,
): AsyncGenerator<EventBody, Ending> {
  const { kit } = context;
  const before = yield* secure(context, progress);
  for (let number = Math.max(1, progress.iterations); ; number++) {
    progress.iterations = number;
    // A run that is resumed may have come as far as the decision.
    if (progress.last?.evaluation.iteration !== number) {
      const done = number === 1 ? first : undefined;
      note(progress, yield* attempt(context, progress, proof, before, done));
    }
    const { last, previous } = progress;
    if (!last) throw new Error("an iteration ended without a measurement");
    const { decision, reason } = decide({
      spent: context.budget.exhausted,
      late: context.work.remainingMs === 0 ? context.work.usedUp : undefined,
      evaluation: last.evaluation,
      previous: previous?.evaluation.score ?? null,
      mendable: isMendable(last.evaluation),
      idle: last.idle,
      ...openness(last, previous),
      scarce: context.budget.scarce,
      failing: last.evaluation.checks.filter(({ status }) => status === "failed").map(({ check }) => check.command),
      iteration: number,
      maxIterations: kit.limits.iterations,
      threshold: kit.limits.qualityThreshold,
      improvementThreshold: kit.config.iteration.improvement_threshold,
      regressionThreshold: kit.config.safety.regression_threshold,
      abortOnRegression: kit.config.safety.abort_on_regression,
    });
    yield { type: "decided", decision, reason };
    if (decision !== "continue") {
      yield* settle(context, progress, reason);
      return concluded(progress, { status: statusOf(decision), decision, reason });
    }
    context.saved.deltaFeedback += last.tokens;
  }
}

/** What the judge left open that is more than a wish. */
function openness(last: Attempt, previous: Attempt | undefined): { important: boolean; news: boolean } {
  const grave = graveFindings(last.evaluation);
  const told = new Set(graveFindings(previous?.evaluation).map(({ id }) => id));
  return {
    important: grave.some(({ severity }) => severity === "important"),
    news: grave.some(({ id }) => !told.has(id)),
  };
}

/** One iteration up to its measurement. `done`: its execution has happened already. */
async function* attempt(
  context: Context,
  progress: Progress,
  proof: Proof,
  before: Checkpoint,
  done: Execution | undefined,
): AsyncGenerator<EventBody, Omit<Attempt, "idle">> {
  const { iterations: number, last } = progress;
  yield { type: "iteration_started", iteration: number };
  yield { type: "phase", phase: number === 1 ? "execute" : "refine" };
  const prompt = last ? refineText(context, proof, last) : firstText(context, proof);
  const recorded: BeforeEffect = () => secure(context, progress);
  const { text, messages } =
    done ?? (yield* execute(context, systemPrompt(context), prompt, recorded, takeUp(progress)));
  progress.text = text;

  const checkpoint = yield* record(context, "after");
  progress.latest = checkpoint;
  const diff = await context.kit.checkpoints.diff(before, checkpoint, JUDGE_DIFF_BYTES);
  yield { type: "changed", diff };

  yield { type: "phase", phase: "evaluate" };
  if (diff.changes.length > 0) yield* findNewChecks(context, proof);
  const { attempts } = progress;
  const evaluation = yield* evaluate(context, proof, { number, before, checkpoint, diff, claim: text, attempts });
  yield { type: "evaluated", evaluation };
  const tokens = measure({ system: "", messages, tools: [] });
  return { text, evaluation, checkpoint, changes: diff.changes, tokens, heard: context.said.length };
}

/** The conversation that an earlier run left; it can be gone on with once. */
function takeUp(progress: Progress): Conversation | undefined {
  const { conversation } = progress;
  progress.conversation = undefined;
  return conversation;
}

function systemPrompt(context: Context): string {
  const { kit, surroundings, soul, skills, recalled } = context;
  const foreign = { soul, surroundings, skills, memory: memoryText(recalled) };
  const slots = Object.entries(foreign).map(([name, text]) => [name, withoutVoice(text)] as const);
  return fill(kit.prompts.system, Object.fromEntries(slots));
}

/** The task, and what this program says to it. */
function firstText(context: Context, proof: Proof): string {
  const declared = declaredIds(proof);
  // That a proof fails which names no failure is what the task is for.
  const failing = proof.baseline.filter(({ status, check, failures }) => {
    return status === "failed" && (failures.length > 0 || !declared.has(check.id));
  });
  const note = fill(context.kit.prompts.work, {
    plan: planText(proof.planned),
    checks: measuresText(proof),
    before: failing.length > 0 ? `\n\nFailing before the work:\n${beforeText(failing)}` : "",
  });
  return `${taskText(context)}\n\n${noteText(note.trim())}`;
}
