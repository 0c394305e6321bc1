import { describe, expect, test } from "bun:test";
import type { Message } from "../../src/contracts/message.ts";
import { bodyOf, encoded, pdf, png, price, RULES, work } from "./encoding.ts";
import { type Foreign, readTool, requestOf, targetFor, user, wireOf } from "./support.ts";

describe("the Responses wire", () => {
  const sealed = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAA" };

  test("sends a conversation that the service accepts and is not to keep", async () => {
    const native = { thought: sealed, text: { phase: "commentary" } };
    const body = await bodyOf("responses", work("openai/model", native), { tools: [readTool], temperature: 0.1 });
    expect(body).toMatchObject({ store: false, stream: true, max_output_tokens: 1000, temperature: 0.1 });
    expect(body.include).toEqual(["reasoning.encrypted_content"]);
    expect(body.instructions).toBe("You work with care.");
    expect(body.tools).toEqual([{ type: "function", ...readTool, strict: false }]);
    expect(body.input.map((item: Foreign) => item.type ?? item.role)).toEqual([
      "user",
      "reasoning",
      "assistant",
      "function_call",
      "function_call",
      "function_call_output",
      "function_call_output",
      "user",
    ]);
    expect(body.input[1]).toEqual(sealed);
    expect(body.input[2]).toEqual({ role: "assistant", content: "Let me look.", phase: "commentary" });
    expect(body.input[3].arguments).toBe('{ "path": "a.ts" }');
    expect(JSON.parse(body.input[4].arguments)).toEqual({ invalid_json: "{broken" });
    expect(body.input[6].output[1].image_url).toBe("data:image/png;base64,iVBORw0KGgo=");
  });

  test("leaves another model's thoughts and marks out, and thoughts that led to nothing", async () => {
    const native = { thought: sealed, text: { phase: "commentary" } };
    const foreign = JSON.stringify(await bodyOf("responses", work("openai/other", native)));
    expect(foreign).not.toContain("gAAAA");
    expect(foreign).not.toContain("phase");
    const cut: Message = {
      role: "assistant",
      from: "openai/model",
      blocks: [{ type: "reasoning", text: "", native: sealed }],
    };
    expect((await bodyOf("responses", [user("a"), cut, user("b")])).input).toHaveLength(2);
  });

  test("asks for thinking, for little where the answer is to be short, and says nothing where nothing may be said", async () => {
    const effort = async (maxTokens: number, more: object = {}) => {
      const target = { ...(await targetFor("openai")), ...more };
      return JSON.parse((await wireOf("responses")).encode(requestOf([user("a")], { maxTokens }), target).body)
        .reasoning;
    };
    expect(await effort(2000)).toEqual({ effort: "low" });
    expect(await effort(16_000)).toEqual({ effort: "medium" });
    expect(await effort(2000, { thinks: "unsteered" })).toBeUndefined();
  });

  test("asks models that do not reason for no reasoning, and for no less than the service grants", async () => {
    const capabilities = { tools: true, images: false, reasoning: false, temperature: false };
    const messages: Message[] = [{ role: "user", blocks: [png, pdf] }];
    const body = await bodyOf("responses", messages, { maxTokens: 5, temperature: 1 }, { capabilities });
    expect([body.include, body.temperature, body.max_output_tokens]).toEqual([undefined, undefined, 16]);
    expect(body.input[0].content[0].text).toContain("image/png");
  });

  test("asks for JSON of a schema", async () => {
    const schema = { name: "verdict", schema: { type: "object" } };
    const format = { type: "json_schema", ...schema, strict: false };
    expect((await bodyOf("responses", [user("a")], { schema })).text).toEqual({ format });
  });
});

