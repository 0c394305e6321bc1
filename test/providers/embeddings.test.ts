import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createProviders } from "../../src/providers/index.ts";
import {
  type EmbeddingDialect,
  type EmbeddingFakeOptions,
  numbersOf,
  startEmbeddingFake,
} from "../fakes/embedding-server.ts";
import { protoFault } from "../fakes/proto.ts";
import { geminiProto } from "../fakes/published.ts";
import { schemaFault, shapeFault } from "../fakes/schemas.ts";
import type { Fake } from "../fakes/script.ts";
import { describeSpecs } from "../specs.ts";
import { fakeDiscovery } from "./discovery.ts";
import { defaultConfig, type Foreign, failure, fakeClock } from "./support.ts";

const fakes: Fake[] = [];
afterEach(() => Promise.all(fakes.splice(0).map((fake) => fake.stop())));
const never = new AbortController().signal;

const KEY = "sk-test-secret-0123456789";
const AWS = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: KEY };

/** What each protocol is tried with. */
const SERVICES: Record<EmbeddingDialect, { model: string; ref?: string; keys: Record<string, string>; key: string }> = {
  openai: { model: "openai/text-embedding-3-small", keys: { OPENAI_API_KEY: KEY }, key: KEY },
  gemini: {
    model: "google/gemini-embedding-001",
    ref: "google/gemini-embedding-001@768",
    keys: { GOOGLE_API_KEY: KEY },
    key: KEY,
  },
  ollama: { model: "ollama/embeddinggemma", keys: { OLLAMA_API_KEY: KEY }, key: KEY },
  titan: { model: "bedrock/amazon.titan-embed-text-v2:0", keys: AWS, key: `AKIDEXAMPLE:${KEY}` },
  cohere: { model: "bedrock/us.cohere.embed-multilingual-v3", keys: AWS, key: `AKIDEXAMPLE:${KEY}` },
};
const LENGTHS: Partial<Record<EmbeddingDialect, number>> = { openai: 1536, gemini: 768, titan: 1024, cohere: 1024 };

async function embedderFor(embedder: string, env: Record<string, string>, config: Record<string, unknown> = {}) {
  const clock = fakeClock();
  const all = { OLLAMA_HOST: "127.0.0.1:1", ...env };
  const providers = createProviders({
    config: await defaultConfig({ models: { embedder }, ...config }),
    env: all,
    paths: { config: "config.toml", userHome: "/home/me" },
    discover: fakeDiscovery(all),
    clock,
    random: () => 0,
    workspace: "/work",
  });
  return { embedder: await providers.embedder(), clock };
}

/** A service of this protocol and the embedder that speaks to it. */
async function speaking(dialect: EmbeddingDialect, options: EmbeddingFakeOptions = {}) {
  const { model, keys, key } = SERVICES[dialect];
  const models = { "embeddinggemma:latest": { capabilities: ["embedding"] } };
  const fake = startEmbeddingFake(dialect, { key, dimensions: LENGTHS[dialect] ?? 8, models, ...options });
  fakes.push(fake);
  const variable = `${model.slice(0, model.indexOf("/")).toUpperCase()}_BASE_URL`;
  const { embedder, clock } = await embedderFor(model, { ...keys, [variable]: fake.baseUrl });
  return { fake, clock, embedder: embedder! };
}

/** The vector that stands for a text, with length 1. */
function unit(text: string, length: number): number[] {
  const numbers = numbersOf(text, length);
  const size = Math.hypot(...numbers);
  return numbers.map((each) => each / size);
}

const texts = (count: number) => Array.from({ length: count }, (_, index) => `text ${index}`);

