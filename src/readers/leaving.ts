import { UserError } from "../base/errors.ts";
import type { Leaving } from "../workspace/index.ts";
import { createActivity } from "./activity.ts";
import { lastAlive, readTranscript } from "./transcript.ts";

/** What a transcript tells of how its task left the workspace. */
export async function readLeaving(path: string): Promise<Leaving> {
  let seq = 0;
  let left: string | undefined;
  let acted = false;
  let ended = false;
  const acting = createActivity();
  try {
    for await (const event of readTranscript(path)) {
      seq = event.seq;
      acting.receive(event);
      if (event.type === "checkpoint") left = event.checkpoint.id;
      else if (event.type === "restored") left = event.to.id;
      else if (event.type === "tool_started" && event.effect !== "read") {
        left = undefined;
        acted = true;
      }
      ended = event.type === "task_finished";
    }
  } catch (error) {
    // Gone or damaged: the checkpoints speak for themselves.
    if (!(error instanceof UserError)) throw error;
    return { seq: 0, left: undefined };
  }
  const alive = lastAlive(path);
  if (alive !== undefined) acting.end(alive);
  // Files may have been on their way back when it was killed: then no record says how it left them.
  const told = ended || !acted ? left : undefined;
  return { seq, left: told, ...(acted ? {} : { untouched: true as const }), activity: acting.activity };
}
