import { UserError } from "../../base/errors.ts";
import { HttpError, type HttpRequest, send } from "../../base/http.ts";
import { isObject } from "../../base/schema.ts";
import { clip, firstLine, stripControl } from "../../base/text.ts";
import { VERSION } from "../../base/version.ts";
import type { Login, Token } from "../../contracts/credential.ts";
import type { Clock } from "../../contracts/kit.ts";
import type { Tokens } from "../auth-file.ts";

/** What a login needs of its surroundings. */
export interface Context {
  login: Login;
  /** As the user knows the provider. */
  name: string;
  /** What `openkoi connect` takes. */
  id: string;
  clock: Clock;
  signal: AbortSignal;
}

/** A code that the user types into a browser. */
export interface DeviceCode {
  userCode: string;
  url: string;
  /** The same with the code in it, where the issuer has one. */
  completeUrl?: string;
  expiresInMs: number;
  /** Waits until the user has done so. @throws UserError where it was refused or took too long. */
  finish(): Promise<Tokens>;
}

/** One kind of login. */
export interface Issuer {
  begin(context: Context): Promise<DeviceCode>;
  /** New tokens for old. @throws Refused where the login is over, HttpError where the issuer cannot be reached. */
  renew(tokens: Tokens, context: Context): Promise<Tokens>;
  /** What goes with a request. */
  token(tokens: Tokens): Token;
}

/** The issuer does not accept a login any more: only a new one helps. */
export class Refused extends UserError {}

/** One answer of an issuer. */
export interface Answer {
  status: number;
  /** {} where the body is no JSON object. */
  json: Record<string, unknown>;
  /** How much this machine's clock is ahead of the issuer's, ms; 0 where that is not known. */
  aheadMs: number;
}

const PATIENCE_MS = 20_000;
const MOST_BYTES = 256 * 1024;
/** Less than this is the resolution of the header and the way of the answer. */
const SAME_TIME_MS = 5000;

/** Asks an issuer. `form` goes as `application/x-www-form-urlencoded` (RFC 6749), `json` as JSON. @throws HttpError */
export async function ask(
  context: Pick<Context, "clock" | "signal">,
  url: string,
  body: { form: Record<string, string> } | { json: Record<string, unknown> } | undefined,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const request: HttpRequest = {
    url,
    headers: { accept: "application/json", "user-agent": `openkoi/${VERSION}`, ...headers },
    connectTimeoutMs: PATIENCE_MS,
    idleTimeoutMs: PATIENCE_MS,
  };
  if (body && "form" in body) {
    request.headers = { ...request.headers, "content-type": "application/x-www-form-urlencoded" };
    request.body = new URLSearchParams(body.form).toString();
  } else if (body) {
    request.headers = { ...request.headers, "content-type": "application/json" };
    request.body = JSON.stringify(body.json);
  }
  const response = await send(request, context.signal);
  const source = await response.text(MOST_BYTES);
  const difference = context.clock.now() - Date.parse(response.headers.get("date") ?? "");
  return {
    status: response.status,
    json: objectIn(source),
    aheadMs: Math.abs(difference) > SAME_TIME_MS ? difference : 0,
  };
}

function objectIn(source: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(source);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** The error code of an OAuth answer (RFC 6749, section 5.2), also where it lies one level deeper; "" for none. */
export function errorCode({ json }: Answer): string {
  const { error } = json;
  if (typeof error === "string") return error;
  return isObject(error) && typeof error["code"] === "string" ? error["code"] : "";
}

/** A failure in the issuer's own words, without anything that could be a secret or steer a terminal. */
export function saidBy(answer: Answer): string {
  const { error } = answer.json;
  const words =
    answer.json["error_description"] ?? (isObject(error) ? error["message"] : undefined) ?? answer.json["message"];
  const said = typeof words === "string" ? clip(firstLine(stripControl(words)), 200) : errorCode(answer);
  return `HTTP ${answer.status}${said ? `: ${said}` : ""}`;
}

/**
 * What an answer without success is: the end, where the issuer says so in its own way; trouble that passes for
 * anything else (a server that is down, the page of a hotel's network). @throws always.
 */
export function refuse(answer: Answer, context: Context, what: string): never {
  const { status, json } = answer;
  const saidNo = status < 500 && status !== 429 && status !== 408 && (errorCode(answer) || json["message"]);
  if (!saidNo && status !== 401) throw new HttpError("network", `${context.name}: ${what} failed (${saidBy(answer)})`);
  throw new Refused(`${context.name}: ${what} was refused (${saidBy(answer)})`, `openkoi connect ${context.id}`);
}

/** The registration to log in with. @throws UserError where there is none. */
export function registration({ login, name }: Context): string {
  if (login.clientId) return login.clientId;
  throw new UserError(
    `OpenKoi is not registered with ${name} as a program that people log in from`,
    `It does not borrow another program's registration. Set ${login.clientIdEnv} to the id of an OAuth application of your own (device flow enabled), or use a provider with a key: openkoi connect.`,
  );
}
