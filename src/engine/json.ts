import { describeIssues, parse, type Schema } from "../base/schema.ts";

/** What was read from a model's answer, or why it could not be. */
export type Read<T> = { ok: true; value: T } | { ok: false; problem: string };

/** What thoughts end with that a server left in the answer. */
const ENDS_OF_THOUGHTS = ["</think>", "</thinking>"];
/** Objects that are looked for in one text: thoughts can be long and full of braces. */
const MOST_TRIES = 1000;
/** Characters that are read in looking for them. */
const MOST_READ = 10_000_000;

/**
 * Reads the JSON object that a model was asked for. Models wrap it in a code fence or a sentence, and some think aloud
 * before it: what stands behind the thoughts goes before, and the first whole object that fits is taken. What is cut off,
 * is no object or does not fit is a problem, never a guess.
 */
export function readJson<T>(schema: Schema<T>, text: string): Read<T> {
  const ends = ENDS_OF_THOUGHTS.map((mark) => (text.includes(mark) ? text.lastIndexOf(mark) + mark.length : 0));
  const thoughts = Math.max(...ends);
  const behind = thoughts > 0 ? readFirst(schema, text.slice(thoughts)) : undefined;
  if (behind?.ok) return behind;
  const read = readFirst(schema, text);
  return read.ok ? read : (behind ?? read);
}

/** The first object in the text that fits, else the problem of the last one that is JSON, else of the first. */
function readFirst<T>(schema: Schema<T>, text: string): Read<T> {
  let unfit: string | undefined;
  let invalid: string | undefined;
  let left = MOST_READ;
  for (let at = text.indexOf("{"), tries = 0; at >= 0 && tries < MOST_TRIES && left > 0; tries++) {
    const end = endOfObject(text, at, at + left);
    left -= (end ?? text.length) - at;
    let next = at + 1;
    if (end !== undefined) {
      const json = toJson(text.slice(at, end));
      if (json.ok) {
        const parsed = parse(schema, json.value);
        if (parsed.ok) return { ok: true, value: parsed.value };
        unfit = describeIssues(parsed.issues);
        next = end;
      } else invalid ??= `it is not valid JSON (${json.problem})`;
    }
    at = text.indexOf("{", next);
  }
  return { ok: false, problem: unfit ?? invalid ?? "there is no whole JSON object in it" };
}

function toJson(text: string): Read<unknown> {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Where the object ends that begins at `start`: behind its matching `}`, strings respected. It is looked for up to `limit`. */
function endOfObject(text: string, start: number, limit: number): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length && at < limit; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return at + 1;
  }
  return undefined;
}
