import { ProviderError } from "../base/errors.ts";
import type { Usage } from "../contracts/message.ts";
import type { ModelInfo, ModelRequest } from "../contracts/provider.ts";
import { measure } from "./measure.ts";

/** What the answer may take of the window, at most, before the conversation has to give way. */
const ANSWER_SHARE = 0.25;
/** Of the room that the task leaves free: from where a conversation is made smaller, and how small. */
const MARK = 0.75;
const GOAL = 0.5;
/** Tokens that a provider counts for one that was estimated. Counts beyond this leave out what it had cached, say. */
const LEAST_DENSITY = 0.8;
const MOST_DENSITY = 8;
/** So much of a request that the provider found too long may be sent instead. */
const AFTER_OVERFLOW = 2 / 3;

type Measurable = Pick<ModelRequest, "system" | "messages" | "tools">;

/** How much of a conversation may be sent, tokens. */
export interface Room {
  /** No request may be greater. */
  most: number;
  /** From here on the conversation is made smaller. */
  mark: number;
  /** So small, where that can be had. */
  goal: number;
}

/**
 * What a model can take, and what a request takes of it. The estimate learns from what the provider counted of the last
 * request; the size, from a provider that found one too long.
 */
export class Window {
  readonly #info: ModelInfo;
  #density = 1;
  /** Estimated tokens, the answer's included, that are surely too many. */
  #refused = Number.POSITIVE_INFINITY;

  constructor(info: ModelInfo) {
    this.#info = info;
  }

  /** The whole window: what the model is said to have, or less where its provider thought otherwise. */
  get #size(): number {
    return Math.min(this.#info.context, this.#refused * this.#density);
  }

  /** Tokens of the provider for one that `measure` counts. */
  get density(): number {
    return this.#density;
  }

  /** Input tokens of a request. */
  tokens(request: Measurable): number {
    return Math.ceil(measure(request) * this.#density);
  }

  /** Most output tokens beside this input. */
  answer(request: Measurable): number {
    return Math.max(1, Math.min(this.#info.maxOutput, Math.floor(this.#size) - this.tokens(request)));
  }

  /** So much may be sent whatever of it never gives way, tokens. */
  get ease(): number {
    return this.#most * MARK;
  }

  get #most(): number {
    return Math.floor(this.#size - Math.min(this.#info.maxOutput, this.#size * ANSWER_SHARE));
  }

  /** `fixed`: tokens of what never gives way (system prompt, tools, task). Throws where that alone is too long. */
  room(fixed: number): Room {
    const most = this.#most;
    const free = most - fixed;
    if (free < 0) {
      const { ref } = this.#info;
      const words = `the task and its instructions (about ${Math.ceil(fixed)} tokens) do not fit into what ${ref} can read (${most})`;
      throw new ProviderError("overflow", ref, words);
    }
    return { most, mark: fixed + free * MARK, goal: fixed + free * GOAL };
  }

  /** What the provider counted of a request that it took. */
  learn(request: Measurable, { input, cacheRead, cacheWrite }: Usage): void {
    const estimated = measure(request);
    const counted = input + cacheRead + cacheWrite;
    if (counted === 0 || estimated === 0) return;
    this.#density = Math.min(MOST_DENSITY, Math.max(LEAST_DENSITY, counted / estimated));
  }

  /** The provider found this request too long, whatever was believed of its window. */
  overflowed(request: ModelRequest): void {
    const sent = measure(request) + request.maxTokens / this.#density;
    this.#refused = Math.min(this.#refused, sent) * AFTER_OVERFLOW;
  }
}
