import { getKey } from "../base/config-layers.ts";
import { isObject } from "../base/schema.ts";
import type { Price } from "../contracts/provider.ts";

/** What a provider's own list says of a model, beside its name. */
export interface Stated {
  /** Context window as it is served, tokens. */
  context?: number;
  /** What the model could take, tokens; what its server gives it may be less, and nobody says how much. */
  ceiling?: number;
  /** Most output tokens of one call. */
  maxOutput?: number;
  price?: Price;
}

/** A number of tokens in a model's entry. `at`: the keys that lead to it, from outside to inside. */
interface TokenField {
  at: string;
  says: "context" | "ceiling" | "maxOutput";
  /** Read only where the entry has this key too. */
  beside?: string;
  /** Not read where the entry has this key. */
  unless?: string;
  why: string;
}

/** Prices in a model's entry, each by the keys that lead to it. */
interface PriceFields {
  input: string;
  output: string;
  cacheRead?: string;
  cacheWrite?: string;
  /** What a call costs beside its tokens: where that is anything, the tokens' price does not tell the cost. */
  perCall?: string;
  /** USD for so many tokens. */
  tokens: number;
  /** 0 means that it is free. Otherwise it means that there is no price by the token. */
  free: boolean;
  why: string;
}

/** Of several fields that say the same the first one counts that holds something sensible; ceilings come last. */
const TOKENS: readonly TokenField[] = [
  {
    at: "loaded_context_length",
    says: "context",
    why: "LM Studio (api/v0/models): the window with which the model lies in memory",
  },
  {
    at: "meta.n_ctx",
    says: "context",
    why: "llama.cpp (tools/server, server-context.cpp): the window of one slot, which is what a conversation gets",
  },
  { at: "max_model_len", says: "context", why: "vLLM (openai/models/serving.py): --max-model-len" },
  {
    at: "context_length",
    says: "context",
    why: "OpenRouter (openrouter.ai/docs/models), Together (as its clients read it), Moonshot (its list models)",
  },
  { at: "context_window", says: "context", why: "Groq (its API reference, list models)" },
  {
    at: "max_context_length",
    says: "context",
    unless: "state",
    why: "Mistral (client-python, BaseModelCard); in LM Studio's list, whose entries have a state, it is something else",
  },
  {
    at: "capabilities.limits.max_prompt_tokens",
    says: "context",
    why: "Copilot (its /models, as quoted in models.dev issue 1946): what a question may take, which is less than the window it names",
  },
  {
    at: "max_input_tokens",
    says: "context",
    why: "Anthropic (platform.claude.com/docs/en/api/models-list), LiteLLM (proxy, create_model_info_response)",
  },
  { at: "inputTokenLimit", says: "context", why: "Gemini (ai.google.dev/api/models; model.proto of v1beta)" },
  { at: "top_provider.max_completion_tokens", says: "maxOutput", why: "OpenRouter: of the provider it prefers" },
  { at: "max_completion_tokens", says: "maxOutput", why: "Groq" },
  {
    at: "max_tokens",
    says: "maxOutput",
    beside: "max_input_tokens",
    why: "Anthropic: the most that may be asked for; elsewhere the name means other things",
  },
  { at: "capabilities.limits.max_output_tokens", says: "maxOutput", why: "Copilot" },
  { at: "max_output_tokens", says: "maxOutput", why: "LiteLLM" },
  { at: "outputTokenLimit", says: "maxOutput", why: "Gemini" },
  {
    at: "max_context_length",
    says: "ceiling",
    beside: "state",
    why: "LM Studio (api/v0/models): of a model that is not loaded; it loads with less, mostly",
  },
  {
    at: "meta.n_ctx_train",
    says: "ceiling",
    why: "llama.cpp before it told n_ctx: what the model was trained with, whatever --ctx-size says",
  },
];

