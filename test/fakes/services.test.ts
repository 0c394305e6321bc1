import { describe, expect, test } from "bun:test";
import { describeSpecs } from "../specs.ts";
import { startAnthropicFake } from "./anthropic-server.ts";
import { complaintAboutConverse } from "./bedrock-rules.ts";
import { startBedrockFake } from "./bedrock-server.ts";
import { complaintAboutGemini } from "./gemini-rules.ts";
import { startGeminiFake } from "./gemini-server.ts";
import { complaintAboutOllama } from "./ollama-rules.ts";
import { startOllamaFake } from "./ollama-server.ts";
import { startOpenAiFake } from "./openai-server.ts";
import { complaintAboutResponses } from "./responses-rules.ts";
import { startResponsesFake } from "./responses-server.ts";
import type { Fake, Script } from "./script.ts";

type Cases = Record<string, [unknown, string]>;

function refuses(name: string, complaint: (body: unknown) => string | undefined, good: unknown, cases: Cases): void {
  describe(`the fake ${name} service`, () => {
    test("takes a request that is right", () => expect(complaint(good)).toBeUndefined());
    for (const [what, [body, words]] of Object.entries(cases)) {
      test(`refuses ${what}`, () => expect(complaint(JSON.parse(JSON.stringify(body)))).toContain(words));
    }
  });
}

{
  const ask = { role: "user", content: "a" };
  const call = { type: "function_call", call_id: "c1", name: "read", arguments: "{}" };
  const output = { type: "function_call_output", call_id: "c1", output: "x" };
  const thought = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" };
  const body = (input: unknown, more = {}) => ({ model: "m", input, store: false, ...more });
  refuses("Responses", complaintAboutResponses, body([ask, thought, call, output]), {
    "an unknown field": [body([ask], { max_tokens: 1 }), "Unknown parameter: 'max_tokens'"],
    "no input": [body([]), "empty array"],
    "a small output limit": [body([ask], { max_output_tokens: 15 }), "Expected a value >= 16"],
    "a tool in the form of Chat Completions": [
      body([ask], { tools: [{ type: "function", function: { name: "a" } }] }),
      "tools[0].name",
    ],
    "a call without its output": [body([ask, call]), "No tool output found for function call c1"],
    "a word between call and output": [body([ask, call, ask, output]), "No tool output found"],
    "an output without its call": [body([ask, output]), "No tool call found"],
    "the same call twice": [body([ask, call, output, call, output]), "Duplicate item"],
    "a long id": [body([{ ...call, call_id: "c".repeat(65) }]), "maximum length 64"],
    "reasoning that was not kept": [
      body([ask, { type: "reasoning", id: "rs_1", summary: [] }, call, output]),
      "not found. Items are not persisted",
    ],
    "reasoning that led to nothing": [body([ask, thought, ask]), "without its required following item"],
    "reasoning at the end": [body([ask, thought]), "without its required following item"],
    "an empty text": [body([{ role: "assistant", content: "" }, ask]), "empty string"],
    "a part of another role's kind": [body([{ role: "user", content: [{ type: "text", text: "a" }] }]), "'text'"],
  });
}

{
  const ask = { role: "user", parts: [{ text: "a" }] };
  const called = (more = {}) => ({ role: "model", parts: [{ functionCall: { name: "read", args: {} }, ...more }] });
  const answer = (...names: string[]) => ({
    role: "user",
    parts: names.map((name) => ({ functionResponse: { name, response: { output: "x" } } })),
  });
  const body = (contents: unknown, more = {}) => ({ contents, ...more });
  const strict = (given: unknown) => complaintAboutGemini(given, { signedCalls: true });
  refuses("Gemini", strict, body([ask, called({ thoughtSignature: "dA==" }), answer("read")]), {
    "an unknown field": [body([ask], { model: "m" }), 'Unknown name "model"'],
    "an unknown setting": [body([ask], { generationConfig: { max_tokens: 1 } }), 'Unknown name "max_tokens"'],
    "no contents": [body([]), "contents are required"],
    "the assistant's role of others": [body([ask, { ...ask, role: "assistant" }, ask]), "valid role"],
    "a turn without parts": [body([{ role: "user", parts: [] }]), "must not be empty"],
    "an empty text": [body([{ role: "user", parts: [{ text: "" }] }]), "must have a text parameter"],
    "two kinds in one part": [body([{ role: "user", parts: [{ text: "a", inlineData: {} }] }]), "oneof field"],
    "a call without a signature": [body([ask, called(), answer("read")]), "missing a thought_signature"],
    "a call without a response": [
      body([ask, called({ thoughtSignature: "dA==" }), ask]),
      "number of function response",
    ],
    "one response too many": [
      body([ask, called({ thoughtSignature: "dA==" }), answer("read", "read")]),
      "number of function response",
    ],
    "the response of another tool": [
      body([ask, called({ thoughtSignature: "dA==" }), answer("write")]),
      "does not answer",
    ],
    "arguments that are text": [
      body([ask, { role: "model", parts: [{ functionCall: { name: "read", args: "{}" } }] }, answer("read")]),
      "Struct",
    ],
    "an answer that is begun": [body([ask, { role: "model", parts: [{ text: "b" }] }]), "must be the user's"],
    "JSON beside tools": [
      body([ask], {
        tools: [{ functionDeclarations: [{ name: "a", parametersJsonSchema: { type: "object" } }] }],
        generationConfig: { responseMimeType: "application/json" },
      }),
      "is unsupported",
    ],
  });
}

