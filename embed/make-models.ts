/**
 * Makes `models.json`, which the binary carries, from two sources: `model-facts.json`, kept by hand (which models, their
 * limits and abilities), and the prices of `@pydantic/genai-prices`, a pinned development package.
 *
 *   bun embed/make-models.ts [DAY] [SOURCE …]
 *
 * DAY: of which the prices are (2026-11-23); today where absent. SOURCE: other modules, or `.json` files of the same
 * data; the first that knows a model counts. A price that none has stays as it stands.
 */
import { join } from "node:path";
import type { Price } from "../src/contracts/provider.ts";
import type { EmbedderData, ModelData } from "../src/providers/catalogue.ts";

const PACKAGE = "@pydantic/genai-prices";
/** Their names of our providers, where they differ. */
const NAMES: Readonly<Record<string, string>> = { bedrock: "aws", moonshot: "moonshotai", xai: "x-ai" };

/** A condition on a model's id. */
type Match =
  | { equals: string }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string }
  | { or: Match[] }
  | { and: Match[] };
type Tiered = number | { base: number };
type Prices = Record<string, Tiered | undefined>;
interface Conditional {
  constraint?: { start_date?: string };
  prices: Prices;
}
interface SourceModel {
  id: string;
  match: Match;
  prices: Prices | Conditional[];
}
/** A provider of the source. */
export interface SourceProvider {
  id: string;
  models: SourceModel[];
}

/** USD per million tokens on a day, or undefined where the source does not know the model. */
export function priceOf(source: readonly SourceProvider[], ref: string, day: string): Price | undefined {
  const prices = statedPrices(source, ref, day);
  const input = base(prices["input_mtok"]);
  const output = base(prices["output_mtok"]);
  if (input === undefined || output === undefined) return undefined;
  return {
    input,
    output,
    // Where nothing else is said, cached tokens cost what others do.
    cacheRead: base(prices["cache_read_mtok"]) ?? input,
    cacheWrite: base(prices["cache_write_mtok"]) ?? input,
  };
}

/** The same of a model that makes vectors, and therefore has no output. */
export function embeddingPriceOf(source: readonly SourceProvider[], ref: string, day: string): number | undefined {
  return base(statedPrices(source, ref, day)["input_mtok"]);
}

function statedPrices(source: readonly SourceProvider[], ref: string, day: string): Prices {
  const stated = passedOn(source, ref) ?? pricesOf(source, ref);
  return Array.isArray(stated) ? onDay(stated, day) : (stated ?? {});
}

function pricesOf(source: readonly SourceProvider[], ref: string): SourceModel["prices"] | undefined {
  const slash = ref.indexOf("/");
  const provider = ref.slice(0, slash);
  const id = ref.slice(slash + 1);
  const models = source.find((each) => each.id === (NAMES[provider] ?? provider))?.models ?? [];
  return (models.find((model) => model.id === id) ?? models.find((model) => matches(model.match, id)))?.prices;
}

/**
 * OpenRouter asks what the makers ask. Where a maker's price changes on a day, the source says so of the maker alone
 * and keeps the old one for OpenRouter.
 */
function passedOn(source: readonly SourceProvider[], ref: string): Conditional[] | undefined {
  const maker = ref.startsWith("openrouter/") ? pricesOf(source, ref.slice("openrouter/".length)) : undefined;
  return Array.isArray(maker) && maker.some(({ constraint }) => constraint?.start_date) ? maker : undefined;
}

/** The last that has begun; of prices by the time of day the last too, which is the dearer one. */
function onDay(list: readonly Conditional[], day: string): Prices {
  return list.findLast(({ constraint }) => !constraint?.start_date || constraint.start_date <= day)?.prices ?? {};
}

/** The catalogue ends where a dearer tier begins. */
function base(price: Tiered | undefined): number | undefined {
  return typeof price === "object" ? price.base : price;
}

function matches(match: Match, given: string): boolean {
  const id = given.toLowerCase();
  if ("or" in match) return match.or.some((each) => matches(each, id));
  if ("and" in match) return match.and.every((each) => matches(each, id));
  if ("equals" in match) return id === match.equals.toLowerCase();
  if ("starts_with" in match) return id.startsWith(match.starts_with.toLowerCase());
  if ("ends_with" in match) return id.endsWith(match.ends_with.toLowerCase());
  if ("contains" in match) return id.includes(match.contains.toLowerCase());
  return new RegExp(match.regex, "i").test(id);
}

/** The source's providers, from its data file or through its own search. */
async function load(source: string, providers: readonly string[]): Promise<SourceProvider[]> {
  if (source.endsWith(".json")) return (await Bun.file(source).json()) as SourceProvider[];
  const { findProvider } = (await import(source)) as {
    findProvider(options: { providerId: string }): SourceProvider | undefined;
  };
  return providers.flatMap((id) => findProvider({ providerId: NAMES[id] ?? id }) ?? []);
}

if (import.meta.main) {
  const isDay = (each: string) => /^\d{4}-\d{2}-\d{2}$/.test(each);
  const given = process.argv.slice(2);
  const day = given.find(isDay) ?? new Date().toISOString().slice(0, 10);
  const named = given.filter((each) => !isDay(each));
  const path = (name: string) => join(import.meta.dir, name);
  const facts = await Bun.file(path("model-facts.json")).json();
  const standing = (await Bun.file(path("models.json")).json()).models as Record<string, ModelData>;
  const refs = Object.keys(facts.models);
  const providers = [...new Set(refs.map((ref) => ref.slice(0, ref.indexOf("/"))))];
  const sources = await Promise.all((named.length > 0 ? named : [PACKAGE]).map((each) => load(each, providers)));
  const models: Record<string, ModelData> = {};
  for (const ref of refs) {
    const { context, maxOutput, ...rest } = facts.models[ref] as ModelData;
    const price = sources.map((source) => priceOf(source, ref, day)).find(Boolean) ?? standing[ref]?.price;
    if (!price) console.error(`no price: ${ref}`);
    models[ref] = { context, maxOutput, ...(price ? { price } : {}), ...rest };
  }
  const embedders: Record<string, EmbedderData> = {};
  for (const [ref, data] of Object.entries(facts.embedders as Record<string, EmbedderData>)) {
    const price = sources.map((source) => embeddingPriceOf(source, ref, day)).find((each) => each !== undefined);
    embedders[ref] = { ...(price === undefined ? {} : { price }), ...data };
  }
  const all = { date: day, prefixes: facts.prefixes, models, embedders };
  await Bun.write(path("models.json"), `${JSON.stringify(all, null, 2)}\n`);
}
