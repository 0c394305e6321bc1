import type { ModelInfo, Price } from "../contracts/provider.ts";
import type { EmbeddingWireId, Thinking } from "./row.ts";

type Capability = keyof ModelInfo["capabilities"];

/** A model as it stands in `embed/models.json`. */
export interface ModelData {
  context: number;
  maxOutput: number;
  price?: Price;
  can: Capability[];
  /** Fields the model needs in the body of a Chat Completions request that offers tools. */
  withTools?: Readonly<Record<string, unknown>>;
  /** The model refuses a conversation in which a tool call carries no signature. */
  signedCalls?: boolean;
  thinks?: Thinking;
  why?: string;
}

/** A model that makes vectors, as it stands in `embed/models.json`. */
export interface EmbedderData {
  /** Length of its vectors, or the one that is asked for (`shortened`). */
  dimensions: number;
  /** What it reads of one text, tokens. */
  context: number;
  shortened?: boolean;
  /** Where they are not the provider's usual ones. */
  wire?: EmbeddingWireId;
  batch?: number;
  /** USD per million tokens. */
  price?: number;
  why?: string;
}

interface CatalogueData {
  /** Day on which the facts were gathered. */
  date: string;
  /** By provider: what may stand before a model's id without changing the model or its price (AWS regions). */
  prefixes: Record<string, string[]>;
  models: Record<string, ModelData>;
  embedders: Record<string, EmbedderData>;
}

/** What an unknown model is taken for. */
const ASSUMED: ModelData = { context: 128_000, maxOutput: 8192, can: ["tools", "images", "temperature"] };

/** The models the program knows. */
export class Catalogue {
  readonly date: string;
  readonly #prefixes: CatalogueData["prefixes"];
  readonly #models: ReadonlyMap<string, ModelData>;
  readonly #embedders: ReadonlyMap<string, EmbedderData>;

  constructor(data: CatalogueData) {
    this.date = data.date;
    this.#prefixes = data.prefixes;
    this.#models = new Map(Object.entries(data.models));
    this.#embedders = new Map(Object.entries(data.embedders));
  }

  /** `provider/model` of every known model. */
  refs(): string[] {
    return [...this.#models.keys()];
  }

  /** The facts of a model; a dated name (`claude-haiku-4-5-20251001`) has those of the plain one. */
  find(ref: string): ModelData | undefined {
    const dated = this.#models.get(ref.replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, ""));
    return this.#models.get(ref) ?? dated ?? this.#models.get(this.#withoutPrefix(ref) ?? "");
  }

  /** What a model's facts ask of a request. */
  demands(ref: string): Pick<ModelData, "withTools" | "signedCalls" | "thinks"> {
    const { withTools, signedCalls, thinks } = this.find(ref) ?? {};
    return {
      ...(withTools ? { withTools } : {}),
      ...(signedCalls ? { signedCalls } : {}),
      ...(thinks ? { thinks } : {}),
    };
  }

  /** `provider/model` of every known model that makes vectors. */
  embedders(): string[] {
    return [...this.#embedders.keys()];
  }

  /** The facts of a model that makes vectors. */
  embedder(ref: string): EmbedderData | undefined {
    return this.#embedders.get(ref) ?? this.#embedders.get(this.#withoutPrefix(ref) ?? "");
  }

  info(ref: string): ModelInfo {
    const found = this.find(ref);
    const { context, maxOutput, price, can } = found ?? ASSUMED;
    return {
      ref,
      context,
      maxOutput,
      ...(price ? { price } : {}),
      capabilities: {
        tools: can.includes("tools"),
        images: can.includes("images"),
        reasoning: can.includes("reasoning"),
        temperature: can.includes("temperature"),
      },
      assumed: !found,
    };
  }

  #withoutPrefix(ref: string): string | undefined {
    const model = ref.indexOf("/") + 1;
    const prefix = this.#prefixes[ref.slice(0, model - 1)]?.find((each) => ref.startsWith(each, model));
    return prefix === undefined ? undefined : ref.slice(0, model) + ref.slice(model + prefix.length);
  }
}

export async function loadCatalogue(): Promise<Catalogue> {
  // As text: to read it takes less than to run it as a module.
  const { default: data } = await import("../../embed/models.json", { with: { type: "text" } });
  return new Catalogue(JSON.parse(data as unknown as string));
}
