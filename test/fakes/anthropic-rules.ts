/** What the Messages API refuses, with the real service's words where they are known. */

type Json = Record<string, unknown>;

const TOP = new Set(
  `model messages max_tokens stream system tools tool_choice temperature top_p top_k stop_sequences metadata thinking
   cache_control output_config service_tier container`.split(/\s+/),
);
/** Fields of each kind of content block; `cache_control` where it may stand. */
const BLOCKS: Record<string, readonly string[]> = {
  text: ["type", "text", "citations", "cache_control"],
  image: ["type", "source", "cache_control"],
  document: ["type", "source", "title", "context", "citations", "cache_control"],
  tool_use: ["type", "id", "name", "input", "caller", "cache_control"],
  tool_result: ["type", "tool_use_id", "content", "is_error", "cache_control"],
  thinking: ["type", "thinking", "signature"],
  redacted_thinking: ["type", "data"],
};
const USER = ["text", "image", "document", "tool_result"];
const ASSISTANT = ["text", "tool_use", "thinking", "redacted_thinking"];
const RESULT = ["text", "image", "document"];

/** The first thing wrong with a request, or undefined. */
export function complaintAboutMessages(body: unknown): string | undefined {
  if (!isObject(body)) return "The request body is not valid JSON";
  for (const key of Object.keys(body)) if (!TOP.has(key)) return `${key}: Extra inputs are not permitted`;
  if (typeof body["model"] !== "string" || !body["model"]) return "model: Field required";
  const limit = body["max_tokens"];
  if (limit === undefined) return "max_tokens: Field required";
  if (!Number.isInteger(limit) || (limit as number) < 1)
    return "max_tokens: Input should be greater than or equal to 1";
  if (isObject(body["thinking"]) && body["thinking"]["type"] !== "disabled" && (body["temperature"] ?? 1) !== 1)
    return "`temperature` may only be set to 1 when thinking is enabled.";
  return (
    complaintAboutTools(body["tools"]) ??
    complaintAboutSystem(body["system"]) ??
    complaintAboutTurns(body["messages"]) ??
    complaintAboutMarks(body)
  );
}

