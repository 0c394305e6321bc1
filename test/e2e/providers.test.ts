import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import rows from "../../embed/providers.json";
import { startAnthropicFake } from "../fakes/anthropic-server.ts";
import { startBedrockFake } from "../fakes/bedrock-server.ts";
import { startEmbeddingFake } from "../fakes/embedding-server.ts";
import { startGeminiFake } from "../fakes/gemini-server.ts";
import { startOllamaFake } from "../fakes/ollama-server.ts";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import { startResponsesFake } from "../fakes/responses-server.ts";
import type { Fake, FakeRequest, Script, Turn } from "../fakes/script.ts";
import { makePlace, openkoi, type Place, start } from "./openkoi.ts";

const KEY = "key-of-the-user-0123456789";
const PLAN = JSON.stringify({ kind: "change", category: "code", steps: ["Set it."], checks: ["make test"] });
const VERDICT = JSON.stringify({
  scores: { correctness: 0.95, safety: 0.95, style: 0.9, completeness: 0.95 },
  findings: [],
});
const call = (name: string, args: object, reasoning: string): Turn => ({
  reasoning,
  calls: [{ name, arguments: { ...args } }],
});
/** Plan, read, edit, answer, judge. */
const EDIT_TASK: Turn[] = [
  PLAN,
  call("read", { path: "answer.ts" }, "I look first."),
  call("edit", { path: "answer.ts", old: "41", new: "42" }, "Now I know."),
  "The answer is 42 now.",
  VERDICT,
];

/** One provider with its only credential, and the service that it reaches with it. */
interface Case {
  id: string;
  /** Where the credential is said to lie. */
  source: string | ((fake: Fake) => string);
  serve(script: Script): Fake;
  env?(fake: Fake): Record<string, string>;
  /** Files in the home folder. */
  files?(fake: Fake): Record<string, string>;
  /** What every request must carry that the fake does not insist on. */
  expect?(request: FakeRequest): void;
}

/** A vendor with a key and Chat Completions. `extraFields`: what of its own dialect goes back to it. */
function chatVendor(id: string, extraFields: string[] = []): Case {
  const name = id.toUpperCase();
  return {
    id,
    source: `environment ${name}_API_KEY`,
    serve: (script) => startOpenAiFake(script, { key: KEY, extraFields }),
    env: (fake) => ({ [`${name}_API_KEY`]: KEY, [`${name}_BASE_URL`]: fake.baseUrl }),
  };
}

/** A login as `connect` saves it. */
function login(id: string, extra: object): Record<string, string> {
  const expires_at = Math.floor(Date.now() / 1000) + 36_000;
  const entry = { type: "oauth", access_token: KEY, refresh_token: "refresh-0123456789", expires_at, extra };
  return { ".openkoi/auth.json": JSON.stringify({ providers: { [id]: entry } }) };
}

