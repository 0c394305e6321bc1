import { ProviderError, type ProviderErrorKind } from "../base/errors.ts";
import { isObject } from "../base/schema.ts";
import { waitAsked } from "./wait.ts";

/** Everything known of a call that went wrong. */
export interface Trouble {
  /** Provider id, for the message. */
  provider: string;
  /** HTTP status; absent for an error inside a stream, which may name one itself. */
  status?: number | undefined;
  headers?: Headers | undefined;
  /** The response body, or the error object of a stream, as text. */
  body: string;
  /** Milliseconds since 1970, to read dates in the headers. */
  now?: number;
  /** Values that must not be repeated. */
  secrets?: readonly string[];
}

/** The provider's own words are cut to this many characters. */
const MAX_WORDS = 400;

/** Error codes and types, exact, as the vendors' references list them. They say more than the status. */
const BY_CODE: Readonly<Record<string, ProviderErrorKind>> = {
  // Anthropic: docs.anthropic.com/en/api/errors
  authentication_error: "auth",
  permission_error: "auth",
  billing_error: "quota",
  rate_limit_error: "rate_limit",
  overloaded_error: "capacity",
  api_error: "server",
  timeout_error: "timeout",
  request_too_large: "overflow",
  // OpenAI and those who speak its language: platform.openai.com/docs/guides/error-codes
  context_length_exceeded: "overflow",
  string_above_max_length: "overflow",
  insufficient_quota: "quota",
  billing_hard_limit_reached: "quota",
  billing_not_active: "quota",
  insufficient_user_quota: "quota",
  invalid_api_key: "auth",
  invalid_authentication_error: "auth",
  account_deactivated: "auth",
  content_filter: "content_filter",
  content_policy_violation: "content_filter",
  rate_limit_exceeded: "rate_limit",
  server_error: "server",
  engine_overloaded_error: "capacity",
  exceeded_current_quota_error: "quota",
  // Amazon: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html, and CommonErrors
  ValidationException: "invalid",
  ResourceNotFoundException: "invalid",
  ThrottlingException: "rate_limit",
  ServiceUnavailableException: "capacity",
  ModelNotReadyException: "capacity",
  InternalServerException: "server",
  ModelErrorException: "server",
  ModelStreamErrorException: "server",
  ModelTimeoutException: "timeout",
  ServiceQuotaExceededException: "quota",
  AccessDeniedException: "auth",
  UnrecognizedClientException: "auth",
  InvalidSignatureException: "auth",
  IncompleteSignatureException: "auth",
  ExpiredTokenException: "auth",
  MissingAuthenticationTokenException: "auth",
  // Groq: the model wrote a call that Groq could not read. Asked again it mostly writes a better one.
  tool_use_failed: "server",
};

/**
 * Words that only a conversation too long for the model brings. A limit on `max_tokens` or another parameter is no
 * overflow, though its message speaks of tokens and maxima too: see `isParameter`.
 */
const OVERFLOW =
  /prompt is too long|input is too long|maximum context length|context[ _-]?(?:length|window)[^.]{0,40}exceed|exceeds? (?:the |this |its )?(?:model'?s? )?(?:maximum |available )?context|input token count[^.]*exceeds|prompt token count[^.]*exceeds|reduce the length of (?:the |your )?(?:messages|prompt|input)|request (?:entity )?too large|too many tokens in (?:the )?(?:prompt|request)|tokens? in (?:the )?prompt exceeds?/i;
const QUOTA =
  /credit balance|insufficient (?:balance|credits?|funds|quota)|exceeded your current quota|out of credits|billing|payment required|spending limit/i;
const AUTH =
  /(?:incorrect|invalid|missing|expired|no) (?:api[ _-]?key|authentication|credentials?|bearer token)|api key not valid|unauthori[sz]ed/i;
const FILTERED = /content (?:management )?(?:policy|filter)|flagged (?:as|by|for)|moderation|safety system/i;
const OVERLOADED = /overloaded|over capacity|no (?:available )?(?:capacity|instances|workers)|temporarily unavailable/i;
const RATE = /rate[ -]?limit|too many requests|requests? per (?:minute|day|second)|tokens? per (?:minute|day)/i;

/**
 * Turns a failed call into one of the eleven kinds, with the provider's own words.
 * An error that arrives inside a stream has no status of its own; its type decides.
 */
export function explain(trouble: Trouble): ProviderError {
  const { provider, headers, now = 0 } = trouble;
  const error = errorObject(trouble.body);
  // Amazon names what happened in a header, with an address behind a colon.
  const named = headers?.get("x-amzn-errortype")?.split(":")[0];
  if (named) error.codes.push(named);
  const status = trouble.status ?? statusOf(error);
  const words = clean(error.words || trouble.body, trouble.secrets ?? []);
  const retryAfterMs = waitAsked(headers, trouble.body, now);
  const kind = kindOf(error, status, retryAfterMs);
  const said = words ? `: ${words}` : "";
  const message = status === undefined ? `${provider}${said}` : `${provider} answered ${status}${said}`;
  return new ProviderError(kind, provider, message, { status, retryAfterMs });
}

interface Stated {
  codes: string[];
  words: string;
  param: string;
  /** A number given as code (OpenRouter) or `status_code` (Groq, inside a stream). */
  number: number | undefined;
}

/** Vendors say it as `{error: {type, code, message}}`, `{error: "…"}`, `{type, message}`, `{message}` or `{detail}`. */
function errorObject(body: string): Stated {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { codes: [], words: "", param: "", number: undefined };
  }
  // Google wraps its error in a list.
  const outer = Array.isArray(value) ? value[0] : value;
  const whole = isObject(outer) ? outer : {};
  const inner = isObject(whole["error"]) ? whole["error"] : whole;
  const codes = [inner["code"], inner["type"], inner["status"], whole["code"]].filter(
    (code) => typeof code === "string",
  );
  const plain = typeof whole["error"] === "string" ? whole["error"] : "";
  const number = [inner["status_code"], inner["code"]].find((code) => typeof code === "number");
  return {
    codes,
    words: [text(inner["message"]) || plain || text(whole["detail"]), upstream(inner["metadata"])]
      .filter(Boolean)
      .join(": "),
    param: text(inner["param"]),
    number,
  };
}

