import { join } from "node:path";
import type { Env } from "../base/env.ts";
import { messageOf } from "../base/errors.ts";
import { readText } from "../base/files.ts";
import type { Credential, CredentialRow } from "../contracts/credential.ts";
import { broken, isHeader, ready } from "./found.ts";

/** The key in the environment; the first variable that is set wins. */
export function fromEnvironment(row: CredentialRow, env: Env): Credential | undefined {
  for (const name of row.keyEnv) {
    const value = env[name]?.trim();
    if (!value) continue;
    const source = `environment ${name}`;
    return isHeader(value)
      ? ready(source, value)
      : broken(source, `${name} holds line breaks or other control characters.`);
  }
  return undefined;
}

/** The key that `connect` saved: `credentials/<provider>.key`. */
export async function fromSavedKey(row: CredentialRow, folder: string): Promise<Credential | undefined> {
  const path = keyPath(folder, row.id);
  if (!path) return undefined;
  const source = `credentials/${row.id}.key`;
  let value: string | undefined;
  try {
    value = (await readText(path))?.trim();
  } catch (error) {
    return broken(source, `${source} cannot be used: ${messageOf(error)}. Mend or remove it.`);
  }
  if (value === undefined) return undefined;
  if (!value) return broken(source, `${source} is empty. Save the key again: openkoi connect ${row.id}.`);
  return isHeader(value)
    ? ready(source, value)
    : broken(source, `${source} holds more than one line. Save the key again: openkoi connect ${row.id}.`);
}

/** Where the key of a provider lies; undefined for a name (from the config) that would lead out of the folder. */
export function keyPath(folder: string, provider: string): string | undefined {
  return /^[\w-][\w.-]*$/.test(provider) ? join(folder, `${provider}.key`) : undefined;
}
