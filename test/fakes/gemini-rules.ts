import { isObject } from "../../src/base/schema.ts";
import { complaintAboutFunctions, unknownField } from "./tool-rules.ts";

/** What generateContent refuses, with the real service's words where they are known. */

type Json = Record<string, unknown>;

const TOP = "contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent";
const GENERATION = `maxOutputTokens temperature topP topK stopSequences responseMimeType responseSchema
  responseJsonSchema responseModalities thinkingConfig candidateCount seed`;
const DATA = ["text", "inlineData", "functionCall", "functionResponse"];

export interface GeminiRules {
  /** As the newer models have it: the first call of a turn must carry a signature. */
  signedCalls?: boolean;
}

/** The first thing wrong with a request, or undefined. */
export function complaintAboutGemini(body: unknown, rules: GeminiRules = {}): string | undefined {
  if (!isObject(body)) return "Invalid JSON payload received.";
  const config = isObject(body["generationConfig"]) ? body["generationConfig"] : {};
  const unknown = unknownField(body, TOP) ?? unknownField(config, GENERATION);
  if (unknown) return `Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`;
  const limit = config["maxOutputTokens"];
  if (limit !== undefined && !(Number.isInteger(limit) && (limit as number) > 0))
    return "maxOutputTokens must be positive";
  const list = Array.isArray(body["tools"]) ? body["tools"] : [];
  const functions = body["tools"] === undefined ? undefined : list.flatMap((tool) => tool.functionDeclarations ?? []);
  const tools = complaintAboutFunctions(functions, (tool) => {
    return { name: tool["name"], schema: tool["parametersJsonSchema"] ?? tool["parameters"] };
  });
  if (tools) return tools;
  if (functions && config["responseMimeType"] === "application/json") {
    return "Function calling with a response mime type: 'application/json' is unsupported";
  }
  return complaintAboutContents(body["contents"], rules);
}

function complaintAboutContents(contents: unknown, rules: GeminiRules): string | undefined {
  if (!Array.isArray(contents) || contents.length === 0) return "contents are required";
  let calls: Json[] = [];
  for (const [index, content] of contents.entries()) {
    if (!isObject(content)) return `contents[${index}] must be an object`;
    const { role, parts } = content;
    if (role !== "user" && role !== "model") return "Please use a valid role: user, model.";
    if (!Array.isArray(parts) || parts.length === 0) {
      return `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.`;
    }
    for (const part of parts) {
      const wrong = complaintAboutPart(part, `contents[${index}]`);
      if (wrong) return wrong;
    }
    const responses = parts.flatMap((part) => (part.functionResponse ? [part.functionResponse as Json] : []));
    if (responses.length !== calls.length || (calls.length > 0 && parts.length !== calls.length)) {
      return "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
    }
    const strange = responses.find(
      (response, at) => response["name"] !== calls[at]!["name"] || response["id"] !== calls[at]!["id"],
    );
    if (strange) return `Function response ${strange["name"]} does not answer its call.`;
    calls = parts.flatMap((part) => (part.functionCall ? [part.functionCall as Json] : []));
    if (calls.length > 0 && role !== "model") return "Function calls must come from the model.";
    const first = parts.find((part) => part.functionCall);
    if (rules.signedCalls && first && !first.thoughtSignature) {
      return `Function call is missing a thought_signature in functionCall parts. Function call \`${first.functionCall.name}\`, position ${index + 1}.`;
    }
  }
  return contents.at(-1).role === "user" && calls.length === 0 ? undefined : "The last turn must be the user's.";
}

function complaintAboutPart(part: unknown, place: string): string | undefined {
  if (!isObject(part)) return `${place}.parts: must be objects`;
  const unknown = unknownField(part, `${DATA.join(" ")} thought thoughtSignature`);
  if (unknown) return `Unknown name "${unknown}" at '${place}.parts': Cannot find field.`;
  const data = DATA.filter((name) => part[name] !== undefined);
  if (data.length !== 1) return `${place}.parts: oneof field 'data' must have one initialized field`;
  const signature = part["thoughtSignature"];
  if (signature !== undefined && !/^[\w+/=-]+$/.test(String(signature))) return "Thought signature is not valid";
  if (part["text"] === "" && !signature) return "Unable to submit request because it must have a text parameter.";
  const call = part["functionCall"] ?? part["functionResponse"];
  if (call === undefined) return undefined;
  const held = isObject(call) ? (call["args"] ?? call["response"]) : undefined;
  if (!isObject(call) || typeof call["name"] !== "string" || !call["name"]) return `${place}: Name cannot be empty.`;
  return isObject(held)
    ? undefined
    : `Invalid value at '${place}.parts.function' (type.googleapis.com/google.protobuf.Struct)`;
}
