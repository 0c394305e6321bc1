/** What Chat Completions refuses, with the real service's words where they are known. */

type Json = Record<string, unknown>;

const TOP = new Set(
  `model messages max_tokens max_completion_tokens stream stream_options temperature top_p tools tool_choice
   parallel_tool_calls response_format reasoning_effort stop n seed user prompt_cache_key service_tier metadata store
   verbosity`.split(/\s+/),
);
const FIELDS: Record<string, readonly string[]> = {
  system: ["role", "content", "name"],
  developer: ["role", "content", "name"],
  user: ["role", "content", "name"],
  assistant: ["role", "content", "name", "tool_calls", "refusal"],
  tool: ["role", "content", "tool_call_id"],
};
const PART_FIELDS: Record<string, readonly string[]> = {
  text: ["type", "text"],
  image_url: ["type", "image_url"],
  file: ["type", "file"],
};

export interface ChatRules {
  /** Fields beyond OpenAI's own that are accepted in requests, messages and parts, e.g. `cache_control`. */
  extraFields?: readonly string[];
  /** Longest tool call id. Default 40, as OpenAI has it. */
  idMax?: number;
}

/** The first thing wrong with a request, or undefined. */
export function complaintAboutChat(body: unknown, rules: ChatRules = {}): string | undefined {
  if (!isObject(body)) return "We could not parse the JSON body of your request.";
  for (const key of Object.keys(body))
    if (!TOP.has(key) && !rules.extraFields?.includes(key)) return `Unrecognized request argument supplied: ${key}`;
  if (typeof body["model"] !== "string" || !body["model"]) return "you must provide a model parameter";
  const limits = ["max_tokens", "max_completion_tokens"].filter((name) => body[name] !== undefined);
  if (limits.length > 1) return "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
  for (const name of limits) {
    if (!Number.isInteger(body[name]) || (body[name] as number) < 1)
      return `Invalid '${name}': integer below minimum value.`;
  }
  if (body["stream_options"] !== undefined && body["stream"] !== true) {
    return "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
  }
  return complaintAboutTools(body["tools"]) ?? complaintAboutMessages(body["messages"], rules);
}

function complaintAboutTools(tools: unknown): string | undefined {
  if (tools === undefined) return undefined;
  if (!Array.isArray(tools) || tools.length === 0)
    return "Invalid 'tools': empty array. Expected an array with minimum length 1";
  const names = new Set<string>();
  for (const [index, tool] of tools.entries()) {
    const wanted =
      isObject(tool) && tool["type"] === "function" && isObject(tool["function"]) ? tool["function"] : undefined;
    if (!wanted) return `Missing required parameter: 'tools[${index}].function'.`;
    if (typeof wanted["name"] !== "string" || !/^[\w-]{1,64}$/.test(wanted["name"])) {
      return `Invalid 'tools[${index}].function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.`;
    }
    if (names.has(wanted["name"])) return `Duplicate tool name ${wanted["name"]}`;
    names.add(wanted["name"]);
    if (!isObject(wanted["parameters"]) || wanted["parameters"]["type"] !== "object") {
      return `Invalid schema for function '${wanted["name"]}': schema must be a JSON Schema of 'type: "object"'.`;
    }
  }
  return undefined;
}

function complaintAboutMessages(messages: unknown, rules: ChatRules): string | undefined {
  if (!Array.isArray(messages) || messages.length === 0) return "Invalid 'messages': empty array.";
  const { extraFields = [] } = rules;
  /** Ids of calls whose results have not come. */
  let open: string[] = [];
  for (const [index, message] of messages.entries()) {
    const place = `messages[${index}]`;
    if (!isObject(message) || typeof message["role"] !== "string")
      return `Missing required parameter: '${place}.role'.`;
    const allowed = FIELDS[message["role"]];
    if (!allowed) return `Invalid value: '${message["role"]}'. Supported values are: 'system', 'assistant', 'user', …`;
    for (const key of Object.keys(message)) {
      if (!allowed.includes(key) && !extraFields.includes(key))
        return `Unrecognized request argument supplied: ${place}.${key}`;
    }
    if (message["role"] === "tool") {
      const id = message["tool_call_id"];
      if (typeof id !== "string") return `Missing required parameter: '${place}.tool_call_id'.`;
      if (!open.includes(id)) {
        return "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
      }
      open = open.filter((each) => each !== id);
    } else if (open.length > 0) return unanswered(open);
    const wrong =
      message["role"] === "assistant"
        ? complaintAboutAssistant(message, place, rules)
        : complaintAboutContent(message["content"], place, extraFields);
    if (wrong) return wrong;
    if (Array.isArray(message["tool_calls"])) open = message["tool_calls"].map((call) => String(call.id));
  }
  return open.length > 0 ? unanswered(open) : undefined;
}

function unanswered(ids: readonly string[]): string {
  return `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids.join(", ")}`;
}

function complaintAboutAssistant(message: Json, place: string, rules: ChatRules): string | undefined {
  const calls = message["tool_calls"];
  if (calls === undefined) {
    if (!message["content"]) return `Invalid value for 'content': expected a string, got null. (${place})`;
    return complaintAboutContent(message["content"], place, rules.extraFields ?? []);
  }
  if (!Array.isArray(calls) || calls.length === 0) return `Invalid '${place}.tool_calls': empty array.`;
  const ids = new Set<string>();
  for (const [index, call] of calls.entries()) {
    const here = `${place}.tool_calls[${index}]`;
    if (!isObject(call) || call["type"] !== "function" || !isObject(call["function"]))
      return `Missing required parameter: '${here}.type'.`;
    const { id } = call;
    if (typeof id !== "string" || !id) return `Missing required parameter: '${here}.id'.`;
    if (id.length > (rules.idMax ?? 40)) return `Invalid '${here}.id': string too long.`;
    if (ids.has(id)) return `Duplicate value for '${here}.id' of '${id}'`;
    ids.add(id);
    const text = call["function"]["arguments"];
    if (typeof text !== "string") return `Invalid type for '${here}.function.arguments': expected a string.`;
    // Servers that render the conversation from it (vLLM, Groq, …) parse it.
    if (!isJsonObject(text)) return `Invalid '${here}.function.arguments': expected JSON.`;
  }
  return undefined;
}

function complaintAboutContent(content: unknown, place: string, extraFields: readonly string[]): string | undefined {
  if (typeof content === "string") return content ? undefined : `Invalid '${place}.content': empty string.`;
  if (!Array.isArray(content) || content.length === 0) return `Invalid type for '${place}.content'.`;
  for (const part of content) {
    const allowed = isObject(part) ? PART_FIELDS[String(part["type"])] : undefined;
    if (!allowed) return `Invalid value: '${isObject(part) ? part["type"] : part}' in ${place}.content.`;
    for (const key of Object.keys(part)) {
      if (!allowed.includes(key) && !extraFields.includes(key))
        return `Unrecognized request argument supplied: ${place}.content.${key}`;
    }
  }
  return undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isJsonObject(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}
