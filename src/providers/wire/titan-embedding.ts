import { type EmbeddingWire, invokePath, JSON_HEADERS } from "./embedding-wire.ts";
import { count, object } from "./values.ts";

/**
 * Amazon Titan through Bedrock's InvokeModel, one text a request:
 * docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html.
 */
export const titanEmbedding: EmbeddingWire = {
  encode: ([inputText], { model, shortened }) => ({
    path: invokePath(model),
    headers: JSON_HEADERS,
    body: JSON.stringify({ inputText, ...(shortened ? { dimensions: shortened } : {}) }),
  }),
  decode(answer) {
    const { embedding, inputTextTokenCount } = object(answer);
    return { vectors: embedding === undefined ? [] : [embedding], tokens: count(inputTextTokenCount) };
  },
};
