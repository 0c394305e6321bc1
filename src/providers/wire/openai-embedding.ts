import { type EmbeddingWire, JSON_HEADERS } from "./embedding-wire.ts";
import { count, object, objects } from "./values.ts";

/** Embeddings of OpenAI and those who speak its language: platform.openai.com/docs/api-reference/embeddings. */
export const openaiEmbedding: EmbeddingWire = {
  encode: (input, { model, shortened }) => ({
    path: "/embeddings",
    headers: JSON_HEADERS,
    body: JSON.stringify({ model, input, ...(shortened ? { dimensions: shortened } : {}) }),
  }),
  decode(answer) {
    const { data, usage } = object(answer);
    // Each says which text it belongs to; some servers answer in another order.
    const entries = objects(data)
      .map((entry, place) => ({ vector: entry["embedding"], index: count(entry["index"]) ?? place }))
      .sort((a, b) => a.index - b.index);
    const { prompt_tokens, total_tokens } = object(usage);
    return { vectors: entries.map(({ vector }) => vector), tokens: count(prompt_tokens) ?? count(total_tokens) };
  },
};
