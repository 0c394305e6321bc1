import type { Row } from "../row.ts";
import type { Encoded } from "./wire.ts";

/** Which model makes the vectors. */
export interface EmbeddingTarget {
  row: Row;
  /** The model's id at the provider. */
  model: string;
  /** The length of vector that is asked for, where it is not the model's own. */
  shortened?: number;
}

/** What a wire finds in an answer: not looked at yet whether these are vectors. */
export interface EmbeddingAnswer {
  vectors: unknown[];
  /** As the provider counted them; undefined where it does not. */
  tokens: number | undefined;
}

/** One protocol of embeddings. `answer` is the parsed body; its vectors are in the order of the texts. */
export interface EmbeddingWire {
  encode(texts: readonly string[], target: EmbeddingTarget): Encoded;
  decode(answer: unknown, headers: Headers): EmbeddingAnswer;
}

/** Headers of a request whose answer is one JSON document. */
export const JSON_HEADERS = { "content-type": "application/json", accept: "application/json" } as const;

/** Path of Bedrock's InvokeModel, whose bodies are the models' own. */
export function invokePath(model: string): string {
  return `/model/${encodeURIComponent(model)}/invoke`;
}
