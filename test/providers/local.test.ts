import { afterEach, describe, expect, test } from "bun:test";
import type { Env } from "../../src/base/env.ts";
import { createProviders } from "../../src/providers/index.ts";
import { LocalServers } from "../../src/providers/local.ts";
import type { Row } from "../../src/providers/row.ts";
import { loadRows } from "../../src/providers/rows.ts";
import { type OllamaFakeModel, startOllamaFake } from "../fakes/ollama-server.ts";
import type { Fake } from "../fakes/script.ts";
import { fakeDiscovery } from "./discovery.ts";
import { ask, defaultConfig, failure, fakeClock, requestOf, rowFor, user } from "./support.ts";

const servers: { stop(): unknown }[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop())));

function serverWith(models: Record<string, OllamaFakeModel>, script = ["hello"]): Fake {
  const fake = startOllamaFake(script, { models });
  servers.push(fake);
  return fake;
}

async function providersFor(env: Env) {
  return createProviders({
    config: await defaultConfig(),
    env,
    paths: { config: "config.toml", userHome: "/home/me" },
    discover: fakeDiscovery(env),
    clock: fakeClock(),
    workspace: "/work",
  });
}

const FULL = ["completion", "tools"];
const MODELS: Record<string, OllamaFakeModel> = {
  "nomic-embed-text:latest": { size: "137M", capabilities: ["embedding"] },
  "llama3.2:3b": { size: "3.2B", capabilities: FULL, context: 131_072 },
  "qwen3:32b": { size: "32.8B", capabilities: [...FULL, "thinking"], context: 40_960 },
  "gemma3:27b": { size: "27.4B", capabilities: ["completion", "vision"] },
  "big-base:70b": { size: "70.6B", capabilities: ["completion"] },
  "gpt-oss:120b-cloud": { size: "116.8B", capabilities: FULL, remote: "https://ollama.com" },
};

describe("a server on this machine", () => {
  test("is used where nothing else is set up: its largest model that can call tools", async () => {
    const fake = serverWith(MODELS);
    const model = await (await providersFor({ OLLAMA_HOST: fake.url })).resolve("executor");
    expect(model.info).toEqual({
      ref: "ollama/qwen3:32b",
      context: 40_960,
      maxOutput: 8192,
      price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      capabilities: { tools: true, images: false, reasoning: true, temperature: true },
      assumed: false,
    });
    expect((await ask(model, requestOf([user("hi")]))).message.blocks).toEqual([{ type: "text", text: "hello" }]);
  });

  test("is not asked at all where another provider is set", async () => {
    const asked: string[] = [];
    // It would never answer.
    const silent = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        asked.push(request.url);
        return new Promise<Response>(() => {});
      },
    });
    servers.push({ stop: () => silent.stop(true) });
    const providers = await providersFor({ OLLAMA_HOST: `127.0.0.1:${silent.port}`, GROQ_API_KEY: "k" });
    expect((await providers.resolveAll()).executor.info.ref).toBe("groq/openai/gpt-oss-120b");
    await providers.secrets();
    expect(asked).toEqual([]);
    // A name that nobody knows may be a model of its: that is worth a moment, and no more.
    expect(await failure(providers.resolve("executor", "my-own-model"))).toMatchObject({
      message: `no model "my-own-model" is known, and Ollama at http://127.0.0.1:${silent.port} did not answer in time`,
      remedy: "If it is one of that server's, write ollama/my-own-model.",
      exitCode: 1,
    });
    expect(asked).toHaveLength(1);
  });

  test("gives its models by their bare names, and what was probably meant", async () => {
    const fake = serverWith(MODELS);
    const providers = await providersFor({ OLLAMA_HOST: fake.url, GROQ_API_KEY: "k" });
    const ref = async (name: string) => (await providers.resolve("executor", name)).info.ref;
    expect(await ref("llama3.2:3b")).toBe("ollama/llama3.2:3b");
    expect(await ref("nomic-embed-text")).toBe("ollama/nomic-embed-text:latest");
    expect(await ref("ollama")).toBe("ollama/qwen3:32b");
    expect((await failure(ref("qwen3:32")))["remedy"]).toStartWith("Did you mean qwen3:32b?");
  });

  test("that is not there, or empty, is told with what to do", async () => {
    const absent = await providersFor({ OLLAMA_HOST: "127.0.0.1:1" });
    expect(await failure(absent.resolve("executor", "ollama"))).toMatchObject({
      message: "Ollama: no model was found at http://127.0.0.1:1",
      remedy: expect.stringContaining("ollama pull"),
    });
    const status = async (env: Env) => (await (await providersFor(env)).statuses()).find((row) => row.id === "ollama");
    expect(await status({ OLLAMA_HOST: "127.0.0.1:1" })).toMatchObject({ state: "missing", source: undefined });
    const empty = serverWith({});
    expect(await status({ OLLAMA_HOST: empty.url })).toMatchObject({
      state: "missing",
      remedy: "Pull a model: ollama pull qwen3.",
    });
    const full = serverWith(MODELS);
    expect(await status({ OLLAMA_HOST: full.url })).toMatchObject({
      state: "ready",
      source: `server at ${new URL(full.url).host}`,
      defaultModel: "qwen3:32b",
    });
  });

  test("that tells nothing of its models is believed to be able, with stated assumptions", async () => {
    const fake = serverWith({ "old:7b": { size: "7B" } });
    const servers = new LocalServers(async () => undefined);
    const row = await rowFor("ollama", { baseUrl: fake.url });
    expect(await servers.best(row)).toBe("old:7b");
    expect(await servers.info(row, "old:7b")).toMatchObject({ context: 32_768, assumed: true });
    expect(await servers.info(row, "missing")).toMatchObject({ assumed: true, capabilities: { images: false } });
  });

  test("states no price for a model that runs elsewhere", async () => {
    const fake = serverWith(MODELS);
    const row = await rowFor("ollama", { baseUrl: fake.url });
    const info = await new LocalServers(async () => undefined).info(row, "gpt-oss:120b-cloud");
    expect(info.price).toBeUndefined();
  });

  test.each([
    ["", "http://127.0.0.1:11434"],
    ["0.0.0.0", "http://127.0.0.1:11434"],
    ["0.0.0.0:8000", "http://127.0.0.1:8000"],
    [":8000", "http://127.0.0.1:8000"],
    ["[::]:8000", "http://127.0.0.1:8000"],
    ["gpu.lan", "http://gpu.lan:11434"],
    ["[fd00::5]:8000/", "http://[fd00::5]:8000"],
    ["http://gpu.lan:8000/", "http://gpu.lan:8000"],
    ["https://ollama.example.com/proxy", "https://ollama.example.com/proxy"],
  ])("OLLAMA_HOST %p is reached at %s", async (OLLAMA_HOST, url) => {
    expect((await row({ OLLAMA_HOST }, "ollama")).baseUrl).toBe(url);
  });
});

