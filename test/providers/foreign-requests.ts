import type { AssistantBlock, Message, UserBlock } from "../../src/contracts/message.ts";
import type { Foreign } from "./support.ts";

/** Recorded requests of the newer wires read back into our conversation, and both forms made comparable. */

export interface Conversation {
  system: string;
  messages: Message[];
}

/** Puts blocks into turns: those of one speaker that follow each other belong together, results begin a turn. */
class Turns {
  readonly messages: Message[] = [];
  readonly #from: string;

  constructor(from: string) {
    this.#from = from;
  }

  said(blocks: AssistantBlock[]): void {
    const last = this.messages.at(-1);
    if (last?.role === "assistant") this.messages.pop();
    const before = last?.role === "assistant" ? last.blocks : [];
    this.messages.push({ role: "assistant", blocks: [...before, ...blocks], from: this.#from });
  }

  /** Results that follow each other answer calls of one turn. */
  heard(blocks: UserBlock[]): void {
    const last = this.messages.at(-1);
    const results = (list: readonly UserBlock[]) => list.every((block) => block.type === "tool_result");
    const goesOn = last?.role === "user" && results(last.blocks) && results(blocks);
    if (goesOn) this.messages.pop();
    this.messages.push({ role: "user", blocks: [...(goesOn ? last.blocks : []), ...blocks] });
  }
}

const words = (content: Foreign): string | undefined => {
  if (typeof content === "string") return content;
  if (!Array.isArray(content) || content.some((part) => typeof part.text !== "string")) return undefined;
  return content.map((part) => part.text).join("");
};

/** Undefined where the request holds something that we never send. */
export function fromResponses(request: Foreign, from: string): Conversation | undefined {
  const turns = new Turns(from);
  const names = new Map<string, string>();
  let system = request.instructions ?? "";
  for (const item of request.input) {
    const type = item.type ?? "message";
    if (type === "message") {
      const text = words(item.content);
      if (text === undefined) return undefined;
      const phase = item.phase ? { native: { phase: item.phase } } : {};
      if (item.role === "assistant") turns.said([{ type: "text", text, ...phase }]);
      else if (item.role === "user") turns.heard([{ type: "text", text }]);
      else if (system || turns.messages.length > 0) return undefined;
      else system = text;
    } else if (type === "reasoning") turns.said([{ type: "reasoning", text: "", native: item }]);
    else if (type === "function_call") {
      names.set(item.call_id, item.name);
      turns.said([{ type: "tool_call", id: item.call_id, name: item.name, arguments: item.arguments }]);
    } else if (type === "function_call_output" && typeof item.output === "string") {
      const name = names.get(item.call_id)!;
      turns.heard([{ type: "tool_result", id: item.call_id, name, text: item.output }]);
    } else return undefined;
  }
  return { system, messages: turns.messages };
}

/** Without item ids, which mean nothing where nothing is stored. */
export function plainResponses(request: Foreign) {
  const items = request.input.map((item: Foreign) => {
    if (item.type === "reasoning") return item;
    const { type: _, id: __, status: ___, ...rest } = item;
    return { ...rest, ...(rest.content === undefined ? {} : { content: words(rest.content) }) };
  });
  const first = items[0]?.role === "system" ? items[0].content : undefined;
  const system = request.instructions || first || undefined;
  return { system, items: items.filter((item: Foreign) => item.role !== "system" && item.content !== "") };
}

const PART_NAMES: Record<string, string> = { function_call: "functionCall", function_response: "functionResponse" };

/** Some clients write the names of fields as the proto files have them. */
function partsOf(content: Foreign): Foreign[] {
  return (content.parts ?? []).map((part: Foreign) =>
    Object.fromEntries(Object.entries(part).map(([name, value]) => [PART_NAMES[name] ?? name, value])),
  );
}

export function fromGemini(request: Foreign, from: string): Conversation | undefined {
  const turns = new Turns(from);
  let calls: { id: string; name: string }[] = [];
  let count = 0;
  for (const content of request.contents) {
    const parts = partsOf(content);
    const known = ["text", "functionCall", "functionResponse"];
    if (parts.some((part) => !known.some((name) => part[name] !== undefined))) return undefined;
    if (content.role === "model") {
      calls = [];
      for (const { text, thought, thoughtSignature, functionCall } of parts) {
        const native = {
          ...(thoughtSignature ? { thoughtSignature } : {}),
          ...(functionCall?.id ? { id: functionCall.id } : {}),
        };
        const back = Object.keys(native).length > 0 ? { native } : {};
        if (functionCall) {
          const id = functionCall.id ?? `call_${++count}`;
          calls.push({ id, name: functionCall.name });
          const json = JSON.stringify(functionCall.args ?? {});
          turns.said([{ type: "tool_call", id, name: functionCall.name, arguments: json, ...back }]);
        } else turns.said([{ type: thought ? "reasoning" : "text", text, ...back }]);
      }
      continue;
    }
    for (const { text, functionResponse } of parts) {
      if (functionResponse) {
        const { id, name } = calls.shift()!;
        turns.heard([{ type: "tool_result", id, name, text: JSON.stringify(functionResponse.response) }]);
      } else turns.heard([{ type: "text", text }]);
    }
  }
  return { system: request.systemInstruction?.parts?.[0]?.text ?? "", messages: turns.messages };
}

/** One part after the other; what is empty or a thought without signature is never sent. */
export function plainGemini(request: Foreign) {
  const parts = request.contents.flatMap((content: Foreign) =>
    partsOf(content)
      .filter((part) => part.text !== "" || part.thoughtSignature)
      .filter((part) => !part.thought || part.thoughtSignature)
      .map((part) => ({ role: content.role, ...comparable(part) })),
  );
  return { system: request.systemInstruction?.parts?.[0]?.text, parts };
}

function comparable({ functionResponse, ...part }: Foreign) {
  if (!functionResponse)
    return part.functionCall ? { ...part, functionCall: { args: {}, ...part.functionCall } } : part;
  const { response, ...rest } = functionResponse;
  const { output } = response;
  // Ours holds the recorded response as text.
  const sent = typeof output === "string" && output.startsWith("{") ? JSON.parse(output) : response;
  return { ...part, functionResponse: { ...rest, response: sent } };
}

export function fromConverse(request: Foreign, from: string): Conversation | undefined {
  const turns = new Turns(from);
  const names = new Map<string, string>();
  for (const { role, content } of request.messages) {
    for (const block of content) {
      const { text, toolUse, toolResult, reasoningContent } = block;
      if (block.cachePoint) continue;
      if (text !== undefined)
        role === "user" ? turns.heard([{ type: "text", text }]) : turns.said([{ type: "text", text }]);
      else if (reasoningContent) {
        const told = reasoningContent.reasoningText?.text ?? "";
        turns.said([{ type: "reasoning", text: told, native: reasoningContent }]);
      } else if (toolUse) {
        names.set(toolUse.toolUseId, toolUse.name);
        const json = JSON.stringify(toolUse.input);
        turns.said([{ type: "tool_call", id: toolUse.toolUseId, name: toolUse.name, arguments: json }]);
      } else if (toolResult) {
        const said = words(toolResult.content);
        if (said === undefined) return undefined;
        const failed = toolResult.status === "error" ? { isError: true } : {};
        const id = toolResult.toolUseId;
        turns.heard([{ type: "tool_result", id, name: names.get(id)!, text: said, ...failed }]);
      } else return undefined;
    }
  }
  return { system: words((request.system ?? []).filter((each: Foreign) => each.text)) ?? "", messages: turns.messages };
}

export function plainConverse(request: Foreign) {
  const messages = request.messages.map(({ role, content }: Foreign) => ({
    role,
    content: content
      .filter((block: Foreign) => !block.cachePoint && block.text?.trim() !== "")
      .map(({ toolResult, ...block }: Foreign) => {
        if (!toolResult) return block;
        const { status, type: _, ...rest } = toolResult;
        return { toolResult: { ...rest, status: status ?? "success" } };
      }),
  }));
  return { system: words((request.system ?? []).filter((each: Foreign) => each.text)) || undefined, messages };
}

export function fromOllama(request: Foreign, from: string): Conversation | undefined {
  const turns = new Turns(from);
  let calls: { id: string; name: string }[] = [];
  for (const [index, { role, content, tool_calls = [] }] of request.messages.entries()) {
    if (role === "user") turns.heard([{ type: "text", text: content }]);
    else if (role === "assistant") {
      calls = tool_calls.map((call: Foreign, at: number) => ({ id: `call_${index}_${at}`, name: call.function.name }));
      if (content) turns.said([{ type: "text", text: content }]);
      for (const [at, call] of tool_calls.entries()) {
        turns.said([{ type: "tool_call", ...calls[at]!, arguments: JSON.stringify(call.function.arguments) }]);
      }
    } else if (role === "tool") turns.heard([{ type: "tool_result", ...calls.shift()!, text: content }]);
    else return undefined;
  }
  return { system: "", messages: turns.messages };
}

/** Which tool a result is of is told nowadays; the recordings are older. */
export function plainOllama(request: Foreign) {
  return request.messages.map(({ tool_name: _, ...message }: Foreign) => message);
}
