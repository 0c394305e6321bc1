import { ProviderError } from "../base/errors.ts";
import { formatDuration } from "../base/text.ts";
import type { Clock } from "../contracts/kit.ts";
import type { Model, ModelEvent, ModelRequest } from "../contracts/provider.ts";

export interface RetryOptions {
  clock: Clock;
  /** 0 ≤ x < 1. */
  random: () => number;
  /** Attempts in all, the first included. Default 5. */
  attempts?: number;
  /** Milliseconds of waiting in all. A provider that asks for more is given up at once. Default 120,000. */
  patienceMs?: number;
}

const ATTEMPTS = 5;
const PATIENCE_MS = 120_000;
const BASE_MS = 500;
const CAP_MS = 30_000;

/**
 * Asks again after trouble that may pass: exponential backoff with full jitter (every wait between 0 and the bound, so
 * that many clients do not come back together), never sooner than the provider asks. What was yielded before a
 * `restart` event is void. The last error is thrown as it is.
 */
export function withRetry(model: Model, options: RetryOptions): Model {
  return { info: model.info, stream: (request, signal) => stream(model, options, request, signal) };
}

/** The same for work whose result comes at once. */
export async function retried<T>(work: () => Promise<T>, options: RetryOptions, signal: AbortSignal): Promise<T> {
  const waits = new Waits(options);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await options.clock.sleep(waits.after(error).waitMs, signal);
    }
  }
}

async function* stream(
  model: Model,
  options: RetryOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void> {
  const waits = new Waits(options);
  for (;;) {
    try {
      yield* model.stream(request, signal);
      return;
    } catch (error) {
      const { attempt, waitMs, reason } = waits.after(error);
      yield { type: "restart", attempt, waitMs, reason, model: model.info.ref };
      await options.clock.sleep(waitMs, signal);
    }
  }
}

/** The waits of one call. */
class Waits {
  readonly #options: RetryOptions;
  #attempt = 1;
  #waitedMs = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** How long to wait before the attempt of this number. @throws the error itself where there is to be none. */
  after(error: unknown): { attempt: number; waitMs: number; reason: string } {
    const { random, attempts = ATTEMPTS, patienceMs = PATIENCE_MS } = this.#options;
    if (!(error instanceof ProviderError) || !error.retryable || this.#attempt >= attempts) throw error;
    const backoff = random() * Math.min(CAP_MS, BASE_MS * 2 ** (this.#attempt - 1));
    const waitMs = Math.round(Math.max(backoff, error.retryAfterMs ?? 0));
    if (this.#waitedMs + waitMs > patienceMs) {
      throw error.retryAfterMs ? withNote(error, `it asks to wait ${formatDuration(error.retryAfterMs)}`) : error;
    }
    this.#waitedMs += waitMs;
    return { attempt: ++this.#attempt, waitMs, reason: error.message };
  }
}

/** The same error with what is to be said beside it. */
export function withNote(error: ProviderError, note: string): ProviderError {
  const { kind, provider, status, retryAfterMs } = error;
  return new ProviderError(kind, provider, `${error.message} (${note})`, { status, retryAfterMs, cause: error });
}
