import { join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { ensureDir, readText, writeAtomic } from "../base/files.ts";
import { send } from "../base/http.ts";
import { isObject } from "../base/schema.ts";
import { withTimeout } from "../base/stream.ts";
import { VERSION } from "../base/version.ts";
import type { Credential } from "../contracts/credential.ts";
import type { Clock } from "../contracts/kit.ts";
import type { ModelList } from "../contracts/provider.ts";
import type { Row, WireId } from "./row.ts";
import { keptOf, type Stated, statedBy, statedFrom } from "./stated.ts";
import { addressOf, headersWith, tokenOf } from "./token.ts";
import { objects, text } from "./wire/values.ts";

/** An answer is good for a day, ms. */
const DAY_MS = 86_400_000;
/** A provider that takes longer is left out, ms. */
const PATIENCE_MS = 10_000;
const MOST_BYTES = 8 * 1024 * 1024;

/** Where a wire lists its models, and how its answer is read. Bedrock's list is another service's, and is not asked. */
interface Listing {
  path(row: Row): string;
  headers?: Record<string, string>;
  /** The models of an answer, each as it stands there. */
  entries(answer: unknown): Record<string, unknown>[];
  /** A model's id stands in one of these fields. */
  names: readonly string[];
}

function listingOf(wire: WireId): Listing | undefined {
  switch (wire) {
    // platform.claude.com/docs/en/api/models-list
    case "anthropic":
      return {
        path: ({ baseUrl }) => `${baseUrl.endsWith("/v1") ? "" : "/v1"}/models?limit=1000`,
        headers: { "anthropic-version": "2023-06-01" },
        entries: listed,
        names: ["id"],
      };
    // platform.openai.com/docs/api-reference/models/list; some who speak the language answer with the bare list.
    case "chat":
    case "responses":
      return {
        path: ({ login }) => (login?.kind === "chatgpt" ? `/models?client_version=${VERSION}` : "/models"),
        entries: listed,
        names: ["id", "slug"],
      };
    // ai.google.dev/api/models
    case "gemini":
      return { path: () => "/models?pageSize=1000", entries: generating, names: ["name"] };
    case "ollama":
      return { path: () => "/api/tags", entries: listed, names: ["name"] };
    case "bedrock":
      return undefined;
  }
}

function listed(answer: unknown): Record<string, unknown>[] {
  return objects(isObject(answer) ? (answer["data"] ?? answer["models"]) : answer);
}

function generating(answer: unknown): Record<string, unknown>[] {
  const able = listed(answer).filter(
    ({ supportedGenerationMethods: can }) => Array.isArray(can) && can.includes("generateContent"),
  );
  return able.map((model) => ({ ...model, name: text(model["name"]).replace(/^models\//, "") }));
}

/**
 * LM Studio's `/v1/models` says who owns a model and no more; `/api/v0/models` beside it knows the windows
 * (lmstudio.ai/docs/developer/rest/endpoints).
 */
const ELSEWHERE = {
  owner: "organization_owner",
  address: (url: string) => `${url.replace(/\/v1$/, "")}/api/v0/models`,
};

/** Kinds of models that nobody can talk to; the lists do not say it themselves. */
const OTHER_KINDS =
  /embed|whisper|\btts\b|dall-e|moderation|transcribe|rerank|imagen|veo-|sora|-image|image-|realtime|audio|speech|guard/i;

interface Saved {
  /** ms since 1970. */
  askedAt: number;
  baseUrl: string;
  models: string[];
  /** By model, as they are kept; absent where an older version asked, which did not look. */
  facts?: Record<string, unknown>;
}

/** The providers' own lists, each kept in a file for a day. Asking is never part of a start. */
export class ModelLists {
  readonly #folder: string | undefined;
  readonly #clock: Clock;
  readonly #read = new Map<string, Promise<Saved | undefined>>();

  /** `folder`: absolute; undefined: nothing is kept. */
  constructor(folder: string | undefined, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** What a provider said when it was last asked, however long ago. */
  async known(row: Row): Promise<string[]> {
    return (await this.#saved(row))?.models ?? [];
  }

  /**
   * What a provider said of a model when it was last asked, however long ago. Undefined where asking it may bring more: it
   * never was, or did not have the model.
   */
  async stated(row: Row, model: string): Promise<Stated | undefined> {
    if (!listingOf(row.wire) || row.local) return {};
    const saved = await this.#saved(row);
    return saved?.facts && saved.models.includes(model) ? statedFrom(saved.facts[model]) : undefined;
  }

  /** Asks a provider for its models, unless it was asked within a day (`force`: also then). Never throws. */
  async ask(row: Row, credential: Credential, signal: AbortSignal, force: boolean): Promise<ModelList> {
    const listing = listingOf(row.wire);
    const { id } = row;
    if (!listing) return { provider: id, state: "unlisted", models: [] };
    const saved = await this.#saved(row);
    const age = saved ? this.#clock.now() - saved.askedAt : Number.POSITIVE_INFINITY;
    // A clock that was set back would keep a list for ever.
    const fresh = saved?.facts && age >= 0 && age < DAY_MS;
    if (saved && fresh && !force) return { provider: id, state: "kept", models: saved.models };
    try {
      const said = await this.#ask(row, listing, credential, signal);
      await this.#save(row, { askedAt: this.#clock.now(), baseUrl: row.baseUrl, ...said });
      return { provider: id, state: "asked", models: said.models };
    } catch (error) {
      const refused = error instanceof KeyRefused;
      return {
        provider: id,
        state: refused ? "refused" : "failed",
        models: saved?.models ?? [],
        why: messageOf(error),
      };
    }
  }

  async #ask(row: Row, listing: Listing, credential: Credential, signal: AbortSignal) {
    using limit = withTimeout(signal, PATIENCE_MS);
    const get = async (address: (url: string) => string) =>
      listing.entries(await this.#get(row, listing, credential, address, limit.signal));
    const entries = await get((url) => url + listing.path(row));
    const nameOf = (entry: Record<string, unknown>) =>
      listing.names.map((field) => text(entry[field])).find(Boolean) ?? "";
    const names = entries.map(nameOf).filter((name) => /^[\x21-\x7e]{1,200}$/.test(name));
    if (names.length === 0) throw new Error(`${row.displayName} gave no list that can be read`);
    const models = [...new Set(names)].filter((name) => !OTHER_KINDS.test(name)).sort();
    // The names are worth having without the rest.
    const more = entries.some((entry) => entry["owned_by"] === ELSEWHERE.owner)
      ? await get(ELSEWHERE.address).catch(() => [])
      : [];
    const wanted = new Set(models);
    const facts = [...entries, ...more].flatMap((entry): [string, Record<string, unknown>][] => {
      const name = nameOf(entry);
      const kept = wanted.has(name) ? keptOf(statedBy(entry)) : undefined;
      return kept ? [[name, kept]] : [];
    });
    return { models, facts: Object.fromEntries(facts) };
  }

  async #get(
    row: Row,
    listing: Listing,
    credential: Credential,
    address: (url: string) => string,
    signal: AbortSignal,
  ): Promise<unknown> {
    const token = await tokenOf(credential, signal);
    const url = address(addressOf(row, token));
    const headers = { accept: "application/json", ...listing.headers };
    const authorized = headersWith(row, credential, token, { url, headers, body: "" }, this.#clock.now());
    const response = await send({ url, headers: { ...headers, ...authorized } }, signal);
    const body = await response.text(MOST_BYTES);
    const { status } = response;
    if (status === 401 || status === 403)
      throw new KeyRefused(`${row.displayName} refused the credential (HTTP ${status})`);
    if (status !== 200) throw new Error(`${row.displayName} gave no list (HTTP ${status})`);
    return parsed(body);
  }

  #saved(row: Row): Promise<Saved | undefined> {
    const known = this.#read.get(row.id) ?? this.#load(row);
    this.#read.set(row.id, known);
    return known;
  }

  async #load(row: Row): Promise<Saved | undefined> {
    const path = this.#path(row);
    // A cache that cannot be read is none.
    const source = path ? await readText(path).catch(() => undefined) : undefined;
    const value = source === undefined ? undefined : parsed(source);
    if (!isObject(value) || value["base_url"] !== row.baseUrl || !Array.isArray(value["models"])) return undefined;
    const models = value["models"].filter((name): name is string => typeof name === "string");
    const facts = value["facts"];
    return {
      askedAt: Number(value["asked_at"]) || 0,
      baseUrl: row.baseUrl,
      models,
      ...(isObject(facts) ? { facts } : {}),
    };
  }

  async #save(row: Row, saved: Saved): Promise<void> {
    this.#read.set(row.id, Promise.resolve(saved));
    const path = this.#path(row);
    if (!path || !this.#folder) return;
    await ensureDir(this.#folder);
    // `facts` stands beside the names, where an older version does not look for it.
    const { askedAt, baseUrl, models, facts } = saved;
    const value = { asked_at: askedAt, base_url: baseUrl, models, facts };
    await writeAtomic(path, `${JSON.stringify(value)}\n`, { fsync: false });
  }

  #path({ id }: Row): string | undefined {
    return this.#folder && /^[\w-][\w.-]*$/.test(id) ? join(this.#folder, `${id}.json`) : undefined;
  }
}

class KeyRefused extends Error {}

function parsed(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