describe("the Gemini wire", () => {
  test("sends a conversation that the service accepts, signatures where they were", async () => {
    const native = {
      thought: { thoughtSignature: "dA==" },
      text: { thoughtSignature: "dQ==" },
      call: { thoughtSignature: "dg==" },
    };
    const { body, path } = await encoded("gemini", work("google/model", native), { tools: [readTool] });
    expect(RULES.gemini(body)).toBeUndefined();
    expect(path).toBe("/models/model:streamGenerateContent?alt=sse");
    expect(body.contents.map((content: Foreign) => content.role)).toEqual(["user", "model", "user", "user"]);
    expect(body.contents[1].parts).toEqual([
      { text: "I look.", thought: true, thoughtSignature: "dA==" },
      { text: "Let me look.", thoughtSignature: "dQ==" },
      { functionCall: { name: "read", args: { path: "a.ts" } }, thoughtSignature: "dg==" },
      { functionCall: { name: "read", args: { invalid_json: "{broken" } } },
    ]);
    expect(body.contents[2].parts).toEqual([
      { functionResponse: { name: "read", response: { output: "1: x" } } },
      { functionResponse: { name: "read", response: { error: "(no output)" } } },
    ]);
    expect(body.contents[3].parts.at(-1)).toEqual({ text: "And be quick." });
    expect(body.contents[3].parts[1]).toEqual({ inlineData: { mimeType: "image/png", data: png.data } });
  });

  test("leaves most of a short answer to the answer", async () => {
    const config = async (maxTokens: number) =>
      (await bodyOf("gemini", [user("a")], { maxTokens })).generationConfig.thinkingConfig;
    expect(await config(2000)).toEqual({ includeThoughts: true, thinkingBudget: 512 });
    expect(await config(16_000)).toEqual({ includeThoughts: true });
  });

  test("gives ids back only where the service gave them", async () => {
    const native = { call: { id: "abc", thoughtSignature: "dg==" } };
    const { contents } = await bodyOf("gemini", work("google/model", native));
    expect(contents[1].parts.map((part: Foreign) => part.functionCall?.id)).toEqual([undefined, "abc", undefined]);
    expect(contents[2].parts.map((part: Foreign) => part.functionResponse.id)).toEqual(["abc", undefined]);
  });

  test("marks the first call of another model's turn, for models that want one signed", async () => {
    const { contents } = await bodyOf("gemini", work("x/y", { thought: { thoughtSignature: "dA==" } }));
    expect(contents[1].parts).toEqual([
      { text: "Let me look." },
      {
        functionCall: { name: "read", args: { path: "a.ts" } },
        thoughtSignature: "skip_thought_signature_validator",
      },
      { functionCall: { name: "read", args: { invalid_json: "{broken" } } },
    ]);
  });

  test("returns a signature that came with an empty text", async () => {
    const said: Message = {
      role: "assistant",
      from: "google/model",
      blocks: [
        { type: "text", text: "Done." },
        { type: "text", text: "", native: { thoughtSignature: "dA==" } },
      ],
    };
    const { contents } = await bodyOf("gemini", [user("a"), said, user("b")]);
    expect(contents[1].parts).toEqual([{ text: "Done." }, { text: "", thoughtSignature: "dA==" }]);
    const foreign = await bodyOf("gemini", [user("a"), { ...said, from: "x/y" }, user("b")]);
    expect(foreign.contents[1].parts).toEqual([{ text: "Done." }]);
  });

  test("asks for JSON of a schema where no tools are offered", async () => {
    const schema = { name: "verdict", schema: { type: "object" } };
    const config = async (changes: object) =>
      (await bodyOf("gemini", [user("a")], { schema, ...changes })).generationConfig;
    expect(await config({})).toMatchObject({ responseMimeType: "application/json", responseJsonSchema: schema.schema });
    expect((await config({ tools: [readTool] })).responseMimeType).toBeUndefined();
  });
});

