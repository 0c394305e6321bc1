import { randomId } from "../base/crypto/random.ts";
import type { UsageEvent } from "../contracts/memory.ts";
import { lookAt, openDatabase } from "./database.ts";
import { MIGRATIONS } from "./migrations.ts";
import { putUsage } from "./usage.ts";

/** Somebody waits for the prompt: a command is rather not kept than waited for, ms. */
const MOST_WAIT = 2;

/** Keeps that a command was given. A memory that would first have to be brought forward, or that is busy, is left alone. */
export function noteUsage(path: string, { at, text, outcome }: Pick<UsageEvent, "at" | "text" | "outcome">): void {
  const kind = lookAt(path);
  if (kind.is !== "known" || kind.schema !== MIGRATIONS.length) return;
  using memory = openDatabase({ path, now: () => at, onNotice: () => {} });
  const row = {
    id: `c-${randomId(12)}`,
    kind: "command" as const,
    channel: "cli",
    description: text,
    category: null,
    skills: [],
    score: null,
    at,
    task: null,
    outcome,
  };
  memory.attempt(MOST_WAIT, () => putUsage(memory, row));
}
