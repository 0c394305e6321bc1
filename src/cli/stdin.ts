import { fstatSync } from "node:fs";
import { UserError } from "../base/errors.ts";
import { formatDuration } from "../base/text.ts";

/** What piped text may be at most, bytes. */
const MOST_BYTES = 10_000_000;
const USUAL_TIMEOUT_MS = 3000;

export interface StdinOptions {
  /** How long the first byte may take, ms (3000). What has begun is read to its end, however slowly it comes. */
  timeoutMs?: number;
  /** Is told, in one sentence, that nothing came and that the program goes on without it. */
  onWait(message: string): void;
  /** Ends the waiting; the promise then rejects with its reason. */
  signal?: AbortSignal;
}

/**
 * The text on standard input where that is a pipe, a socket or a file; undefined for a terminal, `/dev/null`, a closed
 * one, an empty one, and an open pipe that never speaks (left behind by cron, ssh and CI runners).
 * @throws UserError for more than 10 MB and for what is not text.
 */
export async function readPipedStdin(options: StdinOptions): Promise<string | undefined> {
  if (!isPiped()) return;
  const { timeoutMs = USUAL_TIMEOUT_MS, signal } = options;
  const reader = Bun.stdin.stream().getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    cancel();
  }, timeoutMs);
  signal?.addEventListener("abort", cancel, { once: true });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      clearTimeout(timer);
      if (done) break;
      chunks.push(value);
      size += value.length;
      if (size > MOST_BYTES) throw tooLarge();
    }
    signal?.throwIfAborted();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
    cancel();
  }
  if (silent && size === 0) {
    options.onWait(
      `standard input is an open pipe that said nothing for ${formatDuration(timeoutMs)}; going on without it`,
    );
    return;
  }
  return textOf(chunks);
}

/** True where somebody hands something over on standard input: a pipe, a socket or a file. */
export function isPiped(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isSocket() || stat.isFile();
  } catch {
    return false; // closed
  }
}

function textOf(chunks: readonly Uint8Array[]): string | undefined {
  const bytes = Buffer.concat(chunks);
  if (bytes.includes(0)) {
    throw new UserError("standard input is not text", "Name the file in the task instead of piping it.");
  }
  const text = new TextDecoder().decode(bytes);
  return text.trim() === "" ? undefined : text;
}

function tooLarge(): UserError {
  return new UserError("standard input is larger than 10 MB", "Save it to a file and name the file in the task.");
}
