import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AssistantMessage, Message } from "../../src/contracts/message.ts";
import type { Target } from "../../src/providers/wire/wire.ts";
import { complaintAboutMessages } from "../fakes/anthropic-rules.ts";
import { complaintAboutChat } from "../fakes/openai-rules.ts";
import { describeSpecs } from "../specs.ts";
import { fromAnthropic, fromChat, plainAnthropic, plainChat } from "./conversations.ts";
import { recordings } from "./recordings.ts";
import { readTool, requestOf, rowFor, targetFor, user, wireOf } from "./support.ts";

async function anthropicBody(messages: Message[], changes = {}, model = "claude-sonnet-5") {
  const wire = await wireOf("anthropic");
  return JSON.parse(wire.encode(requestOf(messages, changes), await targetFor("anthropic", model)).body);
}

async function chatBody(messages: Message[], changes = {}, provider = "openai") {
  const wire = await wireOf("chat");
  return JSON.parse(wire.encode(requestOf(messages, changes), await targetFor(provider)).body);
}

const png = { type: "image" as const, mediaType: "image/png", data: "iVBORw0KGgo=" };

/** Two calls at once, one of them failing with a picture, and a word from the user after the results. */
function work(from: string): Message[] {
  return [
    user("Mend the test."),
    {
      role: "assistant",
      from,
      blocks: [
        { type: "reasoning", text: "I look.", native: { type: "thinking", thinking: "I look.", signature: "sig" } },
        { type: "reasoning", text: "", native: { type: "redacted_thinking", data: "opaque" } },
        { type: "text", text: "Let me look." },
        { type: "tool_call", id: "call:1", name: "read", arguments: '{ "path": "a.ts" }' },
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

describe("the Anthropic wire", () => {
  test("sends a conversation that the service accepts", async () => {
    const body = await anthropicBody(work("anthropic/claude-sonnet-5"), { tools: [readTool], temperature: 0.1 });
    expect(complaintAboutMessages(body)).toBeUndefined();
    expect(body.max_tokens).toBe(1000);
    expect(body.temperature).toBe(0.1);
    expect(body.tools).toEqual([{ name: "read", description: "Reads a file.", input_schema: readTool.parameters }]);
    expect(body.messages[1].content[0]).toEqual({ type: "thinking", thinking: "I look.", signature: "sig" });
    expect(body.messages[1].content[1]).toEqual({ type: "redacted_thinking", data: "opaque" });
    expect(body.messages[1].content[3]).toEqual({
      type: "tool_use",
      id: "call_1",
      name: "read",
      input: { path: "a.ts" },
    });
    expect(body.messages[1].content[4].input).toEqual({ invalid_json: "{broken" });
    expect(body.messages[2].content.map((block: { type: string }) => block.type)).toEqual([
      "tool_result",
      "tool_result",
      "text",
    ]);
    expect(body.messages[2].content[1]).toMatchObject({
      tool_use_id: "call_2",
      is_error: true,
      content: [
        { type: "text", text: "(no output)" },
        { type: "image", source: { media_type: "image/png" } },
      ],
    });
  });

  test("leaves another model's thoughts out", async () => {
    const body = await anthropicBody(work("anthropic/claude-opus-5"));
    expect(JSON.stringify(body)).not.toContain("opaque");
    expect(complaintAboutMessages(body)).toBeUndefined();
  });

  test("leaves out messages that have nothing to send", async () => {
    const silent: AssistantMessage = {
      role: "assistant",
      from: "other/model",
      blocks: [{ type: "reasoning", text: "hm" }],
    };
    const body = await anthropicBody([user("a"), silent, user("b")]);
    expect(body.messages).toHaveLength(2);
    expect(complaintAboutMessages(body)).toBeUndefined();
  });

  test("marks the fixed part and the last two turns for the cache, never more than four", async () => {
    const turns = Array.from(
      { length: 9 },
      (_, index): Message =>
        index % 2 === 0
          ? user(`question ${index}`)
          : { role: "assistant", from: "x/y", blocks: [{ type: "text", text: "answer" }] },
    );
    const body = await anthropicBody(turns, { tools: [readTool] });
    expect(body.system[0].cache_control).toEqual({ type: "ephemeral" });
    const marked = body.messages.flatMap((message: { content: object[] }, index: number) =>
      "cache_control" in message.content.at(-1)! ? [index] : [],
    );
    expect(marked).toEqual([6, 8]);
    expect(JSON.stringify(body).match(/cache_control/g)).toHaveLength(3);
  });

  test("marks the tools where there is no system prompt", async () => {
    const body = await anthropicBody([user("a")], { system: "", tools: [readTool] });
    expect(body.system).toBeUndefined();
    expect(body.tools[0].cache_control).toEqual({ type: "ephemeral" });
  });

  test("sends no temperature to models that refuse it and no more tokens than they can write", async () => {
    const wire = await wireOf("anthropic");
    const capabilities = { tools: true, images: false, reasoning: true, temperature: false };
    const target = await targetFor("anthropic", "m", { capabilities, maxOutput: 500 });
    const request = requestOf([{ role: "user", blocks: [png] }], { temperature: 0 });
    const body = JSON.parse(wire.encode(request, target).body);
    expect(body.temperature).toBeUndefined();
    expect(body.max_tokens).toBe(500);
    expect(body.messages[0].content[0].text).toContain("image/png");
  });

  test("asks a model that can to think, and to show it, where there is room and no temperature is asked for", async () => {
    const wire = await wireOf("anthropic");
    const target: Target = { ...(await targetFor("anthropic")), thinks: "adaptive" };
    const thinking = (changes: object, to = target) =>
      JSON.parse(wire.encode(requestOf([user("a")], { maxTokens: 16_000, ...changes }), to).body).thinking;
    expect(thinking({})).toEqual({ type: "adaptive", display: "summarized" });
    expect(thinking({ temperature: 0.1 })).toBeUndefined();
    expect(thinking({ maxTokens: 2000 })).toBeUndefined();
    expect(thinking({}, { ...target, info: { ...target.info, maxOutput: 4096 } })).toBeUndefined();
    expect(thinking({}, await targetFor("anthropic"))).toBeUndefined();
  });

  test("takes a base URL with and without /v1", async () => {
    const wire = await wireOf("anthropic");
    const target = await targetFor("anthropic");
    expect(wire.encode(requestOf([user("a")]), target).path).toBe("/v1/messages");
    const row = await rowFor("anthropic", { baseUrl: "http://127.0.0.1:1/v1" });
    expect(wire.encode(requestOf([user("a")]), { ...target, row }).path).toBe("/messages");
  });
});

describe("the Chat Completions wire", () => {
  test("sends a conversation that the service accepts", async () => {
    const body = await chatBody(work("openai/model"), { tools: [readTool] });
    expect(complaintAboutChat(body)).toBeUndefined();
    expect(body.max_completion_tokens).toBe(1000);
    expect(body.stream_options).toEqual({ include_usage: true });
    expect(body.messages.map((message: { role: string }) => message.role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
      "tool",
      "user",
    ]);
    expect(body.messages[2].tool_calls[0].function.arguments).toBe('{ "path": "a.ts" }');
    expect(JSON.parse(body.messages[2].tool_calls[1].function.arguments)).toEqual({ invalid_json: "{broken" });
    expect(body.messages[4].content).toBe("(no output)");
    expect(body.messages[5].content[1].image_url.url).toBe("data:image/png;base64,iVBORw0KGgo=");
    expect(body.messages[5].content[2].text).toBe("And be quick.");
  });

  test("shortens long ids the same way in a call and its result", async () => {
    const id = "toolu_".padEnd(60, "x");
    const called: Message = {
      role: "assistant",
      from: "a/b",
      blocks: [{ type: "tool_call", id, name: "read", arguments: "{}" }],
    };
    const body = await chatBody([
      user("a"),
      called,
      { role: "user", blocks: [{ type: "tool_result", id, name: "read", text: "x" }] },
    ]);
    expect(complaintAboutChat(body)).toBeUndefined();
  });

  test("returns reasoning in the field that each vendor wants, to the model that wrote it alone", async () => {
    const details = [{ type: "reasoning.encrypted", data: "opaque", index: 0 }];
    const thought = (from: string): Message => ({
      role: "assistant",
      from,
      blocks: [
        { type: "reasoning", text: "hm", native: { reasoning_details: details } },
        { type: "text", text: "done" },
      ],
    });
    const sent = async (provider: string, from = `${provider}/model`) =>
      (await chatBody([user("a"), thought(from), user("b")], {}, provider)).messages[2];
    expect(await sent("deepseek")).toEqual({ role: "assistant", content: "done", reasoning_content: "hm" });
    expect((await sent("openrouter")).reasoning_details).toEqual(details);
    expect(await sent("openai")).toEqual({ role: "assistant", content: "done" });
    expect(await sent("deepseek", "openrouter/model")).toEqual({ role: "assistant", content: "done" });
  });

  test("returns what a gateway attached to a call", async () => {
    const native = { extra_content: { google: { thought_signature: "sig" } } };
    const called: Message = {
      role: "assistant",
      from: "my/model",
      blocks: [{ type: "tool_call", id: "call_1", name: "read", arguments: "{}", native }],
    };
    const result: Message = { role: "user", blocks: [{ type: "tool_result", id: "call_1", name: "read", text: "x" }] };
    const body = await chatBody([user("a"), called, result], {}, "my");
    expect(body.messages[2].tool_calls[0].extra_content).toEqual(native.extra_content);
  });

  test("asks for JSON of a schema where the provider can enforce it", async () => {
    const schema = { name: "verdict", schema: { type: "object" } };
    expect((await chatBody([user("a")], { schema })).response_format).toEqual({
      type: "json_schema",
      json_schema: { ...schema, strict: false },
    });
    expect((await chatBody([user("a")], { schema }, "my")).response_format).toBeUndefined();
  });

  test("marks the last turns for the cache where the provider wants it", async () => {
    const body = await chatBody(
      [user("a"), { role: "assistant", from: "x/y", blocks: [{ type: "text", text: "b" }] }, user("c")],
      {},
      "openrouter",
    );
    expect(body.messages[0].content[0].cache_control).toEqual({ type: "ephemeral" });
    expect(body.messages[1].content[0].cache_control).toEqual({ type: "ephemeral" });
    expect(body.messages[2].content).toBe("b");
    expect(complaintAboutChat(body, { extraFields: ["cache_control", "reasoning"] })).toBeUndefined();
  });

  test("asks a gateway for thinking where it takes the word, and no temperature is asked for", async () => {
    const reasoning = async (changes: object, provider = "openrouter") =>
      (await chatBody([user("a")], changes, provider)).reasoning;
    expect(await reasoning({ maxTokens: 16_000 })).toEqual({ effort: "medium" });
    expect(await reasoning({ maxTokens: 2000 })).toEqual({ effort: "low" });
    expect(await reasoning({ maxTokens: 2000, temperature: 0.1 })).toBeUndefined();
    expect(await reasoning({ maxTokens: 16_000 }, "groq")).toBeUndefined();
  });

  test("sends what a model needs beside tools only with tools", async () => {
    const wire = await wireOf("chat");
    const target = { ...(await targetFor("openai")), withTools: { reasoning_effort: "none" } };
    expect(JSON.parse(wire.encode(requestOf([user("a")]), target).body).reasoning_effort).toBeUndefined();
    expect(JSON.parse(wire.encode(requestOf([user("a")], { tools: [readTool] }), target).body).reasoning_effort).toBe(
      "none",
    );
  });
});

test("whatever the conversation, both services accept it and a longer one extends the shorter one", async () => {
  const anthropic = await wireOf("anthropic");
  const chat = await wireOf("chat");
  const targets = { anthropic: await targetFor("anthropic"), chat: await targetFor("my") };
  await fc.assert(
    fc.asyncProperty(conversation(), async (messages) => {
      const bodies = (count: number) => {
        const request = requestOf(messages.slice(0, count), { tools: [readTool] });
        return {
          anthropic: JSON.parse(anthropic.encode(request, targets.anthropic).body),
          chat: JSON.parse(chat.encode(request, targets.chat).body),
        };
      };
      const whole = bodies(messages.length);
      expect(complaintAboutMessages(whole.anthropic)).toBeUndefined();
      expect(complaintAboutChat(whole.chat)).toBeUndefined();
      for (let count = 1; count < messages.length; count += 2) {
        const shorter = bodies(count);
        const plain = (body: unknown) => JSON.stringify(body).replaceAll(',"cache_control":{"type":"ephemeral"}', "");
        const start = (body: { messages: unknown[] }) => plain(body.messages).slice(0, -1);
        expect(start(whole.anthropic).startsWith(start(shorter.anthropic))).toBe(true);
        expect(start(whole.chat).startsWith(start(shorter.chat))).toBe(true);
      }
    }),
    { numRuns: 200, seed: 7 },
  );
});

/** user, (assistant, user)*: every call has its result; texts, ids and arguments are anything at all. */
function conversation(): fc.Arbitrary<Message[]> {
  const text = fc.string({ unit: "grapheme", maxLength: 30 });
  const call = fc.record({ name: fc.constant("read"), arguments: fc.oneof(fc.json(), text, fc.constant("")) });
  const turn = fc.record({
    text,
    calls: fc.array(call, { maxLength: 3 }),
    result: text,
    said: text,
    from: fc.constantFrom("my/model", "x/y"),
  });
  return fc.array(turn, { maxLength: 6 }).map((turns) => {
    const messages: Message[] = [user("Begin.")];
    for (const [at, each] of turns.entries()) {
      const calls = each.calls.map((one, index) => ({ type: "tool_call" as const, id: `id:${at}.${index}`, ...one }));
      const thought = { type: "reasoning" as const, text: each.text };
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

describeSpecs("llm-wire", (dir) => {
  for (const recorded of recordings(dir, ["anthropic", "openai-chat", "groq", "openrouter", "deepseek"])) {
    if (recorded.status !== 200 || !recorded.request?.messages) continue;
    const ownWire = recorded.family === "anthropic" ? ("anthropic" as const) : ("chat" as const);
    const target = `${recorded.family}/${recorded.request.model}`;
    const conversation = (ownWire === "anthropic" ? fromAnthropic : fromChat)(recorded.request, target);
    // Server-side tools, names and the like cannot be expressed, and are never sent.
    if (!conversation) continue;

    test(`${recorded.name} is sent as it was recorded, in what matters`, async () => {
      const row = await rowFor(recorded.family === "openai-chat" ? "openai" : recorded.family);
      const wire = await wireOf(ownWire);
      const base = await targetFor("x", "m");
      const info = { ...base.info, ref: target };
      const { body } = wire.encode(requestOf(conversation.messages, { system: conversation.system }), {
        ...base,
        row,
        info,
      });
      const sent = JSON.parse(body);
      if (ownWire === "anthropic") {
        expect(complaintAboutMessages(sent)).toBeUndefined();
        expect(plainAnthropic(sent)).toEqual(plainAnthropic(recorded.request));
      } else {
        const extraFields = ["cache_control", "reasoning", "reasoning_content", "reasoning_details"];
        expect(complaintAboutChat(sent, { extraFields, idMax: 100 })).toBeUndefined();
        expect(plainChat(sent)).toEqual(plainChat(recorded.request));
      }
    });
  }
});
