import { formatTokens } from "../base/text.ts";
import type { ModelInfo } from "../contracts/provider.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Choice } from "./choose.ts";
import type { Row } from "./row.ts";
import type { Stated } from "./stated.ts";

/** `provider/model`. */
export function refOf({ row, model }: Pick<Choice, "row" | "model">): string {
  return `${row.id}/${model}`;
}

/**
 * The facts of a model: what the config says of its provider's models, then the catalogue, then what the provider's own
 * list said (`listed`, asked only where the catalogue does not know the model), then assumptions.
 */
export async function infoOf(
  row: Row,
  model: string,
  catalogue: Catalogue,
  listed: (row: Row, model: string) => Promise<Stated | undefined>,
): Promise<ModelInfo> {
  const known = catalogued(row, model, catalogue);
  return limited(row, known.assumed ? filled(known, await listed(row, model)) : known);
}

/** A subscription's models are another provider's; what they cost there is not what they cost here. */
function catalogued(row: Row, model: string, catalogue: Catalogue): ModelInfo {
  const ref = refOf({ row, model });
  const known = catalogue.info(ref);
  if (!known.assumed || !row.factsOf) return known;
  const { price: _, ...facts } = catalogue.info(`${row.factsOf}/${model}`);
  return { ...facts, ref };
}

function filled(assumed: ModelInfo, said: Stated | undefined): ModelInfo {
  if (!said) return { ...assumed, uncatalogued: "unasked" };
  const { context, ceiling, maxOutput, price } = said;
  const window = context ?? Math.min(assumed.context, ceiling ?? assumed.context);
  return {
    ...assumed,
    context: window,
    // Many lists name the whole window. An answer that may take all of it leaves no request that fits.
    maxOutput: Math.min(maxOutput ?? assumed.maxOutput, halfOf(window)),
    ...(price ? { price } : {}),
    assumed: context === undefined,
    uncatalogued: "asked",
    stated: {
      ...(context ? { context: "list" } : {}),
      ...(maxOutput ? { maxOutput: "list" } : {}),
      ...(price ? { price: "list" } : {}),
    },
  };
}

/** What the user says of a provider's models goes before all. */
export function limited({ limits }: Row, info: ModelInfo): ModelInfo {
  const { context, maxOutput } = limits;
  if (!context && !maxOutput) return info;
  return {
    ...info,
    context: context ?? info.context,
    maxOutput: maxOutput ?? Math.min(info.maxOutput, halfOf(context ?? info.context)),
    assumed: info.assumed && !context,
    stated: {
      ...info.stated,
      ...(context ? { context: "config" } : {}),
      ...(maxOutput ? { maxOutput: "config" } : {}),
    },
  };
}

function halfOf(window: number): number {
  return Math.max(1, Math.floor(window / 2));
}

/** What is assumed of models that nobody knows, and what would help, a sentence each. */
export function assumptions(models: readonly ModelInfo[]): string[] {
  const said = models
    .filter(({ assumed }) => assumed)
    .map(({ ref, context, maxOutput, stated, uncatalogued }) => {
      const provider = ref.slice(0, ref.indexOf("/"));
      const output = stated?.maxOutput ? "" : ` and ${formatTokens(maxOutput)} of output`;
      const limits = `${formatTokens(context)} tokens of context${output} are assumed`;
      const remedy = `${uncatalogued === "unasked" ? "run openkoi models --refresh, or " : ""}set providers.${provider}.context`;
      return `${ref} is not in the catalogue: ${limits} (${remedy})`;
    });
  return [...new Set(said)];
}

/** Model ids that a provider is known to have. */
export function namesOf(row: Row, catalogue: Catalogue): string[] {
  const prefix = `${row.id}/`;
  const known = catalogue.refs().filter((ref) => ref.startsWith(prefix));
  const defaults = [row.defaultModel, row.smallModel].filter((name) => name !== undefined && name !== "auto");
  return [...known.map((ref) => ref.slice(prefix.length)), ...(defaults as string[]), ...row.models];
}
