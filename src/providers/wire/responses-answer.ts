import { ProviderError } from "../../base/errors.ts";
import type { AssistantBlock, StopReason, Usage } from "../../contracts/message.ts";
import { explain } from "../trouble.ts";
import { madeId } from "./call-ids.ts";
import { type Growing, Told } from "./told.ts";
import { count, object, objects, text } from "./values.ts";
import type { Target } from "./wire.ts";

type Item = Record<string, unknown>;

/** An output item while it arrives. */
interface Draft extends Growing {
  item: Item;
  /** What was streamed of it: text, reasoning, or arguments. */
  text: string;
  /** Which of the two texts of a reasoning item is shown: its summary or, where a server gives it, all of it. */
  shown: "summary" | "content" | undefined;
  id: string;
  announced: boolean;
}

/** Between the parts of a reasoning summary. */
const BREAK = "\n\n";

/** Folds the events of one streamed response. Unknown events and items (server-side tools) are skipped. */
export class ResponsesAnswer {
  readonly told = new Told();
  readonly #target: Target;
  /** By their place in the output. */
  readonly #drafts = new Map<number, Draft>();
  #response = "";
  #refused = false;

  constructor(target: Target) {
    this.#target = target;
  }

  /** @throws ProviderError for an error event and a failed response. */
  take(event: Item): void {
    const begins = event["type"] === "response.output_item.added";
    const index = count(event["output_index"]) ?? Math.max(0, this.#drafts.size - (begins ? 0 : 1));
    switch (event["type"]) {
      case "response.created":
        this.#response = text(object(event["response"])["id"]);
        return;
      case "response.output_item.added":
        this.#announce(this.#begin(index, object(event["item"])));
        return;
      case "response.output_text.delta":
      case "response.refusal.delta":
        if (event["type"] === "response.refusal.delta") this.#refused = true;
        this.#add(index, "text", text(event["delta"]));
        return;
      case "response.reasoning_summary_part.added":
        if ((count(event["summary_index"]) ?? 0) > 0) this.#think(index, "summary", BREAK);
        return;
      case "response.reasoning_summary_text.delta":
        this.#think(index, "summary", text(event["delta"]));
        return;
      case "response.reasoning_text.delta":
        this.#think(index, "content", text(event["delta"]));
        return;
      case "response.function_call_arguments.delta": {
        const draft = this.#drafts.get(index);
        if (draft) draft.text += text(event["delta"]);
        return;
      }
      case "response.output_item.done":
        this.#finish(index, object(event["item"]));
        return;
      case "response.completed":
      case "response.incomplete":
        this.#complete(object(event["response"]));
        return;
      case "response.failed":
      case "response.cancelled":
        throw this.#failed(object(event["response"])["error"]);
      case "error":
        throw this.#failed(event["error"] ?? { ...event, type: undefined });
    }
  }

  broken(reason: string): ProviderError {
    const { id } = this.#target.row;
    return new ProviderError("broken_stream", id, `${id}: ${reason}`);
  }

  #failed(error: unknown): ProviderError {
    return explain({ provider: this.#target.row.id, body: JSON.stringify({ error: error ?? {} }) });
  }

  #begin(index: number, item: Item): Draft {
    const id = item["type"] === "function_call" ? text(item["call_id"]) || madeId(this.#response, index) : "";
    const draft: Draft = { item, text: text(item["arguments"]), shown: undefined, id, announced: false };
    this.#drafts.set(index, draft);
    return draft;
  }

  #announce(draft: Draft): void {
    if (draft.item["type"] !== "function_call" || draft.announced) return;
    draft.announced = true;
    this.told.call(draft.id, text(draft.item["name"]));
  }

  #think(index: number, shown: "summary" | "content", piece: string): void {
    const draft = this.#drafts.get(index);
    if (draft) draft.shown ??= shown;
    if (draft?.shown === shown) this.#add(index, "reasoning", piece);
  }