async function row(env: Env, id: string): Promise<Row> {
  return (await loadRows(await defaultConfig(), env)).find((each) => each.id === id)!;
}

describe("Bedrock", () => {
  const keys = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret/with+signs" };

  test.each([
    [{}, "https://bedrock-runtime.us-east-1.amazonaws.com"],
    [{ AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "us-west-2" }, "https://bedrock-runtime.eu-west-1.amazonaws.com"],
    [{ AWS_DEFAULT_REGION: "us-gov-west-1" }, "https://bedrock-runtime.us-gov-west-1.amazonaws.com"],
    [{ AWS_REGION: "cn-north-1" }, "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"],
    [{ AWS_REGION: "eu-west-1", BEDROCK_BASE_URL: "http://localhost:1" }, "http://localhost:1"],
  ] as [Env, string][])("with %j is at %s", async (env, url) => {
    expect((await row(env, "bedrock")).baseUrl).toBe(url);
  });

  const status = async (env: Env, saved: Record<string, string> = {}) => {
    const all = { OLLAMA_HOST: "127.0.0.1:1", ...env };
    const providers = createProviders({
      config: await defaultConfig(),
      env: all,
      paths: { config: "config.toml", userHome: "/home/me" },
      discover: fakeDiscovery(all, saved),
      clock: fakeClock(),
      workspace: "/work",
    });
    const found = (await providers.statuses()).find((each) => each.id === "bedrock");
    return { ...found, secrets: await providers.secrets() };
  };

  test("takes the variables of every AWS program, and hides each of them", async () => {
    const { state, source, secrets } = await status({ ...keys, AWS_SESSION_TOKEN: "token" });
    expect({ state, source }).toEqual({ state: "ready", source: "environment AWS_ACCESS_KEY_ID" });
    expect(secrets).toContain("secret/with+signs");
    expect(secrets).toContain("token");
  });

  test("says which of the two is missing, and never takes half a credential", async () => {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = keys;
    expect(await status({ AWS_ACCESS_KEY_ID })).toMatchObject({
      state: "broken",
      remedy: "Set AWS_SECRET_ACCESS_KEY too.",
    });
    expect(await status({ AWS_SECRET_ACCESS_KEY })).toMatchObject({
      state: "broken",
      remedy: "Set AWS_ACCESS_KEY_ID too.",
    });
    expect(await status({})).toMatchObject({
      state: "missing",
      remedy: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    });
  });

  test("takes a saved key of two or three parts, and no other", async () => {
    expect(await status({}, { bedrock: "AKID:secret" })).toMatchObject({
      state: "ready",
      source: "credentials/bedrock.key",
    });
    expect(await status({}, { bedrock: "only-one-part" })).toMatchObject({ state: "broken" });
  });
});

describe("OpenAI", () => {
  test("speaks Responses, and Chat Completions where the config asks for it", async () => {
    const wire = async (openai?: object) => {
      const config = await defaultConfig(openai ? { providers: { openai, mine: { base_url: "http://x:1" } } } : {});
      const rows = await loadRows(config, {});
      return ["openai", "mine"].map((id) => rows.find((each) => each.id === id)?.wire);
    };
    expect(await wire()).toEqual(["responses", undefined]);
    expect(await wire({ wire: "chat" })).toEqual(["chat", "chat"]);
    expect(await wire({ display_name: "x" })).toEqual(["responses", "chat"]);
  });
});
