import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Credential } from "../../src/contracts/credential.ts";
import { ModelLists } from "../../src/providers/lists.ts";
import type { Row } from "../../src/providers/row.ts";
import { fakeClock, rowFor } from "./support.ts";

const folder = await mkdtemp(join(tmpdir(), "openkoi-lists-"));
afterAll(() => rm(folder, { recursive: true }));
const servers: { stop(force: boolean): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(true)));
  for (const name of await readdir(folder)) await rm(join(folder, name));
});

const key: Credential = { kind: "api_key", source: "environment X", value: "k-secret", state: "ready" };
const never = new AbortController().signal;

/** A provider that answers this; `asked` holds the requests. `elsewhere`: other answers, by path. */
async function serving(id: string, answer: unknown, status = 200, elsewhere: Record<string, unknown> = {}) {
  const asked: { url: string; headers: Record<string, string> }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      asked.push({ url: pathname + search, headers: Object.fromEntries(request.headers) });
      if (elsewhere[pathname]) return Response.json(elsewhere[pathname]);
      return typeof answer === "string" ? new Response(answer, { status }) : Response.json(answer, { status });
    },
  });
  servers.push(server);
  const row: Row = await rowFor(id, { baseUrl: `http://127.0.0.1:${server.port}` });
  return { row, asked };
}

const data = (...ids: string[]) => ({ data: ids.map((id) => ({ id })) });

describe("a provider's own list", () => {
  test("is asked for as each wire has it, with its kind of key", async () => {
    const cases: [string, unknown, string, string, string][] = [
      ["anthropic", data("claude-x"), "/v1/models?limit=1000", "x-api-key", "k-secret"],
      ["openai", data("gpt-x"), "/models", "authorization", "Bearer k-secret"],
      ["groq", [{ id: "llama-x" }], "/models", "authorization", "Bearer k-secret"],
      [
        "google",
        {
          models: [
            { name: "models/gemini-x", supportedGenerationMethods: ["generateContent"] },
            { name: "models/aqa" },
          ],
        },
        "/models?pageSize=1000",
        "x-goog-api-key",
        "k-secret",
      ],
      ["ollama", { models: [{ name: "qwen3:8b" }] }, "/api/tags", "authorization", "Bearer k-secret"],
    ];
    for (const [id, answer, url, header, value] of cases) {
      const { row, asked } = await serving(id, answer);
      const list = await new ModelLists(undefined, fakeClock()).ask(row, key, never, false);
      expect(list).toMatchObject({ provider: id, state: "asked" });
      expect(list.models).toHaveLength(1);
      expect(asked[0]?.url).toBe(url);
      expect(asked[0]?.headers[header]).toBe(value);
    }
  });

  test("leaves out what nobody can talk to", async () => {
    const { row } = await serving("openai", data("gpt-5", "text-embedding-3-small", "whisper-1", "dall-e-3", "tts-1"));
    expect((await new ModelLists(undefined, fakeClock()).ask(row, key, never, true)).models).toEqual(["gpt-5"]);
  });

  test("is good for a day, and then asked for again", async () => {
    const { row, asked } = await serving("groq", data("a"));
    const clock = fakeClock();
    const lists = () => new ModelLists(folder, clock);
    expect((await lists().ask(row, key, never, false)).state).toBe("asked");
    expect(await lists().ask(row, key, never, false)).toMatchObject({ state: "kept", models: ["a"] });
    expect((await lists().ask(row, key, never, true)).state).toBe("asked");
    await clock.sleep(86_400_000, never);
    expect((await lists().ask(row, key, never, false)).state).toBe("asked");
    await clock.sleep(-10 * 86_400_000, never);
    expect((await lists().ask(row, key, never, false)).state).toBe("asked");
    expect(asked).toHaveLength(4);
  });

  test("of another server is not taken for this one's, nor is a file that is damaged", async () => {
    const { row } = await serving("groq", data("a"));
    const clock = fakeClock();
    await new ModelLists(folder, clock).ask(row, key, never, false);
    expect(await new ModelLists(folder, clock).known({ ...row, baseUrl: "http://other.test" })).toEqual([]);
    await writeFile(join(folder, "groq.json"), "{");
    expect(await new ModelLists(folder, clock).known(row)).toEqual([]);
  });

  test("stays what it was where the provider cannot be asked, and says why", async () => {
    const { row } = await serving("groq", data("a"));
    const clock = fakeClock();
    await new ModelLists(folder, clock).ask(row, key, never, false);
    await servers.splice(0)[0]!.stop(true);
    const failed = await new ModelLists(folder, clock).ask(row, key, never, true);
    expect(failed).toMatchObject({
      state: "failed",
      models: ["a"],
      why: expect.stringContaining("refused the connection"),
    });
    for (const [answer, status] of [
      ["<html>", 200],
      [{ data: [] }, 200],
      [{}, 500],
    ] as const) {
      const other = await serving("groq", answer, status);
      expect((await new ModelLists(undefined, clock).ask(other.row, key, never, true)).state).toBe("failed");
    }
  });

  test("says that the key was refused, without it", async () => {
    const { row } = await serving("groq", { error: "k-secret is wrong" }, 401);
    const list = await new ModelLists(undefined, fakeClock()).ask(row, key, never, true);
    expect(list).toMatchObject({ state: "refused", why: "Groq refused the credential (HTTP 401)" });
  });
});

