import type { Env } from "../../src/base/env.ts";
import type { Credential, CredentialRow, Discover } from "../../src/contracts/credential.ts";

/** Discovery in memory: the environment, then saved keys. A saved key of two lines is a broken one. */
export function fakeDiscovery(env: Env, saved: Record<string, string> = {}): Discover {
  return async (row) => fromEnvironment(row, env) ?? fromSaved(row, saved[row.id]) ?? nothing(row);
}

function fromEnvironment(row: CredentialRow, env: Env): Credential | undefined {
  const name = row.keyEnv.find((each) => env[each]);
  return name === undefined ? undefined : ready(`environment ${name}`, env[name]!);
}

function fromSaved(row: CredentialRow, text: string | undefined): Credential | undefined {
  if (text === undefined) return undefined;
  const source = `credentials/${row.id}.key`;
  const value = text.trim();
  if (value && !value.includes("\n")) return ready(source, value);
  const what = value ? "holds more than one line" : "is empty";
  return { kind: "none", source, value: undefined, state: "broken", remedy: `${source} ${what}.` };
}

function nothing(row: CredentialRow): Credential {
  return row.needsKey
    ? { kind: "none", source: undefined, value: undefined, state: "missing", remedy: `Set ${row.keyEnv[0]}.` }
    : { kind: "none", source: "no key needed", value: undefined, state: "ready" };
}

function ready(source: string, value: string): Credential {
  return { kind: "api_key", source, value, state: "ready" };
}
