import { ProviderError } from "../base/errors.ts";
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

async function* stream(
  model: Model,
  options: RetryOptions,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void> {
  const { clock, random, attempts = ATTEMPTS, patienceMs = PATIENCE_MS } = options;
  let waited = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      yield* model.stream(request, signal);
      return;
    } catch (error) {
      if (!(error instanceof ProviderError) || !error.retryable || attempt >= attempts) throw error;
      const backoff = random() * Math.min(CAP_MS, BASE_MS * 2 ** (attempt - 1));
      const waitMs = Math.round(Math.max(backoff, error.retryAfterMs ?? 0));
      if (waited + waitMs > patienceMs) throw error;
      waited += waitMs;
      yield { type: "restart", attempt: attempt + 1, waitMs, reason: error.message, model: model.info.ref };
      await clock.sleep(waitMs, signal);
    }
  }
}
