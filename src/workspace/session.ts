import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { type HeldClaim, livingClaims, makeClaim } from "./claims.ts";
import { workspaceKey } from "./manifest-names.ts";

/** Longest wait for a collection that is going on, and how often it is looked at, ms. */
const PATIENCE = 10_000;
const LOOK = 20;

function folders(dir: string, key: string): { sessions: string; collectors: string } {
  return { sessions: join(dir, key, "sessions"), collectors: join(dir, key, "collectors") };
}

/** Says that a workspace's records are in use, and waits while garbage is being collected there. */
export async function openSession(dir: string, workspace: string, task: string, now: () => number): Promise<HeldClaim> {
  const { sessions, collectors } = folders(dir, workspaceKey(workspace));
  const session = makeClaim(sessions, task, now);
  for (let waited = 0; livingClaims(collectors, now).length > 0; waited += LOOK) {
    if (waited >= PATIENCE) {
      session.release();
      throw new UserError(
        `the checkpoints in ${join(dir, workspaceKey(workspace))} are being cleaned up by another process`,
        "Try again when it has finished.",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
  return session;
}

/** The right to remove records, or undefined while anybody uses them or removes some. */
export function claimCollection(dir: string, key: string, now: () => number): HeldClaim | undefined {
  const { sessions, collectors } = folders(dir, key);
  const own = makeClaim(collectors, "gc", now);
  if (livingClaims(sessions, now).length === 0 && livingClaims(collectors, now).length === 1) return own;
  own.release();
  return undefined;
}
