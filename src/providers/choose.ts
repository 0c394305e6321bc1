import type { Config } from "../base/config.ts";
import { Exit, UserError } from "../base/errors.ts";
import { closest } from "../base/text.ts";
import type { Credential } from "../contracts/credential.ts";
import type { Role } from "../contracts/provider.ts";
import type { Catalogue } from "./catalogue.ts";
import type { LocalServers } from "./local.ts";
import type { Row } from "./row.ts";

/** So long a name that may be a local model's makes a start wait, milliseconds: with what is around it, less than 50. */
const GLANCE_MS = 40;

/** The model of a server of the user's own for which none was named. */
const AUTO = "auto";

/** A model that can be called: its provider's row, its id there, and the credential. */
export interface Choice {
  row: Row;
  model: string;
  credential: Credential;
}

export interface ChooserParts {
  rows: readonly Row[];
  catalogue: Catalogue;
  config: Config;
  /** Shown where the user should write a provider down. */
  configFile: string;
  /** Names on the command line: one that means nothing is wrong usage there, and a wrong config elsewhere. */
  onCommandLine: readonly unknown[];
  discover: (row: Row) => Promise<Credential>;
  local: LocalServers;
  /** What a provider last said of its own models; never asks it. */
  listed: (row: Row) => Promise<string[]>;
  /** The same of a server that nobody named a model of; one on this machine is asked where it was not within a day. */
  offered: (row: Row) => Promise<string[]>;
}

/**
 * Finds the model of a role. Reads credentials at most, never the network; a server on this machine is asked where
 * nothing before it is set up, or where its name or that of no known model was given.
 */
export class Chooser {
  readonly #parts: ChooserParts;
  readonly #automatic = new Map<string, Promise<string>>();

  constructor(parts: ChooserParts) {
    this.#parts = parts;
  }

  /**
   * The model named for the role, by `named` (a flag) or the config; without a name the executor's (for `small` its
   * provider's small one), and for the executor the default of the first provider that has a credential.
   *
   * @throws UserError where nothing is set up, a name is not known, or a credential is missing or broken.
   */
  async choose(role: Role, named?: string): Promise<Choice> {
    const wanted = named || this.configured(role);
    if (wanted) return this.named(wanted);
    if (role === "executor") return this.#first();
    const executor = await this.choose("executor");
    return role === "small" ? this.small(executor) : executor;
  }

  /** What the config (and `OPENKOI_MODEL` through it) names for a role; "" for nothing. */
  configured(role: Role): string {
    const { models } = this.#parts.config;
    return role === "small" ? models.small_model : models[role];
  }

  /** The small, cheap model beside another one. */
  small(beside: Choice): Choice {
    return { ...beside, model: beside.row.smallModel ?? beside.model };
  }

