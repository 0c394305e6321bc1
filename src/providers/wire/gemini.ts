import type { AssistantMessage, ImageBlock, Message, ToolResultBlock, UserMessage } from "../../contracts/message.ts";
import type { ModelEvent, ModelRequest } from "../../contracts/provider.ts";
import { frames } from "./frames.ts";
import { GeminiAnswer } from "./gemini-answer.ts";
import { telling } from "./told.ts";
import { argumentsObject, object, text } from "./values.ts";
import { type Encoded, type Target, thinkingFor, type Wire } from "./wire.ts";

/** Gemini's streamGenerateContent: ai.google.dev/api/generate-content, and /gemini-api/docs/thought-signatures. */
export const gemini: Wire = { encode, decode };

type Json = Record<string, unknown>;

/** The least that every model takes, tokens. */
const LITTLE_THINKING = 512;

/**
 * Stands where a call of another model lacks a signature; without it the newer models refuse the conversation
 * (ai.google.dev/gemini-api/docs/thought-signatures, "migrating from other models").
 */
const FOREIGN_SIGNATURE = "skip_thought_signature_validator";

function encode(request: ModelRequest, target: Target): Encoded {
  const { capabilities, maxOutput } = target.info;
  const ids = statedIds(request.messages, target);
  const contents = request.messages.flatMap((message) =>
    message.role === "user" ? userContents(message, target, ids) : assistantContent(message, target, ids),
  );
  const functionDeclarations = request.tools.map(({ name, description, parameters }): Json => {
    return { name, description, parametersJsonSchema: parameters };
  });
  const little = thinkingFor(request, target) === "little";
  const generationConfig = {
    maxOutputTokens: Math.min(request.maxTokens, maxOutput),
    ...(request.temperature !== undefined && capabilities.temperature ? { temperature: request.temperature } : {}),
    ...(capabilities.reasoning
      ? { thinkingConfig: { includeThoughts: true, ...(little ? { thinkingBudget: LITTLE_THINKING } : {}) } }
      : {}),
    // JSON and tools at once are refused by all but the newest models.
    ...(request.schema && functionDeclarations.length === 0
      ? { responseMimeType: "application/json", responseJsonSchema: request.schema.schema }
      : {}),
  };
  const body = {
    ...(request.system ? { systemInstruction: { parts: [{ text: request.system }] } } : {}),
    ...(functionDeclarations.length > 0 ? { tools: [{ functionDeclarations }] } : {}),
    generationConfig,
    contents,
  };
  return {
    path: `${pathOf(resourceName(target.model))}:streamGenerateContent?alt=sse`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}

/** A model's name as the service has it; a tuned one's says so itself. */
export function resourceName(model: string): string {
  return model.includes("/") ? model : `models/${model}`;
}

/** Path of a resource. */
export function pathOf(name: string): string {
  return `/${name.split("/").map(encodeURIComponent).join("/")}`;
}

/** Of each call, the id that the service gave it. The rest have ids of our own, which are never sent. */
function statedIds(messages: readonly Message[], target: Target): Map<string, string> {
  const ids = new Map<string, string>();
  for (const message of messages) {
    if (message.role !== "assistant" || message.from !== target.info.ref) continue;
    for (const block of message.blocks) {
      const stated = block.type === "tool_call" ? text(object(block.native)["id"]) : "";
      if (block.type === "tool_call" && stated) ids.set(block.id, stated);
    }
  }
  return ids;
}

/** A turn of responses holds as many as there were calls, and nothing else; what the user said is a turn of its own. */
function userContents(message: UserMessage, target: Target, ids: ReadonlyMap<string, string>): Json[] {
  const responses: Json[] = [];
  const pictures: Json[] = [];
  const parts: Json[] = [];
  for (const block of message.blocks) {
    if (block.type === "tool_result") {
      responses.push({ functionResponse: functionResponse(block, ids.get(block.id)) });
      if (block.images?.length) {
        pictures.push({ text: `Images of the ${block.name} result:` });
        pictures.push(...block.images.map((picture) => image(picture, target)));
      }
    } else if (block.type === "image") parts.push(image(block, target));
    else if (block.text) parts.push({ text: block.text });
  }
  return [responses, [...pictures, ...parts]]
    .filter((list) => list.length > 0)
    .map((list) => ({ role: "user", parts: list }));
}

function functionResponse(block: ToolResultBlock, id: string | undefined): Json {
  const words = block.text || "(no output)";
  return { ...(id ? { id } : {}), name: block.name, response: block.isError ? { error: words } : { output: words } };
}

function image(block: ImageBlock, target: Target): Json {
  if (!target.info.capabilities.images) return { text: `(${block.mediaType}: this model sees no images)` };
  return { inlineData: { mimeType: block.mediaType, data: block.data } };
}

function assistantContent(message: AssistantMessage, target: Target, ids: ReadonlyMap<string, string>): Json[] {
  const own = message.from === target.info.ref;
  const parts: Json[] = [];
  let called = false;
  for (const block of message.blocks) {
    const signature = own ? text(object(block.native)["thoughtSignature"]) : "";
    const signed = signature ? { thoughtSignature: signature } : {};
    if (block.type === "text") {
      if (block.text || signature) parts.push({ text: block.text, ...signed });
    } else if (block.type === "reasoning") {
      // Thoughts without a signature are only for people to read.
      if (signature) parts.push({ text: block.text, thought: true, ...signed });
    } else {
      const id = own ? ids.get(block.id) : undefined;
      const functionCall = { ...(id ? { id } : {}), name: block.name, args: argumentsObject(block.arguments) };
      // Of parallel calls only the first carries a signature.
      const foreign = !own && !called && target.signedCalls ? { thoughtSignature: FOREIGN_SIGNATURE } : {};
      parts.push({ functionCall, ...signed, ...foreign });
      called = true;
    }
  }
  return parts.length > 0 ? [{ role: "model", parts }] : [];
}

async function* decode(bytes: AsyncIterable<Uint8Array>, target: Target): AsyncGenerator<ModelEvent, void> {
  const answer = new GeminiAnswer(target);
  yield* telling(frames(bytes, target.row.id), answer.told, (frame) => {
    if (frame.kind !== "end") answer.take(frame.value);
  });
  // There is no end mark; a chunk with a reason for the end may be followed by one with the usage.
  answer.done();
  yield* answer.told.take();
}