const CASES: Case[] = [
  {
    id: "anthropic",
    source: "environment ANTHROPIC_API_KEY",
    serve: (script) => startAnthropicFake(script, { key: KEY }),
    env: (fake) => ({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: fake.baseUrl }),
    // Who works thinks; who plans and judges has a short answer to give.
    expect: ({ body }) => expect(body.thinking?.type).toBe(body.tools ? "adaptive" : undefined),
  },
  {
    id: "openai",
    source: "environment OPENAI_API_KEY",
    serve: (script) => startResponsesFake(script, { key: KEY }),
    env: (fake) => ({ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: fake.baseUrl }),
    expect: (request) => expect(request.body.store).toBe(false),
  },
  {
    id: "google",
    source: "environment GEMINI_API_KEY",
    serve: (script) => startGeminiFake(script, { key: KEY, signedCalls: true }),
    env: (fake) => ({ GEMINI_API_KEY: KEY, GOOGLE_BASE_URL: fake.baseUrl }),
  },
  {
    id: "bedrock",
    source: "environment AWS_ACCESS_KEY_ID",
    serve: (script) => startBedrockFake(script, { key: `AKIDEXAMPLE:${KEY}`, region: "eu-west-1" }),
    env: (fake) => ({
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: KEY,
      AWS_REGION: "eu-west-1",
      BEDROCK_BASE_URL: fake.baseUrl,
    }),
  },
  chatVendor("groq"),
  chatVendor("openrouter", ["cache_control", "reasoning"]),
  chatVendor("together"),
  chatVendor("deepseek", ["reasoning_content"]),
  chatVendor("moonshot", ["reasoning_content"]),
  chatVendor("xai"),
  chatVendor("qwen"),
  {
    id: "ollama",
    source: (fake) => `server at ${new URL(fake.url).host}`,
    serve: (script) => startOllamaFake(script),
    env: (fake) => ({ OLLAMA_HOST: fake.url }),
  },
  {
    id: "copilot",
    source: "auth.json",
    serve: (script) => startOpenAiFake(script, { key: KEY }),
    env: (fake) => ({ COPILOT_BASE_URL: fake.baseUrl }),
    files: () => login("copilot", {}),
    expect: (request) => expect(request.headers["editor-version"]).toStartWith("openkoi/"),
  },
  {
    id: "chatgpt",
    source: "auth.json",
    serve: (script) => startResponsesFake(script, { key: KEY }),
    env: (fake) => ({ CHATGPT_BASE_URL: `${fake.url}/backend-api/codex` }),
    files: () => login("chatgpt", { account_id: "acc-1", client_id: "our-id" }),
    expect(request) {
      expect(request.headers["chatgpt-account-id"]).toBe("acc-1");
      expect(request.body).toMatchObject({ store: false });
      expect(request.body.max_output_tokens).toBeUndefined();
    },
  },
  {
    id: "my-llm",
    source: "environment MY_LLM_TOKEN",
    serve: (script) => startOpenAiFake(script, { key: KEY, models: ["its-only-one"] }),
    env: () => ({ MY_LLM_TOKEN: KEY }),
    files: (fake) => ({
      ".openkoi/config.toml": `[providers.my-llm]\nbase_url = "${fake.baseUrl}"\napi_key_env = "MY_LLM_TOKEN"\n`,
    }),
  },
  {
    id: "openai-compat",
    source: "environment OPENAI_COMPAT_API_KEY",
    serve: (script) => startOpenAiFake(script, { key: KEY, models: ["its-only-one"] }),
    env: (fake) => ({ OPENAI_COMPAT_BASE_URL: fake.baseUrl, OPENAI_COMPAT_API_KEY: KEY }),
  },
];

const places: Place[] = [];
const servers: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

function serving(script: Script, { serve }: Pick<Case, "serve">): Fake {
  const fake = serve(script);
  servers.push(fake);
  return fake;
}

/** A machine with this credential alone; a real Ollama on it must not count. */
function machine(env: Record<string, string>, files: Record<string, string> = {}): Place {
  const at = makePlace({
    Makefile: "test:\n\t@grep -q 'answer = 42' answer.ts && echo ok\n",
    "answer.ts": "export const answer = 41;\n",
  });
  Object.assign(at.env, { OLLAMA_HOST: "127.0.0.1:1" }, env);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(at.home, name, ".."), { recursive: true });
    writeFileSync(join(at.home, name), text, { mode: 0o600 });
  }
  places.push(at);
  return at;
}

const answerFile = (at: Place) => readFileSync(join(at.project, "answer.ts"), "utf8");
const refusals = (fake: Fake) => fake.requests.flatMap(({ refused }) => refused ?? []);

test("there is a case for every row of the program's own list, and for the two ways to name another one", () => {
  const ids = rows.map((row) => row.id);
  expect(CASES.map(({ id }) => id).sort()).toEqual([...ids, "my-llm", "openai-compat"].sort());
});

