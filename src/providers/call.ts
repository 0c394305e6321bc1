import { ProviderError } from "../base/errors.ts";
import { HttpError, type HttpResponse, send } from "../base/http.ts";
import { closest } from "../base/text.ts";
import type { Credential, Token } from "../contracts/credential.ts";
import type { Clock } from "../contracts/kit.ts";
import type { Model, ModelEvent, ModelRequest } from "../contracts/provider.ts";
import { secretParts } from "./authorize.ts";
import { withAcceptedNames } from "./call-names.ts";
import { counted } from "./estimate.ts";
import type { Timeouts } from "./row.ts";
import { addressOf, headersWith, tokenOf } from "./token.ts";
import { explain } from "./trouble.ts";
import type { Encoded, Target, Wire } from "./wire/wire.ts";

/** An error body is read up to here, bytes. */
const MAX_ERROR = 64 * 1024;

export interface CallOptions {
  target: Target;
  wire: Wire;
  credential: Credential;
  timeouts: Timeouts;
  clock: Clock;
  /** Names that a misspelt model may have meant. */
  candidates(): Promise<string[]>;
}

/** A model behind HTTP: one attempt per call, every failure a ProviderError (or the signal's reason). */
export function httpModel(options: CallOptions): Model {
  return { info: options.target.info, stream: (request, signal) => stream(options, request, signal) };
}

async function* stream(
  options: CallOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void> {
  const { target, wire, credential } = options;
  const { row } = target;
  const encoded = wire.encode(withAcceptedNames(request), target);
  try {
    let token = await tokenOf(credential, signal);
    let response = await post(options, encoded, token, signal);
    if (response.status === 401 && credential.token && token) {
      // By the provider's clock its time is over, whatever ours says.
      await response.body.return(undefined);
      token = await credential.token(signal, token.value);
      response = await post(options, encoded, token, signal);
    }
    if (response.status !== 200) throw await refused(options, token, response);
    for await (const event of wire.decode(response.body, target, encoded)) {
      yield event.type === "done" ? counted(event, request, target.info) : event;
    }
  } catch (error) {
    if (error instanceof HttpError) throw new ProviderError(error.kind, row.id, `${row.id}: ${error.message}`);
    throw error;
  }
}

function post(
  { target, timeouts, credential, clock }: CallOptions,
  { path, headers, body }: Encoded,
  token: Token | undefined,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const { row } = target;
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

async function refused(options: CallOptions, token: Token | undefined, response: HttpResponse): Promise<ProviderError> {
  const { target, clock } = options;
  const { status, headers } = response;
  const provider = target.row.id;
  const secrets = secretParts(target.row, token?.value);
  const body = await response.text(MAX_ERROR);
  const error = explain({ provider, status, headers, body, now: clock.now(), secrets });
  const hint = await hintFor(error, options);
  if (!hint) return error;
  const { kind, retryAfterMs } = error;
  return new ProviderError(kind, provider, `${error.message} (${hint})`, { status, retryAfterMs });
}

/** What the user can do about it, where that is not in the provider's own words. */
async function hintFor(error: ProviderError, options: CallOptions): Promise<string | undefined> {
  const { row, model } = options.target;
  const { kind, state, source, remedy } = options.credential;
  // Such a login is refused with 400 as well ("only authorized for use with …").
  if (state === "restricted" && (error.kind === "auth" || error.kind === "invalid")) return remedy;
  if (error.kind === "auth" && kind === "none") return `no key is set for ${row.id}`;
  if (error.kind === "auth") return `check ${source?.replace(/^environment /, "") ?? row.keyEnv[0] ?? "the key"}`;
  if (error.status !== 404) return undefined;
  const near = closest(model, await options.candidates());
  return near ? `did you mean ${row.id}/${near}?` : `check the model's name and ${row.baseUrlEnv}`;
}
