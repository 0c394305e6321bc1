import { findJsonError } from "../base/json-error.ts";
import { describeIssues, isObject, type JsonSchema, parse } from "../base/schema.ts";
import type { Tool } from "../contracts/tool.ts";

export type ParsedArguments =
  | { ok: true; value: unknown; unknown: readonly string[] }
  /** What the model is told. */
  | { ok: false; message: string };

/** The name of a tool as it is meant: models write `Read` and `functions.read` as well. */
export function plainName(name: string): string {
  return name.replace(/^(?:functions?|tools?|default_api)[.:/]/i, "").toLowerCase();
}

/** What a model wrote as arguments, unchecked. @throws SyntaxError where it is no JSON, read with some patience. */
export function readArguments(text: string): unknown {
  try {
    // Models write nothing at all where nothing is needed.
    return JSON.parse(text.trim() === "" ? "{}" : text);
  } catch {
    return JSON.parse(escapeLineBreaks(text));
  }
}

/** From the text that a model wrote to arguments that fit; `reveal` puts secrets back into every string. */
export function parseArguments(tool: Tool, text: string, reveal: (text: string) => string): ParsedArguments {
  let value: unknown;
  try {
    value = readArguments(text);
  } catch {
    return { ok: false, message: brokenJson(tool.name, text) };
  }
  const parsed = parse(tool.parameters, coerce(tool.parameters.json, mapStrings(value, reveal)));
  if (parsed.ok) return { ok: true, value: parsed.value, unknown: parsed.unknown };
  const known = isObject(tool.parameters.json.properties) ? tool.parameters.json.properties : {};
  const unknown = isObject(value) ? Object.keys(value).filter((key) => !(key in known)) : [];
  const extra = unknown.length > 0 ? ` Unknown: ${unknown.join(", ")}.` : "";
  return {
    ok: false,
    message:
      `The arguments of ${tool.name} do not fit: ${describeIssues(parsed.issues)}.${extra}\n` +
      `Expected: ${signature(tool.parameters.json)}\nExample: ${JSON.stringify(example(tool.parameters.json))}`,
  };
}

function brokenJson(name: string, text: string): string {
  const { at, why } = findJsonError(text, { lineBreaks: true });
  if (at >= text.length) {
    return `The arguments of ${name} are not complete JSON: they end after …${quote(text.slice(-60))}. Send the whole call again; where it is very long, in smaller steps.`;
  }
  const before = quote(text.slice(Math.max(0, at - 40), at));
  const after = quote(text.slice(at, at + 20));
  return `The arguments of ${name} are not valid JSON: ${why}, at character ${at + 1}: …${before} >>> ${after}… Mend that and send the whole call again.`;
}

/** A line break or tab that stands in a string as it is: it can mean nothing else. */
function escapeLineBreaks(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/gs, (string) =>
    string.replace(/[\0-\x1f]/g, (char) => JSON.stringify(char).slice(1, -1)),
  );
}

function quote(text: string): string {
  return text.replaceAll("\n", "⏎");
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((entry) => mapStrings(entry, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, mapStrings(entry, change)]));
}

/** What was meant is plain: `"10"` for 10, `"true"` for true, a list or an object written as a string. */
function coerce(schema: JsonSchema, value: unknown): unknown {
  if (typeof value === "string") {
    if (schema.type === "integer" || schema.type === "number") return /^-?\d+(\.\d+)?$/.test(value) ? +value : value;
    if (schema.type === "boolean") return value === "true" ? true : value === "false" ? false : value;
    if (schema.type !== "array" && schema.type !== "object") return value;
    try {
      return coerce(schema, JSON.parse(value));
    } catch {
      return value;
    }
  }
  if (Array.isArray(value) && isObject(schema.items))
    return value.map((entry) => coerce(schema.items as JsonSchema, entry));
  if (!isObject(value) || !isObject(schema.properties)) return value;
  const properties = schema.properties;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      const inner = properties[key];
      return [key, isObject(inner) ? coerce(inner, entry) : entry];
    }),
  );
}

/** `{path: string, limit?: integer}` */
function signature(schema: JsonSchema): string {
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `[${isObject(schema.items) ? signature(schema.items) : "any"}, …]`;
  if (!isObject(schema.properties)) return String(schema.type ?? "any");
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields = Object.entries(schema.properties).map(
    ([key, inner]) => `${key}${required.includes(key) ? "" : "?"}: ${isObject(inner) ? signature(inner) : "any"}`,
  );
  return `{${fields.join(", ")}}`;
}

/** The smallest value that fits: required fields only, or the first one where none is required. */
function example(schema: JsonSchema): unknown {
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (schema.type === "array") return isObject(schema.items) ? [example(schema.items)] : [];
  if (schema.type === "integer" || schema.type === "number") return schema.minimum ?? 1;
  if (schema.type === "boolean") return true;
  if (!isObject(schema.properties)) return "…";
  const required = Array.isArray(schema.required) ? schema.required : Object.keys(schema.properties).slice(0, 1);
  return Object.fromEntries(
    Object.entries(schema.properties)
      .filter(([key]) => required.includes(key))
      .map(([key, inner]) => [key, isObject(inner) ? example(inner) : "…"]),
  );
}
