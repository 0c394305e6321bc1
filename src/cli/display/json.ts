import type { Reader } from "../../contracts/event.ts";
import type { Outcome } from "../../contracts/task.ts";
import type { Writer } from "./writer.ts";

/**
 * `--format stream-json`: every event, one JSON line each, as it happens; the last one holds the outcome. Waits for
 * whoever reads it, so that a slow pipe costs no memory.
 */
export function createJsonStream(writer: Pick<Writer, "write">): Reader {
  return {
    receive: (event) => writer.write(`${JSON.stringify(event)}\n`),
  };
}

/** `--format json`: the outcome as one document, with the task's id: what `undo` and `resume` take. Null where none began. */
export function outcomeJson(outcome: Outcome, task: string | null): string {
  return `${JSON.stringify({ task, ...outcome }, null, 2)}\n`;
}
