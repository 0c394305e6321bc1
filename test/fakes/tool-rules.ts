import { isObject } from "../../src/base/schema.ts";

/** What every service asks of the functions it is offered: a list that is not empty, unique names, object schemas. */
export function complaintAboutFunctions(
  tools: unknown,
  read: (tool: Record<string, unknown>) => { name: unknown; schema: unknown },
): string | undefined {
  if (tools === undefined) return undefined;
  if (!Array.isArray(tools) || tools.length === 0) return "Invalid 'tools': empty array.";
  const names = new Set<unknown>();
  for (const [index, tool] of tools.entries()) {
    const { name, schema } = read(isObject(tool) ? tool : {});
    if (typeof name !== "string" || !/^[\w-]{1,64}$/.test(name)) return `Invalid 'tools[${index}].name'.`;
    if (names.has(name)) return `Duplicate tool name ${name}`;
    names.add(name);
    if (!isObject(schema) || schema["type"] !== "object") {
      return `Invalid schema for function '${name}': schema must be a JSON Schema of 'type: "object"'.`;
    }
  }
  return undefined;
}

/** The first field that is not among the known ones. */
export function unknownField(value: Record<string, unknown>, known: string): string | undefined {
  const names = new Set(known.split(/\s+/));
  return Object.keys(value).find((key) => !names.has(key));
}
