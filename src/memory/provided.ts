import { messageOf, ProviderError } from "../base/errors.ts";
import type { Embedder } from "../contracts/provider.ts";
import type { CallRecord } from "../contracts/task.ts";
import { dot, normalised } from "./embedder.ts";
import type { ProvidedQuery } from "./search.ts";
import type { Spaces } from "./spaces.ts";

/** A provider's vectors are searched once at least this share of the chunks has one; until then the built-in's are. */
const COVERED = 0.9;
/** Longer texts are embedded by their beginning, UTF-16 units. */
const MOST_EMBEDDED = 8000;
/** Nobody waits longer for a query's vector than this, ms: keywords and the built-in embedder are there in any case. */
const QUERY_MS = 5_000;
/**
 * Texts about nothing a task is like. How near a query is to them says what nearness means with this model: with some,
 * unrelated texts have a cosine of 0.1, with others of 0.7.
 */
const FAR = [
  "The tide was out and gulls walked over the wet sand.",
  "Her grandmother baked plum cake every Sunday.",
  "The museum closes at five on public holidays.",
  "Two goats slept in the shade of an olive tree.",
];
/** A hit is nearer than those by this share of what is left to 1. */
const NEARER = 0.3;

interface ProvidedOptions {
  open: () => Promise<Embedder | undefined>;
  /** Replaces secrets: nothing else is sent. */
  hide: (text: string) => string;
  onWarning: (text: string) => void;
  /** Hears what was paid for. */
  onSpent: (call: CallRecord) => void | Promise<void>;
}

/** What embedding took, as a call of a model. */
function callOf({ ref, pricePerMillion }: Embedder, counted: readonly number[], ms: number): CallRecord {
  const input = counted.reduce((sum, tokens) => sum + tokens, 0);
  return {
    role: "embedder",
    model: ref,
    usage: { input, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    costUsd: pricePerMillion === undefined ? null : (input * pricePerMillion) / 1e6,
    ms,
    stop: "end",
  };
}

/** Asks the provider's embedder, where one is named. After its first failure the built-in one serves for this run. */
export class Provided {
  readonly #options: ProvidedOptions;
  #embedder: Promise<Embedder | undefined> | undefined;
  #failed = false;
  readonly #asked = new Map<string, Float32Array[]>();

  constructor(options: ProvidedOptions) {
    this.#options = options;
  }

  /** The embedder; undefined where none is named or it failed in this run. */
  async embedder(): Promise<Embedder | undefined> {
    if (this.#failed) return undefined;
    try {
      this.#embedder ??= this.#options.open();
      return await this.#embedder;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** The query in the provider's vectors; undefined where the built-in ones are to be searched. */
  async query(spaces: Spaces, newest: number, text: string, signal: AbortSignal): Promise<ProvidedQuery | undefined> {
    const embedder = await this.embedder();
    const space = embedder && spaces.of(embedder.ref);
    if (!embedder || !space || space.upto < COVERED * newest) return undefined;
    const texts = [text, ...FAR];
    const vectors = this.#asked.get(text) ?? (await this.vectors(texts, signal, QUERY_MS));
    signal.throwIfAborted();
    const [vector, ...far] = vectors ?? [];
    if (!vectors || !vector || vector.length !== space.dimensions) return undefined;
    this.#asked.set(text, vectors);
    const usual = far.reduce((sum, each) => sum + dot(vector, each), 0) / far.length;
    return { space, vector, floor: usual + NEARER * (1 - usual) };
  }

  /** One vector of length 1 for each text; undefined where it failed, which it has after `limit` ms too, or was called off. */
  async vectors(texts: readonly string[], signal: AbortSignal, limit?: number): Promise<Float32Array[] | undefined> {
    const embedder = await this.embedder();
    if (!embedder) return undefined;
    const within = limit === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(limit)]);
    const began = performance.now();
    const counted: number[] = [];
    try {
      const { vectors } = await embedder.embed(this.#sent(texts), within, (tokens) => counted.push(tokens));
      const length = vectors[0]?.length ?? 0;
      if (vectors.length !== texts.length || length === 0 || vectors.some((vector) => vector.length !== length)) {
        throw new ProviderError("invalid", embedder.ref, "it did not answer with one vector for each text");
      }
      return vectors.map(normalised);
    } catch (error) {
      // Who called it off has no reason to hear of a failure.
      if (!signal.aborted) this.#fail(error);
      return undefined;
    } finally {
      if (counted.length > 0) await this.#options.onSpent(callOf(embedder, counted, performance.now() - began));
    }
  }

  /** Hidden before it is cut: half of a secret is not known for one. */
  #sent(texts: readonly string[]): string[] {
    return texts.map((text) => this.#options.hide(text).slice(0, MOST_EMBEDDED).toWellFormed());
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onWarning(`the embedder failed, the built-in one is used in this run: ${messageOf(error)}`);
  }
}