const PRICES: readonly PriceFields[] = [
  {
    input: "pricing.prompt",
    output: "pricing.completion",
    cacheRead: "pricing.input_cache_read",
    cacheWrite: "pricing.input_cache_write",
    perCall: "pricing.request",
    tokens: 1,
    free: true,
    why: "OpenRouter (openrouter.ai/docs/models): USD a token, as text, 0 where it is free; its routers say -1",
  },
  {
    input: "pricing.input",
    output: "pricing.output",
    tokens: 1_000_000,
    free: false,
    why: "Together (as its clients read it): USD a million; 0 stands also at models that are paid by the hour",
  },
];

/** Nobody serves more. */
const MOST_TOKENS = 100_000_000;
/** USD per million tokens; nobody asks more. */
const MOST_USD = 100_000;

/** What an entry of a list says of its model. What cannot be is as if it were not there. */
export function statedBy(entry: Record<string, unknown>): Stated {
  const stated: Stated = {};
  for (const { at, says, beside, unless } of TOKENS) {
    if ((beside && entry[beside] === undefined) || (unless && entry[unless] !== undefined)) continue;
    if (says === "ceiling" && stated.context) continue;
    const tokens = tokensOf(getKey(entry, at.split(".")));
    if (tokens !== undefined) stated[says] ??= tokens;
  }
  const price = PRICES.map((fields) => priceBy(entry, fields)).find(Boolean);
  return price ? { ...stated, price } : stated;
}

/** The same from a file in which it was kept, which anybody can have written. */
export function statedFrom(kept: unknown): Stated {
  if (!isObject(kept)) return {};
  const [context, ceiling, maxOutput] = ["context", "ceiling", "max_output"].map((key) => tokensOf(kept[key]));
  const price = isObject(kept["price"])
    ? priceBy(kept["price"], {
        input: "input",
        output: "output",
        cacheRead: "cache_read",
        cacheWrite: "cache_write",
        tokens: 1_000_000,
        free: true,
      })
    : undefined;
  return {
    ...(context === undefined ? {} : { context }),
    ...(ceiling === undefined ? {} : { ceiling }),
    ...(maxOutput === undefined ? {} : { maxOutput }),
    ...(price ? { price } : {}),
  };
}

/** As it is kept; undefined where it is nothing. */
export function keptOf({ context, ceiling, maxOutput, price }: Stated): Record<string, unknown> | undefined {
  const { input, output, cacheRead: cache_read, cacheWrite: cache_write } = price ?? {};
  const kept = {
    ...(context === undefined ? {} : { context }),
    ...(ceiling === undefined ? {} : { ceiling }),
    ...(maxOutput === undefined ? {} : { max_output: maxOutput }),
    ...(price ? { price: { input, output, cache_read, cache_write } } : {}),
  };
  return Object.keys(kept).length > 0 ? kept : undefined;
}

/** Cached tokens whose price is not told cost what others do. */
function priceBy(entry: Record<string, unknown>, fields: Omit<PriceFields, "why">): Price | undefined {
  const { tokens, free, perCall } = fields;
  const usd = (at: string | undefined) => {
    const value = at === undefined ? undefined : numberOf(getKey(entry, at.split(".")));
    if (value === undefined) return undefined;
    // Of 0.000003 a token, 3 a million and not 2.9999999999999996.
    const million = Number(((value * 1_000_000) / tokens).toPrecision(12));
    return million >= 0 && million <= MOST_USD ? million : undefined;
  };
  const input = usd(fields.input);
  const output = usd(fields.output);
  if (input === undefined || output === undefined || (!free && input + output === 0)) return undefined;
  if (perCall && (numberOf(getKey(entry, perCall.split("."))) ?? 0) !== 0) return undefined;
  return { input, output, cacheRead: usd(fields.cacheRead) ?? input, cacheWrite: usd(fields.cacheWrite) ?? input };
}

function tokensOf(value: unknown): number | undefined {
  const tokens = numberOf(value);
  return tokens !== undefined && Number.isInteger(tokens) && tokens > 0 && tokens <= MOST_TOKENS ? tokens : undefined;
}

/** A number, also one that is written as text. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string" || !/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value)) return undefined;
  return numberOf(Number(value));
}