{
  const ask = { role: "user", content: [{ text: "a" }] };
  const call = { role: "assistant", content: [{ toolUse: { toolUseId: "t1", name: "read", input: {} } }] };
  const result = { role: "user", content: [{ toolResult: { toolUseId: "t1", content: [{ text: "x" }] } }] };
  const toolConfig = { tools: [{ toolSpec: { name: "read", inputSchema: { json: { type: "object" } } } }] };
  const body = (messages: unknown, more = {}) => ({ messages, toolConfig, ...more });
  const point = { cachePoint: { type: "default" } };
  refuses("Bedrock", complaintAboutConverse, body([ask, call, result], { system: [{ text: "s" }, point] }), {
    "an unknown field": [body([ask], { max_tokens: 1 }), "extraneous key [max_tokens]"],
    "a first word of the assistant": [body([call, result]), "must start with a user message"],
    "two turns of one speaker": [body([ask, ask]), "must alternate"],
    "a blank text": [body([{ role: "user", content: [{ text: " " }] }]), "is blank"],
    "an empty turn": [body([{ role: "user", content: [] }]), "is empty"],
    "a call without its result": [body([ask, call, ask]), "Expected toolResult blocks"],
    "a result without its call": [body([result]), "exceeds the number of toolUse blocks"],
    "calls without tools": [{ messages: [ask, call, result] }, "toolConfig field must be defined"],
    "an id with a slash": [
      body([ask, { role: "assistant", content: [{ toolUse: { toolUseId: "a/b", name: "read", input: {} } }] }, result]),
      "failed its pattern",
    ],
    "thoughts without a signature": [
      body([ask, { role: "assistant", content: [{ reasoningContent: { reasoningText: { text: "t" } } }] }, ask]),
      "signature: Field required",
    ],
    "a block of two kinds": [body([{ role: "user", content: [{ text: "a", ...point }] }]), "must set one of"],
    "five cache points": [body([{ role: "user", content: [{ text: "a" }, ...Array(5).fill(point)] }]), "maximum of 4"],
    "an answer that is begun": [body([ask, { role: "assistant", content: [{ text: "b" }] }]), "prefill"],
  });
}

{
  const ask = { role: "user", content: "a" };
  const call = { role: "assistant", content: "", tool_calls: [{ function: { name: "read", arguments: {} } }] };
  const result = { role: "tool", tool_name: "read", content: "x" };
  const options = { num_ctx: 8192, num_predict: 100 };
  const body = (messages: unknown, more = {}) => ({ model: "m", options, messages, ...more });
  refuses("Ollama", complaintAboutOllama, body([ask, call, result, ask]), {
    "an unknown field": [body([ask], { max_tokens: 1 }), "unknown field max_tokens"],
    "an unknown field of a message": [
      body([{ ...result, tool_call_id: "c" }]),
      "unknown field messages[0].tool_call_id",
    ],
    "a window that is no number": [body([ask], { options: { num_ctx: "8k" } }), "num_ctx"],
    "an answer larger than the window": [body([ask], { options: { num_ctx: 10, num_predict: 20 } }), "larger than"],
    "no messages": [body([]), "messages are required"],
    "a content that is a list": [body([{ role: "user", content: [{ text: "a" }] }]), "cannot unmarshal"],
    "arguments that are text": [
      body([ask, { ...call, tool_calls: [{ function: { name: "read", arguments: "{}" } }] }]),
      "must be an object",
    ],
    "a call without its result": [body([ask, call, ask]), "has no result"],
    "a result without its call": [body([ask, result]), "answers no call"],
    "a message that says nothing": [body([ask, { role: "assistant", content: "" }, ask]), "is empty"],
  });
}

describeSpecs("api-specs", () => {
  const said = [{ role: "user", content: "hi" }];
  const hot = { temperature: "hot" };
  const services: [string, (script: Script) => Fake, string, Record<string, unknown>][] = [
    ["Anthropic", startAnthropicFake, "/v1/messages", { model: "m", max_tokens: 1, messages: said, ...hot }],
    ["Chat Completions", startOpenAiFake, "/chat/completions", { model: "m", messages: said, stream: true, ...hot }],
    ["Responses", startResponsesFake, "/responses", { model: "m", input: said, store: false, ...hot }],
    [
      "Gemini",
      startGeminiFake,
      "/models/m:streamGenerateContent?alt=sse",
      { contents: [{ role: "user", parts: [{ text: "hi" }] }], generationConfig: hot },
    ],
    [
      "Bedrock",
      startBedrockFake,
      "/model/m/converse-stream",
      { messages: [{ role: "user", content: [{ text: "hi" }] }], inferenceConfig: hot },
    ],
    [
      "Ollama",
      startOllamaFake,
      "/api/chat",
      { model: "qwen3:8b", messages: said, options: { num_ctx: 100, num_predict: 10, ...hot } },
    ],
  ];
  for (const [name, start, path, body] of services) {
    test(`the fake ${name} service also refuses what its vendor's own description does not allow`, async () => {
      const fake = start(["hello"]);
      const headers = { "content-type": "application/json", "anthropic-version": "2023-06-01" };
      const base = name === "Anthropic" ? fake.url : fake.baseUrl;
      const answer = await fetch(base + path, { method: "POST", headers, body: JSON.stringify(body) });
      expect([answer.status, fake.requests[0]?.refused]).toEqual([400, expect.stringContaining("temperature")]);
      await fake.stop();
    });
  }
});