for (const dialect of Object.keys(SERVICES) as EmbeddingDialect[]) {
  describe(`embeddings of the ${dialect} wire`, () => {
    test("are one vector of length 1 for each text, in their order, in as many requests as it takes", async () => {
      const { embedder, fake } = await speaking(dialect);
      const asked = texts(130);
      const paid: number[] = [];
      const { vectors, tokens } = await embedder.embed(asked, never, (each) => paid.push(each));
      expect(fake.requests.filter(({ refused }) => refused)).toEqual([]);
      const length = LENGTHS[dialect] ?? 8;
      expect(vectors).toHaveLength(130);
      for (const [index, vector] of vectors.entries()) {
        expect(vector).toBeInstanceOf(Float32Array);
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
        const expected = unit(asked[index]!, length);
        expect(Math.max(...vector.map((each, at) => Math.abs(each - expected[at]!)))).toBeLessThan(1e-6);
      }
      expect(embedder.dimensions).toBe(length);
      expect(tokens).toBeGreaterThan(130);
      expect(paid.reduce((sum, each) => sum + each, 0)).toBe(tokens);
      expect(paid).toHaveLength(fake.requests.length);
      const requests = { openai: 1, gemini: 2, ollama: 3, titan: 130, cohere: 2 };
      expect(fake.requests).toHaveLength(requests[dialect]);
    });

    test("of nothing ask nobody, and of an empty or broken text ask for one that is taken", async () => {
      const { embedder, fake } = await speaking(dialect);
      expect(await embedder.embed([], never)).toEqual({ vectors: [], tokens: 0 });
      expect(fake.requests).toHaveLength(0);
      expect((await embedder.embed(["", "  \n", "a\ud800b", "🐟"], never)).vectors).toHaveLength(4);
    });

    test("have a name that tells them from those of another model", async () => {
      const { embedder } = await speaking(dialect);
      expect(embedder.ref).toBe(SERVICES[dialect].ref ?? SERVICES[dialect].model);
    });

    test("are asked for again after trouble that passes, and not after a refusal", async () => {
      const busy = { status: 429, headers: { "retry-after": "3" }, body: { error: { message: "slow down" } } };
      const { embedder, clock, fake } = await speaking(dialect, { answers: [busy, undefined] });
      expect((await embedder.embed(["a"], never)).vectors).toHaveLength(1);
      expect(clock.slept).toEqual([3000]);
      expect(fake.requests).toHaveLength(2);

      const refused = await speaking(dialect, { key: "another" });
      const error = await failure(refused.embedder.embed(texts(300), never));
      expect(error).toMatchObject({ name: "ProviderError", kind: "auth" });
      expect(error.message).not.toContain(KEY);
      expect(refused.clock.slept).toEqual([]);
    });

    test("that are no vectors, or too few, are refused", async () => {
      const nothing: Record<EmbeddingDialect, unknown> = {
        openai: { data: [] },
        gemini: { embeddings: [] },
        ollama: { embeddings: [] },
        titan: {},
        cohere: { embeddings: [] },
      };
      const zeros: Record<EmbeddingDialect, unknown> = {
        openai: { data: [{ index: 0, embedding: [0, 0] }] },
        gemini: { embeddings: [{ values: ["0"] }] },
        ollama: { embeddings: [[Number.NaN]] },
        titan: { embedding: {} },
        cohere: { embeddings: [[]] },
      };
      for (const body of [nothing[dialect], zeros[dialect]]) {
        const { embedder } = await speaking(dialect, { answers: [{ body }] });
        expect(await failure(embedder.embed(["a"], never))).toMatchObject({ name: "ProviderError", kind: "invalid" });
      }
      const cut = await speaking(dialect, { answers: [{ body: '{"da' }, undefined] });
      expect((await cut.embedder.embed(["a"], never)).vectors).toHaveLength(1);
    });

    test("end at once when nobody waits for them any more", async () => {
      const { embedder } = await speaking(dialect);
      const stop = new AbortController();
      const work = embedder.embed(texts(1000), stop.signal);
      stop.abort(new Error("enough"));
      expect((await failure(work)).message).toBe("enough");
    });
  });
}

