import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { priceOf, type SourceProvider } from "../../embed/make-models.ts";
import facts from "../../embed/model-facts.json";
import type { Usage } from "../../src/contracts/message.ts";
import { costOf } from "../../src/engine/budget.ts";
import { loadCatalogue } from "../../src/providers/catalogue.ts";
import type { WireId } from "../../src/providers/row.ts";
import { describeSpecs } from "../specs.ts";
import { collect, cutAt, type Done, type Foreign, infoFor, rowFor, wireOf } from "./support.ts";

/** Their names of our providers, and which of our wires reads each form of usage. */
const PROVIDERS: Record<string, { id: string; wires: Record<string, WireId> }> = {
  anthropic: { id: "anthropic", wires: { default: "anthropic" } },
  aws: { id: "bedrock", wires: { default: "bedrock" } },
  deepseek: { id: "deepseek", wires: { chat: "chat" } },
  google: { id: "google", wires: { default: "gemini" } },
  groq: { id: "groq", wires: { default: "chat" } },
  moonshotai: { id: "moonshot", wires: { chat: "chat" } },
  openai: { id: "openai", wires: { chat: "chat", responses: "responses" } },
  openrouter: { id: "openrouter", wires: { chat: "chat" } },
  "x-ai": { id: "xai", wires: { default: "chat", chat: "chat" } },
};
/** OpenRouter answers with names of its own making. */
const ALIASES: Record<string, string> = {
  "openrouter/anthropic/claude-4.5-sonnet-20250929": "openrouter/anthropic/claude-sonnet-4.5",
  "openrouter/anthropic/claude-4.6-sonnet-20260217": "openrouter/anthropic/claude-sonnet-4.6",
};
/** Old models of OpenRouter, whose prices the reference does not list. */
const UNKNOWN = [
  "openrouter/Qwen/Qwen2.5-VL-72B-Instruct",
  "openrouter/anthropic/claude-3.7-sonnet:thinking",
  "openrouter/google/gemini-2.0-flash-exp:free",
];

interface Entry {
  model: string;
  body: Foreign;
  extracted: {
    extractors: { provider_id: string; api_flavor: string; input_price?: string; output_price?: string }[];
    usage: Foreign;
  }[];
}

interface Priced {
  name: string;
  ref: string;
  wire: WireId;
  body: Foreign;
  /** USD. */
  cost: number;
  reference: Foreign;
}

test("a model behind a prefix of its region, or with its date, is the model", async () => {
  const catalogue = await loadCatalogue();
  const price = (ref: string) => catalogue.info(`bedrock/${ref}`).price?.input;
  expect(price("global.anthropic.claude-sonnet-4-5-20250929-v1:0")).toBe(3);
  for (const region of ["", "us.", "eu.", "apac.", "us-gov."]) {
    expect(price(`${region}anthropic.claude-sonnet-4-5-20250929-v1:0`)).toBe(3.3);
    expect(price(`${region}amazon.nova-lite-v1:0`)).toBe(0.06);
  }
  expect(price("xx.amazon.nova-lite-v1:0")).toBeUndefined();
});

describeSpecs("integration-recordings", (dir) => {
  const json = (file: string) => JSON.parse(readFileSync(join(dir, file), "utf8"));
  const entries = json("usage-accounting/usages-a.json") as Entry[];
  const source = json("model-prices/data_slim.json") as SourceProvider[];
  const all = entries.flatMap(priced);

  test("every form of usage that we read is there", () => {
    expect(all.length).toBeGreaterThanOrEqual(75);
    expect([...new Set(all.map((each) => each.wire))].sort()).toEqual(["anthropic", "chat", "gemini", "responses"]);
  });

  test("the catalogue holds the reference prices of all its models, and the facts that were written for it", async () => {
    const catalogue = await loadCatalogue();
    const referenced = catalogue.refs().flatMap((ref) => {
      const price = priceOf(source, ref, catalogue.date);
      return price ? [[ref, price] as const] : [];
    });
    expect(referenced.length).toBeGreaterThan(70);
    for (const [ref, price] of referenced) expect([ref, catalogue.info(ref).price]).toEqual([ref, price]);
    expect(catalogue.refs()).toEqual(Object.keys(facts.models));
  });

  for (const each of all) {
    test(`${each.name} is counted and costs as the reference says`, async () => {
      const usage = await usageFrom(each);
      const { reference } = each;
      expect(usage.input + usage.cacheRead + usage.cacheWrite).toBe(reference.input_tokens ?? 0);
      expect(usage.output).toBe(reference.output_tokens ?? 0);
      expect(usage.cacheRead).toBe(reference.cache_read_tokens ?? 0);
      expect(usage.cacheWrite).toBe(reference.cache_write_tokens ?? 0);
      expect(usage.reasoning).toBe(reference.output_reasoning_tokens ?? 0);

      const catalogue = await loadCatalogue();
      const known = catalogue.info(ALIASES[each.ref] ?? each.ref);
      // Models that are no longer offered are not carried along; their prices are in the source.
      const price = known.price ?? priceOf(source, each.ref, "2026-11-23");
      const cost = costOf(usage, { ...known, ...(price ? { price } : {}) });
      if (UNKNOWN.includes(each.ref)) expect(cost).toBeNull();
      else expect(Math.abs(cost! - each.cost)).toBeLessThanOrEqual(each.cost * 1e-9);
    });
  }
});

function priced({ model, body, extracted }: Entry): Priced[] {
  return extracted.flatMap(({ extractors, usage }) =>
    extractors.flatMap((each) => {
      const provider = PROVIDERS[each.provider_id];
      const wire = provider?.wires[each.api_flavor];
      if (!wire || each.input_price === undefined) return [];
      // Sound has prices of its own, and we send none.
      if (usage.input_audio_tokens || usage.output_audio_tokens) return [];
      const ref = `${provider.id}/${model}`;
      const cost = Number(each.input_price) + Number(each.output_price);
      return [{ name: `${body.file ?? ""} ${wire} ${ref}`, ref, wire, body, cost, reference: usage }];
    }),
  );
}

/** Through the wire, as a whole answer. */
async function usageFrom({ wire, ref, body }: Priced): Promise<Usage> {
  const { usage, usageMetadata } = body;
  const answers: Record<WireId, object> = {
    anthropic: { type: "message", content: [{ type: "text", text: "x" }], stop_reason: "end_turn", usage },
    bedrock: { output: { message: { content: [{ text: "x" }] } }, stopReason: "end_turn", usage },
    chat: { choices: [{ index: 0, message: { content: "x" }, finish_reason: "stop" }], usage },
    gemini: { candidates: [{ content: { parts: [{ text: "x" }] }, finishReason: "STOP" }], usageMetadata },
    ollama: {},
    responses: { status: "completed", output: [], usage },
  };
  const bytes = new TextEncoder().encode(JSON.stringify(answers[wire]));
  const target = { row: await rowFor(ref.slice(0, ref.indexOf("/"))), model: "m", info: infoFor(ref) };
  return ((await collect((await wireOf(wire)).decode(cutAt(bytes, []), target))).at(-1) as Done).usage;
}
