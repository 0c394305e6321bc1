/** What a poll for a device code answers: an error of RFC 8628, section 3.5, `portal` (somebody else answers), or the token. */
export type PollAnswer =
  | "authorization_pending"
  | "slow_down"
  | "access_denied"
  | "expired_token"
  | "portal"
  | "busy"
  | "granted";

export interface IssuerScript {
  polls?: PollAnswer[];
  /** Seconds the device code is good for. */
  expiresIn?: number;
  interval?: number;
  /** How far this server's clock is ahead of the real one, ms. */
  aheadMs?: number;
  /** How long a token lasts, s. */
  tokenSeconds?: number;
  /** What a renewal answers; default: new tokens. */
  renewal?: "ok" | "invalid_grant" | "broken" | "portal";
  /** Copilot: what the second exchange answers with instead of 200. */
  exchangeStatus?: number;
  /** Status of OAuth errors: GitHub's 200 or the RFC's 400. */
  errorStatus?: number;
}

export interface SeenRequest {
  path: string;
  form: Record<string, string>;
  headers: Record<string, string>;
}

export interface Issuer {
  url: string;
  seen: SeenRequest[];
  /** Requests to one path. */
  to(path: string): SeenRequest[];
  stop(): Promise<void>;
}

/** A JSON Web Token with these claims; its signature is not one. */
export function jwt(claims: Record<string, unknown>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(claims)}.c2lnbmF0dXJl`;
}

export const ACCOUNT = "acc-12345678";
/** What the device code request must say. */
export const DEVICE_CODE = "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS";
export const USER_CODE = "WDJB-MJHT";

/**
 * A login server as GitHub's and ChatGPT's are: the device flow of RFC 8628 with every error it names, the exchange
 * for a Copilot token, the renewal of a refresh token (which is good for one renewal alone). Refuses what the real
 * ones would.
 */
export function startIssuer(script: IssuerScript = {}): Issuer {
  const { polls = ["granted"], interval = 5, expiresIn = 900, tokenSeconds = 1800, aheadMs = 0 } = script;
  const seen: SeenRequest[] = [];
  let poll = 0;
  let renewals = 0;
  const now = () => Date.now() + aheadMs;
  const answer = (body: unknown, status = 200) =>
    Response.json(body, { status, headers: { date: new Date(now()).toUTCString() } });
  const failure = (error: string) => answer({ error, error_description: `${error}.` }, script.errorStatus ?? 400);

  async function route(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const text = await request.text();
    const json = request.headers.get("content-type")?.startsWith("application/json");
    const form: Record<string, string> = json ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
    seen.push({ path: pathname, form, headers: Object.fromEntries(request.headers) });
    switch (pathname) {
      case "/login/device/code":
        if (form["client_id"] !== "our-id") return answer({ error: "Not Found" }, 404);
        return answer({
          device_code: DEVICE_CODE,
          user_code: USER_CODE,
          verification_uri: "https://example.com/device",
          expires_in: expiresIn,
          interval,
        });
      case "/login/oauth/access_token": {
        if (form["grant_type"] !== "urn:ietf:params:oauth:grant-type:device_code")
          return failure("unsupported_grant_type");
        if (form["device_code"] !== DEVICE_CODE || form["client_id"] !== "our-id")
          return failure("incorrect_device_code");
        const next = polls[poll++] ?? "granted";
        if (next === "portal") return portal();
        if (next === "busy") return answer({}, 503);
        return next === "granted" ? answer({ access_token: "gho_github", token_type: "bearer" }) : failure(next);
      }
      case "/copilot_internal/v2/token":
        if (!/^token gh[ou]_/.test(request.headers.get("authorization") ?? "")) return answer({ message: "Bad" }, 401);
        if (script.exchangeStatus) return answer({ message: "No Copilot here" }, script.exchangeStatus);
        renewals++;
        return answer({
          token: `tid=1;exp=2;proxy-ep=proxy.business.githubcopilot.com;n=${renewals}`,
          expires_at: Math.floor(now() / 1000) + tokenSeconds,
          refresh_in: tokenSeconds - 300,
        });
      case "/api/accounts/deviceauth/usercode":
        if (form["client_id"] !== "our-id") return answer({}, 404);
        return answer({ device_auth_id: DEVICE_CODE, user_code: USER_CODE, interval: String(interval) });
      case "/api/accounts/deviceauth/token": {
        if (form["device_auth_id"] !== DEVICE_CODE || form["user_code"] !== USER_CODE) return answer({}, 400);
        const next = polls[poll++] ?? "granted";
        if (next === "portal") return portal();
        if (next === "busy") return answer({}, 503);
        // The real one says only "forbidden" while it waits.
        if (next === "authorization_pending") return answer({}, 403);
        if (next !== "granted") return answer({ error: { code: next } }, 400);
        return answer({ authorization_code: "the-code", code_verifier: "the-verifier", code_challenge: "x" });
      }
      case "/oauth/token": {
        if (form["client_id"] !== "our-id") return failure("invalid_client");
        if (form["grant_type"] === "authorization_code") {
          const good = form["code"] === "the-code" && form["code_verifier"] === "the-verifier";
          return good ? answer(chatgptTokens(0)) : failure("invalid_grant");
        }
        if (script.renewal === "portal") return portal();
        if (script.renewal === "broken") return answer({}, 500);
        if (script.renewal === "invalid_grant") return failure("invalid_grant");
        if (form["refresh_token"] !== `refresh-${renewals}`) return failure("invalid_grant");
        // Slow enough for others to come meanwhile.
        await Bun.sleep(150);
        return answer(chatgptTokens(++renewals));
      }
      default:
        return answer({ message: "Not Found" }, 404);
    }
  }

  function chatgptTokens(number: number) {
    const exp = Math.floor(now() / 1000) + tokenSeconds;
    const claims = { "https://api.openai.com/auth": { chatgpt_account_id: ACCOUNT }, exp };
    return {
      id_token: jwt(claims),
      access_token: jwt({ exp, number }),
      refresh_token: `refresh-${number}`,
      token_type: "Bearer",
    };
  }

  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: route });
  return {
    url: `http://127.0.0.1:${server.port}`,
    seen,
    to: (path) => seen.filter((request) => request.path === path),
    stop: () => server.stop(true),
  };
}

/** What a network answers that wants to be logged in to first. */
function portal(): Response {
  return new Response("<html>Welcome to our hotel</html>", { headers: { "content-type": "text/html" } });
}