function complaintAboutTools(tools: unknown): string | undefined {
  if (tools === undefined) return undefined;
  if (!Array.isArray(tools)) return "tools: Input should be a valid list";
  const names = new Set<unknown>();
  for (const [index, tool] of tools.entries()) {
    const place = `tools.${index}.custom`;
    if (!isObject(tool)) return `${place}: Input should be an object`;
    const extra = unknownField(tool, ["type", "name", "description", "input_schema", "cache_control", "strict"]);
    if (extra) return `${place}.${extra}: Extra inputs are not permitted`;
    if (typeof tool["name"] !== "string" || !/^[\w-]{1,128}$/.test(tool["name"])) {
      return `${place}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
    }
    if (names.has(tool["name"])) return "tools: Tool names must be unique.";
    names.add(tool["name"]);
    if (!isObject(tool["input_schema"]) || tool["input_schema"]["type"] !== "object") {
      return `${place}.input_schema.type: Field required`;
    }
  }
  return undefined;
}

function complaintAboutSystem(system: unknown): string | undefined {
  if (system === undefined || typeof system === "string") return undefined;
  if (!Array.isArray(system)) return "system: Input should be a valid string or list";
  return firstOf(system, (block, index) => complaintAboutBlock(block, `system.${index}`, ["text"]));
}

function complaintAboutTurns(messages: unknown): string | undefined {
  if (!Array.isArray(messages) || messages.length === 0) return "messages: at least one message is required";
  let calls: string[] = [];
  for (const [index, message] of messages.entries()) {
    const place = `messages.${index}`;
    if (!isObject(message)) return `${place}: Input should be an object`;
    const extra = unknownField(message, ["role", "content"]);
    if (extra) return `${place}.${extra}: Extra inputs are not permitted`;
    const { role } = message;
    if (role !== "user" && role !== "assistant") return `${place}.role: Input should be 'user' or 'assistant'`;
    if (index === 0 && role !== "user") return 'messages: first message must use the "user" role';
    const content =
      typeof message["content"] === "string" ? [{ type: "text", text: message["content"] }] : message["content"];
    if (!Array.isArray(content)) return `${place}.content: Input should be a valid list`;
    if (content.length === 0) return `${place}: all messages must have non-empty content`;
    const wrong =
      firstOf(content, (block, at) =>
        complaintAboutBlock(block, `${place}.content.${at}`, role === "user" ? USER : ASSISTANT),
      ) ?? complaintAboutResults(content, calls, place);
    if (wrong) return wrong;
    calls = content.filter((block) => block.type === "tool_use").map((block) => block.id);
    if (new Set(calls).size < calls.length) return `${place}: \`tool_use\` ids must be unique`;
  }
  if (calls.length > 0) return unanswered(messages.length - 1, calls);
  if (messages.at(-1).role === "assistant") return "This model does not support assistant message prefill.";
  return undefined;
}

/** Results answer exactly the calls of the message before, and stand first. */
function complaintAboutResults(content: Json[], calls: readonly string[], place: string): string | undefined {
  const results = content.filter((block) => block["type"] === "tool_result").map((block) => block["tool_use_id"]);
  for (const id of results) {
    if (!calls.includes(id as string)) {
      return `${place}.content: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
    }
  }
  if (new Set(results).size < results.length) return `${place}: each tool_use must have a single result`;
  const missing = calls.filter((id) => !results.includes(id));
  if (missing.length > 0) return unanswered(Number(place.split(".")[1]) - 1, missing);
  const firstOther = content.findIndex((block) => block["type"] !== "tool_result");
  const lastResult = content.findLastIndex((block) => block["type"] === "tool_result");
  if (firstOther >= 0 && lastResult > firstOther) return `${place}: \`tool_result\` blocks must come first`;
  return undefined;
}

function unanswered(index: number, ids: readonly string[]): string {
  return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
}

function complaintAboutBlock(block: unknown, place: string, allowed: readonly string[]): string | undefined {
  const type = isObject(block) ? String(block["type"]) : "";
  const fields = allowed.includes(type) ? BLOCKS[type] : undefined;
  if (!isObject(block) || !fields)
    return `${place}: Input tag '${type}' found using 'type' does not match any of the expected tags`;
  const extra = unknownField(block, fields);
  if (extra) return `${place}.${type}.${extra}: Extra inputs are not permitted`;
  switch (type) {
    case "text":
      if (typeof block["text"] !== "string" || !block["text"].trim())
        return `${place}: text content blocks must contain non-whitespace text`;
      return undefined;
    case "thinking":
      if (!block["signature"]) return `${place}.thinking.signature: Field required`;
      return undefined;
    case "tool_use":
      if (typeof block["id"] !== "string" || !/^[\w-]+$/.test(block["id"])) {
        return `${place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`;
      }
      return isObject(block["input"]) ? undefined : `${place}.tool_use.input: Input should be a valid dictionary`;
    case "tool_result":
      if (block["content"] === undefined || typeof block["content"] === "string") return undefined;
      if (!Array.isArray(block["content"])) return `${place}.tool_result.content: Input should be a valid list`;
      return firstOf(block["content"], (part, at) => complaintAboutBlock(part, `${place}.content.${at}`, RESULT));
  }
  return undefined;
}

function complaintAboutMarks(body: Json): string | undefined {
  const marks = JSON.stringify(body).match(/"cache_control":/g)?.length ?? 0;
  return marks > 4 ? `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.` : undefined;
}

function firstOf(list: unknown[], check: (entry: unknown, index: number) => string | undefined): string | undefined {
  for (const [index, entry] of list.entries()) {
    const wrong = check(entry, index);
    if (wrong) return wrong;
  }
  return undefined;
}

function unknownField(value: Json, allowed: readonly string[]): string | undefined {
  return Object.keys(value).find((key) => !allowed.includes(key));
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
