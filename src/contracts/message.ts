/** The conversation, independent of any provider. */

/** `native`: what a model's provider gave with this text (a signature, a phase) and wants back unchanged. */
export interface TextBlock {
  type: "text";
  text: string;
  native?: unknown;
}

/**
 * A model's reasoning. `native` holds what the provider gave and wants back unchanged (signatures, encrypted parts);
 * it is sent only to the model that made it.
 */
export interface ReasoningBlock {
  type: "reasoning";
  text: string;
  native?: unknown;
}

/** `arguments` is the JSON text exactly as the model wrote it, so that a request stays an extension of the one before. */
export interface ToolCallBlock {
  type: "tool_call";
  id: string;
  name: string;
  arguments: string;
  /** What the provider gave with this call and wants back unchanged. */
  native?: unknown;
}

export interface ToolResultBlock {
  type: "tool_result";
  /** The id of the call that this answers. */
  id: string;
  name: string;
  text: string;
  isError?: boolean;
  images?: ImageBlock[];
}

export interface ImageBlock {
  type: "image";
  /** e.g. `image/png`, `application/pdf`. */
  mediaType: string;
  /** Base64. */
  data: string;
}

export type UserBlock = TextBlock | ImageBlock | ToolResultBlock;
export type AssistantBlock = TextBlock | ReasoningBlock | ToolCallBlock;

/** Messages never change once they are made: what is known of one (its size, its form on a wire) is worked out once. */
export interface UserMessage {
  readonly role: "user";
  readonly blocks: readonly UserBlock[];
}

export interface AssistantMessage {
  readonly role: "assistant";
  readonly blocks: readonly AssistantBlock[];
  /** `provider/model` that wrote it; decides whether `native` parts may go back. */
  readonly from: string;
}

export type Message = UserMessage | AssistantMessage;

/** How a conversation was made smaller so that it fits. Numbers are places in the conversation as it was before. */
export interface Compaction {
  /** Results of tools of which `keep` characters were left; their images went. */
  shortened: { message: number; block: number; keep: number }[];
  /** Stands for the messages after the first one up to number `until`, which itself stayed. Absent: all stayed. */
  facts?: { until: number; text: string };
}

/** Tokens of one model call. The four input/output counts do not overlap; `reasoning` is a part of `output`. */
export interface Usage {
  /** Input tokens at full price. */
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  reasoning: number;
}

export type StopReason = "end" | "tool_calls" | "length" | "filtered";
