import { send } from "../base/http.ts";
import { isObject } from "../base/schema.ts";
import type { ModelInfo, ProviderStatus } from "../contracts/provider.ts";
import type { Row } from "./row.ts";
import { isLocal } from "./rows.ts";
import { count, object, objects, text } from "./wire/values.ts";

/** What an Ollama server is asked before it is used: docs.ollama.com/api/tags and /api/show. */

/** A model that lies on the server. */
export interface LocalModel {
  name: string;
  /** Parameters, thousand millions; 0 where unknown. */
  size: number;
  /** Runs elsewhere; the server only passes it on. */
  remote: boolean;
  /** When it was pulled, ISO 8601. */
  modified: string;
}

/** Where nothing else waits for the answer, milliseconds. */
const PATIENCE_MS = 2000;
/** So many models are looked at to find the best one. */
const MOST_SHOWN = 8;
const MOST_OUTPUT = 8192;
/** What a model is taken for whose facts the server does not tell. */
const ASSUMED_CONTEXT = 32_768;

/** The servers of this run that must be asked. Each answer is kept. */
export class LocalServers {
  readonly #lists = new Map<string, LocalModel[]>();
  readonly #silent = new Set<string>();
  readonly #shown = new Map<string, Promise<Record<string, unknown> | undefined>>();
  readonly #key: (row: Row) => Promise<string | undefined>;

  constructor(key: (row: Row) => Promise<string | undefined>) {
    this.#key = key;
  }

  /** The models of a server, the best first, or undefined where it does not answer within `limitMs`. */
  async list(row: Row, limitMs = PATIENCE_MS): Promise<LocalModel[] | undefined> {
    const known = this.#lists.get(row.id);
    if (known) return known;
    const answer = await this.#ask(row, "/api/tags", undefined, limitMs);
    if (!answer) return undefined;
    const models = objects(answer["models"]).map(modelFrom).sort(byWorth);
    this.#lists.set(row.id, models);
    return models;
  }

  /** Names of all models of a server; none for other providers. */
  async names(row: Row): Promise<string[]> {
    return ((row.local && (await this.list(row))) || []).map((model) => model.name);
  }

  /** True where the server was asked and the time was over before it had answered: what it has is not known. */
  silent(row: Row): boolean {
    return this.#silent.has(row.id) && !this.#lists.has(row.id);
  }

  /** Names that were found so far. */
  known(row: Row): string[] {
    return (this.#lists.get(row.id) ?? []).map((model) => model.name);
  }

  /** The first model that makes vectors; undefined where there is none, or the server is too old to tell. */
  async embedding(row: Row): Promise<string | undefined> {
    const models = (await this.list(row)) ?? [];
    const facts = await Promise.all(models.map((model) => this.#show(row, model.name)));
    return models.find((_, index) => canDo(facts[index], "embedding"))?.name;
  }

  /** The largest model that can call tools; undefined where no server answers or none of its models can chat. */
  async best(row: Row, limitMs = PATIENCE_MS): Promise<string | undefined> {
    const models = (await this.list(row, limitMs))?.slice(0, MOST_SHOWN) ?? [];
    const facts = await Promise.all(models.map((model) => this.#show(row, model.name)));
    const can = (what: string) => models.find((_, index) => canDo(facts[index], what))?.name;
    return can("tools") ?? can("completion");
  }

  /** The facts of a model as the server tells them. */
  async info(row: Row, model: string): Promise<ModelInfo> {
    const shown = await this.#show(row, model);
    const facts = object(shown?.["model_info"]);
    const stated = count(facts[`${text(facts["general.architecture"])}.context_length`]);
    const context = stated ?? ASSUMED_CONTEXT;
    const can = (what: string) => canDo(shown, what);
    const free = isLocal(row.baseUrl) && !shown?.["remote_host"];
    return {
      ref: `${row.id}/${model}`,
      context,
      maxOutput: Math.min(MOST_OUTPUT, context >> 1),
      ...(free ? { price: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 } } : {}),
      capabilities: {
        tools: can("tools"),
        images: shown !== undefined && can("vision"),
        reasoning: shown !== undefined && can("thinking"),
        temperature: true,
      },
      assumed: stated === undefined,
    };
  }

  /** A server is there when it answers and has a model. */
  async status(row: Row): Promise<ProviderStatus> {
    const { id, displayName, baseUrl } = row;
    const models = await this.list(row);
    const defaultModel = row.defaultModel ?? (models && (await this.best(row)));
    const source = models ? `server at ${new URL(baseUrl).host}` : undefined;
    if (models && defaultModel) return { id, displayName, source, state: "ready", baseUrl, defaultModel };
    const remedy = models
      ? "Pull a model: ollama pull qwen3."
      : `Start it (ollama serve), or name it in ${row.baseUrlEnv}.`;
    return { id, displayName, source, state: "missing", remedy, baseUrl, defaultModel };
  }

  #show(row: Row, model: string): Promise<Record<string, unknown> | undefined> {
    const key = `${row.id}/${model}`;
    const asked = this.#shown.get(key) ?? this.#ask(row, "/api/show", { model }, PATIENCE_MS);
    this.#shown.set(key, asked);
    return asked;
  }

  /** Whatever goes wrong means the same, there is no such server, but that the time was over. */
  async #ask(row: Row, path: string, body: object | undefined, limitMs: number) {
    const signal = AbortSignal.timeout(limitMs);
    try {
      const key = await this.#key(row);
      const response = await send(
        {
          url: row.baseUrl + path,
          headers: { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) },
          ...(body ? { body: JSON.stringify(body) } : {}),
        },
        signal,
      );
      const answer: unknown = JSON.parse(await response.text());
      return response.status === 200 && isObject(answer) ? answer : undefined;
    } catch {
      if (signal.aborted) this.#silent.add(row.id);
      return undefined;
    }
  }
}

function modelFrom(model: Record<string, unknown>): LocalModel {
  const [, amount = "0", unit = ""] =
    /^([\d.]+)\s*([KMBT]?)/i.exec(text(object(model["details"])["parameter_size"])) ?? [];
  const scale: Record<string, number> = { K: 1e-6, M: 1e-3, T: 1e3 };
  return {
    name: text(model["name"]) || text(model["model"]),
    size: Number(amount) * (scale[unit.toUpperCase()] ?? 1) || 0,
    remote: Boolean(model["remote_host"]),
    modified: text(model["modified_at"]),
  };
}

/** Models that run here before others, large before small, new before old. */
function byWorth(a: LocalModel, b: LocalModel): number {
  if (a.remote !== b.remote) return a.remote ? 1 : -1;
  return b.size - a.size || (a.modified < b.modified ? 1 : -1);
}

/** Servers that are too old to tell are believed to be able. */
function canDo(shown: Record<string, unknown> | undefined, what: string): boolean {
  const capabilities = shown?.["capabilities"];
  if (Array.isArray(capabilities)) return capabilities.includes(what);
  return what === "tools" || what === "completion";
}
