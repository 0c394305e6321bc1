import type { Config } from "../base/config.ts";
import type { Env } from "../base/env.ts";
import type { Login } from "../contracts/credential.ts";
import type { Embeddings, EmbeddingWireId, Quirks, Row, RowData, WireId } from "./row.ts";

/** Those that come before a server of the user's own when a default is looked for (PRODUCT.md, section 4). */
const FIRST: ReadonlySet<string> = new Set(["anthropic", "openai", "google", "bedrock"]);
/** Endpoint of `OPENAI_COMPAT_BASE_URL`. */
const COMPAT = "openai-compat";
/** Texts that every server takes at once; Hugging Face's has the lowest limit. */
const UNKNOWN_BATCH = 32;

/**
 * Every provider of this run, in the order in which a default is looked for: the first of the program's own list, the
 * user's `[providers.x]`, then the rest. A `[providers.x]` with a known name changes that row.
 */
export async function loadRows(config: Config, env: Env): Promise<Row[]> {
  const { default: data } = await import("../../embed/providers.json", { with: { type: "text" } });
  const builtIn = (JSON.parse(data as unknown as string) as RowData[]).map((row) => builtInRow(row, config, env));
  const known = new Set(builtIn.map((row) => row.id));
  const custom = Object.keys(config.providers)
    .filter((id) => !known.has(id))
    .map((id) => customRow(id, config.providers[id]!, env));
  if (env["OPENAI_COMPAT_BASE_URL"] && !config.providers[COMPAT]) custom.push(compatRow(env));
  // Somebody who configured an endpoint means it more than a key that happens to be set.
  const first = builtIn.filter((row) => FIRST.has(row.id));
  return [...first, ...custom, ...builtIn.filter((row) => !FIRST.has(row.id))];
}

type ProviderConfig = Config["providers"][string];

function builtInRow(data: RowData, config: Config, env: Env): Row {
  const own: ProviderConfig | undefined = config.providers[data.id];
  const baseUrlEnv = variable(data.id, "BASE_URL");
  const named = data.hostEnv ? env[data.hostEnv] : undefined;
  const other = env[baseUrlEnv] || own?.base_url || (named && hostUrl(named, data.baseUrl));
  const region = data.auth === "sigv4" ? regionOf(env) : undefined;
  const quirks = Object.fromEntries(Object.entries(data.quirks ?? {}).map(([name, quirk]) => [name, quirk.value]));
  return {
    id: data.id,
    displayName: own?.display_name || data.displayName,
    wire: own?.wire || data.wire,
    baseUrl: trimmed(other || data.baseUrl.replace("{region}", region ?? "").replace("{suffix}", suffixOf(region))),
    baseUrlEnv,
    baseUrlNamed: Boolean(other),
    keyEnv: own?.api_key_env ? [own.api_key_env] : data.keyEnv,
    ...(data.keyUrl ? { keyUrl: data.keyUrl } : {}),
    ...(data.login ? { login: loginOf(data.id, data.login, env) } : {}),
    // A server of one's own that speaks like the vendor mostly asks for no key.
    needsKey: !data.local && !(other && isLocal(other)),
    auth: data.auth ?? "bearer",
    headers: data.headers ?? {},
    quirks: quirks as Quirks,
    ...(region ? { region } : {}),
    local: data.local ?? false,
    ...(data.factsOf ? { factsOf: data.factsOf } : {}),
    defaultModel: own && own.default_model !== "auto" ? own.default_model : data.defaultModel,
    smallModel: data.smallModel,
    ...(data.embeddings ? { embeddings: data.embeddings } : {}),
    models: own?.models ?? [],
    limits: limitsOf(own),
    custom: false,
  };
}

/** Both servers of a login can be named, like every address: `COPILOT_AUTH_URL`. */
function loginOf(id: string, data: NonNullable<RowData["login"]>, env: Env): Login {
  const clientIdEnv = variable(id, "CLIENT_ID");
  const other = env[variable(id, "AUTH_URL")];
  const url = trimmed(other || data.url);
  return {
    kind: data.kind,
    url,
    apiUrl: other ? url : (data.apiUrl ?? url),
    clientId: env[clientIdEnv]?.trim() || data.clientId || "",
    clientIdEnv,
  };
}

