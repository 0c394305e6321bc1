import { isObject } from "../base/schema.ts";
import type { Event } from "../contracts/event.ts";
import { CHANGED_MEANWHILE } from "./edit.ts";
import { type Roots, resolvePath } from "./paths.ts";

/**
 * The files that earlier runs of a task saw, and when that was (ms): a file that nobody changed since then is known to
 * the model, which has its text in the conversation. Absolute and real paths.
 */
export function seenEarlier(history: readonly Event[], roots: Roots): ReadonlyMap<string, number> {
  const seen = new Map<string, number>();
  const reads = new Map<string, { path: string; time: number }>();
  for (const event of history) {
    const time = Date.parse(event.time);
    if (event.type === "tool_started" && /(?:^|[.:/])read$/i.test(event.call.name)) {
      const path = pathOf(event.call.arguments, roots);
      if (path !== undefined) reads.set(event.call.id, { path, time });
    } else if (event.type === "tool_finished" && !event.result.isError) {
      const read = reads.get(event.id);
      if (read) seen.set(read.path, read.time);
      // What somebody else changed before an edit was not read.
      const isKnown = !event.result.text.endsWith(CHANGED_MEANWHILE);
      for (const path of event.result.changed ?? []) {
        if (isKnown) seen.set(path, time);
        else seen.delete(path);
      }
    }
  }
  return seen;
}

function pathOf(args: string, roots: Roots): string | undefined {
  try {
    const value: unknown = JSON.parse(args);
    if (!isObject(value) || typeof value["path"] !== "string") return undefined;
    return resolvePath(value["path"], roots, "read").path;
  } catch {
    return undefined;
  }
}