describe("the Bedrock wire", () => {
  const signed = { reasoningText: { text: "I look.", signature: "sig" } };

  test("sends a conversation that the service accepts", async () => {
    const messages = work("bedrock/model", { thought: signed });
    const body = await bodyOf("bedrock", messages, { tools: [readTool], temperature: 0.1 });
    expect(body.inferenceConfig).toEqual({ maxTokens: 1000, temperature: 0.1 });
    expect(body.messages[1].content).toEqual([
      { reasoningContent: signed },
      { text: "Let me look." },
      { toolUse: { toolUseId: "call:1", name: "read", input: { path: "a.ts" } } },
      { toolUse: { toolUseId: "call:2", name: "read", input: { invalid_json: "{broken" } } },
    ]);
    expect(body.messages[2].content[1].toolResult).toEqual({
      toolUseId: "call:2",
      content: [{ text: "(no output)" }, { image: { format: "png", source: { bytes: png.data } } }],
      status: "error",
    });
  });

  test("escapes the model's id in the path", async () => {
    const target = await targetFor("bedrock", "us.amazon.nova-lite-v1:0");
    const { path } = (await wireOf("bedrock")).encode(requestOf([user("a")]), target);
    expect(path).toBe("/model/us.amazon.nova-lite-v1%3A0/converse-stream");
  });

  test("marks the system prompt and the last two turns for the cache, where the model has one", async () => {
    const turns = [
      user("a"),
      { role: "assistant" as const, from: "x/y", blocks: [{ type: "text" as const, text: "b" }] },
    ];
    const messages = [...turns, ...turns, user("c")];
    const body = await bodyOf("bedrock", messages);
    expect(body.system[1]).toEqual({ cachePoint: { type: "default" } });
    const marked = body.messages.flatMap((each: Foreign, at: number) => (each.content.at(-1).cachePoint ? [at] : []));
    expect(marked).toEqual([2, 4]);
    const plain = await bodyOf("bedrock", messages, {}, { price: { ...price, cacheRead: price.input } });
    expect(JSON.stringify(plain)).not.toContain("cachePoint");
  });

  test("asks a Claude model to think in the maker's own field", async () => {
    const target = { ...(await targetFor("bedrock", "m", { price })), thinks: "adaptive" as const };
    const wire = await wireOf("bedrock");
    const body = (maxTokens: number) => JSON.parse(wire.encode(requestOf([user("a")], { maxTokens }), target).body);
    expect(body(16_000).additionalModelRequestFields).toEqual({ thinking: { type: "adaptive" } });
    expect(body(2000).additionalModelRequestFields).toBeUndefined();
  });

  test("joins the turns around one that has nothing to send", async () => {
    const silent: Message = {
      role: "assistant",
      from: "x/y",
      blocks: [{ type: "reasoning", text: "hm", native: signed }],
    };
    const body = await bodyOf("bedrock", [user("a"), silent, user("b")]);
    expect(body.messages).toHaveLength(1);
  });

  test("names the tools of old calls where none may be called any more", async () => {
    const { toolConfig } = await bodyOf("bedrock", work("x/y"));
    expect(toolConfig.tools).toEqual([{ toolSpec: { name: "read", inputSchema: { json: { type: "object" } } } }]);
  });

  test("gives documents names of their own", async () => {
    const { messages } = await bodyOf("bedrock", [{ role: "user", blocks: [pdf, pdf, { type: "text", text: "x" }] }]);
    expect(messages[0].content.map((block: Foreign) => block.document?.name)).toEqual([
      "document 1",
      "document 2",
      undefined,
      undefined,
    ]);
  });
});

describe("the Ollama wire", () => {
  test("sends a conversation that the server understands", async () => {
    const body = await bodyOf("ollama", work("ollama/model"), { tools: [readTool], temperature: 0.1 });
    expect(body).toMatchObject({ stream: true, truncate: false, shift: false });
    expect(body.options).toEqual({ num_ctx: 8192, num_predict: 1000, temperature: 0.1 });
    expect(body.messages.map((message: Foreign) => message.role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
      "tool",
      "user",
    ]);
    expect(body.messages[2]).toEqual({
      role: "assistant",
      content: "Let me look.",
      thinking: "I look.",
      tool_calls: [
        { function: { name: "read", arguments: { path: "a.ts" } } },
        { function: { name: "read", arguments: { invalid_json: "{broken" } } },
      ],
    });
    expect(body.messages[3]).toEqual({ role: "tool", tool_name: "read", content: "1: x" });
    expect(body.messages[5].images).toEqual([png.data]);
  });

  test("leaves another model's thoughts out", async () => {
    expect(JSON.stringify(await bodyOf("ollama", work("x/y")))).not.toContain("thinking");
  });

  test("asks for a window that holds the request and the answer, never more than the model can", async () => {
    const window = async (letters: number, context = 131_072) =>
      (await encoded("ollama", [user("x".repeat(letters))], { maxTokens: 2000 }, { context })).body.options.num_ctx;
    expect(await window(10)).toBe(8192);
    expect(await window(17_000)).toBe(8192);
    expect(await window(20_000)).toBe(16_384);
    expect(await window(200_000)).toBe(131_072);
    expect(await window(200_000, 40_960)).toBe(40_960);
  });

  test("measures what is to be read: text by its bytes, pictures by the piece", async () => {
    const size = async (message: Message) => (await encoded("ollama", [message])).measured!.bytes;
    const plain = await size(user("aa"));
    expect((await size(user("日日"))) - plain).toBe(4);
    const seen = await size({
      role: "user",
      blocks: [
        { ...png, data: "A".repeat(90_000) },
        { type: "text", text: "aa" },
      ],
    });
    expect(seen - plain).toBeLessThan(20);
  });

  test("asks for JSON of a schema", async () => {
    const schema = { name: "verdict", schema: { type: "object" } };
    expect((await bodyOf("ollama", [user("a")], { schema })).format).toEqual(schema.schema);
  });
});
