import { ProviderError } from "../base/errors.ts";
import { merge } from "../base/stream.ts";
import type { EventBody } from "../contracts/event.ts";
import type { Message, TextBlock, ToolCallBlock, ToolResultBlock, UserBlock } from "../contracts/message.ts";
import type { Effect, ToolResult } from "../contracts/tool.ts";
import { isEmpty, type Reply, textOf } from "./call.ts";
import type { Context } from "./context.ts";
import { type Conversation, nudge, spokenSoFar } from "./conversation.ts";
import { sendFitting } from "./fit.ts";
import { Stop } from "./stop.ts";
import { ToolLoop } from "./tool-loop.ts";

export interface Execution {
  /** The model's closing words. */
  text: string;
  /** Where they have no end: that they were cut off, and by what. */
  cut?: string;
  /** Something other than reading was done. */
  effects: boolean;
  /** The whole conversation, for what refining saves. */
  messages: Message[];
}

/** Runs before every call that may have an effect: by then the workspace must be recorded. */
export type BeforeEffect = (effect: Effect) => AsyncGenerator<EventBody, unknown>;

/** Refusals with nobody to ask after which the task is given up, where some tools are still allowed. */
const MOST_DENIALS = 3;
/** The result of a call whose end nobody knows. */
const HALF_HAPPENED =
  "OpenKoi was stopped while this call ran. It may have happened wholly, in part or not at all. Check before you repeat it.";
/** What a model that goes on cannot know. */
const WAS_STOPPED =
  "OpenKoi was stopped here and goes on now. Files may have changed since you read them; the shell is a new one (its folder and variables are as at the start), and what ran in the background has ended.";
/** How often in a row a model that stopped without an answer is asked to go on. */
const MOST_NUDGES = 2;

/**
 * The tool loop: the model speaks, its calls are carried out, the results go back, until it calls nothing more. Each
 * request is the one before plus what is new, so that providers can cache it, until that gets too long for the model
 * (fit.ts). `earlier` is such a conversation that was cut short: it is taken up where it was left, and no call that
 * ended is made again.
 */
export async function* execute(
  context: Context,
  system: string,
  first: string,
  beforeEffect: BeforeEffect,
  earlier?: Conversation,
): AsyncGenerator<EventBody, Execution> {
  const { kit, signal } = context;
  const model = kit.models.executor;
  const messages: Message[] = [...(earlier?.messages ?? [])];
  const talk = { system: earlier?.system ?? system, messages, tools: kit.tools.specs };
  const loop = new ToolLoop(kit.config.safety.tool_loop);
  const outcome = { effects: earlier?.effects ?? false, denials: 0 };
  let nudges = 0;
  /** What the model had said when the output limit cut it off. */
  let spoken = spokenSoFar(messages);
  /** What the model is told with the next results. */
  let news: TextBlock[] = earlier ? newsFor(earlier) : [];
  /** An answer that is there already, whose calls are still open. */
  let open = earlier && openReply(earlier);

  if (!earlier) {
    yield { type: "conversation", system };
    yield* say([{ type: "text", text: first }, ...(yield* heard(context))]);
  }
  for (;;) {
    signal.throwIfAborted();
    const { length } = messages;
    const reply = open ?? (yield* sendFitting(context, talk));
    if (messages.length < length) spoken = spokenSoFar(messages);
    if (!open && !isEmpty(reply.message)) {
      messages.push(reply.message);
      yield { type: "message", message: reply.message };
    }
    const calls = reply.message.blocks.filter((block) => block.type === "tool_call");
    const results = yield* carryOut(context, calls, loop, outcome, beforeEffect, open && earlier);
    open = undefined;
    const blocks: UserBlock[] = [...results, ...(results.length > 0 ? news : []), ...(yield* heard(context))];
    if (results.length > 0) news = [];
    const text = (spoken + reply.text).trim();
    if (blocks.length > 0) {
      nudges = 0;
      spoken = "";
      yield* say(blocks);
    } else if (reply.stop === "filtered" && text === "") {
      throw new ProviderError("content_filter", model.info.ref, `${model.info.ref} refused to answer`);
    } else if (reply.stop === "filtered") {
      return yield* ended(text, "the answer was cut off by the provider's filter");
    } else if (reply.stop === "length" || text === "") {
      if (++nudges > MOST_NUDGES) {
        if (text) return yield* ended(text, `the answer was cut off at the output limit ${nudges} times`);
        throw new ProviderError("server", model.info.ref, `${model.info.ref} gave an empty answer ${nudges} times`);
      }
      spoken += reply.text;
      const problem = reply.stop === "length" ? "was cut off at the output limit" : "was empty";
      yield* say([{ type: "text", text: nudge(problem) }]);
    } else {
      return yield* ended(text);
    }
  }

  /** Words that have no end must not pass for an answer. */
  async function* ended(text: string, cut?: string): AsyncGenerator<EventBody, Execution> {
    if (cut !== undefined) yield { type: "warning", code: "answer", message: cut };
    return { text, ...(cut === undefined ? {} : { cut }), effects: outcome.effects, messages };
  }

  async function* say(blocks: UserBlock[]): AsyncGenerator<EventBody, void> {
    const message: Message = { role: "user", blocks };
    messages.push(message);
    yield { type: "message", message };
  }
}

/** The last message of a conversation that was cut short, where it is the model's: its calls may be open. */
function openReply({ messages, stop }: Conversation): Omit<Reply, "usage"> | undefined {
  const last = messages.at(-1);
  return last?.role === "assistant" ? { message: last, stop, text: textOf(last) } : undefined;
}

