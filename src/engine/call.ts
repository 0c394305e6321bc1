import { ProviderError } from "../base/errors.ts";
import type { EventBody } from "../contracts/event.ts";
import type { AssistantMessage, StopReason, Usage } from "../contracts/message.ts";
import type { Model, ModelEvent, ModelRequest } from "../contracts/provider.ts";
import type { CallRecord } from "../contracts/task.ts";
import { type Budget, costOf } from "./budget.ts";
import type { Context } from "./context.ts";

export interface Reply {
  message: AssistantMessage;
  stop: StopReason;
  /** The text blocks, joined. */
  text: string;
  usage: Usage;
}

/**
 * One model call: admitted by the budget, streamed, counted. `show` passes text and reasoning on to the displays.
 * Throws `Stop` (budget, time), `ProviderError`, or the signal's reason.
 */
export async function* callModel(
  context: Context,
  role: CallRecord["role"],
  model: Model,
  request: ModelRequest,
  show: boolean,
): AsyncGenerator<EventBody, Reply> {
  const { budget, kit, signal, work } = context;
  signal.throwIfAborted();
  yield* countBeside(context);
  const maxTokens = budget.admit(request, model.info);
  yield { type: "model_started", role, model: model.info.ref };
  const started = kit.clock.now();
  let goOn = () => {};
  try {
    for await (const event of model.stream({ ...request, maxTokens }, signal)) {
      goOn();
      if (event.type === "restart") {
        const { attempt, waitMs, reason } = event;
        yield { type: "model_retry", model: event.model, attempt, waitMs, reason };
        goOn = work.rest(waitMs);
      } else if (event.type === "text" || event.type === "reasoning") {
        if (show) yield event;
      } else if (event.type === "done") {
        const call = callOf(role, event, model, kit.clock.now() - started);
        context.saved.caching += event.usage.cacheRead;
        yield* count(budget, call, request);
        return { message: event.message, stop: event.stop, text: textOf(event.message), usage: event.usage };
      }
    }
  } finally {
    goOn();
  }
  throw new ProviderError("broken_stream", model.info.ref, `${model.info.ref} ended without an answer`);
}

/** A call that has ended, as it is counted. */
export function callOf(role: CallRecord["role"], done: Done, model: Model, ms: number): CallRecord {
  const { message, usage, stop, info = model.info } = done;
  return { role, model: message.from, usage, costUsd: costOf(usage, info), ms, stop };
}

type Done = Extract<ModelEvent, { type: "done" }>;

/** Counts what was called beside the engine's own calls since the last time. */
export async function* countBeside({ budget, kit }: Pick<Context, "budget" | "kit">): AsyncGenerator<EventBody, void> {
  for (const call of kit.beside.take()) yield* count(budget, call);
}

function* count(budget: Budget, call: CallRecord, request?: ModelRequest): Generator<EventBody, void> {
  const warning = budget.add(call, request);
  yield { type: "model_finished", call };
  if (warning) yield { type: "warning", code: "budget", message: warning };
  if (budget.isFirstUnpriced(call)) {
    const message = `what ${call.model} costs is unknown: only the token budget limits its calls`;
    yield { type: "warning", code: "cost_unknown", message };
  }
}

export function textOf(message: AssistantMessage): string {
  return message.blocks
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("");
}

/** A message without the calls it made: nothing carries them out where an answer in words was asked for. */
export function spoken(message: AssistantMessage): AssistantMessage {
  return { ...message, blocks: message.blocks.filter((block) => block.type !== "tool_call") };
}

/** True where nothing was said or called. Providers refuse such a message, so it does not enter the conversation. */
export function isEmpty(message: AssistantMessage): boolean {
  return message.blocks.every((block) => block.type === "reasoning" || (block.type === "text" && !block.text.trim()));
}
