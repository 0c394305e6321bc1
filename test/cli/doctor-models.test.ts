import { describe, expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { modelFindings } from "../../src/cli/doctor-models.ts";
import type { Embedder, Model, Role } from "../../src/contracts/provider.ts";
import { defaultConfig, infoFor } from "../providers/support.ts";

const misspelt = new UserError('there is no provider "opnai"', "Did you mean openai/x?");

/** Who can be used, by role or by the name that is asked for. */
function providers(
  models: Partial<Record<Role | "any", Model["info"]>>,
  embedder: Embedder["ref"] | UserError | undefined,
) {
  return {
    async resolve(role: Role, named?: string) {
      const info = named ? (named.startsWith("x/") ? undefined : infoFor(named)) : (models[role] ?? models.any);
      if (!info) throw misspelt;
      return { info } as Model;
    },
    async embedder() {
      if (embedder instanceof UserError) throw embedder;
      return embedder === undefined ? undefined : ({ ref: embedder } as Embedder);
    },
  };
}

const settings = async (models: Record<string, unknown> = {}) => (await defaultConfig({ models })).models;

describe("what doctor says of the models", () => {
  test("is what each role runs on, those of one model together", async () => {
    const found = await modelFindings(
      providers({ any: infoFor("a/large"), small: infoFor("a/small") }, undefined),
      await settings(),
    );
    expect(found).toEqual([
      { state: "ok", text: "executor, evaluator, planner: a/large" },
      { state: "ok", text: "small: a/small" },
      { state: "ok", text: "embedder: the built-in one" },
    ]);
  });

  test("is what keeps a named one from running, and how to mend it", async () => {
    const found = await modelFindings(
      providers({ small: infoFor("a/small") }, new UserError("Anthropic has no embeddings", "Name openai.")),
      await settings({ fallback: { executor: ["x/gone", "b/there"] } }),
    );
    expect(found).toEqual([
      { state: "broken", text: `executor, evaluator, planner: ${misspelt.message}`, remedy: misspelt.remedy },
      { state: "ok", text: "small: a/small" },
      { state: "note", text: `fallback x/gone: ${misspelt.message}`, remedy: misspelt.remedy },
      { state: "ok", text: "fallback: b/there" },
      { state: "broken", text: "embedder: Anthropic has no embeddings", remedy: "Name openai." },
    ]);
  });

  test("is broken where the server of a model does not answer", async () => {
    const found = await modelFindings(
      providers({ any: infoFor("local/x"), small: infoFor("a/small") }, undefined),
      await settings(),
      new Map([["local", "refused"]]),
    );
    expect(found.map(({ state, text }) => `${state} ${text}`)).toEqual([
      "broken executor, evaluator, planner: local/x: its server does not answer",
      "ok small: a/small",
      "ok embedder: the built-in one",
    ]);
  });

  test("states what is assumed of a model that nobody knows", async () => {
    const free = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    const info = infoFor("home/new", { assumed: true, context: 128_000 });
    const [unpriced] = await modelFindings(providers({ any: info }, "openai/embedding"), await settings());
    expect(unpriced).toEqual({
      state: "note",
      text: "executor, evaluator, planner, small: home/new is not in the catalogue: 128k tokens of context and 64k of output are assumed (set providers.home.context), its price is unknown",
    });
    const [priced, embedder] = await modelFindings(
      providers({ any: { ...info, price: free } }, "openai/embedding"),
      await settings(),
    );
    expect(priced!.text).not.toContain("price");
    expect(embedder).toEqual({ state: "ok", text: "embedder: openai/embedding" });
  });
});
