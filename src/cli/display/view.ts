import type { Event } from "../../contracts/event.ts";
import type { CheckResult } from "../../contracts/evidence.ts";
import { initialState, step, type TaskState } from "../../engine/state.ts";
import { oneLine } from "./layout.ts";

/** What a display must remember between events to word the next one. */
export interface View {
  task: TaskState;
  /** Calls and checks that are running, by id. */
  running: ReadonlyMap<string, Running>;
  /** How the checks stood before the first effect, by check id. */
  baseline: ReadonlyMap<string, CheckResult>;
  /** How they stand in this iteration so far. One that is run again is there with what came out first. */
  measured: ReadonlyMap<string, CheckResult>;
  /** What was last said to be not measured, so that it is said once. */
  unmeasured: string;
  /** What is going on at this moment, for the status line. */
  activity: string;
  /** ISO time at which it began. */
  since: string;
}

export interface Running {
  /** `read src/a.ts`, `$ npm test`. */
  title: string;
  /** Output after its last line break. */
  partial: string;
  /** Whole lines of output so far. */
  lines: number;
  /** Who said no to it: a person, or the policy where nobody could be asked. */
  refused?: "person" | "policy";
}

export function emptyView(): View {
  return {
    task: initialState(),
    running: new Map(),
    baseline: new Map(),
    measured: new Map(),
    unmeasured: "",
    activity: "",
    since: "",
  };
}

/** The view after one more event. Never changes `view`. */
export function look(view: View, event: Event): View {
  const next = { ...view, task: step(view.task, event) };
  const doing = (activity: string): View =>
    activity === view.activity ? next : { ...next, activity, since: event.time };
  switch (event.type) {
    case "model_started":
      return doing(MODEL_WORK[event.role]);
    case "text":
      return doing("writing");
    case "reasoning":
      return doing("thinking");
    case "model_retry":
      return doing("waiting to try again");
    case "asked":
      return doing("waiting for your answer");
    case "answered": {
      // Of calls that ask, only one is ever under way.
      if (event.answer.choice === "refuse") {
        const refused = event.answer.by === "policy" ? "policy" : "person";
        next.running = new Map([...view.running].map(([id, one]) => [id, { ...one, refused }]));
      }
      return doing([...view.running.values()].at(-1)?.title ?? "");
    }
    case "tool_started": {
      const title = callTitle(event.call.name, event.effect, event.subject);
      next.running = new Map(view.running).set(event.call.id, { title, partial: "", lines: 0 });
      return doing(title);
    }
    case "tool_output": {
      const running = view.running.get(event.id);
      if (!running) return next;
      const { whole, partial } = splitOutput(running.partial, event.chunk);
      next.running = new Map(view.running).set(event.id, { ...running, partial, lines: running.lines + whole.length });
      return next;
    }
    case "tool_finished":
      next.running = without(view.running, event.id);
      return doing([...next.running.values()].at(-1)?.title ?? "");
    case "check_started":
      next.running = new Map(view.running).set(event.check.id, { title: "", partial: "", lines: 0 });
      return doing(`$ ${oneLine(event.check.command)}`);
    case "check_finished": {
      const { check } = event.result;
      next.running = without(view.running, check.id);
      if (event.purpose === "baseline") next.baseline = new Map(view.baseline).set(check.id, event.result);
      else if (!view.measured.has(check.id)) next.measured = new Map(view.measured).set(check.id, event.result);
      return doing("");
    }
    case "iteration_started":
      return { ...next, measured: new Map() };
    case "evaluated":
      return { ...next, unmeasured: event.evaluation.unmeasured.join("; ") };
    default:
      return next;
  }
}

const MODEL_WORK = {
  planner: "planning",
  executor: "thinking",
  evaluator: "judging",
  small: "noting",
  repair: "judging",
  result: "writing the result",
  embedder: "remembering",
} as const;

/** How a call is named on one line. */
export function callTitle(name: string, effect: string, subject: string): string {
  const what = oneLine(subject);
  if (/\bbash$/i.test(name) && effect === "execute") return `$ ${what || oneLine(name)}`;
  return what ? `${oneLine(name)} ${what}` : oneLine(name);
}

/** Whole lines of live output, and what follows the last line break. */
export function splitOutput(before: string, chunk: string): { whole: string[]; partial: string } {
  const lines = (before + chunk).split("\n");
  const partial = lines.pop() ?? "";
  return { whole: lines, partial };
}

function without(running: View["running"], id: string): View["running"] {
  const rest = new Map(running);
  rest.delete(id);
  return rest;
}
