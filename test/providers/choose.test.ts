import { describe, expect, test } from "bun:test";
import type { Env } from "../../src/base/env.ts";
import type { Credential } from "../../src/contracts/credential.ts";
import { loadCatalogue } from "../../src/providers/catalogue.ts";
import { createProviders } from "../../src/providers/index.ts";
import { assumptions, infoOf } from "../../src/providers/known.ts";
import type { Row } from "../../src/providers/row.ts";
import { isLocal } from "../../src/providers/rows.ts";
import type { Stated } from "../../src/providers/stated.ts";
import { fakeDiscovery } from "./discovery.ts";
import { defaultConfig, failure, fakeClock, rowFor } from "./support.ts";

/** Nobody's Ollama is asked. */
const NO_SERVER = { OLLAMA_HOST: "127.0.0.1:1" };

/** Providers under a config and an environment; nothing is saved anywhere unless `saved` says so. */
async function providersFor(config: Record<string, unknown>, own: Env = {}, saved: Record<string, string> = {}) {
  const env = { ...NO_SERVER, ...own };
  return createProviders({
    config: await defaultConfig(config),
    env,
    paths: { config: "/home/me/.openkoi/config.toml", userHome: "/home/me" },
    discover: fakeDiscovery(env, saved),
    clock: fakeClock(),
    workspace: "/work",
  });
}

async function refs(config: Record<string, unknown>, env: Env, named = {}) {
  const { executor, evaluator, planner, small } = await (await providersFor(config, env)).resolveAll(named);
  return [executor, evaluator, planner, small].map((model) => model.info.ref);
}

const KEYS = { ANTHROPIC_API_KEY: "k1", OPENAI_API_KEY: "k2", GROQ_API_KEY: "k3" };
const SONNET = "anthropic/claude-sonnet-5";
const HAIKU = "anthropic/claude-haiku-4-5";

describe("the model of a role", () => {
  test("is the first available provider's default, and its small one for internal work", async () => {
    expect(await refs({}, KEYS)).toEqual([SONNET, SONNET, SONNET, HAIKU]);
    expect((await refs({}, { GROQ_API_KEY: "k", OPENAI_API_KEY: "k" }))[0]).toBe("openai/gpt-5.6-terra");
    expect((await refs({}, { DEEPSEEK_API_KEY: "k", GROQ_API_KEY: "k" }))[0]).toBe("groq/openai/gpt-oss-120b");
  });

  test("is what the config names; the others follow the executor", async () => {
    const models = {
      executor: "groq/llama-3.3-70b-versatile",
      planner: "openai/gpt-5",
      small_model: "openai/gpt-5-nano",
    };
    expect(await refs({ models }, KEYS)).toEqual([
      "groq/llama-3.3-70b-versatile",
      "groq/llama-3.3-70b-versatile",
      "openai/gpt-5",
      "openai/gpt-5-nano",
    ]);
  });

  test("is what a flag names, before the config", async () => {
    const models = { executor: "groq/llama-3.3-70b-versatile", evaluator: "groq/qwen/qwen3-32b" };
    expect((await refs({ models }, KEYS, { model: "openai/gpt-5" })).slice(0, 3)).toEqual([
      "openai/gpt-5",
      "openai/gpt-5",
      "openai/gpt-5",
    ]);
    expect((await refs({ models }, KEYS, { executor: "openai/gpt-5" })).slice(0, 3)).toEqual([
      "openai/gpt-5",
      "groq/qwen/qwen3-32b",
      "openai/gpt-5",
    ]);
    expect((await refs({ models }, KEYS, { model: "openai/gpt-5", planner: HAIKU })).slice(0, 3)).toEqual([
      "openai/gpt-5",
      "openai/gpt-5",
      HAIKU,
    ]);
  });

  test("may hold slashes, be a provider alone, or a known bare name", async () => {
    const providers = await providersFor({}, { ...KEYS, OPENROUTER_API_KEY: "k4" });
    const ref = async (name: string) => (await providers.resolve("executor", name)).info.ref;
    expect(await ref("openrouter/anthropic/claude-sonnet-4.6")).toBe("openrouter/anthropic/claude-sonnet-4.6");
    expect(await ref("groq")).toBe("groq/openai/gpt-oss-120b");
    expect(await ref("gpt-5-mini")).toBe("openai/gpt-5-mini");
    expect(await ref("anthropic/claude-model-of-tomorrow")).toBe("anthropic/claude-model-of-tomorrow");
  });

  test("a bare name goes to a provider that has a key", async () => {
    const providers = await providersFor(
      { providers: { proxy: { base_url: "http://localhost:1/v1", models: ["gpt-5-mini"] } } },
      { GROQ_API_KEY: "k" },
    );
    expect((await providers.resolve("executor", "gpt-5-mini")).info.ref).toBe("proxy/gpt-5-mini");
  });

  test("shares its state with the other roles that run on it", async () => {
    const { executor, planner, evaluator } = await (await providersFor({}, KEYS)).resolveAll();
    expect(planner).toBe(executor);
    expect(evaluator).toBe(executor);
  });
});

