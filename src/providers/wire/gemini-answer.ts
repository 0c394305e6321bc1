import { ProviderError } from "../../base/errors.ts";
import type { AssistantBlock, StopReason, Usage } from "../../contracts/message.ts";
import { explain } from "../trouble.ts";
import { madeId } from "./call-ids.ts";
import { ArgumentPieces } from "./gemini-arguments.ts";
import { Told } from "./told.ts";
import { count, firstAnswer, object, objects, text } from "./values.ts";
import type { Target } from "./wire.ts";

type Part = Record<string, unknown>;

/** A call whose arguments are still coming. */
interface OpenCall {
  id: string;
  name: string;
  native: { id?: string; thoughtSignature?: string };
  pieces: ArgumentPieces;
}

const STOPS: Readonly<Record<string, StopReason>> = {
  STOP: "end",
  MAX_TOKENS: "length",
  SAFETY: "filtered",
  RECITATION: "filtered",
  LANGUAGE: "filtered",
  BLOCKLIST: "filtered",
  PROHIBITED_CONTENT: "filtered",
  SPII: "filtered",
  IMAGE_SAFETY: "filtered",
};

/** Folds the chunks of one streamed answer. Unknown parts (code that the service ran, citations) are skipped. */
export class GeminiAnswer {
  readonly told = new Told();
  readonly #target: Target;
  readonly #blocks: AssistantBlock[] = [];
  #open: OpenCall | undefined;
  #calls = 0;
  #usage: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
  #finish = "";
  #blocked = false;
  #response = "";

  constructor(target: Target) {
    this.#target = target;
  }

  /** @throws ProviderError for an error inside the stream. */
  take(chunk: Part): void {
    if (chunk["error"]) {
      throw explain({ provider: this.#target.row.id, body: JSON.stringify({ error: chunk["error"] }) });
    }
    this.#response ||= text(chunk["responseId"]);
    if (object(chunk["promptFeedback"])["blockReason"]) this.#blocked = true;
    const usage = object(chunk["usageMetadata"]);
    // Some chunks name nothing but the kind of traffic.
    if (usage["promptTokenCount"] !== undefined) this.#usage = usageOf(usage);
    const candidate = firstAnswer(chunk["candidates"]);
    for (const part of objects(object(candidate["content"])["parts"])) this.#part(part);
    this.#finish = text(candidate["finishReason"]) || this.#finish;
  }

  broken(reason: string): ProviderError {
    const { id } = this.#target.row;
    return new ProviderError("broken_stream", id, `${id}: ${reason}`);
  }

  /** @throws ProviderError where the answer has no end, or the model wrote a call that the service could not read. */
  done(): void {
    this.told.flush();
    const { id } = this.#target.row;
    if (!this.#finish && !this.#blocked) throw this.broken("the stream ended before the answer was complete");
    let stop = this.#blocked ? "filtered" : STOPS[this.#finish];
    // Asked again it mostly writes a better one.
    if (!stop) throw new ProviderError("server", id, `${id}: the model stopped with ${this.#finish}`);
    if (this.#open && stop === "end") throw this.broken("the answer ended inside a tool call");
    this.#close();
    if (stop === "end" && this.#calls > 0) stop = "tool_calls";
    const message = { role: "assistant" as const, blocks: this.#blocks, from: this.#target.info.ref };
    this.told.end(message, stop, this.#usage);
  }

  #part(part: Part): void {
    const signature = text(part["thoughtSignature"]);
    if (part["functionCall"]) this.#call(object(part["functionCall"]), signature);
    else if (typeof part["text"] === "string") {
      this.#add(part["thought"] === true ? "reasoning" : "text", part["text"], signature);
    } else if (signature && Object.keys(part).length === 1) this.#add("text", "", signature);
  }

  /** A signature belongs to its part alone: what has one is never joined with what has none. */
  #add(type: "text" | "reasoning", piece: string, signature: string): void {
    if (!piece && !signature) return;
    const last = this.#blocks.at(-1);
    const goesOn = !signature && last?.type === type && last.native === undefined;
    const block = goesOn ? last : { type, text: "", ...(signature ? { native: { thoughtSignature: signature } } : {}) };
    if (!goesOn) this.#blocks.push(block);
    this.told.say(type, piece, block);
  }

  /** Mostly a call comes whole; with streamed arguments its name comes first and an empty call ends it. */
  #call(call: Part, signature: string): void {
    const name = text(call["name"]);
    if (name) this.#begin(call, name, signature);
    if (!this.#open) return;
    if (signature) this.#open.native.thoughtSignature = signature;
    this.#open.pieces.take(call["partialArgs"]);
    if (call["willContinue"] !== true) this.#close(call["args"]);
  }

  #begin(call: Part, name: string, signature: string): void {
    this.#close();
    const stated = text(call["id"]);
    const id = stated || madeId(this.#response, this.#calls);
    const native = { ...(stated ? { id: stated } : {}), ...(signature ? { thoughtSignature: signature } : {}) };
    this.#calls++;
    this.#open = { id, name, native, pieces: new ArgumentPieces() };
    this.told.call(id, name);
  }

  #close(whole?: unknown): void {
    if (!this.#open) return;
    const { id, name, native, pieces } = this.#open;
    this.#open = undefined;
    const json = whole === undefined ? pieces.json() : JSON.stringify(object(whole));
    const back = Object.keys(native).length > 0 ? { native } : {};
    this.#blocks.push({ type: "tool_call", id, name, arguments: json, ...back });
  }
}

/** The prompt's count holds what came from the cache; thoughts are counted beside the answer, and both are output. */
export function usageOf(usage: Part): Usage {
  const prompt = (count(usage["promptTokenCount"]) ?? 0) + (count(usage["toolUsePromptTokenCount"]) ?? 0);
  const cacheRead = Math.min(count(usage["cachedContentTokenCount"]) ?? 0, prompt);
  const reasoning = count(usage["thoughtsTokenCount"]) ?? 0;
  const output = (count(usage["candidatesTokenCount"]) ?? 0) + reasoning;
  return { input: prompt - cacheRead, output, cacheRead, cacheWrite: 0, reasoning };
}
