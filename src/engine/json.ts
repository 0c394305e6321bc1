import { describeIssues, parse, type Schema } from "../base/schema.ts";

/** What was read from a model's answer, or why it could not be. */
export type Read<T> = { ok: true; value: T } | { ok: false; problem: string };

/**
 * Reads the JSON object that a model was asked for. Models wrap it in a code fence or a sentence: the first whole
 * object in the text is taken; what is cut off or is no object is a problem, never a guess.
 */
export function readJson<T>(schema: Schema<T>, text: string): Read<T> {
  const json = firstObject(text);
  if (json === undefined) return { ok: false, problem: "there is no whole JSON object in it" };
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return { ok: false, problem: `it is not valid JSON (${error instanceof Error ? error.message : error})` };
  }
  const parsed = parse(schema, value);
  return parsed.ok ? { ok: true, value: parsed.value } : { ok: false, problem: describeIssues(parsed.issues) };
}

/** The text from the first `{` to its matching `}`, strings respected. */
function firstObject(text: string): string | undefined {
  const start = text.indexOf("{");
  if (start < 0) return undefined;
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return text.slice(start, at + 1);
  }
  return undefined;
}
