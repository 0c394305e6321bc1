import { isObject } from "../../src/base/schema.ts";
import { complaintAboutFunctions, unknownField } from "./tool-rules.ts";

/** What the Responses API refuses, with the real service's words where they are known. */

type Json = Record<string, unknown>;

const TOP = `model input instructions max_output_tokens stream store include temperature top_p tools tool_choice
  parallel_tool_calls text reasoning prompt_cache_key service_tier metadata truncation`;
const PARTS: Record<string, string> = {
  input_text: "type text",
  input_image: "type image_url detail",
  input_file: "type filename file_data",
};

/** The first thing wrong with a request, or undefined. */
export function complaintAboutResponses(body: unknown): string | undefined {
  if (!isObject(body)) return "We could not parse the JSON body of your request.";
  const unknown = unknownField(body, TOP);
  if (unknown) return `Unknown parameter: '${unknown}'.`;
  if (typeof body["model"] !== "string" || !body["model"]) return "Missing required parameter: 'model'.";
  const limit = body["max_output_tokens"];
  if (limit !== undefined && !(Number.isInteger(limit) && (limit as number) >= 16)) {
    return `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got ${limit} instead.`;
  }
  const tools = complaintAboutFunctions(body["tools"], (tool) => ({
    name: tool["type"] === "function" ? tool["name"] : undefined,
    schema: tool["parameters"],
  }));
  return tools ?? complaintAboutInput(body["input"], body["store"] === false);
}

function complaintAboutInput(input: unknown, stateless: boolean): string | undefined {
  if (!Array.isArray(input) || input.length === 0) return "Invalid 'input': empty array.";
  const calls = new Set<string>();
  let open: string[] = [];
  for (const [index, item] of input.entries()) {
    const place = `input[${index}]`;
    if (!isObject(item)) return `Invalid type for '${place}': expected an object.`;
    const type = item["type"] ?? "message";
    if (type !== "function_call_output" && type !== "function_call" && open.length > 0 && type !== "reasoning") {
      return `No tool output found for function call ${open[0]}.`;
    }
    if (type === "message") {
      const wrong = complaintAboutMessage(item, place);
      if (wrong) return wrong;
    } else if (type === "function_call") {
      const { call_id: id, name, arguments: args } = item;
      if (typeof id !== "string" || !id) return `Missing required parameter: '${place}.call_id'.`;
      if (id.length > 64) return `Invalid '${place}.call_id': string too long. Expected a maximum length 64.`;
      if (calls.has(id)) return `Duplicate item found with call_id ${id}.`;
      if (typeof name !== "string" || typeof args !== "string") return `Invalid type for '${place}.arguments'.`;
      calls.add(id);
      open.push(id);
    } else if (type === "function_call_output") {
      const { call_id: id, output } = item;
      if (!open.includes(String(id))) return `No tool call found for function call output with call_id ${id}.`;
      if (!(typeof output === "string" && output) && complaintAboutParts(output, place)) {
        return `Invalid type for '${place}.output'.`;
      }
      open = open.filter((each) => each !== id);
    } else if (type === "reasoning") {
      const wrong = complaintAboutReasoning(item, input[index + 1], stateless);
      if (wrong) return wrong;
    } else return `Invalid value: '${type}' in '${place}.type'.`;
  }
  return open.length > 0 ? `No tool output found for function call ${open[0]}.` : undefined;
}

function complaintAboutReasoning(item: Json, next: unknown, stateless: boolean): string | undefined {
  if (stateless && !item["encrypted_content"] && !item["content"]) {
    return `Item with id '${item["id"]}' not found. Items are not persisted when \`store\` is set to false.`;
  }
  const led =
    isObject(next) &&
    (next["type"] === "reasoning" || next["type"] === "function_call" || next["role"] === "assistant");
  return led ? undefined : `Item '${item["id"]}' of type 'reasoning' was provided without its required following item.`;
}

function complaintAboutMessage(item: Json, place: string): string | undefined {
  const unknown = unknownField(item, "type role content phase");
  if (unknown) return `Unknown parameter: '${place}.${unknown}'.`;
  if (!["user", "assistant", "system", "developer"].includes(String(item["role"])))
    return `Invalid value: '${place}.role'.`;
  const { content } = item;
  if (typeof content === "string") return content ? undefined : `Invalid '${place}.content': empty string.`;
  return complaintAboutParts(content, place);
}

function complaintAboutParts(content: unknown, place: string): string | undefined {
  if (!Array.isArray(content) || content.length === 0) return `Invalid type for '${place}.content'.`;
  for (const part of content) {
    const known = isObject(part) ? PARTS[String(part["type"])] : undefined;
    if (!known) return `Invalid value: '${isObject(part) ? part["type"] : part}' in ${place}.content.`;
    const unknown = unknownField(part, known);
    if (unknown) return `Unknown parameter: '${place}.content.${unknown}'.`;
  }
  return undefined;
}
