import { isObject } from "../../base/schema.ts";

/**
 * What a JSON Web Token says about itself (RFC 7519). Read, not verified: it tells us when to renew and which account
 * to name, and the server checks both.
 */
function claimsOf(token: string): Record<string, unknown> {
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
    const claims: unknown = JSON.parse(payload);
    return isObject(claims) ? claims : {};
  } catch {
    return {};
  }
}

/** When it runs out by the issuer's clock, ms since 1970. */
export function expiryOf(token: string): number | undefined {
  const { exp } = claimsOf(token);
  return typeof exp === "number" ? exp * 1000 : undefined;
}

/** Namespace of OpenAI's own claims. */
const OPENAI = "https://api.openai.com/auth";

/** The ChatGPT account that requests are for: claim `chatgpt_account_id` (codex-rs/login/src/token_data.rs). */
export function accountOf(token: string): string | undefined {
  const claims = claimsOf(token);
  const own = claims[OPENAI];
  const id = (isObject(own) ? own["chatgpt_account_id"] : undefined) ?? claims["chatgpt_account_id"];
  return typeof id === "string" && /^[\w-]{1,128}$/.test(id) ? id : undefined;
}
