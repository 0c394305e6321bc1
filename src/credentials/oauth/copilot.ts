import { UserError } from "../../base/errors.ts";
import { HttpError } from "../../base/http.ts";
import { isObject } from "../../base/schema.ts";
import { VERSION } from "../../base/version.ts";
import { moment, type Tokens, text } from "../auth-file.ts";
import { type Poll, pollErrorOf, pollUntilDone, USUAL_INTERVAL_MS } from "./device.ts";
import { ask, type Context, type DeviceCode, errorCode, type Issuer, refuse, registration, saidBy } from "./issuer.ts";

/**
 * GitHub Copilot. A GitHub login by device code (RFC 8628; docs.github.com, "Authorizing OAuth apps", device flow), and
 * for it a token of half an hour: `GET /copilot_internal/v2/token` with `{ token, expires_at }`, as the editors'
 * open-source plugins do. GitHub takes the requests of a registered application also with its own token, where it
 * gives it no short one (404).
 *
 * The GitHub token is kept as `refresh_token`, the short one as `access_token`.
 */
export const copilot: Issuer = { begin, renew, token };

async function begin(context: Context): Promise<DeviceCode> {
  const client_id = registration(context);
  const url = `${context.login.url}/login/device/code`;
  const answer = await ask(context, url, { form: { client_id, scope: "read:user" } });
  const device_code = text(answer.json["device_code"]);
  const userCode = text(answer.json["user_code"]);
  const page = text(answer.json["verification_uri"]);
  if (answer.status !== 200 || !device_code || !userCode || !page) refuse(answer, context, "the login");
  const complete = text(answer.json["verification_uri_complete"]);
  const intervalMs = seconds(answer.json["interval"]) ?? USUAL_INTERVAL_MS;
  const expiresInMs = seconds(answer.json["expires_in"]) ?? 900_000;
  return {
    userCode,
    url: page,
    ...(complete ? { completeUrl: complete } : {}),
    expiresInMs,
    async finish() {
      const question = () => poll(client_id, device_code, context);
      const github = await pollUntilDone(question, { intervalMs, expiresInMs }, context);
      return exchange({ access: "", refresh: github, expiresAt: undefined, extra: { client_id } }, context);
    },
  };
}

async function poll(client_id: string, device_code: string, context: Context): Promise<Poll<string>> {
  const grant_type = "urn:ietf:params:oauth:grant-type:device_code";
  const url = `${context.login.url}/login/oauth/access_token`;
  const answer = await ask(context, url, { form: { client_id, device_code, grant_type } });
  const github = text(answer.json["access_token"]);
  if (answer.status === 200 && github) return { state: "done", value: github };
  // GitHub answers errors with status 200; the RFC says 400.
  const known = pollErrorOf(errorCode(answer), seconds(answer.json["interval"]));
  return known ?? refuse(answer, context, "the login");
}

/** Older files hold the GitHub token alone, as `access_token`. */
async function renew(tokens: Tokens, context: Context): Promise<Tokens> {
  return exchange({ ...tokens, refresh: tokens.refresh || tokens.access }, context);
}

async function exchange(tokens: Tokens, context: Context): Promise<Tokens> {
  const url = `${context.login.apiUrl}/copilot_internal/v2/token`;
  const answer = await ask(context, url, undefined, {
    authorization: `token ${tokens.refresh}`,
    "editor-version": EDITOR,
  });
  if (answer.status === 404) return { ...tokens, access: tokens.refresh, expiresAt: undefined };
  const access = text(answer.json["token"]);
  if (answer.status === 401) refuse(answer, context, "the login");
  if (answer.status === 403) {
    const remedy = "See github.com/settings/copilot whether this account has it, and what your organization allows.";
    throw new UserError(`GitHub gives no Copilot access (${saidBy(answer)})`, remedy);
  }
  if (answer.status !== 200 || !access) {
    throw new HttpError("network", `GitHub did not give a Copilot token (${saidBy(answer)})`);
  }
  const until = moment(answer.json["expires_at"]);
  const server = serverOf(access, answer.json["endpoints"]);
  return {
    ...tokens,
    access,
    expiresAt: until === undefined ? undefined : until + answer.aheadMs,
    extra: { ...tokens.extra, ...(server ? { base_url: server } : {}) },
  };
}

const EDITOR = `openkoi/${VERSION}`;

function token({ access, extra }: Tokens) {
  const server = text(extra["base_url"]);
  const headers = { "user-agent": EDITOR, "editor-version": EDITOR, "openai-intent": "conversation-edits" };
  return { value: access, headers, ...(isCopilot(server) ? { baseUrl: server } : {}) };
}

/**
 * Where the account's plan is served: `endpoints.api` of the answer, else `proxy-ep` within the token
 * (`tid=…;exp=…;proxy-ep=proxy.individual.githubcopilot.com;…`) with `api.` for `proxy.`.
 */
function serverOf(access: string, endpoints: unknown): string | undefined {
  const named = isObject(endpoints) ? text(endpoints["api"]).replace(/\/+$/, "") : "";
  if (isCopilot(named)) return named;
  const proxy = /(?:^|;)proxy-ep=(?:https:\/\/)?([^;/]+)/.exec(access)?.[1];
  const server = proxy ? `https://${proxy.replace(/^proxy\./, "api.")}` : "";
  return isCopilot(server) ? server : undefined;
}

/** What comes from an answer or a file does not send the token to just anybody. */
function isCopilot(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" && /(^|\.)(githubcopilot\.com|ghe\.com)$/.test(hostname);
}

function seconds(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? number * 1000 : undefined;
}
