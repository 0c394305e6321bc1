import { expect } from "bun:test";
import fc from "fast-check";
import type { Message } from "../../src/contracts/message.ts";
import type { ModelInfo, ModelRequest } from "../../src/contracts/provider.ts";
import type { WireId } from "../../src/providers/row.ts";
import { complaintAboutConverse } from "../fakes/bedrock-rules.ts";
import { complaintAboutGemini } from "../fakes/gemini-rules.ts";
import { complaintAboutOllama } from "../fakes/ollama-rules.ts";
import { complaintAboutResponses } from "../fakes/responses-rules.ts";
import { requestOf, targetFor, user, wireOf } from "./support.ts";

/** Requests of the wires beside Anthropic's and Chat Completions. */

export type New = Exclude<WireId, "anthropic" | "chat">;
export const PROVIDERS: Record<New, string> = {
  responses: "openai",
  gemini: "google",
  bedrock: "bedrock",
  ollama: "ollama",
};
export const RULES: Record<New, (body: unknown) => string | undefined> = {
  responses: complaintAboutResponses,
  gemini: (body) => complaintAboutGemini(body, { signedCalls: true }),
  bedrock: complaintAboutConverse,
  ollama: complaintAboutOllama,
};
/** Of a model with a cache. */
export const price = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };

export async function encoded(
  wire: New,
  messages: Message[],
  changes: Partial<ModelRequest> = {},
  info: Partial<ModelInfo> = {},
) {
  const target = { ...(await targetFor(PROVIDERS[wire], "model", { price, ...info })), signedCalls: true };
  const sent = (await wireOf(wire)).encode(requestOf(messages, changes), target);
  return { ...sent, body: JSON.parse(sent.body) };
}

export async function bodyOf(
  wire: New,
  messages: Message[],
  changes: Partial<ModelRequest> = {},
  info: Partial<ModelInfo> = {},
) {
  const { body } = await encoded(wire, messages, changes, info);
  expect(RULES[wire](body)).toBeUndefined();
  return body;
}

export const png = { type: "image" as const, mediaType: "image/png", data: "iVBORw0KGgo=" };
export const pdf = { type: "image" as const, mediaType: "application/pdf", data: "JVBERi0=" };

/** Two calls at once, one of them failing with a picture, and a word from the user after the results. */
export function work(from: string, native: { thought?: unknown; text?: unknown; call?: unknown } = {}): Message[] {
  const back = (value: unknown) => (value === undefined ? {} : { native: value });
  return [
    user("Mend the test."),
    {
      role: "assistant",
      from,
      blocks: [
        { type: "reasoning", text: "I look.", ...back(native.thought) },
        { type: "text", text: "Let me look.", ...back(native.text) },
        { type: "tool_call", id: "call:1", name: "read", arguments: '{ "path": "a.ts" }', ...back(native.call) },
        { type: "tool_call", id: "call:2", name: "read", arguments: "{broken" },
      ],
    },
    {
      role: "user",
      blocks: [
        { type: "text", text: "And be quick." },
        { type: "tool_result", id: "call:1", name: "read", text: "1: x" },
        { type: "tool_result", id: "call:2", name: "read", text: "", isError: true, images: [png] },
      ],
    },
  ];
}

/** user, (assistant, user)*: every call has its result; texts, ids and arguments are anything at all. */
export function conversation(provider: string): fc.Arbitrary<Message[]> {
  const text = fc.string({ unit: "grapheme", maxLength: 30 });
  const call = fc.record({ name: fc.constant("read"), arguments: fc.oneof(fc.json(), text, fc.constant("")) });
  const turn = fc.record({
    text,
    calls: fc.array(call, { maxLength: 3 }),
    result: text,
    said: text,
    from: fc.constantFrom(`${provider}/model`, "x/y"),
    sealed: fc.boolean(),
  });
  const seals: Record<string, unknown> = {
    openai: { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAA" },
    google: { thoughtSignature: "dA==" },
    bedrock: { reasoningText: { text: "t", signature: "s" } },
  };
  return fc.array(turn, { maxLength: 6 }).map((turns) => {
    const messages: Message[] = [user("Begin.")];
    for (const [at, each] of turns.entries()) {
      const signed = provider === "google" ? { native: { thoughtSignature: "dg==" } } : {};
      const calls = each.calls.map((one, index) => {
        return { type: "tool_call" as const, id: `id:${at}.${index}`, ...one, ...(index === 0 ? signed : {}) };
      });
      const native = each.sealed && seals[provider] ? { native: seals[provider] } : {};
      const thought = { type: "reasoning" as const, text: each.text, ...native };
      messages.push({
        role: "assistant",
        from: each.from,
        blocks: [thought, { type: "text", text: each.text }, ...calls],
      });
      const results = calls.map(({ id, name }) => ({ type: "tool_result" as const, id, name, text: each.result }));
      messages.push({ role: "user", blocks: [...results, { type: "text", text: `${each.said}.` }] });
    }
    return messages;
  });
}
