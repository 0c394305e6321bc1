import type { WireId } from "../../src/providers/row.ts";
import { converseEvent } from "../fakes/bedrock-server.ts";
import type { Foreign } from "./support.ts";

const bytesOf = (events: object[]) =>
  new TextEncoder().encode(events.map((event) => `: comment\r\ndata: ${JSON.stringify(event)}\r\n\r\n`).join(""));

/** The stream in which the service would have sent an answer, in small pieces, with events of the future. */
export const STREAMS: Partial<Record<WireId, (answer: Foreign) => Uint8Array>> = {
  responses: responsesStream,
  gemini: geminiStream,
  bedrock: bedrockStream,
  ollama: ollamaStream,
};

function responsesStream(response: Foreign): Uint8Array {
  const events: object[] = [{ type: "response.created", response: { id: response.id } }];
  for (const [output_index, item] of response.output.entries()) {
    const event = (type: string, more: object) => events.push({ type, output_index, ...more });
    event("response.output_item.added", { item: { ...item, content: [], summary: [], arguments: "" } });
    event("response.event_of_the_future", {});
    for (const [summary_index, part] of (item.summary ?? []).entries()) {
      event("response.reasoning_summary_part.added", { summary_index });
      for (const delta of slices(part.text)) event("response.reasoning_summary_text.delta", { summary_index, delta });
    }
    const kind = item.type === "reasoning" ? "response.reasoning_text.delta" : "response.output_text.delta";
    const shown = item.type === "message" || (item.type === "reasoning" && !item.summary?.length);
    for (const part of shown ? (item.content ?? []) : [])
      for (const delta of slices(part.text ?? "")) event(kind, { delta });
    if (item.type === "function_call") {
      for (const delta of slices(item.arguments)) event("response.function_call_arguments.delta", { delta });
    }
    event("response.output_item.done", { item });
  }
  return bytesOf([...events, { type: "response.completed", response }]);
}

function geminiStream(answer: Foreign): Uint8Array {
  const [{ content, ...candidate }] = answer.candidates;
  const chunk = (part: object) => ({ responseId: answer.responseId, candidates: [{ content: { parts: [part] } }] });
  const parts = (content?.parts ?? []).flatMap((part: Foreign) =>
    part.text !== undefined && !part.thoughtSignature
      ? slices(part.text).map((piece) => ({ ...part, text: piece }))
      : [part],
  );
  const future = { candidates: [{ content: { parts: [{ partOfTheFuture: {} }] } }] };
  return bytesOf([...parts.map(chunk), future, { ...answer, candidates: [candidate] }]);
}

function bedrockStream(answer: Foreign): Uint8Array {
  const events: Uint8Array[] = [converseEvent("messageStart", { role: "assistant" })];
  for (const [contentBlockIndex, block] of answer.output.message.content.entries()) {
    const event = (type: string, more: object) => events.push(converseEvent(type, { contentBlockIndex, ...more }));
    const delta = (value: object) => event("contentBlockDelta", { delta: value });
    if (block.toolUse) {
      event("contentBlockStart", { start: { toolUse: block.toolUse } });
      for (const input of slices(JSON.stringify(block.toolUse.input))) delta({ toolUse: { input } });
    }
    for (const piece of slices(block.text ?? "")) delta({ text: piece });
    const { reasoningText, redactedContent } = block.reasoningContent ?? {};
    for (const piece of slices(reasoningText?.text ?? "")) delta({ reasoningContent: { text: piece } });
    if (reasoningText?.signature) delta({ reasoningContent: { signature: reasoningText.signature } });
    if (redactedContent) delta({ reasoningContent: { redactedContent } });
    delta({ deltaOfTheFuture: {} });
    event("contentBlockStop", {});
  }
  events.push(converseEvent("eventOfTheFuture", {}), converseEvent("messageStop", { stopReason: answer.stopReason }));
  return new Uint8Array(Buffer.concat([...events, converseEvent("metadata", { usage: answer.usage })]));
}

function ollamaStream(answer: Foreign): Uint8Array {
  const { message, done, done_reason, prompt_eval_count, eval_count, ...base } = answer;
  const line = (more: object) => `${JSON.stringify({ ...base, ...more })}\n`;
  const said = (part: object) => line({ message: { role: "assistant", content: "", ...part }, done: false });
  const lines = [
    ...slices(message.thinking ?? "").map((thinking) => said({ thinking })),
    ...slices(message.content ?? "").map((content) => said({ content })),
    said({ part_of_the_future: {} }),
    ...(message.tool_calls ?? []).map((call: object) => said({ tool_calls: [call] })),
    line({ message: { role: "assistant", content: "" }, done, done_reason, prompt_eval_count, eval_count }),
  ];
  return new TextEncoder().encode(lines.join(""));
}

function slices(words: string): string[] {
  return words.match(/[\s\S]{1,7}/g) ?? [];
}
