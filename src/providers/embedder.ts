import { UserError } from "../base/errors.ts";
import type { Embedder } from "../contracts/provider.ts";
import type { Catalogue, EmbedderData } from "./catalogue.ts";
import type { Choice, Chooser } from "./choose.ts";
import { httpEmbedder } from "./embed.ts";
import { refOf } from "./known.ts";
import type { LocalServers } from "./local.ts";
import type { Recipient } from "./post.ts";
import type { RetryOptions } from "./retry.ts";
import type { Row } from "./row.ts";
import { loadEmbeddingWire } from "./wire/load.ts";

interface ChoosingParts {
  rows: readonly Row[];
  catalogue: Catalogue;
  chooser: Chooser;
  local: LocalServers;
}

export interface EmbedderParts extends ChoosingParts {
  retry: RetryOptions;
  /** Who is asked for a choice. */
  recipient(choice: Choice, candidates: Recipient["candidates"]): Recipient;
}

/** The embedder of a name, ready to be called; undefined for the program's own. @throws UserError as chooseEmbedder. */
export async function openEmbedder(name: string, parts: EmbedderParts): Promise<Embedder | undefined> {
  const choice = await chooseEmbedder(name, parts);
  const embeddings = choice?.row.embeddings;
  if (!choice || !embeddings) return undefined;
  const { row, model } = choice;
  const { catalogue, local, retry } = parts;
  const known = row.custom ? undefined : catalogue.embedder(refOf(choice));
  const { wire, ...limits } = embeddings;
  const names = catalogue.embedders().filter((ref) => ref.startsWith(`${row.id}/`));
  return httpEmbedder({
    ...parts.recipient(choice, async () => [...names.map(bare), ...(await local.names(row))]),
    wire: await loadEmbeddingWire(known?.wire ?? wire),
    limits: { ...limits, ...(known?.batch ? { batch: known.batch } : {}) },
    facts: known ?? (row.local ? await embedderFacts(local, row, model) : {}),
    retry,
  });
}

/** Of a model on a server of this machine: what it reads, and that it costs nothing there. */
async function embedderFacts(local: LocalServers, row: Row, model: string): Promise<Partial<EmbedderData>> {
  const { context, price, assumed } = await local.info(row, model);
  return { ...(assumed ? {} : { context }), ...(price ? { price: price.input } : {}) };
}

/** The model's id of `provider/model`. */
function bare(ref: string): string {
  return ref.slice(ref.indexOf("/") + 1);
}

const REMEDY = "or leave [models] embedder out: the built-in one works offline";

/**
 * The embedder of a name: `provider/model`, `provider` alone for its usual one, or a known model's bare name. Undefined
 * for nothing and for `builtin`, the program's own.
 *
 * @throws UserError where the name is not known, the provider has no embeddings, or its credential cannot be used.
 */
async function chooseEmbedder(name: string, parts: ChoosingParts): Promise<Choice | undefined> {
  if (!name || name === "builtin" || name.startsWith("builtin/")) return undefined;
  const { rows, catalogue, chooser } = parts;
  const slash = name.indexOf("/");
  const row = rows.find(({ id }) => id === (slash < 0 ? name : name.slice(0, slash)));
  if (row) {
    const model = slash < 0 ? await usual(row, parts) : name.slice(slash + 1);
    if (!row.embeddings)
      throw new UserError(`${row.displayName} has no embeddings`, `Name ${offering(rows)}, ${REMEDY}.`);
    if (!model) {
      const pull = row.local ? "Pull one (ollama pull embeddinggemma)" : `Write ${row.id}/MODEL`;
      throw new UserError(`"${name}" names no embedding model`, `${pull}, ${REMEDY}.`);
    }
    return chooser.usable(row, model, true);
  }
  const found = rows.find(({ id }) => catalogue.embedder(`${id}/${name}`));
  return found ? chooser.usable(found, name) : chooser.unknown(name, catalogue.embedders().map(bare));
}

/** Of a server on this machine: the first of its models that makes vectors. */
function usual(row: Row, { local }: ChoosingParts): Promise<string | undefined> | string | undefined {
  return row.embeddings?.model ?? (row.local ? local.embedding(row) : undefined);
}

function offering(rows: readonly Row[]): string {
  const ids = rows.filter(({ embeddings, custom }) => embeddings && !custom).map(({ id }) => id);
  return `${ids.slice(0, -1).join(", ")} or ${ids.at(-1)}`;
}
