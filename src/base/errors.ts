/** Process exit codes (PRODUCT.md, section 1). */
export const Exit = {
  /** Accepted. */
  ok: 0,
  /** Config, provider or internal failure. */
  failure: 1,
  /** Wrong usage. */
  usage: 2,
  /** Ended below the quality threshold, or nothing could be measured. */
  below: 3,
  /** Stopped by a budget, time or tool limit. */
  limit: 4,
  /** Interrupted by SIGINT, SIGTERM or SIGHUP. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof Exit)[keyof typeof Exit];

/**
 * A mistake that a person can mend. Printed as one line: what happened, where, and the remedy; never with a stack.
 * Anything else that reaches the door is a bug and keeps its stack.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
  /** What the user can do about it, as a sentence. */
  readonly remedy: string;
  readonly exitCode: ExitCode;

  constructor(message: string, remedy: string, exitCode: ExitCode = Exit.failure, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
    this.exitCode = exitCode;
  }
}

/**
 * The user (or the system) ended the program: the reason with which its signals abort. Nobody's mistake, so whoever
 * ends the program prints nothing and exits with 130.
 */
export class Interruption extends Error {
  override readonly name = "Interruption";
  constructor(signal: string) {
    super(`interrupted (${signal})`);
  }
}

/** A command line that cannot be understood: exit 2. */
export class UsageError extends UserError {
  override readonly name = "UsageError";
  constructor(message: string, remedy: string) {
    super(message, remedy, Exit.usage);
  }
}

/** Every way in which a provider can fail; a closed set, so that each has one treatment. */
export type ProviderErrorKind =
  | "auth"
  | "rate_limit"
  | "quota"
  | "capacity"
  | "overflow"
  | "invalid"
  | "content_filter"
  | "network"
  | "timeout"
  | "broken_stream"
  | "server";

const RETRYABLE: ReadonlySet<ProviderErrorKind> = new Set([
  "rate_limit",
  "capacity",
  "network",
  "timeout",
  "broken_stream",
  "server",
]);

/** A model call that failed. The message is built from facts (provider, status, the provider's own words). */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly kind: ProviderErrorKind;
  readonly provider: string;
  /** HTTP status, where there was one. */
  readonly status: number | undefined;
  /** Milliseconds that the provider asked us to wait (`retry-after`), where it did. */
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: ProviderErrorKind,
    provider: string,
    message: string,
    facts: { status?: number | undefined; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.kind = kind;
    this.provider = provider;
    this.status = facts.status;
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** True when the same request may succeed later. */
  get retryable(): boolean {
    return RETRYABLE.has(this.kind);
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