describe("with only one credential set", () => {
  for (const each of CASES) {
    const { id, env, files } = each;

    test(`the edit task is completed: ${id}`, async () => {
      const fake = serving(EDIT_TASK, each);
      const at = machine(env?.(fake) ?? {}, files?.(fake));
      const { code, stdout, stderr } = await openkoi(at, ["--yes", "Set the answer to 42."]);
      expect(refusals(fake)).toEqual([]);
      expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: "The answer is 42 now.\n" });
      expect(answerFile(at)).toBe("export const answer = 42;\n");
      expect(fake.requests).toHaveLength(EDIT_TASK.length);
      for (const request of fake.requests) each.expect?.(request);
      expect(stdout + stderr).not.toContain(KEY);
    });

    test(`models, connect status, doctor and status tell the truth: ${id}`, async () => {
      const fake = serving([], each);
      const at = machine(env?.(fake) ?? {}, files?.(fake));
      const source = typeof each.source === "string" ? each.source : each.source(fake);
      const [shown, models, json, doctor, status] = await Promise.all(
        [["connect", "status"], ["models"], ["models", "--json"], ["doctor"], ["status", "--json"]].map((args) =>
          openkoi(at, args),
        ),
      );
      const states = shown!.stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split(/\s+/));
      expect(states.length).toBe(rows.length + (rows.some((row) => row.id === id) ? 0 : 1));
      for (const [mark, name, ...rest] of states) {
        const wanted = name === id ? ["[+]", source] : ["[-]", ""];
        expect([name, mark, rest.join(" ")]).toEqual([name, ...wanted]);
      }
      expect(models!.stdout).toContain(`[+] ${id}  ${source}\n`);
      expect(models!.stdout.match(/^\[\+\]/gm)).toHaveLength(1);
      expect(models!.stdout).toContain(`used now:\n  executor   ${id}/`);
      for (const model of JSON.parse(json!.stdout)) {
        expect([model.id, model.reachable]).toEqual([model.id, model.id.startsWith(`${id}/`)]);
      }
      expect(doctor!.stdout).toContain(`✓ ${id}: ${source}\n`);
      expect(doctor!.stdout).toMatch(new RegExp(`^models\\n {2}[✓!] executor, evaluator, planner[^:]*: ${id}/`, "m"));
      expect(doctor!.code).toBe(0);
      expect(JSON.parse(status!.stdout).models.executor).toStartWith(`${id}/`);
      // What asks the way asks nobody: nothing was sent.
      expect(fake.requests).toEqual([]);
      for (const { stdout, stderr } of [shown, models, json, doctor, status].map((result) => result!)) {
        expect(stdout + stderr).not.toContain(KEY);
      }
    });
  }
});

test("each role asks the model that was named for it: by a flag, by OPENKOI_MODEL, by the config", async () => {
  const groq = chatVendor("groq");
  const asked = async (args: string[], env: Record<string, string> = {}, config = "") => {
    const fake = serving(EDIT_TASK, groq);
    const at = machine({ ...groq.env!(fake), ...env }, config ? { ".openkoi/config.toml": config } : {});
    expect((await openkoi(at, [...args, "--yes", "Set the answer to 42."])).code).toBe(0);
    const models = fake.requests.map(({ body }) => body.model);
    return [models[0], [...new Set(models.slice(1, -1))].join(), models.at(-1)];
  };
  const flags = ["--planner", "groq/plan", "--executor", "groq/work", "--evaluator", "groq/judge"];
  const config = '[models]\nexecutor = "groq/work"\nevaluator = "groq/judge"\n';
  const all = await Promise.all([
    asked(flags),
    asked(["-m", "groq/all"], { OPENKOI_MODEL: "groq/other" }),
    asked([], { OPENKOI_MODEL: "groq/all" }, '[models]\nexecutor = "groq/x"\n'),
    asked(["--planner", "groq/plan"], {}, config),
  ]);
  expect(all).toEqual([
    ["plan", "work", "judge"],
    ["all", "all", "all"],
    ["all", "all", "all"],
    ["plan", "work", "judge"],
  ]);
}, 60_000);

test("a model that nobody knows works, and what is assumed of it is said", async () => {
  const groq = chatVendor("groq");
  const at = machine(groq.env!(serving(["Four."], groq)));
  const { code, stdout, stderr } = await openkoi(at, ["-m", "groq/brand-new", "-i", "0", "--yes", "Two and two?"]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "Four.\n" });
  expect(stderr).toContain(
    "groq/brand-new is not in the catalogue: 128k tokens of context and 8.2k of output are assumed",
  );
  expect(stderr).toContain("what groq/brand-new costs is unknown");
});

