import { isObject } from "../../base/schema.ts";

/** Readers of foreign JSON: what is not of the kind asked for is nothing. */

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A count of tokens or an index; undefined for anything else, null included. */
export function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

export function object(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

/** Of several answers to one request the first: that of index 0, or of none. */
export function firstAnswer(answers: unknown): Record<string, unknown> {
  if (!Array.isArray(answers)) return {};
  for (const each of answers) if (isObject(each) && (count(each["index"]) ?? 0) === 0) return each;
  return {};
}

export function objects(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/**
 * Tool arguments as an object. What a model wrote that is no JSON object goes back to it under a name, because every
 * provider refuses a conversation that holds broken arguments.
 */
export function argumentsObject(json: string): Record<string, unknown> {
  return parsedObject(json) ?? { invalid_json: json };
}

/** The same as text: what the model wrote, to the letter, wherever it is a JSON object. */
export function argumentsText(json: string): string {
  return parsedObject(json) ? json : JSON.stringify({ invalid_json: json });
}

function parsedObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
