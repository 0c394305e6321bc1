import { describe, expect, test } from "bun:test";
import { ProviderError } from "../../src/base/errors.ts";
import { s } from "../../src/base/schema.ts";
import { readJson } from "../../src/engine/json.ts";
import { check } from "../fakes/evidence.ts";
import { fakeKit, type KitScript } from "../fakes/kit.ts";
import type { ModelTurn } from "../fakes/model.ts";
import { outcomeOf, play } from "./play.ts";

const schema = { type: "object", properties: { count: { type: "number" } } };
const task = { task: { schema } };
const write = { calls: [{ name: "write", args: { path: "a.ts", text: "new" } }] };

/** A task whose result must have a `count`. */
function counting(turns: readonly ModelTurn[], script: KitScript = {}) {
  const fits = async (_: unknown, value: unknown) =>
    typeof (value as { count?: unknown }).count === "number" ? undefined : "count: expected a number";
  return fakeKit({ turns: [write, "I counted three.", ...turns], ...script, kit: { fits, ...script.kit } });
}

describe("--schema", () => {
  test("returns the closing words as a value that fits", async () => {
    const kit = counting(['{"count":3}']);
    const { outcome, of } = await play(kit, task);
    expect(outcome).toMatchObject({ status: "accepted", value: { count: 3 }, text: '{\n  "count": 3\n}' });
    expect(of("phase").at(-1)?.phase).toBe("result");
    const request = kit.models.executor.requests.at(-1);
    expect(request).toMatchObject({ tools: [], schema: { name: "result", schema } });
    expect(JSON.stringify(request?.messages)).toContain("I counted three.");
  });

  test("takes a value in a code fence", async () => {
    expect((await outcomeOf(counting(['```json\n{"count":3}\n```']), task)).value).toEqual({ count: 3 });
  });

  test("may repair once what is no JSON or does not fit", async () => {
    for (const wrong of ["Three.", '{"count":"three"}']) {
      const { outcome, of } = await play(counting([wrong, '{"count":3}']), task);
      expect(outcome).toMatchObject({ status: "accepted", value: { count: 3 } });
      expect(
        of("model_finished")
          .map(({ call }) => call.role)
          .slice(-2),
      ).toEqual(["result", "repair"]);
    }
  });

  test("fails honestly where the result does not fit after that", async () => {
    const outcome = await outcomeOf(counting(["Three.", '{"count":"three"}']), task);
    expect(outcome).toMatchObject({ status: "failed", text: "I counted three." });
    expect(outcome.reason).toBe("the result does not fit the schema: count: expected a number");
    expect(outcome).not.toHaveProperty("value");
  });

  test("whose call breaks or cannot be paid still ends with an outcome", async () => {
    const broken = new ProviderError("server", "fake", "it is down");
    const { error, ending } = await play(counting([{ error: broken }]), task);
    expect(error).toBe(broken);
    expect(ending).toMatchObject({ status: "failed", score: 0.9, best: 1 });
    const poor = counting([], {
      turns: [write, { text: "Three.", usage: { input: 998_900 } }],
      limits: { budgetUsd: 1 },
    });
    poor.models.evaluator.info.price = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    expect(await outcomeOf(poor, task)).toMatchObject({ status: "budget", score: 0.9, text: "Three." });
  });

  test("is not asked of a task that was stopped", async () => {
    const kit = counting([], { turns: [{ ...write, usage: { input: 998_900 } }], limits: { budgetUsd: 1 } });
    const { outcome, of } = await play(kit, task);
    expect(outcome?.status).toBe("budget");
    expect(of("phase").map(({ phase }) => phase)).not.toContain("result");
  });

  test("is not asked of a task whose budget was used up by an iteration that could still be measured", async () => {
    const spent = { text: "I counted three.", usage: { input: 998_900 } };
    const kit = counting([], { turns: [write, spent], suite: [check("npm test")], limits: { budgetUsd: 1 } });
    const { outcome, of } = await play(kit, task);
    expect(outcome).toMatchObject({ status: "budget", score: 1 });
    expect(of("phase").map(({ phase }) => phase)).not.toContain("result");
  });
});

describe("a failure before the work begins", () => {
  test("has an outcome too", async () => {
    const kit = fakeKit({
      kit: {
        surroundings: async () => {
          throw new Error("the folder is gone");
        },
      },
    });
    const { error, ending } = await play(kit);
    expect(error).toMatchObject({ message: "the folder is gone" });
    expect(ending).toMatchObject({ status: "failed", reason: "the folder is gone", changes: [] });
  });

  test("of the checkpoint ends the task before anything is done", async () => {
    const kit = fakeKit({ turns: [write] });
    kit.checkpoints.record = async () => {
      throw new Error("the disk is full");
    };
    const { error, of } = await play(kit);
    expect(error).toMatchObject({ message: "the disk is full" });
    expect(of("tool_started")).toEqual([]);
  });

  test("to list the changes in the end does not make nothing of them", async () => {
    const kit = fakeKit({ turns: [write, "Done."] });
    const { diff } = kit.checkpoints;
    kit.checkpoints.diff = async (from, to, maxBytes) => {
      if (maxBytes === 0) throw new Error("the disk is gone");
      return diff(from, to, maxBytes);
    };
    expect((await outcomeOf(kit)).changes).toHaveLength(1);
  });
});

describe("JSON in a model's answer", () => {
  const wanted = s.object({ a: s.number() });

  test("is found in a code fence, after a sentence, and with braces in its strings", () => {
    for (const text of ['{"a":1}', '```json\n{"a":1}\n```', 'Here it is: {"a":1}. Bye {', '{"a":1,"b":"}\\"{"}']) {
      expect(readJson(wanted, text)).toEqual({ ok: true, value: { a: 1 } });
    }
  });

  test("is found behind thoughts, and behind braces that are no JSON or do not fit", () => {
    for (const text of [
      '<think>Like {"a":2}? f() { return "x }</think>\n{"a":1}',
      'So {"a":2} it is.\n</think>\n\n```json\n{"a":1}\n```',
      '<thinking>{</thinking>{"a":1}',
      'function f() { return a } and {"b":{"a":2}}: {"a":1}',
      'Braces like { are odd: {"a":1}',
      '{"a":1,"b":"</think>"}',
    ]) {
      expect(readJson(wanted, text)).toEqual({ ok: true, value: { a: 1 } });
    }
  });

  test("is looked for in a long text full of braces for a short time only", () => {
    expect(readJson(wanted, "{".repeat(3_000_000))).toEqual({
      ok: false,
      problem: "there is no whole JSON object in it",
    });
  });

  test("that is missing, cut off, invalid or does not fit is a problem, never a guess", () => {
    for (const text of ["", "no", '{"a":1', "{a:1}", '{"a":"1"}', "[1]"]) {
      expect(readJson(wanted, text).ok).toBe(false);
    }
  });
});