describe("an embedder of a provider", () => {
  const groq = chatVendor("groq");
  const config = (url: string) =>
    `[models]\nembedder = "vectors/bge-m3"\n[providers.vectors]\nbase_url = "${url}"\ndefault_model = ""\n`;

  test("makes the memory's vectors, beside whoever does the work", async () => {
    const vectors = startEmbeddingFake("openai", { batch: 32 });
    servers.push(vectors);
    const at = machine(groq.env!(serving(EDIT_TASK, groq)), { ".openkoi/config.toml": config(vectors.baseUrl) });
    expect((await openkoi(at, ["--yes", "Set the answer to 42."])).code).toBe(0);
    expect(vectors.requests.length).toBeGreaterThan(0);
    expect(refusals(vectors)).toEqual([]);
    expect(vectors.requests[0]!.body.model).toBe("bge-m3");
  });

  test("is paid for: in the task's sum what the task asked of it, and what was done afterwards beside", async () => {
    const vectors = startEmbeddingFake("openai", { batch: 32 });
    servers.push(vectors);
    const script = [...EDIT_TASK, ...EDIT_TASK];
    const at = machine(groq.env!(serving(script, groq)), { ".openkoi/config.toml": config(vectors.baseUrl) });
    const work = async () => {
      writeFileSync(join(at.project, "answer.ts"), "export const answer = 41;\n");
      expect((await openkoi(at, ["--yes", "Set the answer to 42."])).code).toBe(0);
    };
    await work();
    await work();
    expect(refusals(vectors)).toEqual([]);
    using memory = new Database(join(at.home, ".local/share/openkoi/openkoi.db"), { readonly: true });
    const rows = memory
      .query<{ task: number; model: string; input: number }, []>(
        "SELECT task_id IS NOT NULL AS task, model, input FROM model_calls WHERE role = 'embedder' ORDER BY at",
      )
      .all();
    expect(rows.map(({ task }) => task)).toContain(1);
    expect(rows.map(({ task }) => task)).toContain(0);
    for (const { model, input } of rows) expect([model, input > 0]).toEqual(["vectors/bge-m3", true]);
    const { stdout } = await openkoi(at, ["status", "--costs"]);
    expect(stdout).toMatch(new RegExp(`vectors/bge-m3 .* ${rows.length} calls`));
  });

  test("that cannot be reached, or is none, costs no task; doctor says which is none", async () => {
    for (const section of [config("http://127.0.0.1:1/v1"), '[models]\nembedder = "anthropic"\n']) {
      const at = machine(groq.env!(serving(EDIT_TASK, groq)), { ".openkoi/config.toml": section });
      expect((await openkoi(at, ["--yes", "Set the answer to 42."])).code).toBe(0);
      const { code, stdout } = await openkoi(at, ["doctor"]);
      const known = section.includes("vectors");
      expect([code, stdout]).toEqual([
        known ? 0 : 1,
        expect.stringContaining(known ? "✓ embedder: vectors/bge-m3" : "✗ embedder: Anthropic has no embeddings"),
      ]);
    }
  }, 60_000);
});

test("a server of one's own may speak Responses", async () => {
  const fake = serving(EDIT_TASK, { serve: (script) => startResponsesFake(script, { key: KEY }) });
  const section = `[providers.mine]\nbase_url = "${fake.baseUrl}"\nwire = "responses"\ndefault_model = "m"\n`;
  const at = machine({ MINE_API_KEY: KEY }, { ".openkoi/config.toml": section });
  expect((await openkoi(at, ["--yes", "Set the answer to 42."])).code).toBe(0);
  expect(refusals(fake)).toEqual([]);
  expect(answerFile(at)).toBe("export const answer = 42;\n");
});