function newsFor({ unsaid }: Conversation): TextBlock[] {
  return [WAS_STOPPED, ...unsaid].map((text) => ({ type: "text", text }));
}

/** What the user said meanwhile: it joins the conversation, and is a part of the task from now on. */
async function* heard(context: Context): AsyncGenerator<EventBody, TextBlock[]> {
  const blocks: TextBlock[] = [];
  for (const text of context.input.take()) {
    context.said.push(text);
    yield { type: "steered", text };
    blocks.push({ type: "text", text });
  }
  return blocks;
}

/** Carries out one turn's calls: neighbouring reads side by side, everything else one after the other, in order. */
async function* carryOut(
  context: Context,
  calls: readonly ToolCallBlock[],
  loop: ToolLoop,
  outcome: { effects: boolean; denials: number },
  beforeEffect: BeforeEffect,
  earlier: Conversation | undefined,
): AsyncGenerator<EventBody, ToolResultBlock[]> {
  const { tools } = context.kit;
  const results: ToolResultBlock[] = [];
  for (let at = 0; at < calls.length; ) {
    let end = at + 1;
    if (tools.effect(calls[at]!) === "read") {
      while (end < calls.length && tools.effect(calls[end]!) === "read") end++;
    }
    const group = calls.slice(at, end);
    const finished =
      group.length === 1
        ? [yield* carryOutOne(context, group[0]!, beforeEffect, earlier)]
        : yield* merge(group.map((call) => carryOutOne(context, call, beforeEffect, earlier)));
    for (const [index, result] of finished.entries()) {
      const call = group[index]!;
      const effect = tools.effect(call);
      // A command that failed, or a call that was stopped half-way, may have changed something all the same.
      if (!result.denied && effect !== undefined && effect !== "read") outcome.effects = true;
      const note = yield* watch(context, loop, call, result);
      if (result.denied) giveUpWhereNobodyCanAllow(context, outcome, result);
      results.push({
        type: "tool_result",
        id: call.id,
        name: call.name,
        text: note ? `${result.text}\n\n${note}` : result.text,
        ...(result.isError ? { isError: true } : {}),
        ...(result.images ? { images: result.images } : {}),
      });
    }
    at = end;
  }
  return results;
}

async function* carryOutOne(
  context: Context,
  call: ToolCallBlock,
  beforeEffect: BeforeEffect,
  earlier: Conversation | undefined,
): AsyncGenerator<EventBody, ToolResult> {
  const { kit, signal } = context;
  const known = earlier?.results.get(call.id);
  if (known) return known;
  if (earlier?.begun.has(call.id)) {
    const result = { text: HALF_HAPPENED, isError: true };
    yield { type: "tool_finished", id: call.id, name: call.name, result, ms: 0 };
    return result;
  }
  const subject = kit.tools.subject(call);
  const effect = kit.tools.effect(call);
  if (effect !== undefined && effect !== "read") yield* beforeEffect(effect);
  yield { type: "tool_started", call, effect: effect ?? "unknown", subject };
  // Work, not waiting: the time that a person took to allow it is not the command's.
  const started = context.work.workMs;
  const result = yield* live(
    (emit) => kit.tools.call(call, context.ask, signal, emit),
    (chunk) => ({ type: "tool_output", id: call.id, chunk }),
  );
  yield { type: "tool_finished", id: call.id, name: call.name, result, ms: context.work.workMs - started };
  return result;
}

/** Runs a promise that emits text as it goes, and yields each piece as an event. */
export async function* live<T>(
  run: (emit: (chunk: string) => void) => Promise<T>,
  event: (chunk: string) => EventBody,
): AsyncGenerator<EventBody, T> {
  const chunks: string[] = [];
  let wake: () => void = () => {};
  const state: { settled: boolean } = { settled: false };
  const work = run((chunk) => {
    chunks.push(chunk);
    wake();
  }).finally(() => {
    state.settled = true;
    wake();
  });
  work.catch(() => {}); // awaited below; this only keeps an early failure from being "unhandled"
  while (!state.settled) {
    if (chunks.length > 0) yield event(chunks.splice(0).join(""));
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
  if (chunks.length > 0) yield event(chunks.join(""));
  return await work;
}

/** Tells a model that repeats itself; asks the user when it does not stop. */
async function* watch(
  context: Context,
  loop: ToolLoop,
  call: ToolCallBlock,
  result: ToolResult,
): AsyncGenerator<EventBody, string | undefined> {
  const changed = !result.isError && context.kit.tools.effect(call) === "write";
  const { level, count, calls } = loop.note(call, result.text, changed);
  if (level === "none") return undefined;
  const message =
    calls === 1
      ? `${call.name} was called ${count} times with the same arguments and the same result`
      : `the same ${calls} calls were made in turn ${count} times with the same results, the last one ${call.name}`;
  yield { type: "warning", code: "tool_loop", message };
  if (level === "stop") {
    const question = { kind: "escalation", reason: message, choices: ["continue", "stop"] } as const;
    const answer = await context.ask(question, context.signal);
    if (answer.choice !== "continue") throw new Stop("escalate", message);
    loop.reset();
  }
  const what =
    calls === 1 ? `this call was made ${count} times` : `the last ${calls} calls were made in turn ${count} times`;
  const advice =
    level === "critical" ? "Stop repeating it and take another way, or end with what you have." : "Try something else.";
  return `Note: ${what} with the same result. ${advice}`;
}

function giveUpWhereNobodyCanAllow(context: Context, outcome: { denials: number }, result: ToolResult): void {
  outcome.denials += 1;
  if (context.kit.permission === "ask" || outcome.denials >= MOST_DENIALS) {
    throw new Stop("escalate", result.reason ?? result.text);
  }
}
