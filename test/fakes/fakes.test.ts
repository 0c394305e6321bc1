import { describe, expect, test } from "bun:test";
import { complaintAboutMessages } from "./anthropic-rules.ts";
import { startAnthropicFake } from "./anthropic-server.ts";
import { extensionFault } from "./extension.ts";
import { complaintAboutChat } from "./openai-rules.ts";
import { startOpenAiFake } from "./openai-server.ts";
import type { FakeRequest } from "./script.ts";

const tool = { name: "read", description: "d", input_schema: { type: "object" } };
const use = { type: "tool_use", id: "t1", name: "read", input: {} };
const result = { type: "tool_result", tool_use_id: "t1", content: "x" };
const said = (text: string) => ({ type: "text", text });
const turn = (role: string, ...content: unknown[]) => ({ role, content });

describe("the fake Messages service refuses", () => {
  const body = (messages: unknown[], changes = {}) => ({ model: "m", max_tokens: 10, messages, ...changes });
  const ask = turn("user", said("a"));
  const cases: Record<string, [unknown, string]> = {
    "a missing max_tokens": [body([ask], { max_tokens: undefined }), "max_tokens: Field required"],
    "an unknown field": [body([ask], { max_completion_tokens: 1 }), "max_completion_tokens: Extra inputs"],
    "a first message of the assistant": [body([turn("assistant", said("a"))]), "first message must use"],
    "an empty message": [body([turn("user")]), "non-empty content"],
    "an empty text": [body([turn("user", said(" "))]), "non-whitespace"],
    "a call without its result": [body([ask, turn("assistant", use), ask]), "without `tool_result` blocks"],
    "a call at the end": [body([ask, turn("assistant", use)]), "without `tool_result` blocks"],
    "a result without its call": [
      body([ask, turn("assistant", said("b")), turn("user", result)]),
      "unexpected `tool_use_id`",
    ],
    "a result after a text": [body([ask, turn("assistant", use), turn("user", said("b"), result)]), "must come first"],
    "a prefilled answer": [body([ask, turn("assistant", said("b"))]), "prefill"],
    "unsigned thinking": [
      body([ask, turn("assistant", { type: "thinking", thinking: "x" }), ask]),
      "signature: Field required",
    ],
    "arguments that are text": [
      body([ask, turn("assistant", { ...use, input: "{}" }), turn("user", result)]),
      "valid dictionary",
    ],
    "an id with a colon": [
      body([ask, turn("assistant", { ...use, id: "a:1" }), turn("user", result)]),
      "match pattern",
    ],
    "five cache marks": [
      body([turn("user", ...Array(5).fill({ ...said("a"), cache_control: { type: "ephemeral" } }))]),
      "maximum of 4",
    ],
    "two tools of one name": [body([ask], { tools: [tool, tool] }), "must be unique"],
    "a tool without an object schema": [body([ask], { tools: [{ ...tool, input_schema: {} }] }), "input_schema.type"],
  };
  for (const [name, [request, words]] of Object.entries(cases)) {
    test(name, () => expect(complaintAboutMessages(JSON.parse(JSON.stringify(request)))).toContain(words));
  }
});

describe("the fake Chat Completions service refuses", () => {
  const ask = { role: "user", content: "a" };
  const called = (args: unknown = "{}", id = "c1") => ({
    role: "assistant",
    content: null,
    tool_calls: [{ id, type: "function", function: { name: "read", arguments: args } }],
  });
  const answer = { role: "tool", tool_call_id: "c1", content: "x" };
  const body = (messages: unknown[], changes = {}) => ({ model: "m", messages, ...changes });
  const cases: Record<string, [unknown, string]> = {
    "an unknown field": [body([ask], { thinking: {} }), "Unrecognized request argument supplied: thinking"],
    "an unknown field of a message": [body([{ ...ask, cache_control: {} }]), "messages[0].cache_control"],
    "two output limits": [body([ask], { max_tokens: 1, max_completion_tokens: 1 }), "at the same time"],
    "stream options without a stream": [body([ask], { stream_options: {} }), "only allowed when 'stream'"],
    "an empty list of tools": [body([ask], { tools: [] }), "empty array"],
    "a call without its result": [body([ask, called(), ask]), "must be followed by tool messages"],
    "a result without its call": [body([ask, answer]), "must be a response"],
    "a second result for a call": [body([ask, called(), answer, answer]), "must be a response"],
    "arguments that are an object": [body([ask, called({}), answer]), "expected a string"],
    "arguments that are not JSON": [body([ask, called("{"), answer]), "expected JSON"],
    "an id that is too long": [body([ask, called("{}", "c".repeat(41))]), "too long"],
    "an assistant that says nothing": [body([ask, { role: "assistant", content: null }, ask]), "got null"],
  };
  for (const [name, [request, words]] of Object.entries(cases)) {
    test(name, () => expect(complaintAboutChat(request)).toContain(words));
  }
});

describe("a fake service", () => {
  interface Answers {
    choices: { message: { content: string } }[];
    content: { text: string }[];
  }
  const json = async (response: Response) => (await response.json()) as Answers;
  const post = (url: string, body: unknown, headers = {}) =>
    fetch(url, { method: "POST", body: JSON.stringify(body), headers });

  test("remembers every request, and a refused one does not use up a turn", async () => {
    const fake = startOpenAiFake(["only answer"]);
    const url = `${fake.baseUrl}/chat/completions`;
    expect((await post(url, { model: "m", messages: [] })).status).toBe(400);
    const answer = await json(await post(url, { model: "m", messages: [{ role: "user", content: "a" }] }));
    expect(answer.choices[0]?.message.content).toBe("only answer");
    expect(fake.requests.map((request) => request.refused)).toEqual(["Invalid 'messages': empty array.", undefined]);
    expect((await post(url, { model: "m", messages: [{ role: "user", content: "a" }] })).status).toBe(400);
    await fake.stop();
  });

  test("can answer from the request", async () => {
    const fake = startAnthropicFake((request, index) => `${index}: ${request.body.messages[0].content}`);
    const headers = { "anthropic-version": "2023-06-01" };
    const body = { model: "m", max_tokens: 5, messages: [{ role: "user", content: "hello" }] };
    expect((await json(await post(`${fake.baseUrl}/v1/messages`, body, headers))).content[0]?.text).toBe("0: hello");
    expect((await post(`${fake.baseUrl}/v1/messages`, body)).status).toBe(400);
    await fake.stop();
  });

  test("what is no extension of the request before is named", () => {
    const request = (messages: unknown[], changes = {}): FakeRequest => ({
      path: "",
      headers: {},
      raw: "",
      body: { model: "m", messages, ...changes },
    });
    const first = request([turn("user", { ...said("a"), cache_control: { type: "ephemeral" } })]);
    expect(
      extensionFault(first, request([{ role: "user", content: "a" }, turn("assistant", said("b"))])),
    ).toBeUndefined();
    expect(extensionFault(first, request([turn("user", said("A"))]))).toContain("messages[0] changed");
    expect(extensionFault(first, request([]))).toBe("messages were taken away");
    expect(extensionFault(first, request([turn("user", said("a"))], { tools: [tool] }))).toBe("tools changed");
  });
});