describe("a model that fails in the middle of a task", () => {
  const busy = { status: 529, headers: { "retry-after": "300" }, body: { error: { message: "Overloaded" } } };
  const both = (anthropic: Fake, openai: Fake, chain: string) =>
    machine(
      {
        ANTHROPIC_API_KEY: KEY,
        ANTHROPIC_BASE_URL: anthropic.baseUrl,
        OPENAI_API_KEY: KEY,
        OPENAI_BASE_URL: openai.baseUrl,
      },
      { ".openkoi/config.toml": chain },
    );
  const [anthropicCase, openaiCase] = CASES as [Case, Case];

  test("is followed by the next of the chain, which gets the conversation without what belongs to the first", async () => {
    const first = serving([...EDIT_TASK.slice(0, 3), busy], anthropicCase);
    const second = serving(["The answer is 42 now.", VERDICT], openaiCase);
    const at = both(first, second, '[models.fallback]\nexecutor = ["openai/gpt-5.1"]\n');
    const { code, stdout, stderr } = await openkoi(at, ["--yes", "Set the answer to 42."]);
    expect([...refusals(first), ...refusals(second)]).toEqual([]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "The answer is 42 now.\n" });
    expect(stderr).toContain("going on with openai/gpt-5.1");

    // The first signed its thoughts, got them back, and they went to nobody else.
    expect(first.requests[2]!.raw).toContain("signed-2");
    const [handed] = second.requests;
    expect(handed!.raw).not.toMatch(/signed-|I look first|Now I know/);
    // What it did, the second knows as done, and nothing was done twice.
    const calls = handed!.body.input.filter((item: { type?: string }) => item.type === "function_call");
    expect(calls.map((item: { name: string }) => item.name)).toEqual(["read", "edit"]);
    expect(answerFile(at)).toBe("export const answer = 42;\n");
    // While it cools down, the first is not asked again: the judge's question goes to the second at once.
    expect(first.requests).toHaveLength(4);
    expect(second.requests).toHaveLength(2);
  });

  test("hands back as well: encrypted thoughts stay with the model that sealed them", async () => {
    const first = serving([...EDIT_TASK.slice(0, 2), busy], openaiCase);
    const second = serving(EDIT_TASK.slice(2), anthropicCase);
    const chain = '[models]\nexecutor = "openai/gpt-5.1"\n[models.fallback]\nexecutor = ["anthropic"]\n';
    const at = both(second, first, chain);
    const { code } = await openkoi(at, ["--yes", "Set the answer to 42."]);
    expect([...refusals(first), ...refusals(second)]).toEqual([]);
    expect(code).toBe(0);
    expect(second.requests[0]!.raw).not.toMatch(/sealed-|rs_fake/);
    expect(second.requests[1]!.raw).toContain("signed-1");
    expect(answerFile(at)).toBe("export const answer = 42;\n");
  });
});

describe("a provider that asks for patience", () => {
  const later = { status: 429, headers: { "retry-after": "100" }, body: { error: { message: "Rate limit reached" } } };
  const groq = chatVendor("groq");

  test("is waited for visibly, and Ctrl-C ends the wait at once", async () => {
    const fake = serving([PLAN, later], groq);
    const at = machine(groq.env!(fake));
    const child = start(at, ["--yes", "Set the answer to 42."]);
    let seen = "";
    for await (const chunk of child.stderr) {
      seen += new TextDecoder().decode(chunk);
      if (seen.includes("Rate limit reached")) child.kill("SIGINT");
    }
    expect(await child.exited).toBe(130);
    expect(seen).toContain("until attempt 2 of groq/");
    expect(fake.requests).toHaveLength(2);
    expect(answerFile(at)).toBe("export const answer = 41;\n");
  }, 20_000);
});

describe("what a task cost", () => {
  const groq = chatVendor("groq");

  test("tells the share of the input that came from the provider's cache", async () => {
    const cached = { input: 1000, output: 50, cacheRead: 3000, cacheWrite: 0 };
    const turns = EDIT_TASK.map(
      (turn): Turn => ({ ...(typeof turn === "string" ? { text: turn } : turn), usage: cached }),
    );
    const at = machine(groq.env!(serving(turns, groq)));
    const { stderr } = await openkoi(at, ["--yes", "Set the answer to 42."]);
    expect(stderr).toMatch(/ {2}5\.\dk tokens {2}75 % of the input cached {2}/);
  });

  test("is unknown where the provider counts nothing; the tokens are estimated, and the token budget holds", async () => {
    const uncounted: Case = { ...groq, serve: (script) => startOpenAiFake(script, { key: KEY, uncounted: true }) };
    const fake = serving(EDIT_TASK, uncounted);
    const { stdout, code } = await openkoi(machine(groq.env!(fake)), [
      "--yes",
      "--format",
      "json",
      "Set the answer to 42.",
    ]);
    expect(code).toBe(0);
    const { usage, costKnown } = JSON.parse(stdout).spent;
    const sent = fake.requests.reduce((sum, request) => sum + request.raw.length, 0);
    expect(costKnown).toBe(false);
    expect(usage.input).toBeGreaterThan(sent / 8);
    expect(usage.input).toBeLessThan(sent / 3);
    expect(usage.output).toBeGreaterThan(0);

    const held = machine({ ...groq.env!(serving(EDIT_TASK, uncounted)), OPENKOI_ITERATION_TOKEN_BUDGET: "3000" });
    expect((await openkoi(held, ["--yes", "Set the answer to 42."])).code).toBe(4);
  });
});
