import type { JsonSchema } from "../base/schema.ts";
import type { AssistantMessage, Message, StopReason, Usage } from "./message.ts";

/** What a model is offered as a tool. */
export interface ToolSpec {
  name: string;
  description: string;
  parameters: JsonSchema;
}

export interface ModelRequest {
  system: string;
  messages: readonly Message[];
  tools: readonly ToolSpec[];
  /** Most output tokens, reasoning included. */
  maxTokens: number;
  temperature?: number;
  /** The answer must be JSON of this schema. A provider that cannot enforce it relies on the prompt saying so too. */
  schema?: { name: string; schema: JsonSchema };
}

/**
 * What a model call yields. Text and reasoning arrive in pieces; a block is whole only in `done`.
 * `restart` says that the attempt of this number (from 1) begins after `waitMs`: everything yielded before it is void.
 */
export type ModelEvent =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  | { type: "tool_call"; id: string; name: string }
  | { type: "restart"; attempt: number; waitMs: number; reason: string; model: string }
  /**
   * `info`: what counts for this answer, where it is not that of the model asked: a fallback's facts, or facts without a
   * price, because the provider counted no tokens and they are estimated.
   */
  | { type: "done"; message: AssistantMessage; stop: StopReason; usage: Usage; info?: ModelInfo };

/** USD per million tokens. */
export interface Price {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

export interface ModelInfo {
  /** `provider/model`. */
  ref: string;
  /** Context window, tokens. */
  context: number;
  /** Most output tokens of one call. */
  maxOutput: number;
  /** Absent where the price is unknown; the cost is then reported as unknown, never as 0. */
  price?: Price;
  capabilities: { tools: boolean; images: boolean; reasoning: boolean; temperature: boolean };
  /** True where the context window is an assumption, because nobody who was asked knows the model. */
  assumed: boolean;
  /** Who told a figure: the provider's own list, where the catalogue does not know the model, or the user's config. */
  stated?: { readonly [figure in "context" | "maxOutput" | "price"]?: "list" | "config" };
  /**
   * Set where the catalogue does not know the model, so that what it can do is assumed: whether its provider's own list
   * was asked, as far as there is one that could tell.
   */
  uncatalogued?: "asked" | "unasked";
}

/**
 * The one required method of a provider. The generator ends after `done`; a stream that breaks before it throws a
 * `ProviderError` and never ends silently.
 */
export interface Model {
  readonly info: ModelInfo;
  stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void>;
}

/** Turns texts into vectors. `ref` names model and dimensions, so that vectors of different embedders are never mixed. */
export interface Embedder {
  /** `provider/model`, or `builtin/…`. */
  readonly ref: string;
  /** Length of every vector; unknown (undefined) before the first answer where the provider alone knows it. */
  readonly dimensions: number | undefined;
  /** USD per million tokens; absent where unknown. */
  readonly pricePerMillion?: number;
  /**
   * One vector per text, in order, each of length 1 (L2-normalised). Batches by the provider's own limits; retries as models
   * do. `paid` hears what each answered request counted, tokens, also where another one fails. @throws ProviderError
   */
  embed(
    texts: readonly string[],
    signal: AbortSignal,
    paid?: (tokens: number) => void,
  ): Promise<{ vectors: Float32Array[]; tokens: number }>;
}

/** What each role of the cycle runs on. `small` is for internal work (titles, summaries, learnings). */
export type Role = "executor" | "evaluator" | "planner" | "small";

/** What a provider said of its own models. */
export interface ModelList {
  provider: string;
  /**
   * `asked`: just now; `kept`: within a day; `refused`: it does not accept the credential; `failed`: there was no
   * answer; `unlisted`: it has no list that can be asked.
   */
  state: "asked" | "kept" | "refused" | "failed" | "unlisted";
  /** Ids at the provider; after a failure those of an earlier answer. */
  models: string[];
  /** What happened, where it was refused or failed. */
  why?: string;
}

/** What `doctor` and `status` show of one provider. Never contains the credential itself. */
export interface ProviderStatus {
  id: string;
  displayName: string;
  /** Where the credential came from (`environment ANTHROPIC_API_KEY`), or undefined where there is none. */
  source: string | undefined;
  state: "ready" | "missing" | "restricted" | "expired" | "broken";
  /** What to do, where the state is not `ready`. */
  remedy?: string;
  baseUrl: string;
  defaultModel: string | undefined;
}
