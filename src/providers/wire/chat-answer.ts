import { ProviderError } from "../../base/errors.ts";
import type { AssistantBlock, StopReason, Usage } from "../../contracts/message.ts";
import { explain } from "../trouble.ts";
import { ToolCalls } from "./chat-calls.ts";
import { mergeDetails } from "./chat-reasoning.ts";
import { InlineThoughts } from "./inline-thoughts.ts";
import { Told } from "./told.ts";
import { count, firstAnswer, object, objects, text } from "./values.ts";
import type { Target } from "./wire.ts";

const STOPS: Readonly<Record<string, StopReason>> = {
  stop: "end",
  end_turn: "end",
  eos: "end",
  tool_calls: "tool_calls",
  function_call: "tool_calls",
  length: "length",
  max_tokens: "length",
  content_filter: "filtered",
};

/** Folds the chunks of one streamed completion. Unknown fields are skipped. */
export class ChatAnswer {
  readonly told = new Told();
  readonly #target: Target;
  readonly #calls = new ToolCalls();
  readonly #content = new InlineThoughts();
  /** Text and reasoning in the order in which they came. */
  readonly #blocks: { type: "text" | "reasoning"; text: string }[] = [];
  #details: Record<string, unknown>[] = [];
  #usage: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
  #stop: string | undefined;
  #refused = false;
  #plainReasoning = false;

  constructor(target: Target) {
    this.#target = target;
  }

  /** @throws ProviderError for an error inside the stream. */
  take(chunk: Record<string, unknown>, event: string): void {
    const choice = firstAnswer(chunk["choices"]);
    const error = chunk["error"] ?? choice["error"];
    if (error || event === "error") {
      throw explain({ provider: this.#target.row.id, body: JSON.stringify(error ? { error } : chunk) });
    }
    // Moonshot counts inside the choice, Groq also under a name of its own.
    const counted = chunk["usage"] ?? choice["usage"] ?? object(chunk["x_groq"])["usage"];
    if (counted) this.#usage = usageOf(object(counted));
    this.#stop = text(choice["finish_reason"]) || this.#stop;
    const delta = object(choice["delta"]);
    this.told.goOn("reasoning", this.#reasoning(delta), this.#blocks);
    this.told.goOnWith(this.#content.take(this.#text(delta)), this.#blocks);
    for (const piece of objects(delta["tool_calls"])) {
      const begun = this.#calls.take(piece, text(chunk["id"]));
      if (begun) this.told.call(begun.id, begun.name);
    }
  }

  broken(reason: string): ProviderError {
    const { id } = this.#target.row;
    return new ProviderError("broken_stream", id, `${id}: ${reason}`);
  }

  /**
   * The whole answer. `ended`: `[DONE]` was there; a few servers leave the finish reason out then.
   *
   * @throws ProviderError where the answer has no end yet.
   */
  done(ended: boolean): void {
    this.told.goOnWith(this.#content.finish(), this.#blocks);
    this.told.flush();
    const calls = this.#calls.finished();
    if (!this.#stop && !(ended && (calls.length > 0 || this.#blocks.length > 0))) {
      throw this.broken("the stream ended before the answer was complete");
    }
    if (this.#stop === "error") throw this.broken("the model stopped with an error");
    let stop = this.#refused ? "filtered" : (STOPS[this.#stop ?? ""] ?? "end");
    if (stop === "end" && calls.length > 0) stop = "tool_calls";
    else if (stop === "tool_calls" && calls.length === 0) stop = "end";
    const message = {
      role: "assistant" as const,
      blocks: [...this.#withDetails(), ...calls],
      from: this.#target.info.ref,
    };
    this.told.end(message, stop, this.#usage);
  }

  /** `reasoning_content` (DeepSeek, Moonshot, Qwen, xAI), `reasoning` (Groq, OpenRouter), `reasoning_details`. */
  #reasoning(delta: Record<string, unknown>): string {
    const stated = text(delta["reasoning_content"]) || text(delta["reasoning"]);
    if (stated) this.#plainReasoning = true;
    const details = objects(delta["reasoning_details"]);
    if (details.length === 0) return stated;
    this.#details = mergeDetails(this.#details, details);
    // The details hold the same words once more, unless they are all there is.
    if (this.#plainReasoning) return stated;
    return details.map((each) => text(each["text"]) || text(each["summary"])).join("");
  }

  #text(delta: Record<string, unknown>): string {
    const { content } = delta;
    const refusal = text(delta["refusal"]);
    if (refusal) this.#refused = true;
    // Some servers send lists of parts.
    const parts = Array.isArray(content) ? objects(content).map((part) => text(part["text"])) : undefined;
    return (parts ? parts.join("") : text(content)) + refusal;
  }

  /** The details of all reasoning go back together, with the first block of it. */
  #withDetails(): AssistantBlock[] {
    if (this.#details.length === 0) return this.#blocks;
    const native = { reasoning_details: this.#details };
    const first = this.#blocks.findIndex((block) => block.type === "reasoning");
    if (first < 0) return [{ type: "reasoning", text: "", native }, ...this.#blocks];
    return this.#blocks.map((block, index) => (index === first ? { ...block, native } : block));
  }
}

/**
 * Tokens of one call. `prompt_tokens` holds what came from the cache and what went into it; ours do not overlap, also
 * where a vendor counts the same tokens as both (seen from OpenRouter with Gemini).
 */
export function usageOf(usage: Record<string, unknown>): Usage {
  const prompt = count(usage["prompt_tokens"]) ?? 0;
  const completion = count(usage["completion_tokens"]) ?? 0;
  const details = object(usage["prompt_tokens_details"]);
  // DeepSeek and Moonshot have names of their own.
  const cached =
    count(details["cached_tokens"]) ?? count(usage["prompt_cache_hit_tokens"]) ?? count(usage["cached_tokens"]) ?? 0;
  const cacheRead = Math.min(cached, prompt);
  const cacheWrite = Math.min(count(details["cache_write_tokens"]) ?? 0, prompt - cacheRead);
  const reasoning = count(object(usage["completion_tokens_details"])["reasoning_tokens"]) ?? 0;
  // xAI does not count reasoning as completion; its total says so.
  const beside = reasoning > 0 && count(usage["total_tokens"]) === prompt + completion + reasoning;
  const output = beside ? completion + reasoning : completion;
  return { input: prompt - cacheRead - cacheWrite, output, cacheRead, cacheWrite, reasoning };
}

/** The chunks that would have streamed a completion which came whole. */
export function asChunks(completion: Record<string, unknown>): Record<string, unknown>[] {
  const choices = objects(completion["choices"]).map((choice) => ({ ...choice, delta: choice["message"] }));
  return [{ ...completion, choices }];
}