/** OpenRouter's own message is "Provider returned error"; what happened stands in the metadata. */
function upstream(metadata: unknown): string {
  if (!isObject(metadata)) return "";
  const raw = text(metadata["raw"]);
  const inside = raw.startsWith("{") ? errorObject(raw).words || raw : raw;
  const reasons = Array.isArray(metadata["reasons"]) ? metadata["reasons"].filter((r) => typeof r === "string") : [];
  return [inside, reasons.length > 0 ? `flagged for ${reasons.join(", ")}` : ""].filter(Boolean).join(", ");
}

function statusOf(error: Stated): number | undefined {
  return error.number !== undefined && error.number >= 400 && error.number < 600 ? error.number : undefined;
}

function kindOf(error: Stated, status: number | undefined, retryAfterMs: number | undefined): ProviderErrorKind {
  const { words } = error;
  if (isOverflow(error, status)) return "overflow";
  // Google says "quota" for what passes within a minute, and then says how long to wait.
  if (
    QUOTA.test(words) &&
    !(status === 429 && retryAfterMs !== undefined && !error.codes.includes("insufficient_quota"))
  ) {
    if (status === undefined || [400, 402, 403, 429].includes(status)) return "quota";
  }
  for (const code of error.codes) {
    const kind = BY_CODE[code];
    if (kind) return kind;
  }
  if (status === 402) return "quota";
  if (status === 401) return "auth";
  if (FILTERED.test(words) && (status === undefined || status === 400 || status === 403)) return "content_filter";
  if (status === 403) return "auth";
  if (AUTH.test(words) && (status === undefined || status === 400)) return "auth";
  if (status === 429 || (status === undefined && RATE.test(words))) return "rate_limit";
  if (status === 408 || status === 504) return "timeout";
  if (status === 529 || OVERLOADED.test(words)) return "capacity";
  if (status !== undefined && status >= 500) return "server";
  if (status === 409 || status === 425) return "server";
  // A stream that reports an error without any word we know broke off; it may succeed when asked again.
  const refused = error.codes.some((code) => /^(?:invalid_request|not_found)/.test(code));
  return status === undefined && !refused ? "broken_stream" : "invalid";
}

function isOverflow(error: Stated, status: number | undefined): boolean {
  // One request above the limit of a minute: waiting does not help, a shorter conversation does.
  if (status === 429) return /request too large/i.test(error.words);
  if (status !== undefined && ![400, 413, 422, 500].includes(status)) return false;
  if (error.codes.some((code) => BY_CODE[code] === "overflow")) return true;
  if (status === 413) return true;
  return OVERFLOW.test(error.words) && !isParameter(error);
}

/** The complaint is about a parameter (`max_tokens` above the model's output limit), not about the conversation. */
function isParameter(error: Stated): boolean {
  if (/max(?:_completion|_output|_new)?_tokens/.test(error.param)) return true;
  return (
    /unsupported (?:parameter|value)/i.test(error.words) ||
    /^[`'"]?max(?:_completion|_output|_new)?_tokens[`'"]?\b/.test(error.words)
  );
}

/** One line, without secrets, at most `MAX_WORDS` characters. */
function clean(words: string, secrets: readonly string[]): string {
  let line = words.replace(/\s+/g, " ").trim();
  for (const secret of secrets) if (secret.length >= 8) line = line.replaceAll(secret, "<key>");
  // Some vendors repeat a part of the key they refused.
  line = line.replace(/\b(?:sk|gsk|xai|key|pk|rk|AIza|tgp)[-_][\w*.-]{6,}/g, "<key>");
  return line.length > MAX_WORDS ? `${line.slice(0, MAX_WORDS - 1)}…` : line;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
