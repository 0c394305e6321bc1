import { messageOf, ProviderError, UserError } from "../base/errors.ts";
import { formatDuration } from "../base/text.ts";
import { VERSION } from "../base/version.ts";
import type { Outcome } from "../contracts/task.ts";
import { nothingSaved, nothingSpent } from "../engine/budget.ts";

/** What is printed when something was thrown: one line and its remedy, or for a bug the stack. */
export function describeError(error: unknown): string {
  const remedy = remedyOf(error);
  if (remedy !== undefined) return `openkoi: ${messageOf(error).replace(/^E[A-Z]+: /, "")}\n  ${remedy}\n`;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `openkoi ${VERSION}: this is a bug, please report it with these lines:\n${stack}\n`;
}

/** The outcome of a task that could not begin: who reads one from a program is told in the same shape. */
export function notBegun(reason: string): Outcome {
  return {
    status: "failed",
    decision: null,
    text: "",
    reason,
    score: null,
    best: 0,
    iterations: 0,
    evaluation: null,
    changes: [],
    spent: nothingSpent(),
    saved: nothingSaved(),
    workMs: 0,
    wallMs: 0,
  };
}

/** What the user can do about it; undefined for a bug. */
export function remedyOf(error: unknown): string | undefined {
  if (error instanceof UserError) return error.remedy;
  if (error instanceof ProviderError) return longWait(error) ?? REMEDIES[error.kind];
  return error instanceof Error && "code" in error ? SYSTEM[String(error.code)] : undefined;
}

/** From here on nobody waits "a little", ms. */
const LONG_WAIT_MS = 300_000;

function longWait({ retryAfterMs = 0, provider }: ProviderError): string | undefined {
  if (retryAfterMs < LONG_WAIT_MS) return undefined;
  return `${provider} asks to be left alone for ${formatDuration(retryAfterMs)}; until then name another model with -m.`;
}

/** What the system refuses is no bug of ours. */
const SYSTEM: Record<string, string> = {
  ENOSPC: "Make room on that disk; what was recorded so far is kept.",
  EDQUOT: "Your quota on that disk is used up; make room.",
  EROFS: "That disk is read-only; name another place with OPENKOI_HOME or OPENKOI_DATA.",
  EACCES: "Check who owns it and its mode: openkoi doctor.",
  EPERM: "Check who owns it and its mode: openkoi doctor.",
  EEXIST: "Something else is where a file or a folder of ours should be; move it away.",
  ENOTDIR: "A file is where a folder should be; move it away, or name another place with OPENKOI_HOME or OPENKOI_DATA.",
  EISDIR: "A folder is where a file should be; move it away, or name another place with OPENKOI_HOME or OPENKOI_DATA.",
  EIO: "The disk has a fault; look into the system's log before you trust it with more.",
  EMFILE: "Too many files are open; raise the limit (ulimit -n).",
};

const REMEDIES: Record<ProviderError["kind"], string> = {
  auth: "Check the key: `openkoi doctor` shows where it came from.",
  rate_limit: "Wait a little, or name another model with -m.",
  quota: "The account has no credit left; top it up or name another model with -m.",
  capacity: "The provider is overloaded; try again later or name another model with -m.",
  overflow: "The request is longer than the model takes; name one with a larger context with -m.",
  invalid: "The provider refused the request; another model (-m) may take it.",
  content_filter: "The provider's filter refused; put the task in other words.",
  network: "Check the network and the base URL (`openkoi doctor`).",
  timeout: "The provider did not answer in time; try again.",
  broken_stream: "The answer broke off; try again.",
  server: "The provider has a fault; try again later or name another model with -m.",
};
