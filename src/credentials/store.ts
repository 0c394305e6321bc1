import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { ensureDir, writeAtomic } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import { changeAuth, readAuth } from "./auth-file.ts";
import { isHeader } from "./found.ts";
import { keyPath } from "./keys.ts";

type Places = Pick<Paths, "home" | "auth" | "credentials" | "integrations">;

/**
 * Saves a key as `credentials/<provider>.key` (600, in a folder of 700). An older entry of `auth.json` goes: it would
 * be found first. @throws UserError for what is no key.
 */
export async function saveKey(paths: Places, provider: string, key: string, signal: AbortSignal): Promise<void> {
  const path = keyPath(paths.credentials, provider);
  if (!path) throw new UserError(`"${provider}" cannot be the name of a file`, "Rename it in the config.");
  if (!isHeader(key)) {
    throw new UserError("that is no key: it holds spaces, line breaks or other characters", "Give the key alone.");
  }
  await ensureDir(paths.home);
  await ensureDir(paths.credentials, 0o700);
  await writeAtomic(path, `${key}\n`, { mode: 0o600 });
  await removeEntry(paths, provider, signal);
}

/** What is saved for a provider, in words; empty for nothing. */
export async function savedFor(paths: Places, provider: string): Promise<string[]> {
  const keys = await savedKeys(paths);
  const entries = Object.keys((await readAuth(paths.auth)) ?? {});
  return [
    ...(entries.includes(provider) ? ["auth.json"] : []),
    ...(keys.includes(provider) ? [`credentials/${provider}.key`] : []),
  ];
}

/** Every provider that something is saved for, by name. @throws where `auth.json` cannot be read. */
export async function savedProviders(paths: Places): Promise<string[]> {
  const entries = Object.keys((await readAuth(paths.auth)) ?? {});
  return [...new Set([...entries, ...(await savedKeys(paths))])].sort();
}

/** Removes what is saved for a provider. */
export async function remove(paths: Places, provider: string, signal: AbortSignal): Promise<void> {
  const path = keyPath(paths.credentials, provider);
  if (path) await rm(path, { force: true });
  await removeEntry(paths, provider, signal);
}

/** Removes every saved credential, those of integrations too; also an `auth.json` that cannot be read. */
export async function removeAll(paths: Places): Promise<void> {
  for (const provider of await savedKeys(paths)) await rm(keyPath(paths.credentials, provider)!, { force: true });
  await rm(paths.auth, { force: true });
  await rm(paths.integrations, { force: true });
}

async function removeEntry(paths: Places, provider: string, signal: AbortSignal): Promise<void> {
  if (!Object.hasOwn((await readAuth(paths.auth)) ?? {}, provider)) return;
  await changeAuth(paths.auth, signal, async (providers) => {
    delete providers[provider];
    return { save: true, result: undefined };
  });
}

async function savedKeys({ credentials }: Places): Promise<string[]> {
  const names = await readdir(credentials).catch(() => []);
  const found = names.filter((name) => name.endsWith(".key")).map((name) => name.slice(0, -".key".length));
  return found.filter((provider) => keyPath(credentials, provider) === join(credentials, `${provider}.key`));
}
