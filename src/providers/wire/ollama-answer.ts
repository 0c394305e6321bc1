import { ProviderError } from "../../base/errors.ts";
import type { StopReason, ToolCallBlock, Usage } from "../../contracts/message.ts";
import { explain } from "../trouble.ts";
import { madeId } from "./call-ids.ts";
import { InlineThoughts } from "./inline-thoughts.ts";
import { Told } from "./told.ts";
import { count, object, objects, text } from "./values.ts";
import type { Encoded, Target } from "./wire.ts";

/** No tokenizer puts more than this into a token on average, nor, over a whole conversation, less than the other. */
const MOST_BYTES = 8;
const LEAST_BYTES = 2;

/** Folds the lines of one streamed answer. Unknown fields are skipped. */
export class OllamaAnswer {
  readonly told = new Told();
  readonly #target: Target;
  readonly #measured: Encoded["measured"];
  readonly #blocks: { type: "text" | "reasoning"; text: string }[] = [];
  readonly #calls: ToolCallBlock[] = [];
  readonly #content = new InlineThoughts();

  constructor(target: Target, measured: Encoded["measured"]) {
    this.#target = target;
    this.#measured = measured;
  }

  /** @throws ProviderError for an error inside the stream, and `overflow` where the server forgot a part of the request. */
  take(chunk: Record<string, unknown>): void {
    if (chunk["error"]) {
      throw explain({ provider: this.#target.row.id, body: JSON.stringify({ error: chunk["error"] }) });
    }
    const message = object(chunk["message"]);
    this.told.goOn("reasoning", text(message["thinking"]), this.#blocks);
    this.told.goOnWith(this.#content.take(text(message["content"])), this.#blocks);
    for (const call of objects(message["tool_calls"])) {
      const called = object(call["function"]);
      const name = text(called["name"]);
      const id = text(call["id"]) || madeId(text(chunk["created_at"]), this.#calls.length);
      const given = called["arguments"];
      const json = typeof given === "string" ? given : JSON.stringify(object(given));
      this.#calls.push({ type: "tool_call", id, name, arguments: json.trim() ? json : "{}" });
      this.told.call(id, name);
    }
    if (chunk["done"] === true) this.#done(chunk);
  }

  broken(reason: string): ProviderError {
    const { id } = this.#target.row;
    return new ProviderError("broken_stream", id, `${id}: ${reason}`);
  }

  #done(chunk: Record<string, unknown>): void {
    this.told.goOnWith(this.#content.finish(), this.#blocks);
    this.told.flush();
    const read = count(chunk["prompt_eval_count"]);
    this.#checkRead(read);
    const reason = text(chunk["done_reason"]);
    let stop: StopReason = reason === "length" ? "length" : "end";
    if (stop === "end" && this.#calls.length > 0) stop = "tool_calls";
    // A prompt that was read before is not counted by older servers.
    const usage: Usage = {
      input: read ?? 0,
      output: count(chunk["eval_count"]) ?? 0,
      cacheRead: 0,
      cacheWrite: 0,
      reasoning: 0,
    };
    const message = {
      role: "assistant" as const,
      blocks: [...this.#blocks, ...this.#calls],
      from: this.#target.info.ref,
    };
    this.told.end(message, stop, usage);
  }

  /**
   * Older servers drop the beginning of what does not fit and say nothing. It shows in the count of what was read: all
   * of the window, or less than the text can have had. Where the text surely fitted, a small count only means that the
   * server remembered the rest.
   */
  #checkRead(read: number | undefined): void {
    if (read === undefined || this.#measured === undefined) return;
    const { window, bytes } = this.#measured;
    if (bytes / LEAST_BYTES <= window) return;
    if (read < window && read * MOST_BYTES >= bytes) return;
    const { id } = this.#target.row;
    const words = `${id} read only ${read} tokens of the conversation: it does not fit into the model's ${window}`;
    throw new ProviderError("overflow", id, words);
  }
}
