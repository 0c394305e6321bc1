import { ProviderError } from "../base/errors.ts";
import { HttpError, type HttpResponse, send } from "../base/http.ts";
import { closest } from "../base/text.ts";
import type { Credential, Token } from "../contracts/credential.ts";
import type { Clock } from "../contracts/kit.ts";
import { secretParts } from "./authorize.ts";
import type { Row, Timeouts } from "./row.ts";
import { addressOf, headersWith, tokenOf } from "./token.ts";
import { explain } from "./trouble.ts";
import type { Encoded } from "./wire/wire.ts";

/** An error body is read up to here, bytes. */
const MAX_ERROR = 64 * 1024;
/** What Bedrock, OpenRouter, DeepSeek and others say with status 400 instead of 404. */
const NO_SUCH_MODEL =
  /model (?:identifier|id|name)? ?is (?:invalid|not valid)|not a valid model|(?:invalid|unknown|no such) model|model\b.{0,80}\b(?:not exist|not found)/i;

/** Who is asked, in whose name, and how long that may take. */
export interface Recipient {
  row: Row;
  /** The model's id at the provider. */
  model: string;
  credential: Credential;
  timeouts: Timeouts;
  clock: Clock;
  /** Names that a misspelt model may have meant. */
  candidates(): Promise<string[]>;
}

/**
 * Sends a request once, and once more where the provider finds the login's time over. The answer is one with status
 * 200. @throws ProviderError; UserError where the login cannot be renewed; the signal's reason.
 */
export async function post(to: Recipient, encoded: Encoded, signal: AbortSignal): Promise<HttpResponse> {
  const { credential } = to;
  try {
    let token = await tokenOf(credential, signal);
    let response = await attempt(to, encoded, token, signal);
    if (response.status === 401 && credential.token && token) {
      // By the provider's clock its time is over, whatever ours says.
      await response.body.return(undefined);
      token = await credential.token(signal, token.value);
      response = await attempt(to, encoded, token, signal);
    }
    if (response.status !== 200) throw await refused(to, token, response);
    return response;
  } catch (error) {
    throw asProviderError(error, to.row);
  }
}

/** What the network did, as the provider's trouble; anything else as it is. */
export function asProviderError(error: unknown, { id }: Row): unknown {
  return error instanceof HttpError ? new ProviderError(error.kind, id, `${id}: ${error.message}`) : error;
}

function attempt(
  { row, timeouts, credential, clock }: Recipient,
  { path, headers, body }: Encoded,
  token: Token | undefined,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const url = addressOf(row, token) + path;
  return send(
    {
      method: "POST",
      url,
      headers: {
        accept: "text/event-stream",
        ...headers,
        ...headersWith(row, credential, token, { url, headers, body }, clock.now()),
      },
      body,
      connectTimeoutMs: timeouts.firstByteMs,
      idleTimeoutMs: timeouts.idleMs,
    },
    signal,
  );
}

async function refused(to: Recipient, token: Token | undefined, response: HttpResponse): Promise<ProviderError> {
  const { status, headers } = response;
  const provider = to.row.id;
  const secrets = secretParts(to.row, token?.value);
  const body = await response.text(MAX_ERROR);
  const error = explain({ provider, status, headers, body, now: to.clock.now(), secrets });
  const hint = await hintFor(error, to);
  if (!hint) return error;
  const { kind, retryAfterMs } = error;
  return new ProviderError(kind, provider, `${error.message} (${hint})`, { status, retryAfterMs });
}

/** What the user can do about it, where that is not in the provider's own words. */
async function hintFor(error: ProviderError, to: Recipient): Promise<string | undefined> {
  const { row, model } = to;
  const { kind, state, source, remedy } = to.credential;
  // Such a login is refused with 400 as well ("only authorized for use with …").
  if (state === "restricted" && (error.kind === "auth" || error.kind === "invalid")) return remedy;
  if (error.kind === "auth" && kind === "none") return `no key is set for ${row.id}`;
  if (error.kind === "auth") return `check ${source?.replace(/^environment /, "") ?? row.keyEnv[0] ?? "the key"}`;
  if (error.status !== 404 && !NO_SUCH_MODEL.test(error.message)) return undefined;
  const near = closest(model, await to.candidates());
  const address = row.custom ? "the provider's base_url" : row.baseUrlEnv;
  // A name that the provider itself offers is not misspelt.
  if (near === undefined || near === model) return `check the model's name and ${address}`;
  return `did you mean ${row.id}/${near}?`;
}
