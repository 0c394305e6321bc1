// biome-ignore lint/suspicious/noExplicitAny: schemas and values are foreign JSON of every shape
type Foreign = any;

/** Just enough of two schema languages to hold requests against their vendors' own descriptions. */

/** What says something about a value and is looked at below, and what says nothing about it. */
const KEYWORDS = new Set(
  "$ref allOf anyOf oneOf const enum type nullable maxLength minLength pattern minimum maximum exclusiveMinimum minItems maxItems items required properties additionalProperties maxProperties propertyNames description title default example examples deprecated discriminator format readOnly writeOnly externalDocs $recursiveRef $recursiveAnchor".split(
    " ",
  ),
);

/**
 * The first place where a value does not fit a schema of an OpenAPI document, or undefined. @throws for a keyword that
 * it does not know: none is passed over.
 */
export function schemaFault(value: Foreign, schema: Foreign, document: Foreign, at = "$"): string | undefined {
  if (schema === undefined || schema === true) return undefined;
  const unknown = Object.keys(schema).find((keyword) => !KEYWORDS.has(keyword) && !keyword.startsWith("x-"));
  if (unknown) throw new Error(`${at}: the schema's keyword ${unknown} is not understood`);
  if (schema.$ref) return schemaFault(value, resolved(schema.$ref, document), document, at);
  if (value === null && schema.nullable) return undefined;
  for (const each of schema.allOf ?? []) {
    const fault = schemaFault(value, each, document, at);
    if (fault) return fault;
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const faults = choices.map((each: Foreign) => schemaFault(value, each, document, at));
    if (!faults.includes(undefined)) return faults.sort((a: string, b: string) => depth(b) - depth(a))[0];
  }
  if (schema.const !== undefined && value !== schema.const) return `${at}: not ${schema.const}`;
  if (schema.enum && !schema.enum.includes(value))
    return `${at}: ${JSON.stringify(value)} is not one of ${schema.enum}`;
  return typeFault(value, schema, at) ?? childFault(value, schema, document, at);
}

/** A fault that lies deep says more than "is not a string". */
function depth(fault: string): number {
  return fault.split(":")[0]!.split(".").length;
}

function resolved(ref: string, document: Foreign): Foreign {
  return ref
    .slice(2)
    .split("/")
    .reduce((node, key) => node[key.replaceAll("~1", "/")], document);
}

function typeFault(value: Foreign, schema: Foreign, at: string): string | undefined {
  const types = [schema.type].flat().filter(Boolean);
  const found = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const fits = types.some((type) => type === found || (type === "integer" && Number.isInteger(value)));
  if (types.length > 0 && !fits) return `${at}: ${found} instead of ${types}`;
  if (schema.maxLength !== undefined && value.length > schema.maxLength) return `${at}: too long`;
  if (schema.minLength !== undefined && value.length < schema.minLength) return `${at}: too short`;
  if (schema.pattern && !new RegExp(schema.pattern, "u").test(value)) return `${at}: pattern ${schema.pattern}`;
  if (schema.minimum !== undefined && value < schema.minimum) return `${at}: too small`;
  if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum) return `${at}: too small`;
  if (schema.maximum !== undefined && value > schema.maximum) return `${at}: too large`;
  return undefined;
}

function childFault(value: Foreign, schema: Foreign, document: Foreign, at: string): string | undefined {
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) return `${at}: too few`;
    if (value.length > (schema.maxItems ?? Number.POSITIVE_INFINITY)) return `${at}: too many`;
    for (const [index, each] of value.entries()) {
      const fault = schemaFault(each, schema.items, document, `${at}.${index}`);
      if (fault) return fault;
    }
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const missing = (schema.required ?? []).find((name: string) => value[name] === undefined);
  if (missing) return `${at}: ${missing} is missing`;
  if (Object.keys(value).length > (schema.maxProperties ?? Number.POSITIVE_INFINITY)) return `${at}: too many`;
  for (const [name, each] of Object.entries(value)) {
    const named = schema.propertyNames && schemaFault(name, schema.propertyNames, document, `${at}.${name}`);
    if (named) return named;
    const { additionalProperties: others } = schema;
    const known = schema.properties?.[name] ?? (typeof others === "object" ? others : undefined);
    if (!known && others === false) return `${at}.${name}: unknown`;
    const fault = known && schemaFault(each, known, document, `${at}.${name}`);
    if (fault) return fault;
  }
  return undefined;
}

/** The same for a shape of botocore's service models. */
export function shapeFault(value: Foreign, name: string, shapes: Foreign, at = "$"): string | undefined {
  const shape = shapes[name];
  if (shape.document) return undefined;
  switch (shape.type) {
    case "structure":
      return structureFault(value, shape, shapes, at);
    case "list": {
      if (!Array.isArray(value)) return `${at}: not a list`;
      if (shape.min !== undefined && value.length < shape.min) return `${at}: too few`;
      for (const [index, each] of value.entries()) {
        const fault = shapeFault(each, shape.member.shape, shapes, `${at}.${index}`);
        if (fault) return fault;
      }
      return undefined;
    }
    case "string":
      if (typeof value !== "string") return `${at}: not a string`;
      if (shape.enum && !shape.enum.includes(value)) return `${at}: ${value} is not one of ${shape.enum}`;
      if (value.length < (shape.min ?? 0) || value.length > (shape.max ?? Number.POSITIVE_INFINITY))
        return `${at}: length`;
      return shape.pattern && !new RegExp(`^(?:${shape.pattern})$`).test(value)
        ? `${at}: pattern ${shape.pattern}`
        : undefined;
    case "integer":
      return Number.isInteger(value) && value >= (shape.min ?? -1) ? undefined : `${at}: not an integer`;
    case "float":
      return typeof value === "number" ? undefined : `${at}: not a number`;
    case "boolean":
      return typeof value === "boolean" ? undefined : `${at}: not a boolean`;
    case "blob":
      return typeof value === "string" ? undefined : `${at}: not base64`;
  }
  return undefined;
}

function structureFault(value: Foreign, shape: Foreign, shapes: Foreign, at: string): string | undefined {
  if (typeof value !== "object" || value === null) return `${at}: not an object`;
  const names = Object.keys(value);
  if (shape.union && names.length !== 1) return `${at}: exactly one of ${Object.keys(shape.members)}`;
  const missing = (shape.required ?? []).find((name: string) => value[name] === undefined);
  if (missing) return `${at}: ${missing} is missing`;
  for (const name of names) {
    const member = shape.members[name];
    if (!member) return `${at}.${name}: unknown`;
    const fault = shapeFault(value[name], member.shape, shapes, `${at}.${name}`);
    if (fault) return fault;
  }
  return undefined;
}
