import { dirname } from "node:path";
import { messageOf, UserError } from "../base/errors.ts";
import { ensureDir, readText, writeAtomic } from "../base/files.ts";
import { withLock } from "../base/lock.ts";
import { isObject } from "../base/schema.ts";

/** What a login gives. Times are milliseconds since 1970 by this machine's clock. */
export interface Tokens {
  access: string;
  /** "" where there is none: the login then ends with its access token. */
  refresh: string;
  /** Undefined: it does not run out. */
  expiresAt: number | undefined;
  /** What belongs to the login beside its tokens: account, address, registration. */
  extra: Readonly<Record<string, unknown>>;
}

/** A moment as seconds lies below this, as milliseconds above (the year 5138). */
const SECONDS_END = 1e11;

/**
 * `providers` of `auth.json`; undefined where there is no file. @throws where it cannot be read or understood; the
 * message holds nothing of the file.
 */
export async function readAuth(path: string): Promise<Record<string, unknown> | undefined> {
  const found = await readWhole(path);
  if (!found) return undefined;
  const { providers } = found.value;
  return isObject(providers) ? providers : {};
}

async function readWhole(path: string): Promise<{ source: string; value: Record<string, unknown> } | undefined> {
  const source = await readText(path);
  if (source === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    // The parser's own message repeats a piece of the file.
    throw new Error("it is not JSON");
  }
  if (!isObject(value)) throw new Error("it is not a JSON object");
  return { source, value };
}

/**
 * Changes `providers` of `auth.json` in place, alone among all processes; `change` may be slow (a renewal), others wait
 * for it. What it does not touch stays, also what another program put there. Nothing is changed where it throws or says
 * false. `prove` writes the file as it is: whoever spends an old token must know first that the new one can be kept.
 * @throws as `readAuth` does; UserError where the file cannot be written.
 */
export async function changeAuth<T>(
  path: string,
  signal: AbortSignal,
  change: (providers: Record<string, unknown>, prove: () => Promise<void>) => Promise<{ save: boolean; result: T }>,
): Promise<T> {
  let alone = false;
  try {
    await ensureDir(dirname(path));
    return await withLock(`${path}.lock`, signal, async () => {
      alone = true;
      const found = await readWhole(path);
      const whole = found?.value ?? {};
      const providers = isObject(whole["providers"]) ? whole["providers"] : {};
      const write = (text: string) =>
        writeAtomic(path, text, { mode: 0o600 }).catch((error: unknown) => {
          throw unwritable(path, error);
        });
      const { save, result } = await change(providers, () => write(found?.source ?? "{}\n"));
      if (save) await write(`${JSON.stringify({ ...whole, providers }, null, 2)}\n`);
      return result;
    });
  } catch (error) {
    throw alone || signal.aborted ? error : unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): UserError {
  return new UserError(
    `${path} cannot be written: ${messageOf(error)}`,
    "Make room, and its folder one you may write to.",
  );
}

/** A login as it stands in `auth.json`; undefined where that is none. */
export function tokensOf(entry: unknown): Tokens | undefined {
  if (!isObject(entry) || entry["type"] !== "oauth") return undefined;
  const access = text(entry["access_token"]);
  const refresh = text(entry["refresh_token"]);
  if (!access && !refresh) return undefined;
  const extra = isObject(entry["extra"]) ? entry["extra"] : {};
  return { access, refresh, expiresAt: moment(entry["expires_at"]), extra };
}

/** The same for `auth.json`; `expires_at` in seconds since 1970, as the issuers count. */
export function entryOf({ access, refresh, expiresAt, extra }: Tokens): Record<string, unknown> {
  const expires_at = expiresAt === undefined ? null : Math.floor(expiresAt / 1000);
  return { type: "oauth", access_token: access, refresh_token: refresh, expires_at, extra };
}

/** Seconds, milliseconds or a date in words; ms. */
export function moment(value: unknown): number | undefined {
  if (typeof value === "number" && value > 0) return value < SECONDS_END ? value * 1000 : value;
  const parsed = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** A token: one line that fits into a header; "" for anything else. */
export function text(value: unknown): string {
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value.trim()) ? value.trim() : "";
}
