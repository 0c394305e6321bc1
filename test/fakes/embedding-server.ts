import { isObject } from "../../src/base/schema.ts";
import { isSigned } from "./bedrock-server.ts";
import { aboutModels, type OllamaFakeModel } from "./ollama-server.ts";
import { estimated, type Fake, type FakeRequest, serve, trouble } from "./script.ts";
import { unknownField } from "./tool-rules.ts";

/** How a service of embeddings is spoken to. */
export type EmbeddingDialect = "cohere" | "gemini" | "ollama" | "openai" | "titan";

export interface EmbeddingFakeOptions {
  /** Where set, every request must carry it as the service wants it (Bedrock: `ID:SECRET`). */
  key?: string;
  /** Texts that it takes at once. Default: the real service's limit. */
  batch?: number;
  /** Length of its vectors. Default 8. */
  dimensions?: number;
  /** The longest text, characters. Default: any. */
  longest?: number;
  /** Ollama: what lies on the server, by name. */
  models?: Record<string, OllamaFakeModel>;
  /** Answers instead of the service's own; the last one stays. Undefined: the service's own. */
  answers?: readonly ({ status?: number; headers?: Record<string, string>; body: unknown } | undefined)[];
}

interface Asked {
  texts: unknown;
  model: unknown;
  dimensions: unknown;
}

interface Rules {
  base(url: string): string;
  path: RegExp;
  fields: string;
  batch: number;
  authorized(request: FakeRequest, key: string): boolean;
  asked(request: FakeRequest): Asked;
  complaint?(body: Record<string, unknown>): string | undefined;
  answer(vectors: number[][], tokens: number): Response;
}

const bearer = ({ headers }: FakeRequest, key: string) => headers["authorization"] === `Bearer ${key}`;
const signed = (request: FakeRequest, key: string) => isSigned(request, key, "us-east-1");
const invoked = ({ path }: FakeRequest) => decodeURIComponent(path.split("/")[2] ?? "");

const RULES: Record<EmbeddingDialect, Rules> = {
  openai: {
    base: (url) => `${url}/v1`,
    path: /^\/v1\/embeddings$/,
    fields: "model input dimensions encoding_format user",
    batch: 2048,
    authorized: bearer,
    asked: ({ body }) => ({ texts: body.input, model: body.model, dimensions: body.dimensions }),
    // In another order than asked: each says which text it belongs to.
    answer: (vectors, tokens) =>
      Response.json({
        object: "list",
        model: "m",
        data: vectors.map((embedding, index) => ({ object: "embedding", index, embedding })).reverse(),
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      }),
  },
  gemini: {
    base: (url) => `${url}/v1beta`,
    path: /^\/v1beta\/models\/[^/:]+:batchEmbedContents$/,
    fields: "requests",
    batch: 100,
    authorized: ({ headers }, key) => headers["x-goog-api-key"] === key,
    asked: ({ body }) => ({
      texts: body.requests?.map(
        (each: never) => (each as { content: { parts: { text: string }[] } }).content.parts[0]?.text,
      ),
      model: body.requests?.[0]?.model,
      dimensions: body.requests?.[0]?.outputDimensionality,
    }),
    complaint: ({ requests }) => {
      if (!Array.isArray(requests)) return "requests: required";
      for (const each of requests) {
        const unknown = unknownField(each, "model content taskType title outputDimensionality");
        if (unknown) return `Unknown name "${unknown}" at 'requests': Cannot find field.`;
        if (!String(each.model).startsWith("models/")) return "requests[].model: unexpected model name format";
      }
      return undefined;
    },
    answer: (vectors) => Response.json({ embeddings: vectors.map((values) => ({ values })) }),
  },
  ollama: {
    base: (url) => url,
    path: /^\/api\/embed$/,
    fields: "model input truncate dimensions keep_alive options",
    batch: Number.POSITIVE_INFINITY,
    authorized: bearer,
    asked: ({ body }) => ({ texts: body.input, model: body.model, dimensions: body.dimensions }),
    answer: (embeddings, tokens) => Response.json({ model: "m", embeddings, prompt_eval_count: tokens }),
  },
  titan: {
    base: (url) => url,
    path: /^\/model\/[^/:]+\/invoke$/,
    fields: "inputText dimensions normalize embeddingTypes",
    batch: 1,
    authorized: signed,
    asked: (request) => ({
      texts: [request.body.inputText],
      model: invoked(request),
      dimensions: request.body.dimensions,
    }),
    answer: ([embedding], tokens) => Response.json({ embedding, inputTextTokenCount: tokens }),
  },
  cohere: {
    base: (url) => url,
    path: /^\/model\/[^/:]+\/invoke$/,
    fields: "texts input_type truncate embedding_types",
    batch: 96,
    authorized: signed,
    asked: (request) => ({ texts: request.body.texts, model: invoked(request), dimensions: undefined }),
    complaint: ({ input_type }) =>
      ["search_document", "search_query", "classification", "clustering"].includes(String(input_type))
        ? undefined
        : "input_type is required",
    answer: (embeddings, tokens) =>
      Response.json(
        { id: "1", response_type: "embeddings_floats", embeddings },
        { headers: { "x-amzn-bedrock-input-token-count": String(tokens) } },
      ),
  },
};

/** The numbers that stand for a text; not of length 1, and the same for the same text. */
export function numbersOf(text: string, dimensions: number): number[] {
  const hash = new Bun.CryptoHasher("sha256").update(text).digest();
  return Array.from({ length: dimensions }, (_, index) => hash[index % hash.length]! - 127.5);
}

/** A service that turns texts into vectors and refuses what the real one would. */
export function startEmbeddingFake(dialect: EmbeddingDialect, options: EmbeddingFakeOptions = {}): Fake {
  const rules = RULES[dialect];
  let turns = 0;
  const { models } = options;
  return serve(
    rules.base,
    async (request) => {
      const refuse = (status: number, message: string) => {
        request.refused = message;
        return trouble({ status, body: { error: { message }, message } });
      };
      const turn = options.answers?.[Math.min(turns++, options.answers.length - 1)];
      if (turn) return trouble({ status: turn.status ?? 200, headers: turn.headers ?? {}, body: turn.body });
      if (!rules.path.test(request.path)) return refuse(404, `no such operation: ${request.path}`);
      if (options.key && !rules.authorized(request, options.key)) return refuse(401, "the key is not valid");
      if (!isObject(request.body)) return refuse(400, "the body is not JSON");
      const unknown = unknownField(request.body, rules.fields);
      if (unknown) return refuse(400, `unknown field ${unknown}`);
      const complaint = rules.complaint?.(request.body);
      if (complaint) return refuse(400, complaint);
      const { texts, model, dimensions } = rules.asked(request);
      if (!model || !Array.isArray(texts)) return refuse(400, "a model and texts are required");
      if (texts.length > (options.batch ?? rules.batch)) return refuse(400, `at most ${rules.batch} texts at once`);
      for (const text of texts) {
        if (typeof text !== "string" || text === "") return refuse(400, "a text cannot be empty");
        if (text.length > (options.longest ?? Number.POSITIVE_INFINITY)) return refuse(400, "the text is too long");
      }
      const length = Number(dimensions ?? options.dimensions ?? 8);
      return rules.answer(
        texts.map((text) => numbersOf(text, length)),
        texts.reduce((all, text) => all + estimated(text), 0),
      );
    },
    (request) => models && aboutModels(request, models),
  );
}
