import { ProviderError } from "../../base/errors.ts";
import { type EventMessage, EventStreamDecoder, EventStreamError } from "../../base/event-stream.ts";
import type { AssistantMessage, ImageBlock, Message, ToolResultBlock, UserMessage } from "../../contracts/message.ts";
import type { ModelEvent, ModelRequest } from "../../contracts/provider.ts";
import { asStream, BedrockAnswer } from "./bedrock-answer.ts";
import { shortened } from "./call-ids.ts";
import { frames, joined, parsed } from "./frames.ts";
import { telling } from "./told.ts";
import { argumentsObject } from "./values.ts";
import { adaptiveThinking, type Encoded, type Target, type Wire } from "./wire.ts";

/** Amazon Bedrock's ConverseStream: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html. */
export const bedrock: Wire = { encode, decode };

type Json = Record<string, unknown>;
interface Turn {
  role: "user" | "assistant";
  content: Json[];
}

/** Longest id of a tool call, characters. */
const ID_MAX = 64;

function encode(request: ModelRequest, target: Target): Encoded {
  const { info } = target;
  const documents = { count: 0 };
  const messages: Turn[] = [];
  for (const { role, ...message } of request.messages) {
    const content =
      "from" in message ? assistantContent(message, target) : userContent(message.blocks, target, documents);
    const last = messages.at(-1);
    // Turns must alternate; one that has nothing to send is left out, and its neighbours become one.
    if (last?.role === role) last.content.push(...content);
    else if (content.length > 0) messages.push({ role, content });
  }
  const caches = info.price !== undefined && info.price.cacheRead < info.price.input;
  if (caches) markTurns(messages);
  const tools = toolsOf(request);
  const thinking = adaptiveThinking(request, target);
  const body = {
    inferenceConfig: {
      maxTokens: Math.min(request.maxTokens, info.maxOutput),
      ...(request.temperature !== undefined && info.capabilities.temperature
        ? { temperature: request.temperature }
        : {}),
    },
    ...(thinking ? { additionalModelRequestFields: { thinking } } : {}),
    ...(tools.length > 0 ? { toolConfig: { tools } } : {}),
    ...(request.system ? { system: [{ text: request.system }, ...(caches ? [CACHE_POINT] : [])] } : {}),
    messages,
  };
  return {
    path: `/model/${encodeURIComponent(target.model)}/converse-stream`,
    headers: { "content-type": "application/json", accept: "application/vnd.amazon.eventstream" },
    body: JSON.stringify(body),
  };
}

/** Everything before it is cached: tools, then system, then messages. Only models with a price for it take it. */
const CACHE_POINT = { cachePoint: { type: "default" } } as const;

/** The ends of the last two user turns: the next request finds its prefix at the second of them. */
function markTurns(messages: Turn[]): void {
  let marks = 2;
  for (const message of messages.toReversed()) {
    if (message.role !== "user") continue;
    message.content.push(CACHE_POINT);
    if (--marks === 0) return;
  }
}

/** A conversation that holds calls is refused without tools, also where none may be called any more. */
function toolsOf({ tools, messages }: ModelRequest): Json[] {
  if (tools.length > 0) {
    return tools.map(({ name, description, parameters }) => {
      return { toolSpec: { name, ...(description ? { description } : {}), inputSchema: { json: parameters } } };
    });
  }
  return [...new Set(messages.flatMap(namesOfCalls))].map((name) => {
    return { toolSpec: { name, inputSchema: { json: { type: "object" } } } };
  });
}

function namesOfCalls(message: Message): string[] {
  return message.blocks.flatMap((block) => (block.type === "tool_call" ? [block.name] : []));
}

function userContent(blocks: UserMessage["blocks"], target: Target, documents: { count: number }): Json[] {
  // Results must come first in the turn that follows their calls.
  const results = blocks.filter((block) => block.type === "tool_result");
  const others = blocks.filter((block) => block.type !== "tool_result");
  return [
    ...results.map((block) => toolResult(block, target, documents)),
    ...others.flatMap((block): Json[] => {
      if (block.type === "image") return [image(block, target, documents)];
      return block.text.trim() ? [{ text: block.text }] : [];
    }),
  ];
}

