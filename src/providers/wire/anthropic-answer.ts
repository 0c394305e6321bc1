import { ProviderError } from "../../base/errors.ts";
import type { AssistantBlock, StopReason, Usage } from "../../contracts/message.ts";
import { explain } from "../trouble.ts";
import { type Growing, Told } from "./told.ts";
import { count, object, objects, text } from "./values.ts";
import type { Target } from "./wire.ts";

/** A content block while it arrives. `skipped`: a kind we do not know or that is not ours (server-side tools). */
interface Draft extends Growing {
  kind: "text" | "thinking" | "redacted_thinking" | "tool_use" | "skipped";
  open: boolean;
  /** Text, thinking, encrypted thinking, or the JSON of the arguments. */
  text: string;
  signature: string;
  id: string;
  name: string;
}

const STOPS: Readonly<Record<string, StopReason>> = {
  end_turn: "end",
  stop_sequence: "end",
  pause_turn: "end",
  tool_use: "tool_calls",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "filtered",
};

/** Folds the events of one streamed message. Unknown events, blocks and deltas are skipped. */
export class AnthropicAnswer {
  readonly told = new Told();
  readonly #target: Target;
  readonly #drafts = new Map<number, Draft>();
  #usage: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
  #stop: string | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  /** @throws ProviderError for an error event, and where the message ends inside a block. */
  take(event: Record<string, unknown>): void {
    switch (event["type"]) {
      case "message_start":
        this.#count(object(object(event["message"])["usage"]));
        return;
      case "content_block_start":
        this.#start(count(event["index"]) ?? 0, object(event["content_block"]));
        return;
      case "content_block_delta":
        this.#delta(count(event["index"]) ?? 0, object(event["delta"]));
        return;
      case "content_block_stop": {
        const draft = this.#drafts.get(count(event["index"]) ?? 0);
        if (draft) draft.open = false;
        return;
      }
      case "message_delta":
        this.#stop = text(object(event["delta"])["stop_reason"]) || this.#stop;
        this.#count(object(event["usage"]));
        return;
      case "message_stop":
        this.#done();
        return;
      case "error":
        throw explain({ provider: this.#target.row.id, body: JSON.stringify(event) });
    }
  }

  broken(reason: string): ProviderError {
    const { id } = this.#target.row;
    return new ProviderError("broken_stream", id, `${id}: ${reason}`);
  }

  /** Compatible servers may put a block's whole content into its start. */
  #start(index: number, block: Record<string, unknown>): void {
    const draft: Draft = { kind: "skipped", open: true, text: "", signature: "", id: "", name: "" };
    this.#drafts.set(index, draft);
    switch (block["type"]) {
      case "text":
        draft.kind = "text";
        this.told.say("text", text(block["text"]), draft);
        return;
      case "thinking":
        draft.kind = "thinking";
        draft.signature = text(block["signature"]);
        this.told.say("reasoning", text(block["thinking"]), draft);
        return;
      case "redacted_thinking":
        draft.kind = "redacted_thinking";
        draft.text = text(block["data"]);
        return;
      case "tool_use": {
        draft.kind = "tool_use";
        draft.id = text(block["id"]);
        draft.name = text(block["name"]);
        const input = object(block["input"]);
        if (Object.keys(input).length > 0) draft.text = JSON.stringify(input);
        this.told.call(draft.id, draft.name);
        return;
      }
    }
  }

  #delta(index: number, delta: Record<string, unknown>): void {
    const draft = this.#drafts.get(index);
    if (!draft) return;
    switch (delta["type"]) {
      case "text_delta":
        if (draft.kind === "text") this.told.say("text", text(delta["text"]), draft);
        return;
      case "thinking_delta":
        if (draft.kind === "thinking") this.told.say("reasoning", text(delta["thinking"]), draft);
        return;
      case "signature_delta":
        draft.signature += text(delta["signature"]);
        return;
      case "input_json_delta":
        if (draft.kind === "tool_use") draft.text += text(delta["partial_json"]);
        return;
    }
  }

  /** Counts are totals, not increments; the last one stated holds. `input_tokens` is without what the cache took. */
  #count(usage: Record<string, unknown>): void {
    const before = this.#usage;
    this.#usage = {
      input: count(usage["input_tokens"]) ?? before.input,
      output: count(usage["output_tokens"]) ?? before.output,
      cacheRead: count(usage["cache_read_input_tokens"]) ?? before.cacheRead,
      cacheWrite: count(usage["cache_creation_input_tokens"]) ?? before.cacheWrite,
      reasoning: count(object(usage["output_tokens_details"])["thinking_tokens"]) ?? before.reasoning,
    };
  }

  #done(): void {
    this.told.flush();
    const drafts = [...this.#drafts].sort(([a], [b]) => a - b).map(([, draft]) => draft);
    if (!this.#stop) throw this.broken("the answer ended without a reason");
    const stated = STOPS[this.#stop] ?? "end";
    // Where the output limit cut the message, its last block stays open; that is an end with a reason.
    if (stated !== "length" && drafts.some((draft) => draft.open)) throw this.broken("the answer ended inside a block");
    const blocks = drafts.flatMap(finished);
    const calls = blocks.some((block) => block.type === "tool_call");
    let stop = stated;
    if (stated === "end" && calls) stop = "tool_calls";
    else if (stated === "tool_calls" && !calls) stop = "end";
    const message = { role: "assistant" as const, blocks, from: this.#target.info.ref };
    this.told.end(message, stop, this.#usage);
  }
}

function finished(draft: Draft): AssistantBlock[] {
  const { kind, text: content, signature } = draft;
  switch (kind) {
    case "text":
      return content ? [{ type: "text", text: content }] : [];
    case "thinking": {
      if (!content && !signature) return [];
      // Without a signature it may be shown but cannot go back.
      const native = signature ? { native: { type: "thinking", thinking: content, signature } } : {};
      return [{ type: "reasoning", text: content, ...native }];
    }
    case "redacted_thinking":
      return [{ type: "reasoning", text: "", native: { type: "redacted_thinking", data: content } }];
    case "tool_use":
      return [{ type: "tool_call", id: draft.id, name: draft.name, arguments: content.trim() ? content : "{}" }];
    case "skipped":
      return [];
  }
}

/** The events that would have streamed a message which came whole. */
export function* asStream(message: Record<string, unknown>): Generator<Record<string, unknown>> {
  // An error in a 200 answer is one event by itself.
  if (message["type"] === "error" || message["error"]) {
    yield { ...message, type: "error" };
    return;
  }
  yield { type: "message_start", message };
  for (const [index, block] of objects(message["content"]).entries()) {
    yield { type: "content_block_start", index, content_block: block };
    yield { type: "content_block_stop", index };
  }
  yield { type: "message_delta", delta: { stop_reason: message["stop_reason"] }, usage: message["usage"] };
  yield { type: "message_stop" };
}