/** What is known of a model after its provider answered with this. */
async function toldOf(id: string, answer: unknown, model: string, elsewhere: Record<string, unknown> = {}) {
  const { row } = await serving(id, answer, 200, elsewhere);
  const lists = new ModelLists(undefined, fakeClock());
  expect((await lists.ask(row, key, never, true)).state).toBe("asked");
  return lists.stated(row, model);
}

/** One entry of a list, as a server of one's own gives it. */
const entry = async (facts: object) => toldOf("home", { data: [{ id: "m", ...facts }] }, "m");

describe("what a list says of a model", () => {
  test("is its window, its longest answer and its price, in each provider's own words", async () => {
    const cases: [string, unknown, string, object][] = [
      [
        "openrouter",
        {
          data: [
            {
              id: "maker/new",
              context_length: 262_144,
              top_provider: { context_length: 262_144, max_completion_tokens: 65_536, is_moderated: false },
              pricing: {
                prompt: "0.000003",
                completion: "0.000015",
                request: "0",
                image: "0.0048",
                input_cache_read: "0.0000003",
                input_cache_write: "0.00000375",
              },
            },
          ],
        },
        "maker/new",
        {
          context: 262_144,
          maxOutput: 65_536,
          price: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
        },
      ],
      [
        "groq",
        { data: [{ id: "new", active: true, context_window: 131_072, max_completion_tokens: 32_768 }] },
        "new",
        { context: 131_072, maxOutput: 32_768 },
      ],
      [
        "together",
        [{ id: "maker/new", context_length: 32_768, pricing: { hourly: 0, input: 0.88, output: 0.9, base: 0 } }],
        "maker/new",
        { context: 32_768, price: { input: 0.88, output: 0.9, cacheRead: 0.88, cacheWrite: 0.88 } },
      ],
      ["vllm", { data: [{ id: "Qwen/Q", owned_by: "vllm", max_model_len: 40_960 }] }, "Qwen/Q", { context: 40_960 }],
      [
        "litellm",
        { data: [{ id: "team-model", owned_by: "openai", max_input_tokens: 128_000, max_output_tokens: 16_384 }] },
        "team-model",
        { context: 128_000, maxOutput: 16_384 },
      ],
      ["mistral", { data: [{ id: "m", max_context_length: 262_144 }] }, "m", { context: 262_144 }],
      [
        "google",
        {
          models: [
            {
              name: "models/gemini-new",
              supportedGenerationMethods: ["generateContent"],
              inputTokenLimit: 1_048_576,
              outputTokenLimit: 65_536,
            },
          ],
        },
        "gemini-new",
        { context: 1_048_576, maxOutput: 65_536 },
      ],
      [
        "copilot",
        {
          data: [
            {
              id: "gpt-new",
              capabilities: {
                type: "chat",
                limits: { max_context_window_tokens: 144_000, max_output_tokens: 32_000, max_prompt_tokens: 128_000 },
              },
            },
          ],
        },
        "gpt-new",
        { context: 128_000, maxOutput: 32_000 },
      ],
      [
        "anthropic",
        { data: [{ id: "claude-new", max_input_tokens: 1_000_000, max_tokens: 128_000 }] },
        "claude-new",
        { context: 1_000_000, maxOutput: 128_000 },
      ],
    ];
    for (const [id, answer, model, facts] of cases) {
      const told: unknown = await toldOf(id, answer, model);
      expect([id, told]).toEqual([id, facts]);
    }
  });

  test("is the window that is served, not the one the model was trained with", async () => {
    expect(await entry({ meta: { n_ctx_train: 262_144, n_ctx: 16_384 } })).toEqual({ context: 16_384 });
    expect(await entry({ meta: { n_ctx_train: 262_144 } })).toEqual({ ceiling: 262_144 });
  });

  test("is asked for a second time at LM Studio, whose usual list has the names alone", async () => {
    const plain = (id: string) => ({ id, object: "model", owned_by: "organization_owner" });
    const models = [
      { id: "a", state: "loaded", max_context_length: 131_072, loaded_context_length: 8192 },
      { id: "b", state: "not-loaded", max_context_length: 32_768 },
      { id: "text-embedding-c", state: "not-loaded", max_context_length: 2048 },
    ];
    const { row, asked } = await serving("lms", { data: [plain("a"), plain("b")] }, 200, {
      "/api/v0/models": { data: models },
    });
    const own = { ...row, baseUrl: `${row.baseUrl}/v1` };
    const lists = new ModelLists(undefined, fakeClock());
    expect((await lists.ask(own, key, never, true)).models).toEqual(["a", "b"]);
    expect(asked.map(({ url }) => url)).toEqual(["/v1/models", "/api/v0/models"]);
    expect(await lists.stated(own, "a")).toEqual({ context: 8192 });
    expect(await lists.stated(own, "b")).toEqual({ ceiling: 32_768 });
  });

  test("stays unknown where LM Studio does not answer the second time, and the names are kept", async () => {
    const answer = { data: [{ id: "a", owned_by: "organization_owner" }] };
    expect(await toldOf("lms", answer, "a", { "/api/v0/models": "<html>" })).toEqual({});
  });

  test("counts for nothing where it cannot be", async () => {
    for (const tokens of [0, -1, 1.5, "many", "", null, true, [4096], 1e12, "1e400"]) {
      expect([tokens, await entry({ context_length: tokens, max_completion_tokens: tokens })]).toEqual([tokens, {}]);
    }
    for (const price of ["-1", "x", "", null, 1, {}, "1e9"]) {
      expect([price, await entry({ pricing: { prompt: price, completion: "0.1" } })]).toEqual([price, {}]);
    }
    expect(await entry({ context_length: "131072", context_window: -5 })).toEqual({ context: 131_072 });
    expect(await entry({ context_length: 0, context_window: 8192 })).toEqual({ context: 8192 });
    expect(await entry({ max_tokens: 4096 })).toEqual({});
  });

  test("is that a model is free only where the provider means it", async () => {
    const free = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    expect(await entry({ pricing: { prompt: "0", completion: "0" } })).toEqual({ price: free });
    // Together writes it of models that are paid by the hour.
    expect(await entry({ pricing: { hourly: 12, input: 0, output: 0 } })).toEqual({});
    // Tokens are not all that this one takes money for.
    expect(await entry({ pricing: { prompt: "0.000001", completion: "0.000001", request: "0.005" } })).toEqual({});
  });

  test("is kept beside the names, however long, and read by older versions as names alone", async () => {
    const { row } = await serving("groq", { data: [{ id: "a", context_window: 8192 }, { id: "b" }] });
    const clock = fakeClock();
    await new ModelLists(folder, clock).ask(row, key, never, false);
    await clock.sleep(365 * 86_400_000, never);
    const later = new ModelLists(folder, clock);
    expect(await later.stated(row, "a")).toEqual({ context: 8192 });
    expect(await later.stated(row, "b")).toEqual({});
    expect(await later.stated(row, "c")).toBeUndefined();
    const kept = JSON.parse(await readFile(join(folder, "groq.json"), "utf8"));
    expect(kept).toEqual({
      asked_at: fakeClock().now(),
      base_url: row.baseUrl,
      models: ["a", "b"],
      facts: { a: { context: 8192 } },
    });
  });

  test("is not in a list that an older version kept, which is asked for again", async () => {
    const { row, asked } = await serving("groq", { data: [{ id: "a", context_window: 8192 }] });
    const clock = fakeClock();
    const old = { asked_at: clock.now(), base_url: row.baseUrl, models: ["a"] };
    await writeFile(join(folder, "groq.json"), JSON.stringify(old));
    const lists = new ModelLists(folder, clock);
    expect(await lists.known(row)).toEqual(["a"]);
    expect(await lists.stated(row, "a")).toBeUndefined();
    expect(asked).toEqual([]);
    expect((await lists.ask(row, key, never, false)).state).toBe("asked");
    expect(await lists.stated(row, "a")).toEqual({ context: 8192 });
  });

  test("is read with the same care from a file, which anybody can have written", async () => {
    const { row } = await serving("groq", data("a"));
    const facts = { a: { context: -1, max_output: "x", price: { input: "a" } }, b: 7, c: { price: { input: 1 } } };
    const written = { asked_at: 1, base_url: row.baseUrl, models: ["a", "b", "c", "constructor"], facts };
    await writeFile(join(folder, "groq.json"), JSON.stringify(written));
    const lists = new ModelLists(folder, fakeClock());
    for (const model of written.models) expect(await lists.stated(row, model)).toEqual({});
  });
});
