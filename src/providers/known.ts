import { formatTokens } from "../base/text.ts";
import type { ModelInfo } from "../contracts/provider.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Choice } from "./choose.ts";
import type { Row } from "./row.ts";

/** `provider/model`. */
export function refOf({ row, model }: Pick<Choice, "row" | "model">): string {
  return `${row.id}/${model}`;
}

/** A subscription's models are another provider's; what they cost there is not what they cost here. */
export function infoOf(row: Row, model: string, catalogue: Catalogue): ModelInfo {
  const ref = refOf({ row, model });
  const known = catalogue.info(ref);
  if (!known.assumed || !row.factsOf) return known;
  const { price: _, ...facts } = catalogue.info(`${row.factsOf}/${model}`);
  return { ...facts, ref };
}

/** What is assumed of models that nobody knows, a sentence each. */
export function assumptions(models: readonly ModelInfo[]): string[] {
  const said = models
    .filter(({ assumed }) => assumed)
    .map(({ ref, context, maxOutput }) => {
      const limits = `${formatTokens(context)} tokens of context and ${formatTokens(maxOutput)} of output are assumed`;
      return `${ref} is not in the catalogue: ${limits}`;
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
