import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, FakeRequest, Script, Turn } from "../fakes/script.ts";
import { makePlace, openkoi, type Place, useServer } from "./openkoi.ts";

const LINES = 20_000;

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function place(): Place {
  const here = makePlace({
    "long.txt": Array.from({ length: LINES }, (_, at) => `line ${at} of a long file\n`).join(""),
  });
  Object.assign(here.env, { OLLAMA_HOST: "127.0.0.1:1" });
  places.push(here);
  return here;
}

/** A server of one's own, named `local`, with one model of which its list says this. */
function serving(here: Place, script: Script, facts: object, section = ""): Fake {
  const server = startOpenAiFake(script, { models: [{ id: "test-model", ...facts }] });
  servers.push(server);
  useServer(here, server.baseUrl, section);
  return server;
}

/** Reads a long file from beginning to end; whoever keeps the memory is told so. */
function reader(): (request: FakeRequest) => Turn {
  let reads = 0;
  return ({ body }) => {
    if (String(body.messages[0].content).startsWith("You keep the memory")) return "- the file holds numbered lines";
    if (reads === 12) return "It has 20000 lines.";
    return { calls: [{ name: "read", arguments: { path: "long.txt", offset: 1 + 1500 * reads++, limit: 1500 } }] };
  };
}

/** The longest request of a task that reads the long file, tokens as the fake counts them. */
async function longest(here: Place, server: Fake) {
  const { code, stdout, stderr } = await openkoi(here, ["--yes", "-i", "0", "How many lines has long.txt?"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "It has 20000 lines.\n" });
  expect(server.requests.flatMap((request) => request.refused ?? [])).toEqual([]);
  return { stderr, tokens: Math.max(...server.requests.map(({ raw }) => raw.length / 4)) };
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of the program, of which a test looks at single fields
async function modelsJson(here: Place, id: string): Promise<any> {
  const { stdout } = await openkoi(here, ["models", "--json"]);
  return JSON.parse(stdout).find((model: { id: string }) => model.id === id);
}

const refresh = (here: Place) => openkoi(here, ["models", "--refresh"]);

describe("a model of one's own server (vLLM)", () => {
  test("has the window that its list states, and a conversation is made smaller at that one", async () => {
    const here = place();
    const server = serving(here, reader(), { owned_by: "vllm", max_model_len: 40_960 });
    const { code, stdout } = await refresh(here);
    expect(code).toBe(0);
    expect(stdout).toContain("test-model   41k^  price unknown");
    expect(stdout).toContain("^ not in the catalogue: as the provider's own list says");
    expect(await modelsJson(here, "local/test-model")).toMatchObject({
      context: 40_960,
      max_output: 8192,
      price: null,
      assumed: false,
      stated: { context: "list" },
    });

    const { stderr, tokens } = await longest(here, server);
    expect(stderr).toContain("the conversation got long: made smaller");
    expect(stderr).not.toContain("assumed");
    expect(tokens).toBeLessThan(40_960);
  }, 30_000);

  test("works before its list was ever asked, and how to mend what is assumed is said in a clause", async () => {
    const here = place();
    const server = serving(here, reader(), { owned_by: "vllm", max_model_len: 40_960 });
    const { stderr, tokens } = await longest(here, server);
    expect(stderr).toContain(
      "local/test-model is not in the catalogue: 128k tokens of context and 8.2k of output are assumed (run openkoi models --refresh, or set providers.local.context)",
    );
    expect(tokens).toBeGreaterThan(40_960);
    const { stdout } = await openkoi(here, ["doctor"]);
    expect(stdout).toContain("(run openkoi models --refresh, or set providers.local.context), its price is unknown");
  }, 30_000);

  test("has the window that the config names, whatever its list states", async () => {
    const here = place();
    const server = serving(here, reader(), { max_model_len: 128_000 }, "context = 40_000\nmax_output = 2000\n");
    await refresh(here);
    expect(await modelsJson(here, "local/test-model")).toMatchObject({
      context: 40_000,
      max_output: 2000,
      assumed: false,
      stated: { context: "config", max_output: "config" },
    });
    const { tokens } = await longest(here, server);
    expect(tokens).toBeLessThan(40_000);
    for (const { body } of server.requests) expect(body.max_tokens).toBeLessThanOrEqual(2000);
    expect((await openkoi(here, ["doctor"])).stdout).toContain(
      "✓ executor, evaluator, planner, small: local/test-model",
    );
  }, 30_000);

  test("has it on a tape, too: what was made smaller when it was recorded is made smaller anywhere", async () => {
    const here = place();
    serving(here, reader(), { owned_by: "vllm", max_model_len: 40_960 });
    await refresh(here);
    const tape = join(here.home, "tape.jsonl");
    const task = ["--yes", "-i", "0", "How many lines has long.txt?"];
    expect((await openkoi(here, ["--record", tape, ...task])).code).toBe(0);
    const { code, stdout, stderr } = await openkoi(place(), ["--replay", tape, ...task]);
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: "It has 20000 lines.\n" });
    expect(stderr).toContain("the conversation got long: made smaller");
    expect(stderr).not.toContain("assumed");
  }, 30_000);

  test("is told too long a task in the words of its own window", async () => {
    const here = place();
    serving(here, [], { max_model_len: 8192 });
    await refresh(here);
    const { code, stderr } = await openkoi(here, ["--yes", "-i", "0", `What is this? ${"word ".repeat(20_000)}`]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/do not fit into what local\/test-model can read \(6144\)/);
  });
});

