import { join } from "node:path";
import { messageOf, UserError } from "../base/errors.ts";
import { readText } from "../base/files.ts";
import { isObject } from "../base/schema.ts";
import type { Credential, CredentialRow } from "../contracts/credential.ts";
import { moment, text } from "./auth-file.ts";
import { broken, expired, isHeader, keyAdvice, ready } from "./found.ts";
import { accountOf, expiryOf } from "./oauth/jwt.ts";

/** An item of the macOS Keychain, through the system's own `security`. */
export interface Keychain {
  has(service: string): Promise<boolean>;
  /** May make the system ask the user. @throws where it is refused. */
  secret(service: string, signal: AbortSignal): Promise<string>;
}

/**
 * What other programs saved about themselves. Their files are read and never written, so their tokens are not renewed
 * here either: the renewal would end the other program's login.
 */
export async function fromOtherProgram(
  row: CredentialRow,
  userHome: string,
  now: number,
): Promise<Credential | undefined> {
  switch (row.id) {
    case "anthropic":
      return fromFile(join(userHome, ".claude", ".credentials.json"), "Claude Code", (value) =>
        claude(value, row, now),
      );
    case "openai":
      return fromFile(join(userHome, ".codex", "auth.json"), "Codex", codexKey);
    case "chatgpt":
      return fromFile(join(userHome, ".codex", "auth.json"), "Codex", (value) => codexLogin(value, now));
    case "qwen":
      return fromFile(join(userHome, ".qwen", "oauth_creds.json"), "Qwen Code", (value) => qwen(value, row, now));
    default:
      return undefined;
  }
}

type Without<T> = T extends unknown ? Omit<T, "source"> : never;
/** A credential that does not know yet where it was found. */
type Sourceless = Without<Credential>;

async function fromFile(
  path: string,
  program: string,
  read: (value: Record<string, unknown>) => Sourceless | undefined,
): Promise<Credential | undefined> {
  const source = `${program}'s login`;
  try {
    const found = await readText(path);
    if (found === undefined) return undefined;
    const value = parsed(found);
    const credential = read(value);
    return credential && { ...credential, source };
  } catch (error) {
    return broken(source, `${path} cannot be used: ${messageOf(error)}. Log in again with ${program}, or remove it.`);
  }
}

function parsed(source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch {
    throw new Error("it is not JSON");
  }
  if (!isObject(value)) throw new Error("it is not a JSON object");
  return value;
}

/** `claudeAiOauth` of Claude Code's file and Keychain item; `expiresAt` in ms. */
function claude(value: Record<string, unknown>, row: CredentialRow, now: number): Sourceless | undefined {
  const login = value["claudeAiOauth"];
  const token = isObject(login) ? text(login["accessToken"]) : "";
  if (!isObject(login) || !token) return undefined;
  const until = moment(login["expiresAt"]);
  if (until !== undefined && until <= now) {
    return { ...expired("", `Claude Code renews it; better, ${keyAdvice(row)}.`), secrets: [token] };
  }
  return { ...restrictedTo("Claude Code", row), value: token, headers: CLAUDE_LOGIN };
}

/**
 * Anthropic accepts a login instead of a key only with this feature named. Its terms (code.claude.com, "Legal and
 * compliance") keep subscriptions to its own programs: nothing here pretends to be one.
 */
export const CLAUDE_LOGIN = { "anthropic-beta": "oauth-2025-04-20" } as const;

function restrictedTo(program: string, row: CredentialRow): Sourceless {
  const remedy = `Its issuer keeps this login to ${program}; it is used only where you name ${row.id}. Better, ${keyAdvice(row)}.`;
  return { kind: "oauth", value: undefined, state: "restricted", remedy };
}

/** A login of `auth.json` for a provider that gives logins to its own programs only. */
export function restrictedLogin(row: CredentialRow, access: string): Credential {
  const headers = row.id === "anthropic" ? { headers: CLAUDE_LOGIN } : {};
  return { ...restrictedTo("its own programs", row), source: "auth.json", value: access, ...headers };
}

/** The key that Codex was given (`codex login --with-api-key`). */
function codexKey(value: Record<string, unknown>): Sourceless | undefined {
  const key = value["OPENAI_API_KEY"];
  if (typeof key !== "string" || !key.trim()) return undefined;
  if (!isHeader(key.trim())) throw new Error("its OPENAI_API_KEY is more than one line");
  return ready("", key.trim());
}

/** Codex's ChatGPT login (codex-rs/login/src/token_data.rs). */
function codexLogin(value: Record<string, unknown>, now: number): Sourceless | undefined {
  const tokens = value["tokens"];
  const access = isObject(tokens) ? text(tokens["access_token"]) : "";
  if (!isObject(tokens) || !access) return undefined;
  const until = expiryOf(access);
  if (until !== undefined && until <= now) {
    const remedy = "Codex renews it when it runs; or log in here: openkoi connect chatgpt.";
    return { ...expired("", remedy), secrets: [access] };
  }
  const account = text(tokens["account_id"]) || accountOf(access);
  const headers = { originator: "openkoi", ...(account ? { "chatgpt-account-id": account } : {}) };
  return { kind: "oauth", value: access, state: "ready", headers };
}

/** Qwen Code's login; `resource_url` says which server takes it, `expiry_date` in ms. */
function qwen(value: Record<string, unknown>, row: CredentialRow, now: number): Sourceless | undefined {
  const access = text(value["access_token"]);
  if (!access) return undefined;
  const until = moment(value["expiry_date"]);
  if (until !== undefined && until <= now) {
    const remedy = `Qwen ended these logins for free use in April 2026; ${keyAdvice(row)}.`;
    return { ...expired("", remedy), secrets: [access] };
  }
  return { kind: "oauth", value: access, state: "ready", baseUrl: qwenServer(text(value["resource_url"])) };
}

/** The file may be anybody's: the token goes to Qwen's own hosts alone. */
function qwenServer(resource: string): string {
  const url = new URL(/^https?:/.test(resource) ? resource : `https://${resource || "portal.qwen.ai"}`);
  if (url.protocol !== "https:" || !/(^|\.)(qwen\.ai|aliyuncs\.com)$/.test(url.hostname)) {
    throw new Error(`its resource_url names ${url.host}, which is not Qwen's`);
  }
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path.endsWith("/v1") ? path : `${path}/v1`}`;
}

/** Name of Claude Code's item in the macOS Keychain. */
const CLAUDE_SERVICE = "Claude Code-credentials";

/** Claude Code's login on macOS. Its secret is read when it is used: the system may ask the user then. */
export async function fromKeychain(row: CredentialRow, keychain: Keychain, now: () => number) {
  if (row.id !== "anthropic" || !(await keychain.has(CLAUDE_SERVICE))) return undefined;
  const credential: Credential = {
    ...restrictedTo("Claude Code", row),
    source: "macOS Keychain (Claude Code)",
    headers: CLAUDE_LOGIN,
    async token(signal) {
      const login = claude(parsed(await keychain.secret(CLAUDE_SERVICE, signal)), row, now());
      if (login?.value) return { value: login.value, headers: CLAUDE_LOGIN };
      throw new UserError("Claude Code's login in the Keychain cannot be used", login?.remedy ?? `${keyAdvice(row)}.`);
    },
  };
  return credential;
}
