import { isObject } from "../../src/base/schema.ts";
import { complaintAboutFunctions, unknownField } from "./tool-rules.ts";

/** What ConverseStream refuses, with the real service's words where they are known. */

type Json = Record<string, unknown>;

const BLOCKS = ["text", "image", "document", "toolUse", "toolResult", "reasoningContent", "cachePoint"];

/** The first thing wrong with a request, or undefined. */
export function complaintAboutConverse(body: unknown): string | undefined {
  if (!isObject(body)) return "Malformed input request";
  const unknown = unknownField(body, "messages system inferenceConfig toolConfig additionalModelRequestFields");
  if (unknown) return `Malformed input request: extraneous key [${unknown}] is not permitted`;
  const { messages, system = [], toolConfig } = body;
  const tools = isObject(toolConfig) ? toolConfig["tools"] : undefined;
  if (toolConfig !== undefined && tools === undefined) return "toolConfig.tools is required";
  const wrong = complaintAboutFunctions(tools, (tool) => {
    const spec = isObject(tool["toolSpec"]) ? tool["toolSpec"] : {};
    return { name: spec["name"], schema: isObject(spec["inputSchema"]) ? spec["inputSchema"]["json"] : undefined };
  });
  if (wrong) return wrong;
  if (
    !Array.isArray(system) ||
    system.some((block) => !isObject(block) || (block["text"] === "" && !block["cachePoint"]))
  ) {
    return "The text field in the system block is blank.";
  }
  const marks = JSON.stringify(body).match(/"cachePoint":/g)?.length ?? 0;
  if (marks > 4) return `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.`;
  return complaintAboutMessages(messages, tools !== undefined);
}

function complaintAboutMessages(messages: unknown, tools: boolean): string | undefined {
  if (!Array.isArray(messages) || messages.length === 0) return "A conversation must start with a user message.";
  let open: string[] = [];
  for (const [index, message] of messages.entries()) {
    const place = `messages.${index}`;
    if (!isObject(message) || !Array.isArray(message["content"])) return `${place}.content is required`;
    const { role, content } = message as { role: unknown; content: Json[] };
    if (index === 0 && role !== "user") return "A conversation must start with a user message.";
    if (index > 0 && messages[index - 1].role === role) {
      return "A conversation must alternate between user and assistant roles.";
    }
    if (content.length === 0) return `The content field in the Message object at ${place} is empty.`;
    for (const block of content) {
      const wrong = complaintAboutBlock(block, place);
      if (wrong) return wrong;
    }
    const results = content.flatMap((block) =>
      isObject(block["toolResult"]) ? [block["toolResult"]["toolUseId"]] : [],
    );
    const uses = content.flatMap((block) =>
      isObject(block["toolUse"]) ? [String(block["toolUse"]["toolUseId"])] : [],
    );
    if ((results.length > 0 || uses.length > 0) && !tools) {
      return "The toolConfig field must be defined when using toolUse and toolResult content blocks.";
    }
    if (String(results) !== String(open)) {
      return open.length > results.length
        ? `Expected toolResult blocks at ${place}.content for the following Ids: ${open}`
        : "The number of toolResult blocks exceeds the number of toolUse blocks of previous turn.";
    }
    if (new Set(uses).size < uses.length) return `${place} contains duplicate Ids: ${uses}`;
    open = uses;
  }
  if (messages.at(-1).role === "user") return undefined;
  return "This model does not support assistant message prefill. The conversation must end with a user message.";
}

function complaintAboutBlock(block: Json, place: string): string | undefined {
  const kinds = Object.keys(block);
  if (kinds.length !== 1 || !BLOCKS.includes(kinds[0]!)) return `${place}: ContentBlock must set one of ${BLOCKS}`;
  if (typeof block["text"] === "string" && !block["text"].trim()) {
    return `The text field in the ContentBlock object at ${place}.content is blank.`;
  }
  if (isObject(block["toolUse"])) {
    const { toolUseId, name, input } = block["toolUse"];
    if (!/^[a-zA-Z0-9_.:-]{1,64}$/.test(String(toolUseId))) return `${place}.toolUse.toolUseId failed its pattern`;
    if (!/^[\w-]{1,64}$/.test(String(name))) return `${place}.toolUse.name failed its pattern`;
    if (!isObject(input)) return `The format of the value at ${place}.content.toolUse.input is invalid.`;
  }
  if (isObject(block["toolResult"])) {
    const { content } = block["toolResult"];
    if (!Array.isArray(content) || content.length === 0) return `${place}.toolResult.content is empty`;
    return content.map((each) => complaintAboutBlock(each, place)).find(Boolean);
  }
  if (isObject(block["reasoningContent"])) {
    const { reasoningText, redactedContent } = block["reasoningContent"];
    const signed = isObject(reasoningText) && typeof reasoningText["signature"] === "string";
    if (!signed && typeof redactedContent !== "string") return `${place}.content.thinking.signature: Field required`;
  }
  return undefined;
}
