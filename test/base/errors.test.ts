import { describe, expect, test } from "bun:test";
import { Exit, messageOf, ProviderError, UsageError, UserError } from "../../src/base/errors.ts";

describe("a user's mistake", () => {
  test("has a remedy and ends with exit 1", () => {
    const error = new UserError("no key", "Run openkoi connect.");
    expect(error).toMatchObject({ name: "UserError", message: "no key", remedy: "Run openkoi connect." });
    expect(error.exitCode).toBe(Exit.failure);
  });

  test("on the command line is usage, exit 2, and still a user's mistake", () => {
    const error = new UsageError("unknown flag --x", "See --help.");
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ name: "UsageError", exitCode: Exit.usage });
  });

  test("may carry another exit code and a cause", () => {
    const cause = new Error("EACCES");
    const error = new UserError("no", "yes", Exit.limit, { cause });
    expect(error.exitCode).toBe(4);
    expect(error.cause).toBe(cause);
  });
});

describe("a provider's failure", () => {
  test("may pass by itself, or not, by its kind", () => {
    const again = (["rate_limit", "capacity", "network", "timeout", "broken_stream", "server"] as const).map(
      (kind) => new ProviderError(kind, "openai", "x").retryable,
    );
    const final = (["auth", "quota", "overflow", "invalid", "content_filter"] as const).map(
      (kind) => new ProviderError(kind, "openai", "x").retryable,
    );
    expect(again.every(Boolean)).toBe(true);
    expect(final.some(Boolean)).toBe(false);
  });

  test("keeps the facts", () => {
    const cause = new Error("x");
    const error = new ProviderError("rate_limit", "groq", "slow down", { status: 429, retryAfterMs: 1500, cause });
    expect(error).toMatchObject({ kind: "rate_limit", provider: "groq", status: 429, retryAfterMs: 1500, cause });
    expect(new ProviderError("auth", "groq", "no")).toMatchObject({ status: undefined, retryAfterMs: undefined });
  });
});

test("anything thrown has a message", () => {
  expect(messageOf(new Error("a"))).toBe("a");
  expect(messageOf("b")).toBe("b");
  expect(messageOf(undefined)).toBe("undefined");
});
