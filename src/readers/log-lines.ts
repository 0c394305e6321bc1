import type { Log } from "../base/log.ts";
import type { Event, Reader } from "../contracts/event.ts";

/**
 * What of a task goes into the program's diary: its begin and end, trouble with providers, warnings; with
 * `OPENKOI_LOG_LEVEL=debug` every call and check too, with `trace` the name of every event. Never what was said or
 * read: that is in the transcript.
 */
export function createLogLines(log: Log): Reader {
  return { receive: (event) => write(log, event) };
}

function write(log: Log, event: Event): void {
  const { task, seq } = event;
  switch (event.type) {
    case "task_started":
    case "resumed":
      log.info(event.type, { task, workspace: event.request.workspace, models: event.models });
      break;
    case "model_retry":
      log.warn(event.type, { task, model: event.model, attempt: event.attempt, reason: event.reason });
      break;
    case "warning":
      log.warn(event.type, { task, code: event.code, reason: event.message });
      break;
    case "task_finished": {
      const { status, reason, spent, wallMs } = event.outcome;
      const level = status === "failed" ? "error" : "info";
      log[level](event.type, { task, status, reason, costUsd: spent.costUsd, ms: wallMs });
      break;
    }
    case "model_finished": {
      const { role, model, ms, stop, usage } = event.call;
      log.debug(event.type, { task, role, model, ms, stop, usage });
      break;
    }
    case "tool_finished":
      log.debug(event.type, { task, name: event.name, ms: event.ms, isError: event.result.isError });
      break;
    case "check_finished": {
      const { check, status, ms } = event.result;
      log.debug(event.type, { task, command: check.command, purpose: event.purpose, status, ms });
      break;
    }
    default:
      log.trace(event.type, { task, seq });
  }
}
