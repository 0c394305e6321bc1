import type { Redactor } from "./base/redact.ts";
import { isObject } from "./base/schema.ts";
import type { CheckResult, Evidence } from "./contracts/evidence.ts";
import type { AssistantBlock } from "./contracts/message.ts";
import type { Model, ModelEvent, ModelRequest } from "./contracts/provider.ts";
import type { Answer, Question } from "./contracts/question.ts";
import type { Checkpoints } from "./contracts/workspace.ts";

/**
 * Every way on which text comes into a task, with its secrets replaced: what a model says, what checks print, what
 * changed in files. (Tools have the same in tools/define.ts.) So model, display, transcript and recording hold one text.
 */

/** A model whose words are free of secrets, also of one that its stream cuts in two. */
export function redactedModel(model: Model, redactor: Redactor): Model {
  return { info: model.info, stream: (request, signal) => stream(model, redactor, request, signal) };
}

async function* stream(
  model: Model,
  redactor: Redactor,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void> {
  /** What is being said now, and what of it is held back because it may be the beginning of a secret. */
  let kind: "text" | "reasoning" = "text";
  let words = redactor.stream();
  const ended = (): ModelEvent[] => {
    const text = words.end();
    words = redactor.stream();
    return text === "" ? [] : [{ type: kind, text }];
  };
  try {
    for await (const event of model.stream(request, signal)) {
      if (event.type === "text" || event.type === "reasoning") {
        if (event.type !== kind) yield* ended();
        kind = event.type;
        const text = words.push(event.text);
        if (text !== "") yield { type: kind, text };
      } else if (event.type === "done") {
        yield* ended();
        const { message } = event;
        yield {
          ...event,
          message: { ...message, blocks: message.blocks.map((block) => redactedBlock(block, redactor)) },
        };
      } else {
        // What was said before a restart is void.
        if (event.type === "restart") words = redactor.stream();
        else yield* ended();
        yield event;
      }
    }
  } catch (error) {
    if (error instanceof Error) error.message = redactor.hide(error.message);
    throw error;
  }
}

function redactedBlock(block: AssistantBlock, redactor: Redactor): AssistantBlock {
  if (block.type !== "reasoning") return hiddenIn(block, redactor);
  const text = redactor.hide(block.text);
  // A provider signs the words it gave; without its part, changed ones are not sent back.
  return text === block.text ? hiddenIn(block, redactor) : { type: "reasoning", text };
}

/**
 * Checks whose output is free of secrets. A plan names a secret by its placeholder: the command that runs has the real
 * one, every event the placeholder.
 */
export function redactedEvidence(evidence: Evidence, redactor: Redactor): Evidence {
  return {
    discover: async (signal) => hiddenIn(await evidence.discover(signal), redactor),
    proofs: (commands) => evidence.proofs(commands),
    testsTouched: (diff) => evidence.testsTouched(diff),
    async run(check, signal, emit): Promise<CheckResult> {
      const live = redactor.stream();
      const say = (text: string) => {
        if (text !== "") emit(text);
      };
      const real = { ...check, command: redactor.reveal(check.command) };
      const result = await evidence.run(real, signal, (chunk) => say(live.push(chunk)));
      say(live.end());
      return { ...hiddenIn(result, redactor), check };
    },
  };
}

/** Checkpoints whose diffs and reports are free of secrets, names of files too. What they store is the files as they are: it must put them back. */
export function redactedCheckpoints(checkpoints: Checkpoints, redactor: Redactor): Checkpoints {
  return {
    record: (signal) => checkpoints.record(signal),
    restore: async (to, expected, signal) => hiddenIn(await checkpoints.restore(to, expected, signal), redactor),
    diff: async (from, to, maxBytes, around) => hiddenIn(await checkpoints.diff(from, to, maxBytes, around), redactor),
  };
}

/** Answers whose words are free of secrets: what a person says with one is recorded, and told to the model. */
export function redactedAnswers(answer: Answering, redactor: Redactor): Answering {
  return async (question, signal) => hiddenIn(await answer(question, signal), redactor);
}

type Answering = (question: Question, signal: AbortSignal) => Promise<Answer>;

/** The same value with the secrets in all its strings replaced. */
function hiddenIn<T>(value: T, redactor: Redactor): T {
  if (typeof value === "string") return redactor.hide(value) as T;
  if (Array.isArray(value)) return value.map((each) => hiddenIn(each, redactor)) as T;
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hiddenIn(each, redactor)])) as T;
}
