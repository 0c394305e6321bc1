import type { AssistantMessage, ImageBlock, ToolResultBlock, UserMessage } from "../../contracts/message.ts";
import type { ModelEvent, ModelRequest } from "../../contracts/provider.ts";
import { AnthropicAnswer, asStream } from "./anthropic-answer.ts";
import { frames } from "./frames.ts";
import { telling } from "./told.ts";
import { argumentsObject } from "./values.ts";
import { adaptiveThinking, type Encoded, messageWise, type Target, type Wire } from "./wire.ts";

/** The Anthropic Messages API: docs.anthropic.com/en/api/messages and /messages-streaming. */
export const anthropic: Wire = { encode, decode };

type Content = Readonly<Record<string, unknown>>;
interface Turn {
  readonly role: "user" | "assistant";
  readonly content: readonly Content[];
}

const VERSION = "2023-06-01";

const encoded = messageWise((message, target): Turn => {
  const content = message.role === "user" ? userContent(message, target) : assistantContent(message, target);
  return { role: message.role, content };
});

function encode(request: ModelRequest, target: Target): Encoded {
  const { info, row } = target;
  // A message of which nothing may be sent (another model's thoughts alone) is left out: empty content is refused.
  const messages = encoded(request.messages, target).filter(({ content }) => content.length > 0);
  markTurns(messages);
  const tools = request.tools.map(({ name, description, parameters }): Content => {
    return { name, description, input_schema: parameters };
  });
  // The cache is laid over tools, then system, then messages: one mark at the end of the fixed part covers all of it.
  const system = request.system ? [marked({ type: "text", text: request.system })] : undefined;
  if (!system && tools.length > 0) tools.push(marked(tools.pop()!));
  const thinking = adaptiveThinking(request, target);
  const body = {
    model: target.model,
    max_tokens: Math.min(request.maxTokens, info.maxOutput),
    stream: true,
    ...(request.temperature !== undefined && info.capabilities.temperature ? { temperature: request.temperature } : {}),
    // Newer models keep what they think to themselves unless they are asked for it in short.
    ...(thinking ? { thinking: { ...thinking, display: "summarized" } } : {}),
    ...(tools.length > 0 ? { tools } : {}),
    ...(system ? { system } : {}),
    messages,
  };
  return {
    path: row.baseUrl.endsWith("/v1") ? "/messages" : "/v1/messages",
    headers: { "content-type": "application/json", "anthropic-version": VERSION },
    body: JSON.stringify(body),
  };
}

/**
 * Marks the ends of the last two user turns. The next request finds its prefix at the second of them, however many
 * blocks lie between (the service looks back only 20 from a mark). With the fixed part's mark that makes three of the
 * four allowed; the content itself is never changed, so every request extends the one before.
 */
function markTurns(messages: Turn[]): void {
  let marks = 2;
  for (let at = messages.length - 1; at >= 0 && marks > 0; at--) {
    const { role, content } = messages[at]!;
    if (role !== "user") continue;
    messages[at] = { role, content: [...content.slice(0, -1), marked(content.at(-1)!)] };
    marks--;
  }
}

function marked(content: Content): Content {
  return { ...content, cache_control: { type: "ephemeral" } };
}

function userContent(message: UserMessage, target: Target): Content[] {
  // Results must come first in the message that follows their calls.
  const results = message.blocks.filter((block) => block.type === "tool_result");
  const others = message.blocks.filter((block) => block.type !== "tool_result");
  return [
    ...results.map((block) => toolResult(block, target)),
    ...others.flatMap((block): Content[] => {
      if (block.type === "image") return [image(block, target)];
      return block.text.trim() ? [{ type: "text", text: block.text }] : [];
    }),
  ];
}

function toolResult(block: ToolResultBlock, target: Target): Content {
  const words = { type: "text", text: block.text.trim() ? block.text : "(no output)" };
  return {
    type: "tool_result",
    tool_use_id: callId(block.id),
    content: [words, ...(block.images ?? []).map((picture) => image(picture, target))],
    ...(block.isError ? { is_error: true } : {}),
  };
}

function image(block: ImageBlock, target: Target): Content {
  if (!target.info.capabilities.images)
    return { type: "text", text: `(${block.mediaType}: this model sees no images)` };
  const source = { type: "base64", media_type: block.mediaType, data: block.data };
  return { type: block.mediaType === "application/pdf" ? "document" : "image", source };
}

function assistantContent(message: AssistantMessage, target: Target): Content[] {
  const own = message.from === target.info.ref;
  return message.blocks.flatMap((block): Content[] => {
    if (block.type === "text") return block.text.trim() ? [{ type: "text", text: block.text }] : [];
    // Unsigned thoughts, and those of another model, are refused.
    if (block.type === "reasoning") return own && block.native ? [block.native as Content] : [];
    return [{ type: "tool_use", id: callId(block.id), name: block.name, input: argumentsObject(block.arguments) }];
  });
}

/** Ids that other models gave may hold characters that are refused here. */
function callId(id: string): string {
  return id.replace(/[^\w-]/g, "_");
}

async function* decode(bytes: AsyncIterable<Uint8Array>, target: Target): AsyncGenerator<ModelEvent, void> {
  const answer = new AnthropicAnswer(target);
  yield* telling(frames(bytes, target.row.id), answer.told, (frame) => {
    if (frame.kind === "event") answer.take(frame.value);
    else if (frame.kind === "whole") for (const event of asStream(frame.value)) answer.take(event);
  });
  if (!answer.told.ended) throw answer.broken("the stream ended before the answer was complete");
}
