import { type Tokens, text } from "../auth-file.ts";
import { type Poll, pollErrorOf, pollUntilDone, USUAL_INTERVAL_MS } from "./device.ts";
import {
  type Answer,
  ask,
  type Context,
  type DeviceCode,
  errorCode,
  type Issuer,
  refuse,
  registration,
} from "./issuer.ts";
import { accountOf, expiryOf } from "./jwt.ts";

/** The code is good for a quarter of an hour (codex-rs/login/src/device_code_auth.rs). */
const EXPIRES_IN_MS = 900_000;

/**
 * ChatGPT by device code, as OpenAI's own open-source client documents it (codex-rs/login/src/device_code_auth.rs): not
 * quite RFC 8628, for what the poll gives is an authorization code with its PKCE verifier, which is then exchanged.
 */
export const chatgpt: Issuer = { begin, renew, token };

async function begin(context: Context): Promise<DeviceCode> {
  const client_id = registration(context);
  const { url } = context.login;
  const answer = await ask(context, `${url}/api/accounts/deviceauth/usercode`, { json: { client_id } });
  const device_auth_id = text(answer.json["device_auth_id"]);
  const userCode = text(answer.json["user_code"]) || text(answer.json["usercode"]);
  if (answer.status !== 200 || !device_auth_id || !userCode) refuse(answer, context, "the login");
  const asked = Number(answer.json["interval"]) * 1000;
  const intervalMs = asked > 0 ? asked : USUAL_INTERVAL_MS;
  return {
    userCode,
    url: `${url}/codex/device`,
    expiresInMs: EXPIRES_IN_MS,
    async finish() {
      const question = () => poll({ device_auth_id, user_code: userCode }, context);
      const form = await pollUntilDone(question, { intervalMs, expiresInMs: EXPIRES_IN_MS }, context);
      return tokensIn(await request({ grant_type: "authorization_code", client_id, ...form }, context), context, {
        access: "",
        refresh: "",
        expiresAt: undefined,
        extra: { client_id },
      });
    },
  };
}

async function poll(code: Record<string, string>, context: Context): Promise<Poll<Record<string, string>>> {
  const { url } = context.login;
  const answer = await ask(context, `${url}/api/accounts/deviceauth/token`, { json: code });
  const granted = text(answer.json["authorization_code"]);
  if (answer.status === 200 && granted) {
    const code_verifier = text(answer.json["code_verifier"]);
    return { state: "done", value: { code: granted, code_verifier, redirect_uri: `${url}/deviceauth/callback` } };
  }
  const known = pollErrorOf(errorCode(answer));
  if (known) return known;
  // While the user has not finished, it is "forbidden" or "not found", without more words.
  if (answer.status === 403 || answer.status === 404) return { state: "pending" };
  return refuse(answer, context, "the login");
}

async function renew(tokens: Tokens, context: Context): Promise<Tokens> {
  // A refresh token belongs to the registration that it was given to.
  const client_id = text(tokens.extra["client_id"]) || registration(context);
  const form = { grant_type: "refresh_token", client_id, refresh_token: tokens.refresh };
  return tokensIn(await request(form, context), context, { ...tokens, extra: { ...tokens.extra, client_id } });
}

function request(form: Record<string, string>, context: Context): Promise<Answer> {
  return ask(context, `${context.login.url}/oauth/token`, { form });
}

/** RFC 6749, section 5.1. What the answer leaves out stays as it was. */
function tokensIn(answer: Answer, context: Context, old: Tokens): Tokens {
  const access = text(answer.json["access_token"]);
  if (answer.status !== 200 || !access) refuse(answer, context, "the login");
  const account = accountOf(text(answer.json["id_token"])) ?? accountOf(access);
  const lasts = Number(answer.json["expires_in"]) * 1000;
  const named = expiryOf(access);
  return {
    access,
    refresh: text(answer.json["refresh_token"]) || old.refresh,
    // A time span holds by any clock; a moment of the issuer's is moved to ours.
    expiresAt: lasts > 0 ? context.clock.now() + lasts : named === undefined ? undefined : named + answer.aheadMs,
    extra: { ...old.extra, ...(account ? { account_id: account } : {}) },
  };
}

/** `originator` says which program asks: this one. */
function token({ access, extra }: Tokens) {
  const account = text(extra["account_id"]) || accountOf(access);
  return {
    value: access,
    headers: { originator: "openkoi", ...(account ? { "chatgpt-account-id": account } : {}) },
  };
}
