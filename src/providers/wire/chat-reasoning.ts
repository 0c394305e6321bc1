import { text } from "./values.ts";

type Detail = Record<string, unknown>;

/** Kinds whose pieces continue each other; an encrypted one always comes whole. */
const STREAMED: Readonly<Record<string, string>> = { "reasoning.text": "text", "reasoning.summary": "summary" };

/**
 * OpenRouter's `reasoning_details` (openrouter.ai/docs, reasoning tokens) go back as one sequence. In a stream each
 * comes in pieces of the same type and index: the text grows, the signature arrives with the last one.
 */
export function mergeDetails(details: readonly Detail[], pieces: readonly Detail[]): Detail[] {
  const merged = [...details];
  for (const piece of pieces) {
    const field = STREAMED[text(piece["type"])];
    const last = merged.at(-1);
    if (!field || !last || last["type"] !== piece["type"] || last["index"] !== piece["index"]) {
      merged.push(piece);
      continue;
    }
    const stated = Object.entries(piece).filter(([, value]) => value !== null && value !== undefined && value !== "");
    merged[merged.length - 1] = {
      ...last,
      ...Object.fromEntries(stated),
      [field]: text(last[field]) + text(piece[field]),
    };
  }
  return merged;
}
