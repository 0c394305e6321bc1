import { ProviderError } from "../../base/errors.ts";
import type { AssistantBlock, StopReason, Usage } from "../../contracts/message.ts";
import { explain } from "../trouble.ts";
import { type Growing, Told } from "./told.ts";
import { count, object, objects, text } from "./values.ts";
import type { Target } from "./wire.ts";

type Json = Record<string, unknown>;

/** A content block while it arrives. Texts and thoughts have no start of their own. */
interface Draft extends Growing {
  kind: "text" | "reasoning" | "tool_use" | "skipped";
  /** Text, thoughts, or the JSON of the arguments. */
  text: string;
  signature: string;
  /** Encrypted thoughts, base64. */
  redacted: string;
  id: string;
  name: string;
}

const STOPS: Readonly<Record<string, StopReason>> = {
  end_turn: "end",
  stop_sequence: "end",
  tool_use: "tool_calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  guardrail_intervened: "filtered",
  content_filtered: "filtered",
};
/** The model wrote what the service could not read. Asked again it mostly writes something better. */
const MALFORMED = /^malformed_/;

/** Folds the events of one streamed answer. Unknown events, blocks and deltas are skipped. */
export class BedrockAnswer {
  readonly told = new Told();
  readonly #target: Target;
  readonly #drafts = new Map<number, Draft>();
  #usage: Usage | undefined;
  #stop: string | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Tells the end as soon as both the reason for the end and the usage are known, in whichever order they come. */
  take(type: string, event: Json): void {
    const index = count(event["contentBlockIndex"]) ?? 0;
    switch (type) {
      case "contentBlockStart":
        this.#start(index, object(event["start"]));
        return;
      case "contentBlockDelta":
        this.#delta(index, object(event["delta"]));
        return;
      case "messageStop":
        this.#stop = text(event["stopReason"]) || "end_turn";
        this.#done();
        return;
      case "metadata":
        this.#usage = usageOf(object(event["usage"]));
        this.#done();
        return;
      case "exception":
        throw this.#failed(event);
    }
  }

  broken(reason: string): ProviderError {
    const { id } = this.#target.row;
    return new ProviderError("broken_stream", id, `${id}: ${reason}`);
  }

  /** Exceptions of a stream are named as those of a response, but in camel case. */
  #failed({ code, message, originalMessage }: Json): ProviderError {
    const named = text(code).replace(/^./, (letter) => letter.toUpperCase());
    const words = text(message) || text(originalMessage) || named;
    const body = JSON.stringify({ error: { code: named, message: words } });
    return explain({ provider: this.#target.row.id, body });
  }

  #draft(index: number, kind: Draft["kind"]): Draft {
    const known = this.#drafts.get(index);
    if (known) return known;
    const draft: Draft = { kind, text: "", signature: "", redacted: "", id: "", name: "" };
    this.#drafts.set(index, draft);
    return draft;
  }

  #start(index: number, start: Json): void {
    if (!start["toolUse"]) {
      // Nothing said: what it is shows in its first delta.
      if (Object.keys(start).length > 0) this.#draft(index, "skipped");
      return;
    }
    const use = object(start["toolUse"]);
    // A tool that the service runs by itself is not ours to answer.
    const ours = use["type"] === undefined || use["type"] === "tool_use";
    const draft = this.#draft(index, ours ? "tool_use" : "skipped");
    draft.id = text(use["toolUseId"]);
    draft.name = text(use["name"]);
    if (ours) this.told.call(draft.id, draft.name);
  }

  #delta(index: number, delta: Json): void {
    if (typeof delta["text"] === "string") {
      this.#add(index, "text", delta["text"]);
      return;
    }
    if (delta["toolUse"]) {
      const draft = this.#drafts.get(index);
      if (draft?.kind === "tool_use") draft.text += text(object(delta["toolUse"])["input"]);
      return;
    }
    if (!delta["reasoningContent"]) return;
    const reasoning = object(delta["reasoningContent"]);
    const draft = this.#draft(index, "reasoning");
    draft.signature += text(reasoning["signature"]);
    draft.redacted += text(reasoning["redactedContent"]);
    this.#add(index, "reasoning", text(reasoning["text"]));
  }

  #add(index: number, type: "text" | "reasoning", piece: string): void {
    const draft = this.#draft(index, type);
    if (draft.kind === type) this.told.say(type, piece, draft);
  }

  #done(): void {
    if (this.#stop === undefined || this.#usage === undefined) return;
    this.told.flush();
    const { id } = this.#target.row;
    if (MALFORMED.test(this.#stop)) {
      throw new ProviderError("server", id, `${id}: the model stopped with ${this.#stop}`);
    }
    const drafts = [...this.#drafts].sort(([a], [b]) => a - b).map(([, draft]) => draft);
    const blocks = drafts.flatMap(finished);
    const calls = blocks.some((block) => block.type === "tool_call");
    let stop = STOPS[this.#stop] ?? "end";
    if (stop === "end" && calls) stop = "tool_calls";
    else if (stop === "tool_calls" && !calls) stop = "end";
    const message = { role: "assistant" as const, blocks, from: this.#target.info.ref };
    this.told.end(message, stop, this.#usage);
  }
}

function finished(draft: Draft): AssistantBlock[] {
  const { kind, text: content, signature, redacted } = draft;
  switch (kind) {
    case "text":
      return content ? [{ type: "text", text: content }] : [];
    case "reasoning": {
      if (redacted) return [{ type: "reasoning", text: content, native: { redactedContent: redacted } }];
      if (!content && !signature) return [];
      // Without a signature it may be shown but cannot go back.
      const native = signature ? { native: { reasoningText: { text: content, signature } } } : {};
      return [{ type: "reasoning", text: content, ...native }];
    }
    case "tool_use":
      return [{ type: "tool_call", id: draft.id, name: draft.name, arguments: content.trim() ? content : "{}" }];
    case "skipped":
      return [];
  }
}

/** `inputTokens` is without what the cache took and gave. */
export function usageOf(usage: Json): Usage {
  return {
    input: count(usage["inputTokens"]) ?? 0,
    output: count(usage["outputTokens"]) ?? 0,
    cacheRead: count(usage["cacheReadInputTokens"]) ?? 0,
    cacheWrite: count(usage["cacheWriteInputTokens"]) ?? 0,
    // Not told apart here.
    reasoning: 0,
  };
}

/** The events that would have streamed an answer which came whole (Converse instead of ConverseStream). */
export function* asStream(answer: Json): Generator<[string, Json]> {
  const content = objects(object(object(answer["output"])["message"])["content"]);
  for (const [contentBlockIndex, block] of content.entries()) {
    const use = object(block["toolUse"]);
    if (block["toolUse"]) yield ["contentBlockStart", { contentBlockIndex, start: { toolUse: use } }];
    yield ["contentBlockDelta", { contentBlockIndex, delta: deltaOf(block, use) }];
  }
  // Without a reason it is not an answer of this service.
  if (answer["stopReason"]) yield ["messageStop", { stopReason: answer["stopReason"] }];
  yield ["metadata", { usage: answer["usage"] }];
}

function deltaOf(block: Json, use: Json): Json {
  if (block["toolUse"]) return { toolUse: { input: JSON.stringify(use["input"] ?? {}) } };
  const reasoning = object(block["reasoningContent"]);
  if (!block["reasoningContent"]) return block;
  const { reasoningText, redactedContent } = reasoning;
  return { reasoningContent: redactedContent ? { redactedContent } : object(reasoningText) };
}
