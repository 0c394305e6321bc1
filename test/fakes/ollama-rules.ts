import { isObject } from "../../src/base/schema.ts";
import { complaintAboutFunctions, unknownField } from "./tool-rules.ts";

/** What Ollama's chat refuses, and what it takes in silence but cannot mean. */

type Json = Record<string, unknown>;

const FIELDS: Record<string, string> = {
  system: "role content",
  user: "role content images",
  assistant: "role content thinking tool_calls",
  tool: "role content tool_name",
};

/** The first thing wrong with a request, or undefined. */
export function complaintAboutOllama(body: unknown): string | undefined {
  if (!isObject(body)) return "invalid character in body";
  const unknown = unknownField(body, "model messages stream tools format options think keep_alive truncate shift");
  if (unknown) return `unknown field ${unknown}`;
  if (typeof body["model"] !== "string" || !body["model"]) return "model is required";
  const options = isObject(body["options"]) ? body["options"] : {};
  for (const name of ["num_ctx", "num_predict"]) {
    if (!Number.isInteger(options[name]) || (options[name] as number) < 1)
      return `option "${name}" must be of type integer`;
  }
  if ((options["num_predict"] as number) > (options["num_ctx"] as number))
    return "the answer alone is larger than the window";
  const tools = complaintAboutFunctions(body["tools"], (tool) => {
    const wanted = isObject(tool["function"]) && tool["type"] === "function" ? tool["function"] : {};
    return { name: wanted["name"], schema: wanted["parameters"] };
  });
  return tools ?? complaintAboutMessages(body["messages"]);
}

function complaintAboutMessages(messages: unknown): string | undefined {
  if (!Array.isArray(messages) || messages.length === 0) return "messages are required";
  /** Names of calls whose results have not come. */
  let open: string[] = [];
  for (const [index, message] of messages.entries()) {
    const place = `messages[${index}]`;
    const known = isObject(message) ? FIELDS[String(message["role"])] : undefined;
    if (!known) return `invalid role: ${isObject(message) ? message["role"] : message}`;
    const unknown = unknownField(message, known);
    if (unknown) return `unknown field ${place}.${unknown}`;
    if (typeof message["content"] !== "string") return `json: cannot unmarshal ${place}.content into string`;
    if (message["role"] === "tool") {
      const at = open.indexOf(String(message["tool_name"]));
      if (at < 0) return `${place} answers no call`;
      open = open.toSpliced(at, 1);
      continue;
    }
    if (open.length > 0) return `${place}: the call of ${open[0]} has no result`;
    if (!message["content"] && !message["tool_calls"] && !message["images"]) return `${place} is empty`;
    const calls = (message["tool_calls"] ?? []) as Json[];
    for (const { function: called } of calls) {
      if (!isObject(called) || !isObject(called["arguments"])) return `${place}: arguments must be an object`;
      open.push(String(called["name"]));
    }
  }
  return open.length > 0 ? `the call of ${open[0]} has no result` : undefined;
}
