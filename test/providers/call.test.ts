import { afterEach, describe, expect, test } from "bun:test";
import type { Message } from "../../src/contracts/message.ts";
import type { Model } from "../../src/contracts/provider.ts";
import { createProviders, type ProvidersInput } from "../../src/providers/index.ts";
import { startAnthropicFake } from "../fakes/anthropic-server.ts";
import { startBedrockFake } from "../fakes/bedrock-server.ts";
import { extensionFault } from "../fakes/extension.ts";
import { startGeminiFake } from "../fakes/gemini-server.ts";
import { startOllamaFake } from "../fakes/ollama-server.ts";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import { startResponsesFake } from "../fakes/responses-server.ts";
import type { Fake, Script, Turn } from "../fakes/script.ts";
import { fakeDiscovery } from "./discovery.ts";
import { ask, collect, defaultConfig, failure, fakeClock, readTool, requestOf, summary, user } from "./support.ts";

const KEY = "sk-test-secret-0123456789";
/** DeepSeek takes its model's reasoning back. */
const DEEPSEEK = { key: KEY, extraFields: ["reasoning_content"] };
const fakes: Fake[] = [];
afterEach(() => Promise.all(fakes.splice(0).map((fake) => fake.stop())));

interface Service {
  start(script: Script): Fake;
  name: string;
  model: string;
  /** Default: `NAME_API_KEY` with the key. */
  keys?: Record<string, string>;
  wrong?: Record<string, string>;
  /** How the service names an overload in the middle of a stream. */
  overloaded?: unknown;
  /** The wire does not tell reasoning tokens apart. */
  uncounted?: true;
  /** The server has no cache that it speaks of. */
  uncached?: true;
  /** Calls come whole: a cut one is no call. */
  wholeCalls?: true;
}

const AWS = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: KEY, AWS_SESSION_TOKEN: "token" };
const services: Service[] = [
  { name: "openai", model: "gpt-5.1", start: (script) => startResponsesFake(script, { key: KEY }) },
  { name: "deepseek", model: "deepseek-v4-pro", start: (script) => startOpenAiFake(script, DEEPSEEK) },
  { name: "anthropic", model: "claude-sonnet-4-6", start: (script) => startAnthropicFake(script, { key: KEY }) },
  {
    name: "google",
    model: "gemini-3.1-pro-preview",
    start: (script) => startGeminiFake(script, { key: KEY, signedCalls: true }),
    overloaded: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" },
  },
  {
    name: "bedrock",
    model: "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    start: (script) => startBedrockFake(script, { key: `AKIDEXAMPLE:${KEY}:token`, region: "eu-west-1" }),
    keys: { ...AWS, AWS_REGION: "eu-west-1" },
    wrong: { ...AWS, AWS_REGION: "eu-west-1", AWS_SECRET_ACCESS_KEY: "sk-wrong-key-123456" },
    overloaded: { type: "serviceUnavailableException", message: "Too many connections." },
    uncounted: true,
  },
  {
    name: "ollama",
    model: "qwen3:8b",
    start: (script) => startOllamaFake(script, { key: KEY }),
    overloaded: "server overloaded, please retry shortly",
    uncounted: true,
    uncached: true,
    wholeCalls: true,
  },
];

async function modelAt(
  service: Service,
  script: Script,
  changes: Partial<ProvidersInput> = {},
  env: Record<string, string> = {},
) {
  const fake = service.start(script);
  fakes.push(fake);
  const upper = service.name.toUpperCase();
  const keys = service.keys ?? { [`${upper}_API_KEY`]: KEY };
  const all = { ...keys, [`${upper}_BASE_URL`]: fake.baseUrl, ...env };
  const clock = fakeClock();
  const providers = createProviders({
    config: await defaultConfig(),
    env: all,
    paths: { config: "config.toml", userHome: "/home/me" },
    discover: fakeDiscovery(all),
    clock,
    random: () => 0,
    workspace: "/work",
    ...changes,
  });
  return { fake, clock, model: await providers.resolve("executor", `${service.name}/${service.model}`) };
}