describe("facts of a model", () => {
  const info = async (name: string) =>
    (await (await providersFor({}, { ...KEYS, OPENROUTER_API_KEY: "k4" })).resolve("executor", name)).info;

  test("come from the catalogue, also for dated names", async () => {
    expect(await info("anthropic/claude-haiku-4-5-20251001")).toEqual({
      ref: "anthropic/claude-haiku-4-5-20251001",
      context: 200_000,
      maxOutput: 64_000,
      price: { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 },
      capabilities: { tools: true, images: true, reasoning: true, temperature: true },
      assumed: false,
    });
  });

  test("are stated assumptions, without a price, for an unknown model", async () => {
    const unknown = await info("openrouter/some/model:free");
    expect(unknown).toMatchObject({ context: 128_000, maxOutput: 8192, assumed: true, uncatalogued: "unasked" });
    expect(unknown.price).toBeUndefined();
    expect(assumptions([unknown])).toEqual([
      "openrouter/some/model:free is not in the catalogue: 128k tokens of context and 8.2k of output are assumed (run openkoi models --refresh, or set providers.openrouter.context)",
    ]);
  });

  describe("that only its provider knows", () => {
    const price = { input: 1, output: 2, cacheRead: 1, cacheWrite: 1 };
    const told = async (said: Stated | undefined, row: Partial<Row> = {}) =>
      infoOf(await rowFor("home", row), "m", await loadCatalogue(), async () => said);

    test("are what its list said", async () => {
      expect(await told({ context: 32_768, maxOutput: 4096, price })).toEqual({
        ref: "home/m",
        context: 32_768,
        maxOutput: 4096,
        price,
        capabilities: { tools: true, images: true, reasoning: false, temperature: true },
        assumed: false,
        uncatalogued: "asked",
        stated: { context: "list", maxOutput: "list", price: "list" },
      });
    });

    test("leave room for the question where the answer may be as long as the window", async () => {
      expect(await told({ context: 131_072, maxOutput: 131_072 })).toMatchObject({ maxOutput: 65_536 });
      expect(await told({ context: 4096 })).toMatchObject({ maxOutput: 2048, assumed: false });
    });

    test("are assumptions where its list is silent, and no more than the model can take", async () => {
      const silent = await told({});
      expect(silent).toMatchObject({ context: 128_000, maxOutput: 8192, assumed: true, stated: {} });
      expect(assumptions([silent])).toEqual([
        "home/m is not in the catalogue: 128k tokens of context and 8.2k of output are assumed (set providers.home.context)",
      ]);
      expect(await told({ ceiling: 32_768 })).toMatchObject({ context: 32_768, assumed: true });
      expect(await told({ ceiling: 1_000_000 })).toMatchObject({ context: 128_000, assumed: true });
      const priced = await told({ price, maxOutput: 4096 });
      expect(priced).toMatchObject({ price, assumed: true });
      expect(assumptions([priced])[0]).toContain("128k tokens of context are assumed (set");
    });

    test("are not asked for where the catalogue knows the model", async () => {
      const asked = async () => Promise.reject(new Error("it was asked"));
      const info = await infoOf(await rowFor("openai"), "gpt-5", await loadCatalogue(), asked);
      expect(info).toMatchObject({ context: 400_000, assumed: false });
      expect(info.stated).toBeUndefined();
    });
  });

  describe("that the config tells", () => {
    const own = async (provider: object, name: string) => {
      const config = { providers: { [name.split("/")[0]!]: provider } };
      return (await (await providersFor(config, KEYS)).resolve("executor", name)).info;
    };
    const base_url = "http://127.0.0.1:1/v1";

    test("go before all others, for every model of the provider", async () => {
      expect(await own({ base_url, context: 16_000 }, "home/m")).toMatchObject({
        context: 16_000,
        maxOutput: 8000,
        assumed: false,
        stated: { context: "config" },
      });
      expect(await own({ context: 50_000, max_output: 30_000 }, "anthropic/claude-sonnet-5")).toMatchObject({
        context: 50_000,
        maxOutput: 30_000,
        assumed: false,
        stated: { context: "config", maxOutput: "config" },
      });
    });

    test("leave the window an assumption where they say the length of an answer alone", async () => {
      const info = await own({ base_url, max_output: 1000 }, "home/m");
      expect(info).toMatchObject({ context: 128_000, maxOutput: 1000, assumed: true });
      expect(assumptions([info])[0]).toContain("128k tokens of context are assumed");
    });
  });

  test("are those of the provider it belongs to for a subscription's model, without the price", async () => {
    const providers = await providersFor({}, {});
    const find = async (ref: string) => (await providers.models()).find((model) => model.ref === ref)!;
    const { price, ...facts } = await find("openai/gpt-5.6-terra");
    expect(price).toBeDefined();
    expect(await find("chatgpt/gpt-5.6-terra")).toEqual({ ...facts, ref: "chatgpt/gpt-5.6-terra" });
  });

  test("are whole and plausible in the whole catalogue", async () => {
    const models = (await (await providersFor({}, {})).models()).filter((model) => model.price);
    expect(models.length).toBeGreaterThan(40);
    for (const { ref, context, maxOutput, price } of models) {
      expect([ref, maxOutput <= context, price!.cacheRead <= price!.input, price!.input <= price!.output]).toEqual([
        ref,
        true,
        true,
        true,
      ]);
    }
  });

  test("every default of a provider is a known model, except where nobody states its price or a server is asked", async () => {
    const priced = (await (await providersFor({}, {})).models()).filter((model) => model.price);
    const known = new Set(priced.map((model) => model.ref));
    const unknown = (await (await providersFor({}, {})).statuses()).filter(
      (row) => !known.has(`${row.id}/${row.defaultModel}`),
    );
    expect(unknown.map((row) => row.id)).toEqual(["qwen", "copilot", "chatgpt", "ollama"]);
  });
});

