import type { Credential, CredentialRow } from "../contracts/credential.ts";
import type { Embedder, Model, ModelInfo, ModelList, ProviderStatus, Role } from "../contracts/provider.ts";
import { secretParts } from "./authorize.ts";
import { discoverAws } from "./aws.ts";
import { httpModel } from "./call.ts";
import { type Catalogue, loadCatalogue } from "./catalogue.ts";
import { type Choice, Chooser } from "./choose.ts";
import { type Link, withFallback } from "./fallback.ts";
import type { NamedModels, Providers, ProvidersInput } from "./index.ts";
import { infoOf, limited, namesOf, refOf } from "./known.ts";
import { ModelLists } from "./lists.ts";
import { LocalServers } from "./local.ts";
import type { Recipient } from "./post.ts";
import { whyUnreached } from "./reach.ts";
import { type RetryOptions, withRetry } from "./retry.ts";
import type { Row, Timeouts } from "./row.ts";
import { isLocal, loadRows } from "./rows.ts";
import { Tapes } from "./tapes.ts";
import { loadWire } from "./wire/load.ts";

const REMOTE: Timeouts = { firstByteMs: 300_000, idleMs: 300_000 };
/** So long a server on this machine may take to say which models it has, ms. */
const OFFER_MS = 2000;
const LOCAL: Timeouts = { firstByteMs: 900_000, idleMs: 900_000 };

/** See `createProviders`. */
export class ProviderSet implements Providers {
  readonly #input: ProvidersInput;
  readonly #discover: (row: Row) => Promise<Credential>;
  readonly #local: LocalServers;
  readonly #lists: ModelLists;
  readonly #tapes: Tapes;
  readonly #models = new Map<string, Promise<Model>>();
  #parts: Promise<{ rows: Row[]; catalogue: Catalogue; chooser: Chooser }> | undefined;

  constructor(input: ProvidersInput) {
    this.#input = input;
    const { discover, env } = input;
    this.#discover = remembered((row) => (row.auth === "sigv4" ? discoverAws(row, env, discover) : discover(row)));
    this.#lists = new ModelLists(input.lists, input.clock);
    this.#tapes = new Tapes(input, () => this.secrets());
    this.#local = new LocalServers(async (row) => (await this.#discover(row)).value);
  }

