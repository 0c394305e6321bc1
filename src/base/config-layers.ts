import { type Env, namesCredential } from "./env.ts";
import { UserError } from "./errors.ts";
import { isObject, type JsonSchema } from "./schema.ts";
import { closest } from "./text.ts";

/** Settings as one source gives them: nested, partial, not yet checked. */
export type Layer = Record<string, unknown>;

/** Puts `over` above `base`: tables are joined key by key, everything else is replaced. Neither is changed. */
export function overlay(base: Layer, over: Layer): Layer {
  const result: Layer = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = result[key];
    result[key] = isObject(value) && isObject(below) ? overlay(below, value) : value;
  }
  return result;
}

/** Sets `a.b.c` within nested tables. */
export function setKey(layer: Layer, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    layer[key] = value;
    return;
  }
  const below = layer[key];
  const table: Layer = isObject(below) ? below : {};
  layer[key] = table;
  setKey(table, rest, value);
}

/** What `a.b.c` is in nested tables. */
export function getKey(layer: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), layer);
}

/** Every value that is not a table, with its path. An empty table counts as nothing. */
export function* leaves(layer: Layer, path: readonly string[] = []): Generator<[path: string[], value: unknown]> {
  for (const [key, value] of Object.entries(layer)) {
    if (isObject(value)) yield* leaves(value, [...path, key]);
    else yield [[...path, key], value];
  }
}

/** What `OPENKOI_MODEL` sets. An embedder is another kind of model, a small one another price. */
const ROLES = ["executor", "evaluator", "planner"];

/**
 * The settings in the environment: `OPENKOI_<SECTION>_<KEY>`, read by the key's type (lists: commas, or JSON), and
 * `OPENKOI_MODEL` for every role that is not set by itself. Empty variables count as not set. `names` says which
 * variable gave a key.
 *
 * @throws UserError where a value is not of the key's type.
 */
export function environmentLayer(
  env: Env,
  json: JsonSchema,
): { layer: Layer; names: Map<string, string>; unknown: string[] } {
  const layer: Layer = {};
  const names = new Map<string, string>();
  const unknown: string[] = [];
  const set = (path: string[], value: unknown, name: string) => {
    setKey(layer, path, value);
    names.set(path.join("."), name);
  };
  if (env["OPENKOI_MODEL"]) {
    for (const role of ROLES) set(["models", role], env["OPENKOI_MODEL"], "OPENKOI_MODEL");
  }
  for (const [name, value] of Object.entries(env)) {
    if (!value || !name.startsWith("OPENKOI_")) continue;
    const words = name.slice("OPENKOI_".length);
    if (!sectionOf(words, json)) continue;
    const found = findKey(words, json);
    if (found) set(found.path, parseValue(value, found.json, name), name);
    else unknown.push(name);
  }
  return { layer, names, unknown };
}

function sectionOf(words: string, json: JsonSchema): string | undefined {
  return Object.keys(properties(json)).find((section) => words.startsWith(`${section.toUpperCase()}_`));
}

/** `ITERATION_MAX_ITERATIONS` → `iteration.max_iterations`; below a free-named table, `PROVIDERS_MY_LLM_BASE_URL`. */
function findKey(words: string, json: JsonSchema): { path: string[]; json: JsonSchema } | undefined {
  for (const [key, inner] of Object.entries(properties(json))) {
    const upper = key.toUpperCase();
    if (words === upper && !isTable(inner)) return { path: [key], json: inner };
    if (!words.startsWith(`${upper}_`)) continue;
    const rest = words.slice(upper.length + 1);
    const found = isObject(inner["additionalProperties"])
      ? findFreeKey(rest, inner["additionalProperties"])
      : findKey(rest, inner);
    if (found) return { path: [key, ...found.path], json: found.json };
  }
  return;
}

function findFreeKey(words: string, item: JsonSchema): { path: string[]; json: JsonSchema } | undefined {
  for (const [key, inner] of Object.entries(properties(item))) {
    const ending = `_${key.toUpperCase()}`;
    if (!words.endsWith(ending) || words.length === ending.length) continue;
    const name = words.slice(0, -ending.length).toLowerCase().replaceAll("_", "-");
    return { path: [name, key], json: inner };
  }
  return;
}

function parseValue(value: string, json: JsonSchema, name: string): unknown {
  const wrong = (expected: string): never => {
    const shown = namesCredential(name) ? "something else" : JSON.stringify(value);
    throw new UserError(`${name}: expected ${expected}, got ${shown}`, `Change or unset ${name}.`);
  };
  switch (json["type"]) {
    case "integer":
    case "number":
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value.trim()) ? Number(value) : wrong("a number");
    case "boolean":
      if (/^(true|1|yes|on)$/i.test(value.trim())) return true;
      return /^(false|0|no|off)$/i.test(value.trim()) ? false : wrong("true or false");
    case "array":
      if (!/^\s*\[/.test(value)) return value.split(",").flatMap((part) => part.trim() || []);
      try {
        return JSON.parse(value);
      } catch {
        return wrong("a list, as JSON or with commas");
      }
    default:
      return value;
  }
}

/** ` (did you mean "…"?)` for a key that does not exist, or "". */
export function suggestion(path: string, json: JsonSchema): string {
  const keys = path.split(".");
  const word = keys.pop() ?? "";
  const siblings = Object.keys(properties(keys.reduce(descend, json)));
  const near = closest(word, siblings) ?? allKeys(json).find((known) => known.endsWith(`.${word}`));
  if (!near) return "";
  return ` (did you mean "${near.includes(".") ? near : [...keys, near].join(".")}"?)`;
}

/** ` (did you mean …?)` for a variable that does not exist, or "". */
export function suggestedVariable(name: string, json: JsonSchema): string {
  const known = allKeys(json).map((key) => `OPENKOI_${key.toUpperCase().replaceAll(".", "_")}`);
  const near = closest(name, known);
  return near ? ` (did you mean ${near}?)` : "";
}

function descend(json: JsonSchema, key: string): JsonSchema {
  const [name = "", index] = key.split("[");
  const inner = properties(json)[name] ?? json["additionalProperties"];
  const table = isObject(inner) ? inner : {};
  return index !== undefined && isObject(table["items"]) ? table["items"] : table;
}

function allKeys(json: JsonSchema, prefix = ""): string[] {
  return Object.entries(properties(json)).flatMap(([key, inner]) =>
    isTable(inner) ? allKeys(inner, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}

function isTable(json: JsonSchema): boolean {
  return json["type"] === "object";
}

function properties(json: JsonSchema): Record<string, JsonSchema> {
  return isObject(json["properties"]) ? (json["properties"] as Record<string, JsonSchema>) : {};
}