describe("a server of one's own", () => {
  const local = { base_url: "http://localhost:8080/v1", default_model: "qwen3-coder" };

  test("needs no key on this machine, and is the default where nothing comes before it", async () => {
    expect(await refs({ providers: { "my-llm": local } }, {})).toEqual(Array(4).fill("my-llm/qwen3-coder"));
    expect((await refs({ providers: { "my-llm": local } }, { GROQ_API_KEY: "k" }))[0]).toBe("my-llm/qwen3-coder");
    expect((await refs({ providers: { "my-llm": local } }, KEYS))[0]).toBe(SONNET);
  });

  test("needs a key elsewhere, or where one is named", async () => {
    const remote = { base_url: "https://llm.example.com/v1" };
    const message = async (row: object, env = {}) =>
      failure(refs({ providers: { "my-llm": row } }, env, { model: "my-llm" }));
    expect(await message(remote)).toMatchObject({ name: "UserError", remedy: "Set MY_LLM_API_KEY." });
    expect(await message({ ...local, api_key_env: "OTHER" })).toMatchObject({ remedy: "Set OTHER." });
    expect((await refs({ providers: { "my-llm": remote } }, { MY_LLM_API_KEY: "k" }))[0]).toBe("my-llm/auto");
  });

  test("can come from the environment alone", async () => {
    expect((await refs({}, { OPENAI_COMPAT_BASE_URL: "http://127.0.0.1:9/v1/" }))[0]).toBe("openai-compat/auto");
    const remote = { OPENAI_COMPAT_BASE_URL: "https://x.example/v1", OPENAI_COMPAT_API_KEY: "k" };
    expect((await refs({}, remote))[0]).toBe("openai-compat/auto");
  });

  test("for which no model is named is asked what it has, once, and works where it has no list", async () => {
    let asked = 0;
    const server = (models: string[]) =>
      Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch() {
          asked++;
          return models.length > 0
            ? Response.json({ data: models.map((id) => ({ id })) })
            : new Response("", { status: 404 });
        },
      });
    for (const [models, chosen] of [
      [["qwen3-coder", "text-embedding-small"], "qwen3-coder"],
      [["auto", "a-model"], "auto"],
      [[], "auto"],
    ] as const) {
      using at = server([...models]);
      asked = 0;
      const env = { OPENAI_COMPAT_BASE_URL: `http://127.0.0.1:${at.port}/v1` };
      expect(await refs({}, env)).toEqual(Array(4).fill(`openai-compat/${chosen}`));
      expect(asked).toBe(1);
    }
  });

  test("without an address is told where to write it", async () => {
    const error = await failure(refs({ providers: { mine: {} } }, {}, { model: "mine/x" }));
    expect(error).toMatchObject({
      message: "provider mine: it has no base_url",
      remedy: "Set base_url under [providers.mine] in /home/me/.openkoi/config.toml.",
    });
    const odd = await failure(refs({}, { ...KEYS, OPENAI_BASE_URL: "localhost:80" }, { model: "openai/x" }));
    expect(odd).toMatchObject({
      message: 'provider openai: "localhost:80" is not an http address',
      remedy: "Mend OPENAI_BASE_URL.",
    });
  });

  test("that stands in for a known vendor changes that vendor's row", async () => {
    const providers = await providersFor({ providers: { openai: local } }, {});
    expect((await providers.resolve("executor")).info.ref).toBe("openai/qwen3-coder");
    const status = (await providers.statuses()).find((row) => row.id === "openai");
    expect(status).toMatchObject({ baseUrl: "http://localhost:8080/v1", state: "ready", source: "no key needed" });
  });

  test.each([
    ["http://localhost:11434", true],
    ["http://127.0.0.1/v1", true],
    ["http://[::1]:8080", true],
    ["http://192.168.1.5:8000/v1", true],
    ["http://172.20.0.3", true],
    ["http://vllm:8000/v1", true],
    ["http://studio.local:1234", true],
    ["https://api.openai.com/v1", false],
    ["http://172.32.0.1", false],
    ["https://localhost.example.com", false],
    ["http://fd.example.com", false],
    ["nonsense", false],
  ])("%s is local: %p", (url, expected) => expect(isLocal(url)).toBe(expected));
});