function toolResult(block: ToolResultBlock, target: Target, documents: { count: number }): Json {
  const words = { text: block.text.trim() ? block.text : "(no output)" };
  const content = [words, ...(block.images ?? []).map((picture) => image(picture, target, documents))];
  // Not every model takes a status, so that only a failure is told.
  return { toolResult: { toolUseId: callId(block.id), content, ...(block.isError ? { status: "error" } : {}) } };
}

function image(block: ImageBlock, target: Target, documents: { count: number }): Json {
  if (!target.info.capabilities.images) return { text: `(${block.mediaType}: this model sees no images)` };
  const format = block.mediaType.slice(block.mediaType.indexOf("/") + 1);
  const source = { bytes: block.data };
  if (block.mediaType.startsWith("image/")) return { image: { format, source } };
  // Names of documents must differ within a conversation.
  return { document: { format, name: `document ${++documents.count}`, source } };
}

function assistantContent(message: Omit<AssistantMessage, "role">, target: Target): Json[] {
  const own = message.from === target.info.ref;
  return message.blocks.flatMap((block): Json[] => {
    if (block.type === "text") return block.text.trim() ? [{ text: block.text }] : [];
    // Unsigned thoughts, and those of another model, are refused.
    if (block.type === "reasoning") return own && block.native ? [{ reasoningContent: block.native }] : [];
    const input = argumentsObject(block.arguments);
    return [{ toolUse: { toolUseId: callId(block.id), name: block.name, input } }];
  });
}

/** Ids that other models gave may hold characters that are refused here, or be too long. */
function callId(id: string): string {
  return shortened(id.replace(/[^\w.:-]/g, "_"), ID_MAX);
}

async function* decode(bytes: AsyncIterable<Uint8Array>, target: Target): AsyncGenerator<ModelEvent, void> {
  const answer = new BedrockAnswer(target);
  yield* telling(events(bytes, target.row.id), answer.told, ([type, body]) => answer.take(type, body));
  if (!answer.told.ended) throw answer.broken("the stream ended before the answer was complete");
}

type Event = [type: string, body: Json];

/** The events of a stream, those of a chunk at a time, or of an answer that came as one JSON document. */
async function* events(bytes: AsyncIterable<Uint8Array>, provider: string): AsyncGenerator<Iterable<Event>> {
  const source = bytes[Symbol.asyncIterator]();
  try {
    let first = await source.next();
    while (!first.done && first.value.length === 0) first = await source.next();
    if (first.done) return;
    const all = joined([first.value], source);
    // The length of a message begins with 0 or 1.
    if (first.value[0]! > 1) {
      for await (const batch of frames(all, provider)) {
        for (const frame of batch) if (frame.kind !== "end") yield asStream(frame.value);
      }
      return;
    }
    const decoder = new EventStreamDecoder();
    for await (const chunk of all) yield eventsOf(decoder.take(chunk), provider);
    decoder.end();
  } catch (error) {
    throw brokenStream(error, provider);
  } finally {
    await source.return?.();
  }
}

function* eventsOf(messages: Iterable<EventMessage>, provider: string): Generator<Event, void> {
  try {
    for (const { headers, payload } of messages) {
      if (headers[":message-type"] === "error") {
        yield ["exception", { code: headers[":error-code"], message: headers[":error-message"] }];
        continue;
      }
      const body = payload ? parsed(payload, provider) : {};
      const exception = headers[":exception-type"];
      yield exception ? ["exception", { ...body, code: exception }] : [headers[":event-type"] ?? "", body];
    }
  } catch (error) {
    throw brokenStream(error, provider);
  }
}

/** What a stream that is damaged is called; other errors as they are. */
function brokenStream(error: unknown, provider: string): unknown {
  if (!(error instanceof EventStreamError)) return error;
  return new ProviderError("broken_stream", provider, `${provider}: ${error.message}`);
}
