import type { Config } from "../base/config.ts";
import type { Paths } from "../base/paths.ts";
import type { CredentialRow, Discover } from "../contracts/credential.ts";
import type { Clock } from "../contracts/kit.ts";
import type { Embedder, Model, ModelInfo, ModelList, ProviderStatus, Role } from "../contracts/provider.ts";
import { ProviderSet } from "./provider-set.ts";
import type { RetryOptions } from "./retry.ts";
import type { Timeouts } from "./row.ts";
import type { TapesInput } from "./tapes.ts";

/** Models named on the command line: `-m` for every role, the others for one. */
export type NamedModels = Partial<Record<"model" | Role, string | undefined>>;

export interface Providers {
  /**
   * The model of one role, ready to be called. `named` goes before the config.
   *
   * @throws UserError with what to do, where there is none.
   */
  resolve(role: Role, named?: string): Promise<Model>;
  /** The models of all roles. A role that is not named itself follows the executor, also the one named by a flag. */
  resolveAll(named?: NamedModels): Promise<Record<Role, Model>>;
  /**
   * The provider's embedder that `[models] embedder` names, ready to be called; undefined where it names none (or
   * `builtin`), and where a recording answers. @throws UserError with what to do, where it cannot be used.
   */
  embedder(): Promise<Embedder | undefined>;
  /** Every provider and where its credential comes from; for `doctor` and `status`. */
  statuses(): Promise<ProviderStatus[]>;
  /** Providers with an address that the user named at which nothing answers, by id, and why: asks each of them, 2 s at most. */
  unreached(signal: AbortSignal): Promise<Map<string, string>>;
  /** Every key that was found, for the redactor. */
  secrets(): Promise<string[]>;
  /** Every provider, as far as credentials go. */
  rows(): Promise<CredentialRow[]>;
  /** The facts of all models that are known: from the catalogue, the config, the providers' last lists. */
  models(): Promise<ModelInfo[]>;
  /**
   * Asks the providers that can be used for their own lists, all at once, each at most once a day unless `force`.
   * Takes at most some ten seconds.
   */
  askLists(options: { force?: boolean; signal: AbortSignal }): Promise<ModelList[]>;
  /** Asks one provider with a key that is not saved yet. */
  tryKey(provider: string, key: string, signal: AbortSignal): Promise<ModelList>;
  /** Ends the recording. */
  close(): Promise<void>;
}

export interface ProvidersInput extends TapesInput {
  config: Config;
  /** Models that the command line names. Default: none. */
  named?: readonly unknown[];
  /** `config`: the file where the user should write a provider down. */
  paths: Pick<Paths, "config" | "userHome">;
  discover: Discover;
  clock: Clock;
  /** Absolute path of the folder where the providers' model lists are kept; absent: they are not. */
  lists?: string;
  /** Default: Math.random. */
  random?: () => number;
  /** Put around every model, inside of what is recorded. */
  wrap?: (model: Model) => Model;
  retry?: Pick<RetryOptions, "attempts" | "patienceMs">;
  timeouts?: Partial<Timeouts>;
}

/**
 * The providers of one run. Reads nothing until something is asked, and no network before a model is called, except for
 * a server on this machine that was named, or is all there is, and where somebody asks for it (`unreached`, lists).
 */
export function createProviders(input: ProvidersInput): Providers {
  return new ProviderSet(input);
}
