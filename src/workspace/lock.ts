import { join } from "node:path";
import type { Clock } from "../contracts/kit.ts";
import { type Claim, livingClaims, makeClaim } from "./claims.ts";
import { writeFault } from "./faults.ts";
import { workspaceKey } from "./manifest-names.ts";

/** Who holds a workspace. `since`: milliseconds since 1970. */
export interface Holder {
  task: string;
  pid: number;
  since: number;
}

export type LockResult = { release(): Promise<void> } | { heldBy: Holder };

/** How long a newer claim may take to withdraw before its owner counts as the holder, and how often it is looked at, ms. */
const YIELD = 250;
const LOOK = 5;

/**
 * One writing task per workspace. Answers at once who holds it, where somebody does. Of several that come at the same
 * moment the one with the oldest claim gets it. A dead owner's claim does not count.
 */
export async function lockWorkspace(input: {
  workspace: string;
  dir: string;
  task: string;
  clock: Clock;
}): Promise<LockResult> {
  const { workspace, dir, task, clock } = input;
  const folder = join(dir, workspaceKey(workspace), "lock");
  const now = (): number => clock.now();
  try {
    const before = livingClaims(folder, now)[0];
    if (before) return { heldBy: holder(before) };
    const own = makeClaim(folder, task, now);
    for (let waited = 0; ; waited += LOOK) {
      const claims = livingClaims(folder, now);
      const other = claims.find((claim) => claim.name !== own.name);
      if (!other) return { release: async () => own.release() };
      const first = claims[0]!;
      // Younger claims give way to ours, unless they were alone before we came.
      if (first.name !== own.name || waited >= YIELD) {
        own.release();
        return { heldBy: holder(first.name === own.name ? other : first) };
      }
      await clock.sleep(LOOK, new AbortController().signal);
    }
  } catch (error) {
    throw writeFault(error, "the lock of the workspace", folder);
  }
}

function holder({ task, pid, since }: Claim): Holder {
  return { task, pid, since };
}
