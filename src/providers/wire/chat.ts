import type { AssistantMessage, ImageBlock, ToolResultBlock, UserMessage } from "../../contracts/message.ts";
import type { ModelEvent, ModelRequest } from "../../contracts/provider.ts";
import { shortened } from "./call-ids.ts";
import { asChunks, ChatAnswer } from "./chat-answer.ts";
import { frames } from "./frames.ts";
import { telling } from "./told.ts";
import { argumentsText, object } from "./values.ts";
import { type Encoded, effortFor, messageWise, type Target, type Wire } from "./wire.ts";

/** OpenAI Chat Completions (platform.openai.com/docs/api-reference/chat), the language most vendors speak. */
export const chat: Wire = { encode, decode };

type Json = Readonly<Record<string, unknown>>;

const encoded = messageWise((message, target): readonly Json[] =>
  message.role === "user" ? userMessages(message, target) : assistantMessage(message, target),
);

function encode(request: ModelRequest, target: Target): Encoded {
  const { info, row } = target;
  const { quirks } = row;
  const system = request.system ? [{ role: "system", content: request.system }] : [];
  const plain = [...system, ...encoded(request.messages, target).flat()];
  const messages = quirks.cacheControl ? withMarks(plain) : plain;
  const tools = request.tools.map(({ name, description, parameters }): Json => {
    return { type: "function", function: { name, description, parameters } };
  });
  // Behind a gateway may stand a model that thinks at one temperature only.
  const reasoning = quirks.effort && request.temperature === undefined ? effortFor(request, target) : undefined;
  const body = {
    model: target.model,
    [quirks.maxTokensField ?? "max_tokens"]: Math.min(request.maxTokens, info.maxOutput),
    stream: true,
    stream_options: { include_usage: true },
    ...(request.temperature !== undefined && info.capabilities.temperature ? { temperature: request.temperature } : {}),
    ...(reasoning ? { reasoning } : {}),
    ...(tools.length > 0 ? { tools } : {}),
    ...(tools.length > 0 ? target.withTools : {}),
    ...(request.schema && quirks.jsonSchema
      ? { response_format: { type: "json_schema", json_schema: { ...request.schema, strict: false } } }
      : {}),
    messages,
  };
  return { path: "/chat/completions", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** Tool results are messages of their own and must follow their calls at once; what else the user said comes after. */
function userMessages(message: UserMessage, target: Target): Json[] {
  const results: ToolResultBlock[] = [];
  const pictures: Json[] = [];
  const parts: Json[] = [];
  for (const block of message.blocks) {
    if (block.type === "tool_result") {
      results.push(block);
      // A result can hold text only; its pictures are shown right after.
      if (block.images?.length) {
        pictures.push({ type: "text", text: `Images of the ${block.name} result:` });
        pictures.push(...block.images.map((picture) => image(picture, target)));
      }
    } else if (block.type === "image") parts.push(image(block, target));
    else if (block.text) parts.push({ type: "text", text: block.text });
  }
  const content = [...pictures, ...parts];
  return [
    ...results.map((block): Json => {
      return { role: "tool", tool_call_id: callId(block.id, target), content: block.text || "(no output)" };
    }),
    ...(content.length > 0 ? [{ role: "user", content: plain(content) }] : []),
  ];
}

/** One text is sent as a string: not every compatible server takes lists. */
function plain(parts: Json[]): unknown {
  const [first] = parts;
  return parts.length === 1 && first?.["type"] === "text" ? first["text"] : parts;
}

function image(block: ImageBlock, target: Target): Json {
  if (!target.info.capabilities.images)
    return { type: "text", text: `(${block.mediaType}: this model sees no images)` };
  const url = `data:${block.mediaType};base64,${block.data}`;
  return block.mediaType.startsWith("image/")
    ? { type: "image_url", image_url: { url } }
    : { type: "file", file: { filename: "document", file_data: url } };
}

function assistantMessage(message: AssistantMessage, target: Target): Json[] {
  const own = message.from === target.info.ref;
  let content = "";
  let reasoning = "";
  const details: unknown[] = [];
  const calls: Json[] = [];
  for (const block of message.blocks) {
    if (block.type === "text") content += block.text;
    else if (block.type === "tool_call") {
      const called = { name: block.name, arguments: argumentsText(block.arguments) };
      const extra = own ? object(block.native) : {};
      calls.push({ id: callId(block.id, target), type: "function", function: called, ...extra });
    } else if (own) {
      reasoning += block.text;
      const native = object(block.native)["reasoning_details"];
      if (Array.isArray(native)) details.push(...native);
    }
  }
  // Nothing to send: a refused or cut answer. An assistant message without content is not accepted.
  if (!content && calls.length === 0) return [];
  const back = target.row.quirks.returnReasoning;
  return [
    {
      role: "assistant",
      content: content || null,
      ...(back === "reasoning_content" && reasoning ? { reasoning_content: reasoning } : {}),
      ...(back === "reasoning_details" && details.length > 0 ? { reasoning_details: details } : {}),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
    },
  ];
}

function callId(id: string, { row }: Target): string {
  return shortened(id, row.quirks.toolCallIdMax);
}

/**
 * Cache breakpoints for the models that need them: at the end of the system prompt and of the last two messages that
 * are not the model's own. The marked ones are sent as lists, which changes their form but not their content.
 */
function withMarks(messages: readonly Json[]): Json[] {
  const marked = [...messages];
  let marks = 2;
  for (let at = messages.length - 1; at >= 0; at--) {
    const { role, content } = messages[at]!;
    if (role !== "system" && (role === "assistant" || marks-- <= 0)) continue;
    const parts = Array.isArray(content) ? content : [{ type: "text", text: content }];
    const last = { ...object(parts.at(-1)), cache_control: { type: "ephemeral" } };
    marked[at] = { ...messages[at], content: [...parts.slice(0, -1), last] };
  }
  return marked;
}

async function* decode(bytes: AsyncIterable<Uint8Array>, target: Target): AsyncGenerator<ModelEvent, void> {
  const answer = new ChatAnswer(target);
  yield* telling(frames(bytes, target.row.id), answer.told, (frame) => {
    switch (frame.kind) {
      case "event":
        answer.take(frame.value, frame.event);
        return;
      case "whole":
        for (const chunk of asChunks(frame.value)) answer.take(chunk, "message");
        answer.done(false);
        return;
      case "end":
        answer.done(true);
        return;
    }
  });
  if (answer.told.ended) return;
  if (target.row.quirks.endMark === "done") throw answer.broken("the stream ended before the answer was complete");
  answer.done(false);
  yield* answer.told.take();
}
