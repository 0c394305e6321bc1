/**
 * How long a provider asks us to wait, in milliseconds, or undefined where it does not say. In this order:
 * `retry-after-ms`; `retry-after` (RFC 9110, 10.2.3: seconds or a date); the reset time of every limit that is used up
 * (OpenAI, Groq: `x-ratelimit-reset-tokens: 6m0s`; Anthropic: `anthropic-ratelimit-tokens-reset: <date>`; OpenRouter:
 * `x-ratelimit-reset: <epoch>`), the longest; Google's `retryDelay: "34.4s"` in the body.
 */
export function waitAsked(headers: Headers | undefined, body: string, now: number): number | undefined {
  return (
    milliseconds(headers?.get("retry-after-ms")) ??
    secondsOrDate(headers?.get("retry-after"), now) ??
    (headers && resets(headers, now)) ??
    duration(/"retryDelay"\s*:\s*"([^"]+)"/.exec(body)?.[1])
  );
}

function milliseconds(value: string | null | undefined): number | undefined {
  const number = value ? Number(value) : Number.NaN;
  return Number.isFinite(number) && number >= 0 ? Math.ceil(number) : undefined;
}

function secondsOrDate(value: string | null | undefined, now: number): number | undefined {
  if (!value) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return seconds >= 0 ? Math.ceil(seconds * 1000) : undefined;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Only limits with nothing remaining count: the others reset too, but nobody waits for them. */
function resets(headers: Headers, now: number): number | undefined {
  let longest: number | undefined;
  for (const [name, value] of headers) {
    if (!name.includes("ratelimit") || !name.includes("remaining") || Number(value) > 0) continue;
    const reset = headers.get(name.replace("remaining", "reset"));
    const wait = reset === null ? undefined : resetTime(reset, now);
    if (wait !== undefined && (longest === undefined || wait > longest)) longest = wait;
  }
  return longest;
}

/** A duration, a date, a moment in epoch seconds or milliseconds, or seconds from now. */
function resetTime(value: string, now: number): number | undefined {
  const number = Number(value);
  if (value.trim() !== "" && Number.isFinite(number)) {
    if (number > 1e12) return Math.max(0, number - now);
    if (number > 1e9) return Math.max(0, number * 1000 - now);
    return Math.ceil(number * 1000);
  }
  return duration(value) ?? secondsOrDate(value, now);
}

/** `1h2m3.5s`, `12ms`. */
function duration(value: string | undefined): number | undefined {
  if (!value || !/^(?:\d+(?:\.\d+)?(?:ms|[hms]))+$/.test(value)) return undefined;
  const unit: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  let total = 0;
  for (const [, amount, name] of value.matchAll(/(\d+(?:\.\d+)?)(ms|[hms])/g)) total += Number(amount) * unit[name!]!;
  return Math.ceil(total);
}
