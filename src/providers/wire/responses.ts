import type { AssistantMessage, ImageBlock, ToolResultBlock, UserMessage } from "../../contracts/message.ts";
import type { ModelEvent, ModelRequest } from "../../contracts/provider.ts";
import { shortened } from "./call-ids.ts";
import { frames } from "./frames.ts";
import { asEvents, ResponsesAnswer } from "./responses-answer.ts";
import { telling } from "./told.ts";
import { argumentsText, object } from "./values.ts";
import { type Encoded, effortFor, messageWise, type Target, type Wire } from "./wire.ts";

/**
 * The OpenAI Responses API (platform.openai.com/docs/api-reference/responses), without the service's memory: `store` is
 * false, and the model's reasoning comes back encrypted and is returned as it came.
 */
export const responses: Wire = { encode, decode };

type Json = Readonly<Record<string, unknown>>;

/** The service refuses less. */
const LEAST_OUTPUT = 16;
/** Longest id of a call, characters. */
const ID_MAX = 64;

const encoded = messageWise((message, target): readonly Json[] =>
  message.role === "user" ? userItems(message, target) : assistantItems(message, target),
);

function encode(request: ModelRequest, target: Target): Encoded {
  const { capabilities, maxOutput } = target.info;
  const input = encoded(request.messages, target).flat();
  const tools = request.tools.map(({ name, description, parameters }): Json => {
    return { type: "function", name, description, parameters, strict: false };
  });
  const reasoning = effortFor(request, target);
  const body = {
    model: target.model,
    ...(target.row.quirks.noOutputLimit
      ? {}
      : { max_output_tokens: Math.max(LEAST_OUTPUT, Math.min(request.maxTokens, maxOutput)) }),
    stream: true,
    store: false,
    ...(reasoning ? { reasoning } : {}),
    // Models that do not reason refuse it.
    ...(capabilities.reasoning ? { include: ["reasoning.encrypted_content"] } : {}),
    ...(request.temperature !== undefined && capabilities.temperature ? { temperature: request.temperature } : {}),
    ...(request.schema ? { text: { format: { type: "json_schema", ...request.schema, strict: false } } } : {}),
    ...(tools.length > 0 ? { tools } : {}),
    ...(request.system ? { instructions: request.system } : {}),
    input,
  };
  return { path: "/responses", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** Results are items of their own, right after their calls; what else the user said comes after. */
function userItems(message: UserMessage, target: Target): Json[] {
  const results: Json[] = [];
  const parts: Json[] = [];
  for (const block of message.blocks) {
    if (block.type === "tool_result") results.push(toolResult(block, target));
    else if (block.type === "image") parts.push(image(block, target));
    else if (block.text) parts.push({ type: "input_text", text: block.text });
  }
  return parts.length > 0 ? [...results, { role: "user", content: plain(parts) }] : results;
}

function toolResult(block: ToolResultBlock, target: Target): Json {
  const words = { type: "input_text", text: block.text || "(no output)" };
  const output = plain([words, ...(block.images ?? []).map((picture) => image(picture, target))]);
  return { type: "function_call_output", call_id: shortened(block.id, ID_MAX), output };
}

/** One text is sent as a string: not every compatible server takes lists. */
function plain(parts: Json[]): unknown {
  const [first] = parts;
  return parts.length === 1 && first?.["type"] === "input_text" ? first["text"] : parts;
}

function image(block: ImageBlock, target: Target): Json {
  if (!target.info.capabilities.images)
    return { type: "input_text", text: `(${block.mediaType}: this model sees no images)` };
  const url = `data:${block.mediaType};base64,${block.data}`;
  return block.mediaType.startsWith("image/")
    ? { type: "input_image", image_url: url, detail: "auto" }
    : { type: "input_file", filename: "document", file_data: url };
}

function assistantItems(message: AssistantMessage, target: Target): Json[] {
  const own = message.from === target.info.ref;
  const items: Json[] = [];
  // Reasoning is refused without the text or call that it led to: it waits for one.
  let thoughts: Json[] = [];
  for (const block of message.blocks) {
    if (block.type === "reasoning") {
      if (own && block.native) thoughts.push(block.native as Json);
      continue;
    }
    const native = own ? object(block.native) : {};
    if (block.type === "text" && !block.text) continue;
    items.push(...thoughts);
    thoughts = [];
    if (block.type === "text") items.push({ role: "assistant", content: block.text, ...native });
    else {
      const called = {
        call_id: shortened(block.id, ID_MAX),
        name: block.name,
        arguments: argumentsText(block.arguments),
      };
      items.push({ type: "function_call", ...called });
    }
  }
  return items;
}

async function* decode(bytes: AsyncIterable<Uint8Array>, target: Target): AsyncGenerator<ModelEvent, void> {
  const answer = new ResponsesAnswer(target);
  yield* telling(frames(bytes, target.row.id), answer.told, (frame) => {
    if (frame.kind === "event") answer.take(frame.value);
    else if (frame.kind === "whole") for (const event of asEvents(frame.value)) answer.take(event);
  });
  if (!answer.told.ended) throw answer.broken("the stream ended before the answer was complete");
}