  async resolve(role: Role, named?: string): Promise<Model> {
    if (this.#tapes.answering) return this.#wrapped(await this.#tapes.model(role));
    const { chooser } = await this.#load();
    const own = named || chooser.configured(role);
    const asExecutor = role === "executor" || (role !== "small" && (!own || own === chooser.configured("executor")));
    return this.#finished(role, await chooser.choose(role, named), asExecutor);
  }

  async resolveAll(named: NamedModels = {}): Promise<Record<Role, Model>> {
    const executorName = named.executor || named.model;
    const { chooser } = await this.#load();
    const resolved = async (role: Exclude<Role, "executor">) => {
      const own = named[role] || (role === "small" ? "" : named.model) || chooser.configured(role);
      if (this.#tapes.answering || (own && own !== executorName)) return this.resolve(role, own);
      const executor = await chooser.choose("executor", executorName);
      return role === "small"
        ? this.#finished(role, chooser.small(executor), false)
        : this.#finished(role, executor, true);
    };
    return {
      executor: await this.resolve("executor", executorName),
      evaluator: await resolved("evaluator"),
      planner: await resolved("planner"),
      small: await resolved("small"),
    };
  }

  async embedder(): Promise<Embedder | undefined> {
    const name = this.#input.config.models.embedder;
    if (!name || this.#tapes.answering) return undefined;
    const { openEmbedder } = await import("./embedder.ts");
    return openEmbedder(name, {
      ...(await this.#load()),
      local: this.#local,
      retry: this.#retry(),
      recipient: (choice, candidates) => this.#recipient(choice, candidates),
    });
  }

  async statuses(): Promise<ProviderStatus[]> {
    const { rows } = await this.#load();
    return Promise.all(
      rows.map(async (row) => {
        const { source, state, remedy } = await this.#discover(row);
        const { id, displayName, baseUrl, defaultModel } = row;
        if (row.local && state === "ready") return this.#local.status(row);
        return { id, displayName, source, state, ...(remedy ? { remedy } : {}), baseUrl, defaultModel };
      }),
    );
  }

  async unreached(signal: AbortSignal): Promise<Map<string, string>> {
    const { rows } = await this.#load();
    const asked = rows.filter(({ custom, baseUrl }) => custom && URL.canParse(baseUrl));
    const found = await Promise.all(asked.map(async (row) => [row.id, await whyUnreached(row, signal)] as const));
    return new Map(found.flatMap(([id, why]) => (why === undefined ? [] : [[id, why] as const])));
  }

  async secrets(): Promise<string[]> {
    const { rows } = await this.#load();
    const found = await Promise.all(
      rows.map(async (row) => {
        const { value, secrets = [] } = await this.#discover(row);
        return [...secretParts(row, value), ...secrets];
      }),
    );
    return [...new Set(found.flat())];
  }

  async rows(): Promise<CredentialRow[]> {
    return (await this.#load()).rows;
  }

  async models(): Promise<ModelInfo[]> {
    const { rows, catalogue } = await this.#load();
    const found = await Promise.all(
      rows.map(async (row) => {
        const here = row.local ? ((await this.#local.list(row)) ?? []).map((model) => model.name) : [];
        const names = new Set([...namesOf(row, catalogue), ...here, ...(await this.#lists.known(row))]);
        return Promise.all([...names].map((model) => this.#info(row, model, catalogue, here.includes(model))));
      }),
    );
    return found.flat();
  }

  async askLists({ force = false, signal }: { force?: boolean; signal: AbortSignal }): Promise<ModelList[]> {
    const { rows } = await this.#load();
    const lists = rows.map(async (row) => {
      const credential = await this.#discover(row);
      if (credential.state !== "ready" || !URL.canParse(row.baseUrl)) return [];
      if (row.local && !(await this.#local.list(row))) return [];
      return [await this.#lists.ask(row, credential, signal, force)];
    });
    return (await Promise.all(lists)).flat();
  }

  async tryKey(provider: string, key: string, signal: AbortSignal): Promise<ModelList> {
    const row = (await this.#load()).rows.find((each) => each.id === provider);
    if (!row) throw new Error(`there is no provider ${provider}`);
    return this.#lists.ask(row, { kind: "api_key", source: "", value: key, state: "ready" }, signal, true);
  }

  close(): Promise<void> {
    return this.#tapes.close();
  }

  #load() {
    this.#parts ??= (async () => {
      const { config, env, paths, named = [] } = this.#input;
      const [rows, catalogue] = await Promise.all([loadRows(config, env), loadCatalogue()]);
      const [discover, local] = [this.#discover, this.#local];
      const chooser = new Chooser({
        rows,
        catalogue,
        config,
        configFile: paths.config,
        onCommandLine: named,
        discover,
        local,
        listed: (row) => this.#lists.known(row),
        offered: (row) => this.#offered(row),
      });
      return { rows, catalogue, chooser };
    })();
    return this.#parts;
  }

  async #offered(row: Row): Promise<string[]> {
    const kept = await this.#lists.known(row);
    if (kept.length > 0 || !isLocal(row.baseUrl)) return kept;
    const limit = AbortSignal.timeout(OFFER_MS);
    return (await this.#lists.ask(row, await this.#discover(row), limit, false)).models;
  }

  /** A chosen model with everything around it. The fallback chain belongs to the executor and to those who follow it. */
  async #finished(role: Role, choice: Choice, asExecutor: boolean): Promise<Model> {
    const ref = refOf(choice);
    const { fallback } = this.#input.config.models;
    const chained = asExecutor && fallback.executor.length > 0;
    const key = chained ? `${ref} with fallback` : ref;
    let model = this.#models.get(key);
    if (!model) {
      model = chained ? this.#chain(choice, fallback.executor) : this.#single(choice);
      this.#models.set(key, model);
    }
    return this.#tapes.kept(this.#wrapped(await model), role);
  }

  #wrapped(model: Model): Model {
    return this.#input.wrap?.(model) ?? model;
  }

  async #single(choice: Choice): Promise<Model> {
    const { row, model } = choice;
    const { catalogue } = await this.#load();
    const ref = refOf({ row, model });
    const demands = row.custom ? {} : catalogue.demands(ref);
    const info = await this.#info(row, model, catalogue);
    const call = httpModel({
      ...this.#recipient(choice, async () => [
        ...namesOf(row, catalogue),
        ...(await this.#local.names(row)),
        ...(await this.#lists.known(row)),
      ]),
      target: { row, model, info, ...demands },
      wire: () => loadWire(row.wire),
    });
    return withRetry(call, this.#retry());
  }

  /** `here`: the server itself is asked, which lies on this machine. Nobody else is. */
  async #info(row: Row, model: string, catalogue: Catalogue, here = row.local): Promise<ModelInfo> {
    if (here) return limited(row, await this.#local.info(row, model));
    return infoOf(row, model, catalogue, (...asked) => this.#lists.stated(...asked));
  }

  #recipient(choice: Choice, candidates: Recipient["candidates"]): Recipient {
    const { clock, timeouts } = this.#input;
    const limits = { ...(isLocal(choice.row.baseUrl) ? LOCAL : REMOTE), ...timeouts };
    return { ...choice, timeouts: limits, clock, candidates };
  }

  #retry(): RetryOptions {
    const { clock, random = Math.random, retry } = this.#input;
    return { clock, random, ...retry };
  }

  async #chain(choice: Choice, names: readonly string[]): Promise<Model> {
    const { chooser } = await this.#load();
    const links = names.map((ref): Link => ({ ref, open: async () => this.#single(await chooser.named(ref)) }));
    return withFallback(await this.#single(choice), links, this.#input.clock);
  }
}

/** One run looks each credential up once. */
function remembered(discover: (row: Row) => Promise<Credential>): (row: Row) => Promise<Credential> {
  const found = new Map<string, Promise<Credential>>();
  return (row) => {
    const known = found.get(row.id) ?? discover(row);
    found.set(row.id, known);
    return known;
  };
}
