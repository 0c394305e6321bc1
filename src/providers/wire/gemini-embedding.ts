import { type EmbeddingWire, JSON_HEADERS } from "./embedding-wire.ts";
import { pathOf, resourceName } from "./gemini.ts";
import { object, objects } from "./values.ts";

/**
 * Gemini's batchEmbedContents: ai.google.dev/api/embeddings. All texts are compared with one another, so all have the
 * same kind of task. The answer counts no tokens.
 */
export const geminiEmbedding: EmbeddingWire = {
  encode(texts, { model, shortened }) {
    const name = resourceName(model);
    const requests = texts.map((text) => ({
      model: name,
      content: { parts: [{ text }] },
      taskType: "SEMANTIC_SIMILARITY",
      ...(shortened ? { outputDimensionality: shortened } : {}),
    }));
    return {
      path: `${pathOf(name)}:batchEmbedContents`,
      headers: JSON_HEADERS,
      body: JSON.stringify({ requests }),
    };
  },
  decode(answer) {
    const vectors = objects(object(answer)["embeddings"]).map(({ values }) => values);
    return { vectors, tokens: undefined };
  },
};
