import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProviderErrorKind } from "../../src/base/errors.ts";
import { explain } from "../../src/providers/trouble.ts";
import { waitAsked } from "../../src/providers/wait.ts";
import { describeSpecs } from "../specs.ts";
import { recordings } from "./recordings.ts";
import { collect, cutAt, failure, targetFor, wireOf } from "./support.ts";

const now = Date.parse("2026-11-23T10:00:00Z");

function kind(
  status: number | undefined,
  error: object | string,
  headers: Record<string, string> = {},
): ProviderErrorKind {
  const body = typeof error === "string" ? error : JSON.stringify({ error });
  return explain({ provider: "p", status, headers: new Headers(headers), body, now }).kind;
}

describe("an answer that is no answer", () => {
  const cases: [number | undefined, object | string, ProviderErrorKind][] = [
    [401, { message: "invalid x-api-key", type: "authentication_error" }, "auth"],
    [400, { message: "API key not valid. Please pass a valid API key.", status: "INVALID_ARGUMENT" }, "auth"],
    [400, { message: "Incorrect API key provided: xai-…", code: "Client specified an invalid argument" }, "auth"],
    [403, { message: "Country not supported", code: "unsupported_country_region_territory" }, "auth"],
    [402, { message: "Insufficient Balance", code: "invalid_request_error" }, "quota"],
    [
      400,
      { message: "Your credit balance is too low to access the Anthropic API.", type: "invalid_request_error" },
      "quota",
    ],
    [429, { message: "You exceeded your current quota, please check your plan.", code: "insufficient_quota" }, "quota"],
    [429, { message: "Rate limit reached for requests", code: "rate_limit_exceeded" }, "rate_limit"],
    [429, "", "rate_limit"],
    [
      429,
      { message: "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000." },
      "overflow",
    ],
    [413, { message: "Request Entity Too Large", type: "request_too_large" }, "overflow"],
    [400, { message: "Input tokens exceed the configured limit", code: "context_length_exceeded" }, "overflow"],
    [
      400,
      { message: "max_tokens: 70000 > 64000, which is the maximum allowed number of output tokens for claude" },
      "invalid",
    ],
    [400, { message: "`max_tokens` must be less than the maximum context length", param: "max_tokens" }, "invalid"],
    [
      400,
      { message: "max_completion_tokens is too large: 200000. This model supports at most 128000 completion tokens" },
      "invalid",
    ],
    [400, { message: "temperature: range: 0..1", type: "invalid_request_error" }, "invalid"],
    [404, { message: "model: claude-sonet-4-5", type: "not_found_error" }, "invalid"],
    [
      400,
      {
        message: "The response was filtered due to the prompt triggering content management policy",
        code: "content_filter",
      },
      "content_filter",
    ],
    [
      403,
      {
        message: "Your chosen model requires moderation and your input was flagged",
        metadata: { reasons: ["violence"] },
      },
      "content_filter",
    ],
    [408, "", "timeout"],
    [504, "<html>Gateway Time-out</html>", "timeout"],
    [500, { message: "The server had an error" }, "server"],
    [502, "Bad Gateway", "server"],
    [503, { message: "The model is overloaded. Please try again later.", status: "UNAVAILABLE" }, "capacity"],
    [529, { type: "overloaded_error", message: "Overloaded" }, "capacity"],
    [undefined, { type: "overloaded_error", message: "Overloaded" }, "capacity"],
    [undefined, { message: "Rate limit exceeded", code: 429 }, "rate_limit"],
    [undefined, { message: "upstream went away" }, "broken_stream"],
    [undefined, { type: "invalid_request_error", message: "no" }, "invalid"],
  ];
  for (const [status, error, expected] of cases) {
    test(`${status ?? "in a stream"} ${JSON.stringify(error)} is ${expected}`, () => {
      expect(kind(status, error)).toBe(expected);
    });
  }

  test.each([
    ["ThrottlingException:http://internal.amazon.com/", 429, "Too many tokens, please wait.", "rate_limit"],
    ["ExpiredTokenException", 403, "The security token included in the request is expired", "auth"],
    ["ServiceUnavailableException", 503, "Bedrock is busy.", "capacity"],
    ["ModelErrorException", 424, "The model failed.", "server"],
    ["ModelTimeoutException", 408, "The model took too long.", "timeout"],
    ["ServiceQuotaExceededException", 400, "You are over your quota.", "quota"],
    ["ValidationException", 400, "prompt is too long: 203017 tokens > 200000 maximum", "overflow"],
  ] as const)("is named in Amazon's header: %s with %d (%s) is %s", (name, status, message, expected) => {
    const headers = new Headers({ "x-amzn-errortype": name });
    const error = explain({ provider: "bedrock", status, headers, body: JSON.stringify({ message }), now });
    expect(error.kind).toBe(expected);
    expect(error.message).toBe(`bedrock answered ${status}: ${message}`);
  });

  test("is told in the provider's own words, on one line, shortened", () => {
    const { message } = explain({
      provider: "groq",
      status: 500,
      body: JSON.stringify({ error: { message: `a\nb ${"x".repeat(900)}` } }),
    });
    expect(message).toStartWith("groq answered 500: a b xxx");
    expect(message.length).toBeLessThan(450);
    expect(message).toEndWith("…");
  });

  test("never repeats the key, whole or in part", () => {
    const secret = "my-very-secret-value";
    const body = JSON.stringify({
      error: { message: `Incorrect API key provided: sk-proj-abc***xyz9. You sent ${secret}.` },
    });
    const { message } = explain({ provider: "openai", status: 401, body, secrets: [secret] });
    expect(message).not.toContain("secret");
    expect(message).not.toContain("xyz9");
  });
});