  #add(index: number, type: "text" | "reasoning", piece: string): void {
    const draft = this.#drafts.get(index) ?? this.#begin(index, { type: type === "text" ? "message" : "reasoning" });
    this.told.say(type, piece, draft);
  }

  /** The item as it is in the end; what was not streamed of it is told now. */
  #finish(index: number, item: Item): void {
    const draft = this.#drafts.get(index) ?? this.#begin(index, item);
    this.told.flush();
    draft.item = item;
    if (item["type"] === "function_call") {
      draft.id = draft.announced ? draft.id : text(item["call_id"]) || draft.id;
      draft.text = text(item["arguments"]) || draft.text;
      this.#announce(draft);
      return;
    }
    const reasoning = item["type"] === "reasoning";
    const whole = reasoning ? reasoningText(item, draft.shown) : messageText(item);
    if (objects(item["content"]).some((part) => part["type"] === "refusal")) this.#refused = true;
    if (whole.startsWith(draft.text)) {
      this.#add(index, reasoning ? "reasoning" : "text", whole.slice(draft.text.length));
    }
  }

  #complete(response: Item): void {
    // An answer that came whole; what was streamed is not told again.
    const output = this.#drafts.size === 0 ? objects(response["output"]) : [];
    for (const [index, item] of output.entries()) this.#finish(index, item);
    this.told.flush();
    const drafts = [...this.#drafts].sort(([a], [b]) => a - b).map(([, draft]) => draft);
    const blocks = drafts.flatMap(finished);
    const message = { role: "assistant" as const, blocks, from: this.#target.info.ref };
    this.told.end(message, this.#stop(response, blocks), usageOf(object(response["usage"])));
  }

  #stop(response: Item, blocks: AssistantBlock[]): StopReason {
    if (response["status"] === "incomplete") {
      return object(response["incomplete_details"])["reason"] === "content_filter" ? "filtered" : "length";
    }
    if (blocks.some((block) => block.type === "tool_call")) return "tool_calls";
    return this.#refused ? "filtered" : "end";
  }
}

function finished(draft: Draft): AssistantBlock[] {
  const { item, text: content } = draft;
  switch (item["type"]) {
    case "message": {
      if (!content) return [];
      // Models that narrate their work tell it from the answer by this, also when they read it again.
      const phase = text(item["phase"]);
      return [{ type: "text", text: content, ...(phase ? { native: { phase } } : {}) }];
    }
    case "reasoning": {
      // Nothing is stored, so an item that does not hold its content itself cannot be found again.
      const returnable = Boolean(item["encrypted_content"]) || objects(item["content"]).length > 0;
      if (!content && !returnable) return [];
      return [{ type: "reasoning", text: content, ...(returnable ? { native: item } : {}) }];
    }
    case "function_call": {
      const json = content.trim() ? content : "{}";
      return [{ type: "tool_call", id: draft.id, name: text(item["name"]), arguments: json }];
    }
  }
  return [];
}

function messageText(item: Item): string {
  return objects(item["content"])
    .map((part) => text(part["text"]) || text(part["refusal"]))
    .join("");
}

function reasoningText(item: Item, shown: Draft["shown"]): string {
  const all = objects(item["content"]).map((part) => text(part["text"]));
  const summary = objects(item["summary"]).map((part) => text(part["text"]));
  return shown !== "summary" && all.length > 0 ? all.join("") : summary.join(BREAK);
}

/** `input_tokens` holds what came from the cache and what went into it; ours do not overlap. */
export function usageOf(usage: Item): Usage {
  const prompt = count(usage["input_tokens"]) ?? 0;
  const details = object(usage["input_tokens_details"]);
  const cacheRead = Math.min(count(details["cached_tokens"]) ?? 0, prompt);
  const cacheWrite = Math.min(count(details["cache_write_tokens"]) ?? 0, prompt - cacheRead);
  const output = count(usage["output_tokens"]) ?? 0;
  const reasoning = Math.min(count(object(usage["output_tokens_details"])["reasoning_tokens"]) ?? 0, output);
  return { input: prompt - cacheRead - cacheWrite, output, cacheRead, cacheWrite, reasoning };
}

/** The events that would have streamed a response which came whole. */
export function asEvents(response: Item): Item[] {
  // An error in a 200 answer has no output.
  if (response["error"] && !Array.isArray(response["output"])) return [{ type: "error", error: response["error"] }];
  const type = response["status"] === "failed" ? "response.failed" : "response.completed";
  return [
    { type: "response.created", response },
    { type, response },
  ];
}
