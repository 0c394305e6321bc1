import type { Env } from "../base/env.ts";
import { messageOf } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { isObject } from "../base/schema.ts";
import type { Credential, CredentialRow, Discover } from "../contracts/credential.ts";
import type { Clock } from "../contracts/kit.ts";
import { readAuth, type Tokens, text, tokensOf } from "./auth-file.ts";
import { broken, expired, ready } from "./found.ts";
import { fromEnvironment, fromSavedKey } from "./keys.ts";
import { createSession, isOver, type LoginRow } from "./oauth/session.ts";
import { fromKeychain, fromOtherProgram, type Keychain, restrictedLogin } from "./other-programs.ts";

/** Where credentials may lie. */
export interface Places {
  env: Env;
  paths: Pick<Paths, "auth" | "credentials" | "userHome">;
  clock: Clock;
  /** Absent where the system has none. */
  keychain?: Keychain | undefined;
}

/**
 * Finds the credential of one provider; the first source that has anything wins (PRODUCT.md, section 4): the
 * environment, `auth.json`, other programs, the macOS Keychain, the saved key. (Local servers: providers/local.ts.)
 *
 * A source that has something unusable is reported as broken: going on to the next one would use, and bill, a
 * credential that the user did not mean. A login that belongs to another program, or whose time is over there, does
 * not stand in the way of a key of one's own.
 */
export function createDiscovery(places: Places): Discover {
  const { env, paths, clock, keychain } = places;
  let auth: ReturnType<typeof readAuth> | undefined;
  return async (row) => {
    const own = fromEnvironment(row, env);
    if (own) return own.state === "ready" && row.login ? memoryLogin(row as LoginRow, own, clock) : own;
    auth ??= readAuth(paths.auth);
    let aside: Credential | undefined;
    const sources = [
      () => fromAuth(row, auth!, places),
      () => fromOtherProgram(row, paths.userHome, clock.now()),
      async () => keychain && fromKeychain(row, keychain, () => clock.now()),
      () => fromSavedKey(row, paths.credentials),
    ];
    for (const source of sources) {
      const found = await source();
      if (!found) continue;
      if (found.state !== "restricted" && found.state !== "expired") return found;
      aside ??= found;
    }
    return aside ?? nothing(row);
  };
}

function nothing(row: CredentialRow): Credential {
  if (!row.needsKey) return { kind: "none", source: "no key needed", value: undefined, state: "ready" };
  const ways = [row.keyEnv[0] ? `Set ${row.keyEnv[0]}, or save it` : "Log in", `openkoi connect ${row.id}`];
  return { kind: "none", source: undefined, value: undefined, state: "missing", remedy: `${ways.join(": ")}.` };
}

/** A login's own token in the environment; what it is exchanged for stays in this process. */
function memoryLogin(row: LoginRow, found: Credential, clock: Clock): Credential {
  const tokens: Tokens = { access: "", refresh: found.value!, expiresAt: undefined, extra: {} };
  return { ...found, kind: "oauth", token: createSession(row, tokens, clock, undefined) };
}

async function fromAuth(
  row: CredentialRow,
  auth: ReturnType<typeof readAuth>,
  { paths, clock }: Places,
): Promise<Credential | undefined> {
  const source = "auth.json";
  let entry: unknown;
  try {
    entry = (await auth)?.[row.id];
  } catch (error) {
    return broken(source, `${paths.auth} cannot be used: ${messageOf(error)}. Mend or remove it.`);
  }
  if (entry === undefined) return undefined;
  const tokens = tokensOf(entry);
  if (tokens) return tokens.access || row.login ? fromLogin(row, tokens, clock, paths.auth) : undefined;
  const key = isObject(entry) && entry["type"] === "api_key" ? text(entry["key"]) : "";
  if (key) return ready(source, key);
  const what = row.login ? "neither a login nor a key" : "not an API key";
  return broken(source, `The entry ${row.id} of ${paths.auth} is ${what}. Save it again: openkoi connect ${row.id}.`);
}

function fromLogin(row: CredentialRow, tokens: Tokens, clock: Clock, file: string): Credential {
  if (!row.login) return restrictedLogin(row, tokens.access);
  const secrets = [tokens.access, tokens.refresh].filter(Boolean);
  if (isOver(tokens, clock)) {
    return { ...expired("auth.json", `Log in again: openkoi connect ${row.id}.`), secrets };
  }
  const token = createSession(row as LoginRow, tokens, clock, file);
  return { kind: "oauth", source: "auth.json", value: tokens.access || tokens.refresh, state: "ready", secrets, token };
}
