import type { AssistantBlock, Message, UserBlock } from "../../src/contracts/message.ts";
import type { Foreign } from "./support.ts";

/** Recorded requests read back into our conversation, and both forms made comparable. Foreign JSON throughout. */

interface Conversation {
  system: string;
  messages: Message[];
}

/** Undefined where the request holds something that we never send. */
export function fromAnthropic(request: Foreign, from: string): Conversation | undefined {
  const names = new Map<string, string>();
  const messages: Message[] = [];
  for (const { role, content } of request.messages) {
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
    const own = blocks.map((block: Foreign) =>
      role === "user" ? anthropicUser(block, names) : anthropicAssistant(block, names),
    );
    if (own.includes(undefined)) return undefined;
    messages.push(role === "user" ? { role, blocks: own } : { role, blocks: own, from });
  }
  const { system } = request;
  return { system: Array.isArray(system) ? system.map((block) => block.text).join("") : (system ?? ""), messages };
}

function anthropicUser(block: Foreign, names: Map<string, string>): UserBlock | undefined {
  if (block.type === "text") return { type: "text", text: block.text };
  if (block.type !== "tool_result") return undefined;
  const text =
    typeof block.content === "string" ? block.content : block.content.map((part: Foreign) => part.text).join("");
  const name = names.get(block.tool_use_id)!;
  return { type: "tool_result", id: block.tool_use_id, name, text, ...(block.is_error ? { isError: true } : {}) };
}

function anthropicAssistant(block: Foreign, names: Map<string, string>): AssistantBlock | undefined {
  switch (block.type) {
    case "text":
      return { type: "text", text: block.text };
    case "thinking":
      return { type: "reasoning", text: block.thinking, native: block };
    case "redacted_thinking":
      return { type: "reasoning", text: "", native: block };
    case "tool_use":
      names.set(block.id, block.name);
      return { type: "tool_call", id: block.id, name: block.name, arguments: JSON.stringify(block.input) };
  }
  return undefined;
}

export function plainAnthropic(request: Foreign) {
  const system = Array.isArray(request.system)
    ? request.system.map((block: Foreign) => block.text).join("")
    : request.system;
  const messages = request.messages.map(({ role, content }: Foreign) => ({
    role,
    content: (typeof content === "string" ? [{ type: "text", text: content }] : content).map(plainBlock),
  }));
  return { system: system || undefined, messages };
}

function plainBlock({ cache_control: _, ...block }: Foreign) {
  if (block.type !== "tool_result") return block;
  const content = typeof block.content === "string" ? [{ type: "text", text: block.content }] : block.content;
  return { ...block, content, is_error: block.is_error ?? false };
}

export function fromChat(request: Foreign, from: string): Conversation | undefined {
  let system = "";
  const messages: Message[] = [];
  const names = new Map<string, string>();
  for (const message of request.messages) {
    const text = textOf(message.content);
    if (text === undefined) return undefined;
    if (message.role === "system") {
      // We send one system prompt, at the beginning.
      if (messages.length > 0 || system) return undefined;
      system = text;
    } else if (message.role === "user") messages.push({ role: "user", blocks: [{ type: "text", text }] });
    else if (message.role === "tool") {
      const block: UserBlock = {
        type: "tool_result",
        id: message.tool_call_id,
        name: names.get(message.tool_call_id)!,
        text,
      };
      const last = messages.at(-1);
      if (last?.role === "user") messages[messages.length - 1] = { role: "user", blocks: [...last.blocks, block] };
      else messages.push({ role: "user", blocks: [block] });
    } else if (message.role === "assistant")
      messages.push({ role: "assistant", from, blocks: assistantBlocks(message, text, names) });
    else return undefined;
  }
  return { system, messages };
}

function assistantBlocks(message: Foreign, text: string, names: Map<string, string>): AssistantBlock[] {
  const blocks: AssistantBlock[] = [];
  const reasoning = message.reasoning_content ?? message.reasoning;
  if (reasoning || message.reasoning_details) {
    const native = message.reasoning_details ? { native: { reasoning_details: message.reasoning_details } } : {};
    blocks.push({ type: "reasoning", text: reasoning ?? "", ...native });
  }
  if (text) blocks.push({ type: "text", text });
  for (const { id, function: called } of message.tool_calls ?? []) {
    names.set(id, called.name);
    blocks.push({ type: "tool_call", id, name: called.name, arguments: called.arguments });
  }
  return blocks;
}

function textOf(content: Foreign): string | undefined {
  if (typeof content === "string") return content;
  if (content === null || content === undefined) return "";
  return content.every((part: Foreign) => part.type === "text")
    ? content.map((part: Foreign) => part.text).join("")
    : undefined;
}

/** Messages without content and calls are left out, as we leave them out. */
export function plainChat(request: Foreign) {
  return request.messages
    .map(({ reasoning: _, tool_calls, ...message }: Foreign) => ({
      ...message,
      content: textOf(message.content) || null,
      ...(tool_calls ? { tool_calls: tool_calls.map(plainCall) } : {}),
    }))
    .filter((message: Foreign) => message.content || message.tool_calls);
}

function plainCall({ id, type, function: called }: Foreign) {
  return { id, type, function: called };
}
