import { oncePer } from "../../base/once-per.ts";
import type { Message } from "../../contracts/message.ts";
import type { ModelEvent, ModelInfo, ModelRequest } from "../../contracts/provider.ts";
import type { Row, Thinking } from "../row.ts";

/** What a wire makes of a request. */
export interface Encoded {
  /** Begins with a slash, may end with a query; appended to the base URL. */
  path: string;
  /** The wire's own headers; the caller adds the credential. */
  headers: Record<string, string>;
  /** JSON text. */
  body: string;
  /** Of a server that cuts what is too long without a word: what it was given to read, and how much it can. */
  measured?: {
    /** Tokens, the answer's included. */
    window: number;
    /** Of all text that is to be read. */
    bytes: number;
  };
}

/** Who is asked, as the wires need it. */
export interface Target {
  row: Row;
  /** The model's id at the provider. */
  model: string;
  info: ModelInfo;
  /** Fields this model needs in the body of a Chat Completions request that offers tools. */
  withTools?: Readonly<Record<string, unknown>>;
  /** This model refuses a conversation in which a tool call carries no signature. */
  signedCalls?: boolean;
  thinks?: Thinking;
}

/** An answer that may be no longer than this leaves no room to think long before it, tokens. */
const ROOM_TO_THINK = 8192;

/**
 * How much the model should think: `free` as it likes, `little` where the answer is to be short, because thoughts count
 * as output; undefined where nothing may be said about it.
 */
export function thinkingFor(request: ModelRequest, { thinks, info }: Target): "free" | "little" | undefined {
  if (thinks === "unsteered" || !info.capabilities.reasoning) return undefined;
  return Math.min(request.maxTokens, info.maxOutput) < ROOM_TO_THINK ? "little" : "free";
}

/** The same in OpenAI's words. Said in any case: newer models do not think unless they are told to. */
export function effortFor(request: ModelRequest, target: Target): { effort: "medium" | "low" } | undefined {
  const thinking = thinkingFor(request, target);
  return thinking && { effort: thinking === "free" ? "medium" : "low" };
}

/** What asks a Claude model to think; undefined where it is not to. It goes with no temperature. */
export function adaptiveThinking(request: ModelRequest, target: Target): { type: "adaptive" } | undefined {
  if (target.thinks !== "adaptive" || request.temperature !== undefined) return undefined;
  return thinkingFor(request, target) === "free" ? { type: "adaptive" } : undefined;
}

/** What each message becomes for this model, worked out once: a request carries all that were in the one before. */
export function messageWise<T extends object>(
  encode: (message: Message, target: Target) => T,
): (messages: readonly Message[], target: Target) => T[] {
  const encoderFor = oncePer((target: Target) => oncePer((message: Message) => encode(message, target)));
  return (messages, target) => messages.map(encoderFor(target));
}

/**
 * One wire protocol. `encode` is pure: the same request gives the same bytes, and a longer conversation gives an
 * extension of the shorter one's messages. `decode` ends with `done` or throws a ProviderError; it never ends silently.
 * `sent` is what `encode` gave for the request that is answered.
 */
export interface Wire {
  encode(request: ModelRequest, target: Target): Encoded;
  decode(bytes: AsyncIterable<Uint8Array>, target: Target, sent?: Encoded): AsyncGenerator<ModelEvent, void>;
}
