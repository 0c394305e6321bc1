import { ProviderError } from "../base/errors.ts";
import type { Embedder } from "../contracts/provider.ts";
import type { EmbedderData } from "./catalogue.ts";
import { tokensOf } from "./estimate.ts";
import { asProviderError, post, type Recipient } from "./post.ts";
import { type RetryOptions, retried } from "./retry.ts";
import type { Embeddings } from "./row.ts";
import type { EmbeddingWire } from "./wire/embedding-wire.ts";

export interface EmbedderOptions extends Recipient {
  wire: EmbeddingWire;
  /** What the provider takes at once. */
  limits: Pick<Embeddings, "batch" | "batchTokens">;
  /** What is known of the model. */
  facts: Partial<EmbedderData>;
  retry: RetryOptions;
}

/** Requests that are under way at the same time. */
const SIDE_BY_SIDE = 4;
/** A token is taken for as few bytes as this where a text must not be longer than the model reads. */
const BYTES_PER_TOKEN = 3;
/** What stands for a text of nothing, because providers refuse that. */
const NOTHING = ".";
const MOST_BYTES = 256 * 1024 * 1024;

/** An embedder behind HTTP. A text that is longer than the model reads is cut at its end. */
export function httpEmbedder(options: EmbedderOptions): Embedder {
  return new HttpEmbedder(options);
}

class HttpEmbedder implements Embedder {
  readonly ref: string;
  readonly pricePerMillion?: number;
  readonly #options: EmbedderOptions;
  #dimensions: number | undefined;

  constructor(options: EmbedderOptions) {
    const { row, model, facts } = options;
    this.#options = options;
    this.#dimensions = facts.dimensions;
    // The model decides on the length of its vectors, unless another one is asked for.
    this.ref = `${row.id}/${model}${facts.shortened ? `@${facts.dimensions}` : ""}`;
    if (facts.price !== undefined) this.pricePerMillion = facts.price;
  }

  get dimensions(): number | undefined {
    return this.#dimensions;
  }

  async embed(
    texts: readonly string[],
    signal: AbortSignal,
    paid: (tokens: number) => void = () => {},
  ): Promise<{ vectors: Float32Array[]; tokens: number }> {
    signal.throwIfAborted();
    const { limits, facts } = this.#options;
    const batches = batchesOf(
      texts.map((text) => readable(text, facts.context)),
      limits,
    );
    const answers: { vectors: Float32Array[]; tokens: number }[] = [];
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    let next = 0;
    const work = async () => {
      while (next < batches.length) {
        const at = next++;
        answers[at] = await this.#batch(batches[at]!, either, paid);
      }
    };
    const workers = Array.from({ length: Math.min(SIDE_BY_SIDE, batches.length) }, () =>
      work().catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
    const settled = await Promise.allSettled(workers);
    if (settled.some(({ status }) => status === "rejected")) throw either.reason;
    return {
      vectors: answers.flatMap(({ vectors }) => vectors),
      tokens: answers.reduce((all, { tokens }) => all + tokens, 0),
    };
  }

  #batch(texts: readonly string[], signal: AbortSignal, paid: (tokens: number) => void) {
    return retried(() => this.#ask(texts, signal, paid), this.#options.retry, signal);
  }

  async #ask(
    texts: readonly string[],
    signal: AbortSignal,
    paid: (tokens: number) => void,
  ): Promise<{ vectors: Float32Array[]; tokens: number }> {
    const { wire, row, model, facts } = this.#options;
    const target = { row, model, ...(facts.shortened && facts.dimensions ? { shortened: facts.dimensions } : {}) };
    const response = await post(this.#options, wire.encode(texts, target), signal);
    const body = await response.text(MOST_BYTES).catch((error: unknown) => {
      throw asProviderError(error, row);
    });
    const { vectors, tokens = tokensOf(texts) } = wire.decode(this.#parsed(body), response.headers);
    paid(tokens);
    if (vectors.length !== texts.length) throw this.#odd(`it gave ${vectors.length} vectors for ${texts.length} texts`);
    return { vectors: vectors.map((vector) => this.#unit(vector)), tokens };
  }

  #parsed(body: string): unknown {
    try {
      return JSON.parse(body);
    } catch {
      const { id } = this.#options.row;
      throw new ProviderError("broken_stream", id, `${id}: the answer is not JSON that can be read`);
    }
  }

  /** The vector with length 1. All have as many numbers as the first one. */
  #unit(vector: unknown): Float32Array {
    if (!Array.isArray(vector) || !vector.every((each) => typeof each === "number" && Number.isFinite(each)))
      throw this.#odd("what it gave is no vector");
    this.#dimensions ??= vector.length;
    if (vector.length !== this.#dimensions)
      throw this.#odd(`it gave ${vector.length} numbers instead of ${this.#dimensions}`);
    const length = Math.sqrt(vector.reduce((sum: number, each: number) => sum + each * each, 0));
    if (length === 0) throw this.#odd("it gave a vector of nothing");
    return Float32Array.from(vector, (each: number) => each / length);
  }

  #odd(what: string): ProviderError {
    const { row, model } = this.#options;
    return new ProviderError("invalid", row.id, `${row.id}: ${what} (is ${model} an embedding model?)`);
  }
}

/** In order, each as large as it may be. */
function batchesOf(texts: readonly string[], { batch, batchTokens }: EmbedderOptions["limits"]): string[][] {
  const mostBytes = (batchTokens ?? Number.POSITIVE_INFINITY) * BYTES_PER_TOKEN;
  const batches: string[][] = [];
  let bytes = 0;
  for (const text of texts) {
    const size = Buffer.byteLength(text);
    const last = batches.at(-1);
    if (!last || last.length >= batch || bytes + size > mostBytes) {
      batches.push([text]);
      bytes = size;
    } else {
      last.push(text);
      bytes += size;
    }
  }
  return batches;
}

/** A text as every provider takes it: not empty, whole characters, not longer than the model reads. */
function readable(text: string, context: number | undefined): string {
  const whole = text.trim() ? text.toWellFormed() : NOTHING;
  const most = (context ?? Number.POSITIVE_INFINITY) * BYTES_PER_TOKEN;
  if (Buffer.byteLength(whole) <= most) return whole;
  // A character that is cut in two gives U+FFFD, which is left out.
  return new TextDecoder().decode(Buffer.from(whole).subarray(0, most)).replace(/\uFFFD+$/, "");
}
