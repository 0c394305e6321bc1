import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { describeIssues, type Infer, type JsonSchema, parse, type Schema, s } from "../../src/base/schema.ts";

const person = s.object({
  name: s.string("full name", { minLength: 1 }),
  age: s.optional(s.integer(undefined, { min: 0, max: 150 })),
  role: s.withDefault(s.choice(["admin", "guest"]), "guest"),
  tags: s.withDefault(s.array(s.string()), []),
  scores: s.withDefault(s.record(s.number()), {}),
});

function issues(schema: Schema<unknown>, value: unknown): string {
  const parsed = parse(schema, value);
  return parsed.ok ? "none" : describeIssues(parsed.issues);
}

describe("a value that fits", () => {
  test("comes back with defaults and the right type", () => {
    const parsed = parse(person, { name: "Ada", tags: ["x"] });
    if (!parsed.ok) return expect.unreachable();
    const value: Infer<typeof person> = parsed.value;
    const role: "admin" | "guest" = value.role;
    const age: number | undefined = value.age;
    expect(value).toEqual({ name: "Ada", role, tags: ["x"], scores: {} });
    expect(age).toBeUndefined();
    expect("age" in value).toBe(false);
  });

  test("may leave an optional key out or say null for it", () => {
    expect(issues(person, { name: "Ada", age: null })).toBe("none");
  });

  test("has its unknown keys dropped and listed", () => {
    const parsed = parse(s.object({ a: s.array(s.object({ b: s.boolean() })) }), { a: [{ b: true, c: 1 }], d: 2 });
    expect(parsed).toEqual({ ok: true, value: { a: [{ b: true }] }, unknown: ["a[0].c", "d"] });
    const inherited = parse(s.object({}), JSON.parse('{"constructor": 1, "__proto__": 2}'));
    expect(inherited).toEqual({ ok: true, value: {}, unknown: ["constructor", "__proto__"] });
  });
});

describe("a value that does not fit is described:", () => {
  const cases: [what: string, schema: Schema<unknown>, value: unknown, message: string][] = [
    ["missing", person, {}, "name: missing"],
    ["wrong type", person, { name: 3 }, "name: expected a string, got 3"],
    ["empty", person, { name: "" }, "name: must not be empty"],
    ["too small", person, { name: "a", age: -1 }, "age: must be at least 0, got -1"],
    ["too large", person, { name: "a", age: 151 }, "age: must be at most 150, got 151"],
    ["not whole", person, { name: "a", age: 1.5 }, "age: expected a whole number, got 1.5"],
    ["not listed", person, { name: "a", role: "x" }, 'role: expected one of admin, guest, got "x"'],
    ["in a list", person, { name: "a", tags: ["x", 1] }, "tags[1]: expected a string, got 1"],
    ["in a record", person, { name: "a", scores: { b: "1" } }, 'scores.b: expected a number, got "1"'],
    [
      "several",
      person,
      { tags: 1, role: 2 },
      "name: missing; role: expected one of admin, guest, got 2; tags: expected a list, got 1",
    ],
    ["not an object", person, [], "expected an object, got a list"],
    ["null", person, null, "expected an object, got null"],
    ["not a number", s.number(), Number.NaN, "expected a number, got null"],
    ["pattern", s.string(undefined, { pattern: /^a+$/ }), "b", "does not match ^a+$"],
    ["boolean", s.boolean(), "true", 'expected true or false, got "true"'],
    ["long", s.number(), "x".repeat(100), `expected a number, got "${"x".repeat(36)}…`],
  ];
  for (const [what, schema, value, message] of cases) {
    test(what, () => expect(issues(schema, value)).toBe(message));
  }
});

test("the JSON Schema says what models must know", () => {
  expect(person.json).toEqual({
    type: "object",
    properties: {
      name: { type: "string", minLength: 1, description: "full name" },
      age: { type: "integer", minimum: 0, maximum: 150 },
      role: { type: "string", enum: ["admin", "guest"], default: "guest" },
      tags: { type: "array", items: { type: "string" }, default: [] },
      scores: { type: "object", additionalProperties: { type: "number" }, default: {} },
    },
    required: ["name"],
  });
});

/** JSON Schema 2020-12, as much of it as our schemas emit. */
function fits(json: JsonSchema, value: unknown): boolean {
  const object = typeof value === "object" && value !== null && !Array.isArray(value);
  switch (json["type"]) {
    case undefined:
      return true;
    case "string": {
      if (typeof value !== "string" || value.length < Number(json["minLength"] ?? 0)) return false;
      return !Array.isArray(json["enum"]) || json["enum"].includes(value);
    }
    case "integer":
    case "number": {
      if (typeof value !== "number" || (json["type"] === "integer" && !Number.isInteger(value))) return false;
      return value >= Number(json["minimum"] ?? -Infinity) && value <= Number(json["maximum"] ?? Infinity);
    }
    case "boolean":
      return typeof value === "boolean";
    case "array":
      return Array.isArray(value) && value.every((item) => fits(json["items"] as JsonSchema, item));
    default: {
      if (!object) return false;
      const properties = (json["properties"] ?? {}) as Record<string, JsonSchema>;
      const rest = json["additionalProperties"] as JsonSchema | undefined;
      return (
        ((json["required"] ?? []) as string[]).every((key) => key in value) &&
        Object.entries(value).every(([key, inner]) => {
          const schema = Object.hasOwn(properties, key) ? properties[key] : rest;
          return schema === undefined || fits(schema, inner);
        })
      );
    }
  }
}

describe("the JSON Schema and the validator", () => {
  const keys = fc.constantFrom("a", "b", "c");
  const bounds = fc.record({ min: fc.integer({ min: -3, max: 0 }), max: fc.integer({ min: 1, max: 3 }) });
  const { schema } = fc.letrec<{ schema: Schema<unknown>; leaf: Schema<unknown> }>((tie) => ({
    leaf: fc.oneof(
      fc.nat(2).map((minLength) => s.string("text", { minLength }) as Schema<unknown>),
      bounds.map((rules) => s.integer(undefined, rules)),
      bounds.map((rules) => s.number("number", rules)),
      fc.constant(s.boolean()),
      fc.constant(s.choice(["x", "y"])),
      fc.constant(s.any()),
    ),
    schema: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      tie("leaf"),
      tie("schema").map((item) => s.array(item) as Schema<unknown>),
      tie("schema").map((item) => s.record(item)),
      fc
        .dictionary(keys, fc.tuple(tie("schema"), fc.boolean()))
        .map((shape) =>
          s.object(
            Object.fromEntries(
              Object.entries(shape).map(([key, [inner, optional]]) => [key, optional ? s.optional(inner) : inner]),
            ),
          ),
        ),
    ),
  }));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>("", "x", "y", "long", 0, 1, -2, 1.5, 9, true, false),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(keys, tie("value"), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));

  test("accept and refuse the same values", () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(schema, value, (schema, value) => {
        const parsed = parse(schema, value);
        expect(parsed.ok).toBe(fits(schema.json, value));
        seen[parsed.ok ? "accepted" : "refused"]++;
      }),
      { numRuns: 5000 },
    );
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(500);
  });

  test("agree that what was parsed fits again", () => {
    fc.assert(
      fc.property(schema, value, (schema, value) => {
        const parsed = parse(schema, value);
        if (!parsed.ok) return;
        expect(fits(schema.json, parsed.value)).toBe(true);
        expect(parse(schema, parsed.value)).toEqual({ ok: true, value: parsed.value, unknown: [] });
      }),
      { numRuns: 2000 },
    );
  });
});
