import { type EmbeddingWire, JSON_HEADERS } from "./embedding-wire.ts";
import { count, object } from "./values.ts";

/** Ollama's own embeddings: docs.ollama.com/api/embed. */
export const ollamaEmbedding: EmbeddingWire = {
  encode: (input, { model, shortened }) => ({
    path: "/api/embed",
    headers: JSON_HEADERS,
    body: JSON.stringify({ model, input, ...(shortened ? { dimensions: shortened } : {}) }),
  }),
  decode(answer) {
    const { embeddings, prompt_eval_count } = object(answer);
    return { vectors: Array.isArray(embeddings) ? embeddings : [], tokens: count(prompt_eval_count) };
  },
};