describe("the embedder", () => {
  test("is the built-in one where none is named, and while a recording answers", async () => {
    expect((await embedderFor("", { OPENAI_API_KEY: KEY })).embedder).toBeUndefined();
    expect((await embedderFor("builtin", { OPENAI_API_KEY: KEY })).embedder).toBeUndefined();
    expect((await embedderFor("builtin/lexical-256", {})).embedder).toBeUndefined();
    const recorded = createProviders({
      config: await defaultConfig({ models: { embedder: "openai" } }),
      env: {},
      paths: { config: "config.toml", userHome: "/home/me" },
      discover: fakeDiscovery({}),
      clock: fakeClock(),
      workspace: "/work",
      replay: "/nowhere.jsonl",
    });
    expect(await recorded.embedder()).toBeUndefined();
  });

  test("of a provider alone is its usual one, and a bare name finds its provider", async () => {
    const env = { OPENAI_API_KEY: KEY, GEMINI_API_KEY: KEY };
    const openai = (await embedderFor("openai", env)).embedder!;
    expect(openai).toMatchObject({ ref: "openai/text-embedding-3-small", dimensions: 1536, pricePerMillion: 0.02 });
    expect((await embedderFor("gemini-embedding-001", env)).embedder!.ref).toBe("google/gemini-embedding-001@768");
  });

  test("of Ollama alone is the first of its models that can, and costs nothing", async () => {
    const models = {
      "qwen3:8b": { size: "8B", capabilities: ["completion"] },
      "nomic-embed-text:latest": { size: "137M", context: 2048, capabilities: ["embedding"] },
    };
    const fake = startEmbeddingFake("ollama", { models });
    fakes.push(fake);
    const { embedder } = await embedderFor("ollama", { OLLAMA_BASE_URL: fake.baseUrl });
    expect(embedder).toMatchObject({
      ref: "ollama/nomic-embed-text:latest",
      dimensions: undefined,
      pricePerMillion: 0,
    });
    await embedder!.embed(["a"], never);
    expect(embedder!.dimensions).toBe(8);
  });

  test("of a server of one's own is asked in its own words, in small batches", async () => {
    const fake = startEmbeddingFake("openai", { batch: 32 });
    fakes.push(fake);
    const config = { providers: { home: { base_url: fake.baseUrl } } };
    const { embedder } = await embedderFor("home/bge-m3", {}, config);
    expect((await embedder!.embed(texts(100), never)).vectors).toHaveLength(100);
    expect(fake.requests.map(({ body }) => body.input.length).toSorted()).toEqual([32, 32, 32, 4].toSorted());
    expect(embedder).toMatchObject({ ref: "home/bge-m3", dimensions: 8 });
  });

  test("gets no more of a text than its model reads, and no more at once than its provider takes", async () => {
    const { embedder, fake } = await speaking("openai", { longest: 8192 * 3 });
    await embedder.embed(["x".repeat(100_000), "é".repeat(50_000)], never);
    const sent: string[] = fake.requests[0]!.body.input;
    expect(sent[0]).toBe("x".repeat(8192 * 3));
    expect(sent[1]).toBe("é".repeat((8192 * 3) / 2));
    await embedder.embed(
      Array.from({ length: 100 }, () => "x".repeat(24_000)),
      never,
    );
    expect(
      fake.requests
        .slice(1)
        .map(({ body }) => body.input.length)
        .toSorted(),
    ).toEqual([26, 37, 37]);
  });

  test("whose vectors change their length in the middle is not believed", async () => {
    const fake = startEmbeddingFake("openai", {
      answers: [{ body: { data: [{ embedding: [1, 2] }] } }, { body: { data: [{ embedding: [1, 2, 3] }] } }],
    });
    fakes.push(fake);
    const config = { providers: { home: { base_url: fake.baseUrl } } };
    const embedder = (await embedderFor("home/x", {}, config)).embedder!;
    await embedder.embed(["a"], never);
    expect((await failure(embedder.embed(["b"], never))).message).toContain("3 numbers instead of 2");
  });

  test("that cannot be is one line that says why and what to do", async () => {
    const env = { ANTHROPIC_API_KEY: KEY, OPENAI_API_KEY: KEY };
    const said = async (name: string) => {
      const { name: kind, message, remedy } = await failure(embedderFor(name, env));
      expect(kind).toBe("UserError");
      const line = `${message}. ${remedy}`;
      expect(line).not.toContain("\n");
      return line;
    };
    expect(await said("anthropic/claude-sonnet-5")).toMatch(
      /^Anthropic has no embeddings\. Name openai, google, .* or ollama, or leave \[models\] embedder out/,
    );
    expect(await said("together")).toContain('"together" names no embedding model. Write together/MODEL');
    expect(await said("ollama")).toContain("ollama pull embeddinggemma");
    expect(await said("google/gemini-embedding-001")).toContain("no key is set");
    expect(await said("opnai/text-embedding-3-small")).toContain("Did you mean openai/text-embedding-3-small?");
    expect(await said("text-embeding-3-small")).toContain("Did you mean text-embedding-3-small?");
  });

  test("that is not there is an error with the name that was probably meant", async () => {
    const missing = { status: 404, body: { error: { message: "no such model" } } };
    const { embedder } = await speaking("openai", { answers: [missing] });
    const other = await embedderFor("openai/text-embedding-3-smal", {
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: fakes[0]!.baseUrl,
    });
    expect((await failure(embedder.embed(["a"], never))).message).toContain("no such model");
    expect((await failure(other.embedder!.embed(["a"], never))).message).toContain(
      "did you mean openai/text-embedding-3-small?",
    );
  });
});

