import type { ModelEvent, ModelInfo, ModelRequest } from "../../contracts/provider.ts";
import type { Row } from "../row.ts";

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
  /** This model thinks before it answers where it is asked to. */
  thinks?: "adaptive";
}

/** An answer that may be shorter than this leaves no room to think before it, tokens. */
const ROOM_TO_THINK = 8192;

/**
 * What asks a Claude model to think; undefined where it is not to. Who asks for a temperature or
 * a short answer wants a plain one: thoughts count as output, and go with no temperature.
 */
export function thinkingFor(request: ModelRequest, { thinks, info }: Target): { type: "adaptive" } | undefined {
  const room = Math.min(request.maxTokens, info.maxOutput);
  if (!thinks || request.temperature !== undefined || room < ROOM_TO_THINK) return undefined;
  return { type: thinks };
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
