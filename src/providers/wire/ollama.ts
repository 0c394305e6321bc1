import { LineDecoder } from "../../base/ndjson.ts";
import type { AssistantMessage, ImageBlock, UserMessage } from "../../contracts/message.ts";
import type { ModelEvent, ModelRequest } from "../../contracts/provider.ts";
import { parsed, webPage } from "./frames.ts";
import { OllamaAnswer } from "./ollama-answer.ts";
import { telling } from "./told.ts";
import { argumentsObject } from "./values.ts";
import { type Encoded, messageWise, type Target, type Wire } from "./wire.ts";

/** Ollama's own chat: docs.ollama.com/api/chat. Its OpenAI form cannot say how much of a conversation is to be read. */
export const ollama: Wire = { encode, decode };

type Json = Readonly<Record<string, unknown>>;

/** Fewer than any text has: nothing is cut because it was denser than thought. */
const BYTES_PER_TOKEN = 3;
const TOKENS_PER_IMAGE = 1200;
/** The least window, tokens. */
const LEAST_WINDOW = 8192;

const encoded = messageWise((message, target): readonly Json[] =>
  message.role === "user" ? userMessages(message, target) : assistantMessage(message, target),
);

function encode(request: ModelRequest, target: Target): Encoded {
  const { info } = target;
  const system = request.system ? [{ role: "system", content: request.system }] : [];
  const messages: Json[] = [...system, ...encoded(request.messages, target).flat()];
  const tools = request.tools.map(({ name, description, parameters }): Json => {
    return { type: "function", function: { name, description, parameters } };
  });
  const images = messages.reduce((sum, { images }) => sum + (Array.isArray(images) ? images.length : 0), 0);
  const words = JSON.stringify([tools, messages], (key, value) => (key === "images" ? undefined : value));
  const bytes = Buffer.byteLength(words);
  const output = Math.min(request.maxTokens, info.maxOutput);
  const window = windowFor(bytes / BYTES_PER_TOKEN + images * TOKENS_PER_IMAGE + output, info.context);
  const body = {
    model: target.model,
    stream: true,
    // Newer servers then refuse what is too long for the window instead of forgetting its beginning.
    truncate: false,
    shift: false,
    options: {
      num_ctx: window,
      num_predict: output,
      ...(request.temperature !== undefined && info.capabilities.temperature
        ? { temperature: request.temperature }
        : {}),
    },
    ...(request.schema ? { format: request.schema.schema } : {}),
    ...(tools.length > 0 ? { tools } : {}),
    messages,
  };
  return {
    path: "/api/chat",
    headers: { "content-type": "application/json", accept: "application/x-ndjson" },
    body: JSON.stringify(body),
    measured: { window, bytes },
  };
}

/**
 * How much the server is to read. Its own default is a few thousand tokens, whatever the model can. A power of two,
 * because every change makes the server load the model anew; memory is taken for all of it, used or not.
 */
function windowFor(tokens: number, limit: number): number {
  let window = LEAST_WINDOW;
  while (window < tokens) window *= 2;
  return Math.min(window, limit);
}

/** Tool results are messages of their own and must follow their calls at once; what else the user said comes after. */
function userMessages(message: UserMessage, target: Target): Json[] {
  const results: Json[] = [];
  const texts: string[] = [];
  const images: string[] = [];
  const see = (block: ImageBlock) => {
    if (target.info.capabilities.images && block.mediaType.startsWith("image/")) images.push(block.data);
    else texts.push(`(${block.mediaType}: this model cannot see it)`);
  };
  for (const block of message.blocks) {
    if (block.type === "tool_result") {
      results.push({ role: "tool", tool_name: block.name, content: block.text || "(no output)" });
      if (block.images?.length) texts.push(`Images of the ${block.name} result:`);
      block.images?.forEach(see);
    } else if (block.type === "image") see(block);
    else if (block.text) texts.push(block.text);
  }
  if (texts.length === 0 && images.length === 0) return results;
  return [...results, { role: "user", content: texts.join("\n\n"), ...(images.length > 0 ? { images } : {}) }];
}

function assistantMessage(message: AssistantMessage, target: Target): Json[] {
  const own = message.from === target.info.ref;
  let content = "";
  let thinking = "";
  const calls: Json[] = [];
  for (const block of message.blocks) {
    if (block.type === "text") content += block.text;
    else if (block.type === "reasoning") thinking += own ? block.text : "";
    else calls.push({ function: { name: block.name, arguments: argumentsObject(block.arguments) } });
  }
  // Nothing to send: a refused or cut answer.
  if (!content && calls.length === 0) return [];
  const thoughts = thinking ? { thinking } : {};
  return [{ role: "assistant", content, ...thoughts, ...(calls.length > 0 ? { tool_calls: calls } : {}) }];
}

async function* decode(
  bytes: AsyncIterable<Uint8Array>,
  target: Target,
  sent?: Encoded,
): AsyncGenerator<ModelEvent, void> {
  const answer = new OllamaAnswer(target, sent?.measured);
  yield* telling(linesOf(bytes), answer.told, (line) => {
    if (line.trimStart().startsWith("<")) throw webPage(target.row.id);
    answer.take(parsed(line, target.row.id));
  });
  if (!answer.told.ended) throw answer.broken("the stream ended before the answer was complete");
}

/** The lines of a chunk at a time. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new LineDecoder();
  for await (const chunk of bytes) yield decoder.take(chunk);
  yield decoder.end();
}