const question = requestOf([user("hi")], { tools: [readTool] });

for (const service of services) {
  describe(`a call of ${service.name}`, () => {
    test("carries the key in its own header and gives text, reasoning, calls and usage", async () => {
      const turn: Turn = {
        reasoning: "I think 🐟.",
        text: "Let me read.",
        calls: [
          { name: "read", arguments: { path: "a" } },
          { name: "read", arguments: { path: "b" } },
        ],
        usage: { input: 100, cacheRead: 900, output: 30, reasoning: 10 },
        pieceSize: 3,
      };
      const { model, fake } = await modelAt(service, [turn]);
      const events = await collect(model.stream(question, new AbortController().signal));
      const done = events.at(-1)!;
      const cacheRead = service.uncached ? 0 : 900;
      const usage = { input: 100, cacheRead, output: 30, reasoning: service.uncounted ? 0 : 10 };
      expect(done).toMatchObject({ type: "done", stop: "tool_calls", usage });
      if (done.type !== "done") return;
      expect(done.message.from).toBe(`${service.name}/${service.model}`);
      expect(done.message.blocks.map((block) => (block.type === "tool_call" ? block.arguments : block.text))).toEqual([
        "I think 🐟.",
        "Let me read.",
        '{"path":"a"}',
        '{"path":"b"}',
      ]);
      expect(summary(events)).toMatchObject({ text: "Let me read.", reasoning: "I think 🐟.", done });
      expect(fake.requests[0]!.refused).toBeUndefined();
    });

    test("gives back a call under a name that vendors accept, whatever the model called it", async () => {
      const { model, fake } = await modelAt(service, [{ text: "done" }]);
      const names = ["functions.Read", "mcp:weather/today 🐟", "", "x".repeat(80)];
      const native = { thoughtSignature: "c2ln" };
      const called: Message = {
        role: "assistant",
        from: `${service.name}/${service.model}`,
        blocks: names.map((name, at) => ({ type: "tool_call", id: `call_00${at}`, name, arguments: "{}", native })),
      };
      const results: Message = {
        role: "user",
        blocks: names.map((name, at) => ({ type: "tool_result", id: `call_00${at}`, name, text: "x" })),
      };
      await ask(model, { ...question, messages: [user("hi"), called, results] });
      const sent = JSON.stringify(fake.requests[0]!.body);
      expect(fake.requests[0]!.refused).toBeUndefined();
      expect(sent).not.toMatch(/functions|mcp:|x{65}/);
      for (const name of ["read", "mcp_weather_today___", "_", "x".repeat(64)])
        expect(sent).toContain(`"name":"${name}"`);
    });

    test("takes a whole JSON answer where a stream was asked for", async () => {
      const { model } = await modelAt(service, [{ text: "a", calls: [{ name: "read", arguments: {} }], whole: true }]);
      const done = await ask(model, question);
      expect(done.message.blocks.map((block) => block.type)).toEqual(["text", "tool_call"]);
    });

    test("goes on after 429, 529 and 500, as the provider asks", async () => {
      const { model, clock } = await modelAt(service, [
        {
          status: 429,
          headers: { "retry-after": "2" },
          body: { error: { type: "rate_limit_error", message: "slow down" } },
        },
        { status: 529, body: { error: { type: "overloaded_error", message: "Overloaded" } } },
        { status: 500, body: "oops" },
        "at last",
      ]);
      const events = await collect(model.stream(question, new AbortController().signal));
      const restarts = events.filter((event) => event.type === "restart");
      expect(restarts.map((event) => event.reason)).toEqual([
        `${service.name} answered 429: slow down`,
        `${service.name} answered 529: Overloaded`,
        `${service.name} answered 500: oops`,
      ]);
      expect(clock.slept).toEqual([2000, 0, 0]);
    });

    test("a wrong key is final, says which variable to check, and is not repeated in the message", async () => {
      const { model, fake } = await modelAt(
        service,
        [],
        {},
        service.wrong ?? { [`${service.name.toUpperCase()}_API_KEY`]: "sk-wrong-key-123456" },
      );
      const error = await failure(ask(model, question));
      expect(error).toMatchObject({ kind: "auth" });
      expect(error.message).toContain(
        `check ${Object.keys(service.keys ?? { [`${service.name.toUpperCase()}_API_KEY`]: 1 })[0]}`,
      );
      expect(error.message).not.toContain("sk-wrong");
      expect(fake.requests).toHaveLength(1);
    });

    test("a model that does not exist is answered with the near one", async () => {
      const said: [number, string][] = [
        [404, "model: x"],
        [400, "The provided model identifier is invalid."],
        [400, "x is not a valid model ID"],
        [400, "Model Not Exist"],
        [400, "The model `x` does not exist or you do not have access to it."],
      ];
      const misspelt = { ...service, model: service.model.replace(/[-:]/, "") };
      for (const [status, message] of said) {
        const error = await failure(
          ask((await modelAt(misspelt, [{ status, body: { error: { message } } }])).model, question),
        );
        expect(error.message).toEndWith(`(did you mean ${service.name}/${service.model}?)`);
      }
      // The name is right: it is the address that may be wrong.
      const gone = { status: 404, body: { error: { message: "no such page" } } };
      const { message } = await failure(ask((await modelAt(service, [gone])).model, question));
      expect(message).toMatch(/\(check the model's name and \w+_(?:BASE_URL|HOST|ENDPOINT\w*)\)$/);
      const other = { status: 400, body: { error: { message: "This model does not support tools." } } };
      expect((await failure(ask((await modelAt(service, [other])).model, question))).message).not.toContain("did you");
    });

    for (const [name, turn] of Object.entries<Turn>({
      "an error inside a 200 stream": {
        text: "half",
        streamError: service.overloaded ?? { type: "overloaded_error", message: "Overloaded" },
      },
      "a connection that breaks": { text: "a long answer that is cut somewhere", cut: 0.6 },
      "a stream that ends as if it were complete": { text: "a long answer", cut: 0.7, cutAs: "clean" },
      "a stream cut inside a tool call": {
        calls: [{ name: "read", arguments: { path: "a/long/path" } }],
        cut: "call",
        cutAs: "clean",
      },
    })) {
      test(`${name} is asked again and never taken as an answer`, async () => {
        const { model, fake } = await modelAt(service, [turn, "whole"]);
        const events = await collect(model.stream(question, new AbortController().signal));
        expect(events.filter((event) => event.type === "restart")).toHaveLength(1);
        expect(events.at(-1)).toMatchObject({ type: "done", message: { blocks: [{ type: "text", text: "whole" }] } });
        expect(fake.requests).toHaveLength(2);
      });
    }

    test("a server that says nothing is a timeout", async () => {
      const changes = { timeouts: { firstByteMs: 30, idleMs: 30 }, retry: { attempts: 1 } };
      for (const hang of ["start", "middle"] as const) {
        const { model } = await modelAt(service, [{ text: "a long enough answer", hang }], changes);
        expect(await failure(ask(model, question))).toMatchObject({ kind: "timeout", provider: service.name });
      }
    });

    test("an abort ends it at once, with the abort's own reason", async () => {
      const { model } = await modelAt(service, [{ text: "word ".repeat(99), pieceSize: 5, hang: "middle" }]);
      const controller = new AbortController();
      const work = (async () => {
        for await (const _ of model.stream(question, controller.signal)) controller.abort(new Error("stop"));
      })();
      expect((await failure(work)).message).toBe("stop");
    });

    test("an unreachable server is told by its address", async () => {
      const env = { [`${service.name.toUpperCase()}_BASE_URL`]: "http://127.0.0.1:1" };
      const { model } = await modelAt(service, [], { retry: { attempts: 2 } }, env);
      const error = await failure(ask(model, question));
      expect(error).toMatchObject({
        kind: "network",
        message: `${service.name}: 127.0.0.1:1 refused the connection (ECONNREFUSED)`,
      });
    });

    test("a web page is not taken for a model", async () => {
      const { model } = await modelAt(service, [{ status: 200, body: "<!doctype html><html>Sign in</html>" }]);
      expect(await failure(ask(model, question))).toMatchObject({
        kind: "invalid",
        message: expect.stringContaining("check the base URL"),
      });
    });

    test("every request of a conversation extends the one before", async () => {
      const call: Turn = { reasoning: "hm", text: "I read.", calls: [{ name: "read", arguments: { path: "a" } }] };
      const { model, fake } = await modelAt(service, [call, call, call, "done"]);
      await converse(model);
      expect(fake.requests).toHaveLength(4);
      expect(fake.requests.map((request) => request.refused)).toEqual(Array(4).fill(undefined));
      for (const [index, request] of fake.requests.slice(1).entries()) {
        expect(extensionFault(fake.requests[index]!, request)).toBeUndefined();
      }
    });
  });
}

/** Reads until the model has enough. */
async function converse(model: Model): Promise<void> {
  const messages = [user("Begin.")];
  for (;;) {
    const { message, stop } = await ask(model, requestOf(messages, { tools: [readTool] }));
    messages.push(message);
    if (stop !== "tool_calls") return;
    const calls = message.blocks.filter((block) => block.type === "tool_call");
    messages.push({
      role: "user",
      blocks: calls.map(({ id, name }) => ({ type: "tool_result", id, name, text: "1: x" })),
    });
  }
}

describe("a model that does not take what it was thought to take", () => {
  const refusing = (message: string): Turn => ({ status: 400, body: { error: { message } } });
  const groq: Service = { name: "groq", model: "brand-new", start: (script) => startOpenAiFake(script, { key: KEY }) };
  const openai = services[0]!;

  test("is asked again without a temperature, and from then on at once", async () => {
    const words = "Unsupported parameter: 'temperature' is not supported with this model.";
    const { model, fake } = await modelAt(groq, [refusing(words), "a", "b"]);
    const warm = { ...question, temperature: 0.1 };
    expect((await ask(model, warm)).message.blocks).toEqual([{ type: "text", text: "a" }]);
    await ask(model, warm);
    expect(fake.requests.map(({ body }) => body.temperature)).toEqual([0.1, undefined, undefined]);
  });

  test("is asked again without a word about its thinking", async () => {
    const words = "Unsupported value: 'low' is not supported with the 'x' model. Supported values are: 'high'.";
    const { model, fake } = await modelAt(openai, [refusing(`reasoning.effort: ${words}`), "a", "b"]);
    await ask(model, question);
    await ask(model, question);
    expect(fake.requests.map(({ body }) => body.reasoning?.effort)).toEqual(["low", undefined, undefined]);
  });

  test("is not asked for ever", async () => {
    const { model, fake } = await modelAt(groq, () => refusing("temperature, effort and thinking are all wrong"));
    expect(await failure(ask(model, { ...question, temperature: 0.1 }))).toMatchObject({ kind: "invalid" });
    expect(fake.requests).toHaveLength(2);
  });
});

test("a chain of models goes on with the next provider when the first stays overloaded", async () => {
  const second = startResponsesFake(["from the second"], { key: KEY });
  fakes.push(second);
  const config = await defaultConfig({ models: { fallback: { executor: ["xai/nothing", "openai/gpt-5.1"] } } });
  const busy = { status: 529, body: { error: { type: "overloaded_error", message: "Overloaded" } } };
  const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: second.baseUrl };
  const { model, fake } = await modelAt(services[2]!, Array(9).fill(busy), { config }, env);
  const done = await ask(model, question);
  expect(done).toMatchObject({
    message: { from: "openai/gpt-5.1" },
    info: { ref: "openai/gpt-5.1", price: { input: 1.25 } },
  });
  expect(fake.requests).toHaveLength(5);
});
