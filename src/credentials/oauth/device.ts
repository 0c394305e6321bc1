import { UserError } from "../../base/errors.ts";
import { HttpError } from "../../base/http.ts";
import type { Context } from "./issuer.ts";

/** What one question after the code brought (RFC 8628, section 3.5). */
export type Poll<T> =
  | { state: "done"; value: T }
  | { state: "pending" }
  /** `intervalMs`: what the issuer wants from now on, where it says so. */
  | { state: "slow_down"; intervalMs?: number | undefined }
  | { state: "denied" }
  | { state: "expired" };

/** Used where the issuer names none (RFC 8628, section 3.2). */
export const USUAL_INTERVAL_MS = 5000;
/** By how much `slow_down` lengthens the interval. */
const SLOWER_MS = 5000;
/** An interval that trouble has doubled grows no further. */
const LONGEST_MS = 60_000;

/**
 * Asks again and again until the user has typed the code. Time is counted by what was waited, not by the clock: that
 * may be set while the user is in the browser. @throws UserError for a refusal and for a code that ran out, the
 * signal's reason.
 */
export async function pollUntilDone<T>(
  question: () => Promise<Poll<T>>,
  { intervalMs, expiresInMs }: { intervalMs: number; expiresInMs: number },
  { clock, signal, name, id }: Context,
): Promise<T> {
  let interval = Math.max(1000, intervalMs);
  let backoff = 1;
  for (let waited = 0; ; ) {
    const pause = Math.min(interval * backoff, Math.max(interval, LONGEST_MS));
    waited += pause;
    if (waited > expiresInMs) throw ranOut(name, id);
    await clock.sleep(pause, signal);
    const answer = await question().catch((error: unknown) => {
      // "On encountering a connection timeout, clients MUST unilaterally reduce their polling frequency" (3.5).
      if (error instanceof HttpError) return "trouble" as const;
      throw error;
    });
    if (answer === "trouble") {
      backoff *= 2;
      continue;
    }
    backoff = 1;
    switch (answer.state) {
      case "done":
        return answer.value;
      case "slow_down":
        interval = Math.max(interval + SLOWER_MS, answer.intervalMs ?? 0);
        break;
      case "denied":
        throw new UserError(`${name}: the login was refused`, `To try again: openkoi connect ${id}`);
      case "expired":
        throw ranOut(name, id);
    }
  }
}

function ranOut(name: string, id: string): UserError {
  return new UserError(`${name}: the code ran out before it was entered`, `For a new one: openkoi connect ${id}`);
}

/** The error codes of RFC 8628, section 3.5; undefined for any other. */
export function pollErrorOf(code: string, intervalMs?: number): Exclude<Poll<never>, { state: "done" }> | undefined {
  switch (code) {
    case "authorization_pending":
      return { state: "pending" };
    case "slow_down":
      return { state: "slow_down", intervalMs };
    case "access_denied":
      return { state: "denied" };
    case "expired_token":
      return { state: "expired" };
    default:
      return undefined;
  }
}