describeSpecs("api-specs", (dir) => {
  async function sent(dialect: EmbeddingDialect): Promise<Foreign> {
    const { embedder, fake } = await speaking(dialect);
    await embedder.embed(["one", "two"], never);
    return fake.requests[0]!;
  }

  test("what is sent fits the descriptions of OpenAI and Ollama, and so do the fakes' answers", async () => {
    const openai = JSON.parse(readFileSync(join(dir, "openai.slice.openapi.json"), "utf8"));
    const ollama = Bun.YAML.parse(readFileSync(join(dir, "ollama.openapi.yaml"), "utf8")) as Foreign;
    for (const [dialect, document, request, response] of [
      ["openai", openai, "CreateEmbeddingRequest", "CreateEmbeddingResponse"],
      ["ollama", ollama, "EmbedRequest", "EmbedResponse"],
    ] as const) {
      const schemas = document.components.schemas;
      const asked = await sent(dialect);
      expect(schemaFault({ model: 1 }, schemas[request], document)).toBeDefined();
      expect(schemaFault(asked.body, schemas[request], document)).toBeUndefined();
      const answer = await fetch(fakes.at(-1)!.url + asked.path, {
        method: "POST",
        headers: asked.headers,
        body: asked.raw,
      });
      expect(schemaFault(await answer.json(), schemas[response], document)).toBeUndefined();
    }
  });

  test("what is sent to Bedrock fits InvokeModel", async () => {
    const { operations, shapes } = JSON.parse(readFileSync(join(dir, "bedrock-runtime.service-2.json"), "utf8"));
    const { method, requestUri } = operations.InvokeModel.http;
    expect([method, requestUri]).toEqual(["POST", "/model/{modelId}/invoke"]);
    for (const dialect of ["titan", "cohere"] as const) {
      const { path, raw, headers } = await sent(dialect);
      const [, , modelId = "", operation] = path.split("/").map(decodeURIComponent);
      expect(operation).toBe("invoke");
      const { "content-type": contentType, accept } = headers;
      expect(shapeFault({ modelId, contentType, accept, body: raw }, "InvokeModelRequest", shapes)).toBeUndefined();
    }
  });

  test("what is sent to Gemini is what Google describes", async () => {
    const { body } = await sent("gemini");
    const proto = geminiProto(join(dir, ".."));
    expect(protoFault({ requests: [{ model: "models/m" }] }, "BatchEmbedContentsRequest", proto, ["model"])).toBe(
      "$.requests.0: content is missing",
    );
    expect(protoFault(body, "BatchEmbedContentsRequest", proto, ["model"])).toBeUndefined();
  });
});