describe("the wait a provider asks for", () => {
  const asked = (headers: Record<string, string>, body = "") => waitAsked(new Headers(headers), body, now);

  const cases: [Record<string, string>, number | undefined][] = [
    [{ "retry-after-ms": "1234.5" }, 1235],
    [{ "retry-after-ms": "50", "retry-after": "9" }, 50],
    [{ "retry-after": "12" }, 12_000],
    [{ "retry-after": "0.25" }, 250],
    [{ "retry-after": "Mon, 23 Nov 2026 10:00:30 GMT" }, 30_000],
    [{ "retry-after": "Mon, 23 Nov 2026 09:00:00 GMT" }, 0],
    [{ "retry-after": "soon" }, undefined],
    [{ "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s" }, 360_000],
    [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12ms" }, 12],
    [{ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20m52.666s" }, 1_252_666],
    [{ "x-ratelimit-remaining-tokens": "159972", "x-ratelimit-reset-tokens": "10s" }, undefined],
    [{ "anthropic-ratelimit-tokens-remaining": "0", "anthropic-ratelimit-tokens-reset": "2026-11-23T10:00:05Z" }, 5000],
    [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(now + 700) }, 700],
    [{ "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(now / 1000 + 2) }, 2000],
    [{}, undefined],
  ];
  for (const [headers, expected] of cases) {
    test(`${JSON.stringify(headers)} is ${expected} ms`, () => expect(asked(headers)).toBe(expected));
  }

  test("of several limits that are used up the longest counts", () => {
    const limit = (name: string, wait: string) => ({
      [`x-ratelimit-remaining-${name}`]: "0",
      [`x-ratelimit-reset-${name}`]: wait,
    });
    expect(asked({ ...limit("requests", "2s"), ...limit("tokens", "1m") })).toBe(60_000);
  });
});

describeSpecs("llm-wire", (dir) => {
  interface Case {
    id: string;
    provider: string;
    status: number;
    headers?: Record<string, string>;
    body?: unknown;
    sse?: string[];
    expect: string;
  }
  const { cases } = JSON.parse(readFileSync(join(dir, "errors-reconstructed.json"), "utf8")) as { cases: Case[] };

  for (const each of cases) {
    test(`${each.id}: ${each.expect}`, async () => {
      const expected = each.expect.includes("overflow") ? "overflow" : "capacity";
      if (each.sse) {
        const bytes = new TextEncoder().encode(`${each.sse.join("\n\n")}\n\n`);
        const error = await failure(async () =>
          collect((await wireOf("anthropic")).decode(cutAt(bytes, []), await targetFor("anthropic"))),
        );
        expect(error).toMatchObject({ kind: expected, retryable: true });
      } else {
        const headers = new Headers(each.headers);
        const error = explain({
          provider: each.provider,
          status: each.status,
          headers,
          body: JSON.stringify(each.body),
          now,
        });
        expect(error).toMatchObject({ kind: expected, status: each.status, retryable: expected === "capacity" });
      }
    });
  }

  const expected: Record<string, ProviderErrorKind> = {
    "google-429-retry-info": "rate_limit",
    "openai-error.1.json": "quota",
    test_openrouter_errors_raised: "rate_limit",
    test_tool_use_failed_error: "server",
  };
  const families = [
    "anthropic",
    "bedrock",
    "deepseek",
    "google",
    "groq",
    "openai-chat",
    "openai-responses",
    "openrouter",
  ];
  const failed = recordings(dir, families).filter((each) => {
    if (each.status >= 400) return true;
    const text = new TextDecoder().decode(each.body);
    return text.startsWith("{") && !each.streamed && JSON.parse(text).error;
  });

  test("every recorded error was found", () => expect(failed.length).toBeGreaterThanOrEqual(15));

  for (const recorded of failed) {
    const kindOf = Object.entries(expected).find(([name]) => recorded.name.includes(name))?.[1] ?? "invalid";
    test(`${recorded.name} is ${kindOf}`, () => {
      const body = new TextDecoder().decode(recorded.body);
      const code = JSON.parse(body).error?.code;
      const status =
        recorded.status >= 400 ? recorded.status : typeof code === "number" ? code : kindOf === "quota" ? 429 : 400;
      const error = explain({ provider: recorded.family, status, headers: new Headers(recorded.headers), body, now });
      expect(error.kind).toBe(kindOf);
      if (recorded.name.includes("google-429")) expect(error.retryAfterMs).toBe(34_400);
    });
  }

  test("an error in the middle of a Groq stream ends the answer", async () => {
    const recorded = recordings(dir, ["groq"]).find(
      (each) => each.name.includes("error_streaming") && each.name.endsWith("#1"),
    )!;
    const error = await failure(async () =>
      collect((await wireOf("chat")).decode(cutAt(recorded.body, []), await targetFor("groq"))),
    );
    expect(error).toMatchObject({
      kind: "server",
      provider: "groq",
      message: expect.stringContaining("Tool choice is required"),
    });
  });
});