describe("what the user is told", () => {
  test("with nothing set up: how to set a key, name a server, or see it work without", async () => {
    const error = await failure(refs({}, {}));
    expect(error).toMatchObject({ name: "UserError", exitCode: 1, message: "no model provider is set up" });
    expect(error["remedy"]).toContain("ANTHROPIC_API_KEY or OPENAI_API_KEY");
    expect(error["remedy"]).toContain("[providers.NAME] of /home/me/.openkoi/config.toml");
    expect(error["remedy"]).toContain("openkoi demo");
  });

  test("with a misspelt provider or model: which one was probably meant", async () => {
    expect((await failure(refs({}, KEYS, { model: "antropic/claude-opus-5" })))["remedy"]).toStartWith(
      "Did you mean anthropic/claude-opus-5?",
    );
    expect((await failure(refs({}, KEYS, { model: "claude-sonet-5" })))["remedy"]).toStartWith(
      "Did you mean claude-sonnet-5?",
    );
    expect(await failure(refs({}, KEYS, { model: "zzz/zzz" }))).toMatchObject({
      message: 'there is no provider "zzz"',
    });
  });

  test("without a key for the named model: which variable to set", async () => {
    expect(await failure(refs({}, KEYS, { model: "xai/grok-4.5" }))).toMatchObject({
      message: "xAI: no key is set",
      remedy: "Set XAI_API_KEY.",
    });
  });

  test("with a broken credential and nothing else: which one", async () => {
    const providers = await providersFor({}, {}, { anthropic: "two\nlines" });
    expect(await failure(providers.resolve("executor"))).toMatchObject({
      message: "no model can be used: credentials/anthropic.key is broken",
      remedy: expect.stringContaining("holds more than one line"),
    });
  });
});

describe("the state of the providers", () => {
  test("says where each credential came from, and never the credential", async () => {
    const providers = await providersFor({}, { GROQ_API_KEY: "gsk-secret" }, { openai: "sk-saved\n", xai: "" });
    const statuses = await providers.statuses();
    const by = Object.fromEntries(statuses.map((row) => [row.id, row]));
    expect(by["groq"]).toMatchObject({ state: "ready", source: "environment GROQ_API_KEY", displayName: "Groq" });
    expect(by["openai"]).toMatchObject({ state: "ready", source: "credentials/openai.key" });
    expect(by["xai"]).toMatchObject({ state: "broken", remedy: expect.stringContaining("empty") });
    expect(by["anthropic"]).toMatchObject({ state: "missing", remedy: "Set ANTHROPIC_API_KEY.", source: undefined });
    expect(JSON.stringify(statuses)).not.toContain("secret");
    expect((await providers.secrets()).sort()).toEqual(["gsk-secret", "sk-saved"]);
  });

  test("looks each credential up once", async () => {
    const asked: string[] = [];
    const missing: Credential = { kind: "none", source: undefined, value: undefined, state: "missing" };
    const providers = createProviders({
      config: await defaultConfig(),
      env: NO_SERVER,
      paths: { config: "c", userHome: "/h" },
      discover: async (row) => {
        asked.push(row.id);
        return row.id === "groq" ? { ...missing, value: "k", state: "ready" } : missing;
      },
      clock: fakeClock(),
      workspace: "/w",
    });
    await providers.resolveAll();
    await providers.statuses();
    expect(asked.length).toBe(new Set(asked).size);
  });
});
