import type { ProviderStatus } from "./provider.ts";

/** How one logs in to a provider that takes no key: a device code, typed into a browser anywhere. */
export interface Login {
  kind: "copilot" | "chatgpt";
  /** Server of the device code and the tokens, without a slash at its end. */
  url: string;
  /** Server of the second exchange (Copilot), where that is another one. */
  apiUrl: string;
  /** OpenKoi's registration at the issuer; "" where there is none: another program's is never used. */
  clientId: string;
  /** Environment variable that names a registration of one's own. */
  clientIdEnv: string;
}

/** What discovery must know of a provider. */
export interface CredentialRow {
  id: string;
  displayName: string;
  /** Environment variables that may hold the key, the first one set wins. */
  keyEnv: readonly string[];
  /** False for servers that ask for no key. */
  needsKey: boolean;
  login?: Login;
  /** Where a key is got. */
  keyUrl?: string;
}

/** What goes with one request. */
export interface Token {
  value: string;
  /** Headers that belong to the login, e.g. the account. */
  headers?: Readonly<Record<string, string>>;
  /** Where this token is valid, without a slash at its end; absent: where the provider's row says. */
  baseUrl?: string;
}

/**
 * What was found for one provider. `value` is there where `state` is `ready` or `restricted` (usable only where the
 * user names the provider); a broken source is reported as broken and never passed over for the next one.
 */
export interface Credential {
  /** `oauth` travels as a bearer token, whatever the provider does with keys. */
  kind: "api_key" | "oauth" | "none";
  /** In words: `environment ANTHROPIC_API_KEY`, `auth.json`, `credentials/groq.key`, `no key needed`. */
  source: string | undefined;
  value: string | undefined;
  state: ProviderStatus["state"];
  /** What to do, where the state is not `ready`. */
  remedy?: string;
  headers?: Token["headers"];
  baseUrl?: string;
  /** What else must never be shown: the token that renews `value`. */
  secrets?: readonly string[];
  /**
   * Of a login that runs out: the token of this moment, renewed where it must be. `refused` is a token that the
   * provider just did not accept, whatever the clock says. @throws UserError with what to do.
   */
  token?(signal: AbortSignal, refused?: string): Promise<Token>;
}

/** Finds the credential of one provider. Reads at most a few small files, never the network. */
export type Discover = (row: CredentialRow) => Promise<Credential>;
