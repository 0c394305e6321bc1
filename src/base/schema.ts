/**
 * One small definition gives the TypeScript type, the JSON Schema and the validator.
 * Used for config, tool parameters and model output. JSON Schema dialect: draft 2020-12, the subset models understand.
 */

/** One thing that is wrong with a value: where (`a.b[2]`, "" for the whole) and what. */
export interface Issue {
  path: string;
  message: string;
}

export type Parsed<T> = { ok: true; value: T; unknown: string[] } | { ok: false; issues: Issue[] };

/** JSON Schema, as sent to models. */
export type JsonSchema = { [key: string]: unknown };

export interface Schema<T> {
  readonly json: JsonSchema;
  /** Set on schemas made by `optional` or `withDefault`: the key may be missing. */
  readonly optional?: boolean;
  /** Phantom: carries the type, never present at run time. */
  readonly _type?: T;
  check(value: unknown, path: string, context: Context): T;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

interface Context {
  issues: Issue[];
  unknown: string[];
}

/** Validates `value`. Unknown object keys are dropped and listed in `unknown`; defaults are filled in. */
export function parse<T>(schema: Schema<T>, value: unknown): Parsed<T> {
  const context: Context = { issues: [], unknown: [] };
  const result = schema.check(value, "", context);
  return context.issues.length > 0
    ? { ok: false, issues: context.issues }
    : { ok: true, value: result, unknown: context.unknown };
}

/** `a.b: expected a string, got 3; c: missing` */
export function describeIssues(issues: readonly Issue[]): string {
  return issues.map((issue) => (issue.path ? `${issue.path}: ${issue.message}` : issue.message)).join("; ");
}

function shown(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

/** Reports the issue and returns a value that is never looked at, because `parse` fails. */
function fail<T>(context: Context, path: string, message: string): T {
  context.issues.push({ path, message });
  return undefined as T;
}

function described(json: JsonSchema, description?: string): JsonSchema {
  return description ? { ...json, description } : json;
}

interface StringRules {
  minLength?: number;
  pattern?: RegExp;
}

interface NumberRules {
  min?: number;
  max?: number;
}

function string(description?: string, rules: StringRules = {}): Schema<string> {
  return {
    json: described(
      {
        type: "string",
        ...(rules.minLength ? { minLength: rules.minLength } : {}),
        ...(rules.pattern ? { pattern: rules.pattern.source } : {}),
      },
      description,
    ),
    check(value, path, context) {
      if (typeof value !== "string") return fail(context, path, `expected a string, got ${shown(value)}`);
      if (rules.minLength && value.length < rules.minLength) return fail(context, path, "must not be empty");
      if (rules.pattern && !rules.pattern.test(value)) {
        return fail(context, path, `does not match ${rules.pattern.source}`);
      }
      return value;
    },
  };
}

function numeric(integer: boolean, description?: string, rules: NumberRules = {}): Schema<number> {
  return {
    json: described(
      {
        type: integer ? "integer" : "number",
        ...(rules.min === undefined ? {} : { minimum: rules.min }),
        ...(rules.max === undefined ? {} : { maximum: rules.max }),
      },
      description,
    ),
    check(value, path, context) {
      const kind = integer ? "a whole number" : "a number";
      if (typeof value !== "number" || !Number.isFinite(value) || (integer && !Number.isInteger(value))) {
        return fail(context, path, `expected ${kind}, got ${shown(value)}`);
      }
      if (rules.min !== undefined && value < rules.min) {
        return fail(context, path, `must be at least ${rules.min}, got ${value}`);
      }
      if (rules.max !== undefined && value > rules.max) {
        return fail(context, path, `must be at most ${rules.max}, got ${value}`);
      }
      return value;
    },
  };
}

const number = (description?: string, rules?: NumberRules): Schema<number> => numeric(false, description, rules);
const integer = (description?: string, rules?: NumberRules): Schema<number> => numeric(true, description, rules);

function boolean(description?: string): Schema<boolean> {
  return {
    json: described({ type: "boolean" }, description),
    check(value, path, context) {
      return typeof value === "boolean" ? value : fail(context, path, `expected true or false, got ${shown(value)}`);
    },
  };
}

/** One of a closed list of strings. */
function choice<const T extends string>(values: readonly T[], description?: string): Schema<T> {
  return {
    json: described({ type: "string", enum: values }, description),
    check(value, path, context) {
      return values.includes(value as T)
        ? (value as T)
        : fail(context, path, `expected one of ${values.join(", ")}, got ${shown(value)}`);
    },
  };
}

function array<T>(item: Schema<T>, description?: string): Schema<T[]> {
  return {
    json: described({ type: "array", items: item.json }, description),
    check(value, path, context) {
      if (!Array.isArray(value)) return fail(context, path, `expected a list, got ${shown(value)}`);
      return value.map((entry, index) => item.check(entry, `${path}[${index}]`, context));
    },
  };
}

/** An object whose keys are free and whose values are all alike. */
function record<T>(item: Schema<T>, description?: string): Schema<Record<string, T>> {
  return {
    json: described({ type: "object", additionalProperties: item.json }, description),
    check(value, path, context) {
      if (!isObject(value)) return fail(context, path, `expected an object, got ${shown(value)}`);
      return Object.fromEntries(
        Object.entries(value).map(([key, entry]) => [key, item.check(entry, join(path, key), context)]),
      );
    },
  };
}

type Shape = Record<string, Schema<unknown>>;
type OptionalKeys<S extends Shape> = { [K in keyof S]: undefined extends Infer<S[K]> ? K : never }[keyof S];
type ObjectOf<S extends Shape> = { [K in Exclude<keyof S, OptionalKeys<S>>]: Infer<S[K]> } & {
  [K in OptionalKeys<S>]?: Exclude<Infer<S[K]>, undefined>;
};
type Flat<T> = { [K in keyof T]: T[K] };

function object<S extends Shape>(shape: S, description?: string): Schema<Flat<ObjectOf<S>>> {
  const keys = Object.keys(shape);
  const required = keys.filter((key) => !shape[key]!.optional);
  return {
    json: described(
      {
        type: "object",
        properties: Object.fromEntries(keys.map((key) => [key, shape[key]!.json])),
        ...(required.length > 0 ? { required } : {}),
      },
      description,
    ),
    check(value, path, context) {
      if (!isObject(value)) return fail(context, path, `expected an object, got ${shown(value)}`);
      const result: Record<string, unknown> = {};
      for (const key of keys) {
        const schema = shape[key]!;
        const here = join(path, key);
        if (value[key] === undefined && !schema.optional) {
          fail(context, here, "missing");
          continue;
        }
        const checked = schema.check(value[key], here, context);
        if (checked !== undefined) result[key] = checked;
      }
      for (const key of Object.keys(value)) if (!Object.hasOwn(shape, key)) context.unknown.push(join(path, key));
      return result as Flat<ObjectOf<S>>;
    },
  };
}

/** The key may be missing or null (models write null for "nothing"). */
function optional<T>(schema: Schema<T>): Schema<T | undefined> {
  return {
    json: schema.json,
    optional: true,
    check: (value, path, context) =>
      value === undefined || value === null ? undefined : schema.check(value, path, context),
  };
}

/** The key may be missing; then it has this value. */
function withDefault<T>(schema: Schema<T>, fallback: T): Schema<T> {
  return {
    json: { ...schema.json, default: fallback },
    optional: true,
    check: (value, path, context) => (value === undefined ? fallback : schema.check(value, path, context)),
  };
}

/** The fallback for whatever does not fit: an odd value of no great importance must not make a model's whole answer useless. */
function lenient<T>(schema: Schema<T>, fallback: T): Schema<T> {
  return {
    json: { ...schema.json, default: fallback },
    optional: true,
    check(value) {
      const read = parse(schema, value);
      return read.ok ? read.value : fallback;
    },
  };
}

/** Reads what `tidy` makes of a value: a model's answer that means the right thing in another form. Told as `schema`. */
function tidied<T>(schema: Schema<T>, tidy: (value: unknown) => unknown): Schema<T> {
  return { ...schema, check: (value, path, context) => schema.check(tidy(value), path, context) };
}

/** Anything at all. */
function any(description?: string): Schema<unknown> {
  return { json: described({}, description), check: (value) => value };
}

/** True for objects that are neither null nor lists. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function join(path: string, key: string): string {
  return path ? `${path}.${key}` : key;
}

export const s = {
  string,
  number,
  integer,
  boolean,
  choice,
  array,
  record,
  object,
  optional,
  withDefault,
  lenient,
  tidied,
  any,
};