  /** `provider/model` (the model may hold slashes), `provider` alone for its default, or a known model's bare name. */
  async named(name: string): Promise<Choice> {
    const { rows } = this.#parts;
    const slash = name.indexOf("/");
    const provider = slash < 0 ? name : name.slice(0, slash);
    const row = rows.find((each) => each.id === provider);
    if (row) {
      const model = slash < 0 ? await this.#default(row) : name.slice(slash + 1);
      if (!model && row.local) throw noServer(row);
      if (!model) throw new UserError(`"${name}" names no model`, `Write ${provider}/MODEL.`);
      return this.usable(row, model, true);
    }
    return (
      (await this.#bare(name)) ??
      (await this.#listed(name)) ??
      (await this.#onServer(name)) ??
      this.unknown(name, await this.#modelNames())
    );
  }

  /** The model of a row that is used where none is named. */
  async #default(row: Row): Promise<string | undefined> {
    if (row.defaultModel === AUTO) return this.#auto(row);
    return row.defaultModel ?? (row.local ? await this.#parts.local.best(row) : undefined);
  }

  /** Most servers want the name of a model that they have; to some, "auto" is one. */
  #auto(row: Row): Promise<string> {
    const known = this.#automatic.get(row.id);
    if (known) return known;
    const named = this.#parts.offered(row).then((offered) => (offered.includes(AUTO) ? AUTO : (offered[0] ?? AUTO)));
    this.#automatic.set(row.id, named);
    return named;
  }

  /** A name that lies on a server of this machine (`qwen3:8b`, or `qwen3` for `qwen3:latest`). */
  async #onServer(name: string): Promise<Choice | undefined> {
    for (const row of this.#parts.rows.filter((each) => each.local)) {
      const models = (await this.#parts.local.list(row, GLANCE_MS)) ?? [];
      const found = models.find((model) => model.name === name || model.name === `${name}:latest`);
      if (found) return this.usable(row, found.name);
    }
    return undefined;
  }

  /**
   * A model with its provider's credential. `named`: the user wrote the provider down, which is what a restricted login
   * asks for. @throws UserError where it cannot be used.
   */
  async usable(row: Row, model: string, named = false): Promise<Choice> {
    checkUrl(row, this.#parts.configFile);
    const credential = await this.#parts.discover(row);
    if (credential.state === "ready" || (credential.state === "restricted" && named)) return { row, model, credential };
    const what =
      credential.state === "missing" ? "no key is set" : `the credential (${credential.source}) is ${credential.state}`;
    throw new UserError(`${row.displayName}: ${what}`, credential.remedy ?? `openkoi connect ${row.id}`);
  }

  /** A model that one or more providers are known to have; one with a credential is preferred. */
  async #bare(name: string): Promise<Choice | undefined> {
    const { rows, catalogue, discover } = this.#parts;
    const having = rows.filter((row) => catalogue.find(`${row.id}/${name}`) || row.models.includes(name));
    for (const row of having) {
      if ((await discover(row)).state === "ready") return this.usable(row, name);
    }
    return having[0] && this.usable(having[0], name);
  }

  /** A name that no catalogue knows and a provider with a credential had in its own list. */
  async #listed(name: string): Promise<Choice | undefined> {
    const { rows, discover, listed } = this.#parts;
    for (const row of rows) {
      if (!(await listed(row)).includes(name) || (await discover(row)).state !== "ready") continue;
      return this.usable(row, name);
    }
    return undefined;
  }

  /** @throws UserError that says what may have been meant; `known` are the models' bare names. */
  unknown(name: string, known: readonly string[]): never {
    const { rows, configFile, onCommandLine, local } = this.#parts;
    const ids = rows.map((row) => row.id);
    const slash = name.indexOf("/");
    const provider = slash < 0 ? name : name.slice(0, slash);
    const near = slash < 0 ? (closest(name, known) ?? closest(name, ids)) : closest(provider, ids);
    const meant = near && slash >= 0 ? near + name.slice(slash) : near;
    const guess = meant ? `Did you mean ${meant}? ` : "";
    const silent = slash < 0 && rows.find((row) => local.silent(row));
    if (silent) {
      // Nobody's mistake as far as is known.
      throw new UserError(
        `no model "${name}" is known, and ${silent.displayName} at ${silent.baseUrl} did not answer in time`,
        `${guess}If it is one of that server's, write ${silent.id}/${name}.`,
      );
    }
    throw new UserError(
      slash < 0 ? `there is no model "${name}"` : `there is no provider "${provider}"`,
      `${guess}Models are written provider/model; providers are ${ids.join(", ")}, and [providers.NAME] in ${configFile}.`,
      onCommandLine.includes(name) ? Exit.usage : Exit.failure,
    );
  }

  async #modelNames(): Promise<string[]> {
    const { rows, catalogue, local, listed } = this.#parts;
    const bare = catalogue.refs().map((ref) => ref.slice(ref.indexOf("/") + 1));
    const own = await Promise.all(
      rows.map(async (row) => [...row.models, ...local.known(row), ...(await listed(row))]),
    );
    return [...bare, ...own.flat()];
  }

  async #first(): Promise<Choice> {
    const { rows, discover, configFile } = this.#parts;
    let broken: Credential | undefined;
    let misnamed: Row | undefined;
    for (const row of rows) {
      if (row.baseUrl !== "" && !isWebAddress(row)) misnamed ??= row;
      if (!(row.defaultModel || row.local) || !isWebAddress(row)) continue;
      const credential = await discover(row);
      if (credential.state === "ready") {
        const model = await this.#default(row);
        if (model) return { row, model, credential };
      } else if (credential.state !== "missing") broken ??= credential;
    }
    if (misnamed) checkUrl(misnamed, configFile);
    const keys = rows.filter((row) => !row.custom).slice(0, 2);
    throw new UserError(
      broken ? `no model can be used: ${broken.source} is ${broken.state}` : "no model provider is set up",
      `${broken?.remedy ?? `Connect one (openkoi connect), set a key (${keys.map((row) => row.keyEnv[0]).join(" or ")}), or name a local server in [providers.NAME] of ${configFile} with its base_url.`} To see everything work without one: openkoi demo.`,
    );
  }
}

function noServer(row: Row): UserError {
  return new UserError(
    `${row.displayName}: no model was found at ${row.baseUrl}`,
    `Start the server and pull a model (ollama pull qwen3), or name the server in ${row.baseUrlEnv}.`,
  );
}

function isWebAddress({ baseUrl }: Row): boolean {
  return /^https?:\/\/./.test(baseUrl) && URL.canParse(baseUrl);
}

function checkUrl(row: Row, configFile: string): void {
  if (isWebAddress(row)) return;
  const { id, baseUrl, baseUrlEnv, custom } = row;
  const what = baseUrl ? `"${baseUrl}" is not an http address` : "it has no base_url";
  const whole = `http://${baseUrl}`;
  const example = baseUrl && !baseUrl.includes("://") && URL.canParse(whole) ? `, e.g. base_url = "${whole}"` : "";
  const remedy = custom ? `Set base_url under [providers.${id}] in ${configFile}${example}.` : `Mend ${baseUrlEnv}.`;
  throw new UserError(`provider ${id}: ${what}`, remedy);
}
