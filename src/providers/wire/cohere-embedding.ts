import { type EmbeddingWire, invokePath, JSON_HEADERS } from "./embedding-wire.ts";
import { count, object } from "./values.ts";

/**
 * Cohere's Embed 3 through Bedrock's InvokeModel: docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html.
 * All texts are compared with one another, so all are of the same kind. The tokens stand in a header.
 */
export const cohereEmbedding: EmbeddingWire = {
  encode: (texts, { model }) => ({
    path: invokePath(model),
    headers: JSON_HEADERS,
    body: JSON.stringify({ texts, input_type: "clustering", truncate: "END" }),
  }),
  decode(answer, headers) {
    const { embeddings } = object(answer);
    const counted = headers.get("x-amzn-bedrock-input-token-count");
    return {
      vectors: Array.isArray(embeddings) ? embeddings : [],
      tokens: counted ? count(Number(counted)) : undefined,
    };
  },
};