function customRow(id: string, own: ProviderConfig, env: Env): Row {
  const baseUrlEnv = variable(id, "BASE_URL");
  const baseUrl = trimmed(env[baseUrlEnv] || own.base_url);
  return {
    ...COMMON,
    wire: own.wire || "chat",
    ...embeddingsOf(own.wire || "chat"),
    id,
    displayName: own.display_name || id,
    baseUrl,
    baseUrlEnv,
    keyEnv: [own.api_key_env || variable(id, "API_KEY")],
    needsKey: Boolean(own.api_key_env) || !isLocal(baseUrl),
    defaultModel: own.default_model === "auto" ? (own.models[0] ?? "auto") : own.default_model,
    models: own.models,
    limits: limitsOf(own),
  };
}

function compatRow(env: Env): Row {
  const baseUrl = trimmed(env["OPENAI_COMPAT_BASE_URL"] ?? "");
  return {
    ...COMMON,
    ...embeddingsOf(COMMON.wire),
    id: COMPAT,
    displayName: "OpenAI-compatible",
    baseUrl,
    baseUrlEnv: "OPENAI_COMPAT_BASE_URL",
    keyEnv: ["OPENAI_COMPAT_API_KEY"],
    needsKey: !isLocal(baseUrl),
    defaultModel: "auto",
    models: [],
    limits: {},
  };
}

function limitsOf(own: ProviderConfig | undefined): Row["limits"] {
  const { context, max_output: maxOutput } = own ?? {};
  return { ...(context ? { context } : {}), ...(maxOutput ? { maxOutput } : {}) };
}

/** What is known of a server that nobody described: the plainest form of the wire. */
const COMMON = {
  wire: "chat",
  auth: "bearer",
  headers: {},
  quirks: {},
  local: false,
  smallModel: undefined,
  custom: true,
} as const;

/** Who speaks a wire mostly has its embeddings too. Which models a server of one's own has, its owner says. */
function embeddingsOf(wire: WireId): { embeddings?: Embeddings } {
  const spoken: Partial<Record<WireId, EmbeddingWireId>> = {
    chat: "openai",
    responses: "openai",
    gemini: "gemini",
    ollama: "ollama",
    bedrock: "titan",
  };
  const embedding = spoken[wire];
  return embedding ? { embeddings: { wire: embedding, batch: embedding === "titan" ? 1 : UNKNOWN_BATCH } } : {};
}

/** As the AWS programs look for it; where nothing is named, the region that has every model. */
function regionOf(env: Env): string {
  return env["AWS_REGION"]?.trim() || env["AWS_DEFAULT_REGION"]?.trim() || "us-east-1";
}

/** Regions in China are a network of their own. */
function suffixOf(region: string | undefined): string {
  return region?.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/** A host as Ollama reads it: `host`, `host:port`, `:port` or a URL; what is missing comes from the usual address. */
function hostUrl(named: string, usual: string): string {
  const given = named.trim();
  const { protocol, hostname, port } = new URL(usual);
  if (/^https?:\/\//.test(given)) return given;
  const [, host = "", own = ""] = /^(\[.*\]|[^:]*)(?::(\d+))?\/?$/.exec(given) ?? [];
  // A server that listens on every address is reached on this machine's.
  const reached = host === "" || host === "0.0.0.0" || host === "[::]" ? hostname : host;
  return `${protocol}//${reached}:${own || port}`;
}

/** `my-llm`, `API_KEY` → `MY_LLM_API_KEY`. */
function variable(id: string, what: string): string {
  return `${id.replace(/[^A-Za-z0-9]+/g, "_").toUpperCase()}_${what}`;
}

function trimmed(url: string): string {
  return url.trim().replace(/\/+$/, "");
}

/** True for this machine and for networks that are not the Internet (RFC 1918, RFC 4193, `.local`, single names). */
export function isLocal(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return (
    !/[.:]/.test(host) ||
    /\.(?:local|localhost|internal|lan|home\.arpa)$/.test(host) ||
    /^(?:127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.0\.0\.0$)/.test(host) ||
    /^(?:::1$|f[cd][0-9a-f]{2}:|fe80:)/i.test(host)
  );
}