test("a window that is no number of tokens is a mistake of the config, told with its line", async () => {
  for (const [value, words] of [
    ["0", "at least 1"],
    ['"32k"', "expected a whole number"],
  ]) {
    const here = place();
    serving(here, [], {}, `context = ${value}\n`);
    const { code, stderr } = await openkoi(here, ["models"]);
    expect(code).toBe(1);
    expect(stderr).toContain(`config.toml, line 5: providers.local.context: `);
    expect(stderr).toContain(words!);
  }
});

test("a project cannot say how much a model can take", async () => {
  const here = place();
  serving(here, ["Four."], { max_model_len: 40_960 });
  await refresh(here);
  here.write({ ".openkoi/config.toml": "[providers.local]\ncontext = 1000000\n" });
  const { stderr } = await openkoi(here, ["--yes", "-i", "0", "Two and two?"]);
  expect(stderr).toContain("[providers] is ignored: a project can only narrow what your own config allows");
  expect(await modelsJson(here, "local/test-model")).toMatchObject({ context: 40_960 });
});

describe("a model of OpenRouter that came after the catalogue", () => {
  const NAME = "maker/of-tomorrow";
  const listed = {
    id: NAME,
    context_length: 262_144,
    top_provider: { context_length: 262_144, max_completion_tokens: 32_768 },
    pricing: { prompt: "0.000003", completion: "0.000015", request: "0", input_cache_read: "0.0000003" },
  };
  const usage = { input: 100_000, output: 1000, cacheRead: 0, cacheWrite: 0 };
  const task = ["-m", `openrouter/${NAME}`, "--yes", "-i", "0", "Two and two?"];

  function openRouter(script: Script): Place {
    const here = place();
    const server = startOpenAiFake(script, { models: [listed], extraFields: ["cache_control", "reasoning"] });
    servers.push(server);
    Object.assign(here.env, { OPENROUTER_API_KEY: "key-of-the-user-0123456789", OPENROUTER_BASE_URL: server.baseUrl });
    return here;
  }

  test("has the window and the price that its list states, and a task on it has a cost", async () => {
    const here = openRouter([
      { text: "Four.", usage },
      { text: "Four.", usage },
    ]);
    const before = await openkoi(here, task);
    expect(before.stderr).toContain("price unknown");

    expect((await refresh(here)).stdout).toMatch(/maker\/of-tomorrow +262k\^ +\$3\/\$15\^/);
    expect(await modelsJson(here, `openrouter/${NAME}`)).toMatchObject({
      context: 262_144,
      max_output: 32_768,
      price: { input: 3, output: 15, cache_read: 0.3, cache_write: 3 },
      stated: { context: "list", max_output: "list", price: "list" },
    });
    const { code, stdout, stderr } = await openkoi(here, task);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Four.\n" });
    // 100,000 in at 3 and 1000 out at 15 USD a million: 0.315.
    expect(stderr).toContain("$0.32");
    expect(stderr).not.toMatch(/unknown|assumed/);
  });

  test("is held by the budget in money", async () => {
    const here = openRouter([{ text: "Four.", usage }]);
    await refresh(here);
    const { code, stderr } = await openkoi(here, ["--budget", "0.0001", ...task]);
    expect(code).toBe(4);
    expect(stderr).toContain("budget");
    expect(servers[0]!.requests).toEqual([]);
  });
});

test("a list that an older version kept is still read, and its models are what they were to it", async () => {
  const here = place();
  const server = serving(here, ["Four."], { max_model_len: 40_960 });
  await refresh(here);
  const file = join(here.home, ".local/share/openkoi/cache/models/local.json");
  writeFileSync(file, JSON.stringify({ asked_at: Date.now(), base_url: server.baseUrl, models: ["test-model"] }));
  expect(await modelsJson(here, "local/test-model")).toMatchObject({ context: 128_000, assumed: true });
  expect((await openkoi(here, ["--yes", "-i", "0", "Two and two?"])).code).toBe(0);
});
