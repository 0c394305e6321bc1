import { formatDuration, formatTokens, plural } from "../../base/text.ts";
import type { Event } from "../../contracts/event.ts";
import type { LearningType, Memento } from "../../contracts/memory.ts";
import type { Message } from "../../contracts/message.ts";
import type { Decision } from "../../contracts/task.ts";
import type { RestoreReport } from "../../contracts/workspace.ts";
import { callLine, finishedLines, outputLines } from "./call-lines.ts";
import { checkLines, evaluationLines, judgementLines } from "./evidence-lines.ts";
import { cleanLines, cut, hang, type LineOptions, labelled, oneLine } from "./layout.ts";
import { changeText, names, outcomeLines } from "./outcome-lines.ts";
import { money } from "./style.ts";
import { callTitle, type View } from "./view.ts";

/** Lines of a model's prose between tool calls that are shown where not everything is. */
const PROSE_LINES = 3;

/**
 * What one event looks like: lines that stay, for terminals and pipes alike; none for most events. `view` is what was
 * known before the event. Pure. Text of models and tools comes out without control sequences.
 */
export function lines(event: Event, view: View, options: LineOptions): string[] {
  const own = eventLines(event, view, options);
  if (event.agent === "main" || own.length === 0) return own;
  return own.map((line) => options.style.dim(`${oneLine(event.agent)} | `) + line);
}

function eventLines(event: Event, view: View, options: LineOptions): string[] {
  const { style, width, verbose } = options;
  switch (event.type) {
    case "task_started":
      return startLines(event, options);
    case "resumed":
      return [...startLines(event, options), ...labelled("resumed", resumedText(event, view), options)];
    case "recalled":
      return event.mementos.length === 0 ? [] : recalledLines(event.mementos, options);
    case "planned": {
      const { plan } = event;
      const kind = plan.kind === "question" ? "a question: one pass, not evaluated" : oneLine(plan.category);
      const steps = plan.steps.length > 1 ? plan.steps : [];
      return [
        ...labelled("plan", kind, options),
        ...steps.flatMap((text, at) => hang(`    ${style.dim(`${at + 1}`)} `, oneLine(text), width)),
      ];
    }
    case "iteration_started": {
      const most = view.task.limits?.iterations ?? event.iteration;
      return most > 1 ? ["", style.bold(`iteration ${event.iteration} of ${most}`)] : [];
    }
    case "message":
      return messageLines(event.message, options);
    case "compacted": {
      const { before, after } = event;
      const text = `the conversation got long: made smaller, from about ${formatTokens(before)} to ${formatTokens(after)} tokens`;
      return labelled("context", style.dim(text), options);
    }
    case "model_retry": {
      // The first attempt of another model: the reason says which, and why.
      if (event.attempt === 1) return labelled("fallback", oneLine(event.reason), options, style.notice);
      const wait = `${formatDuration(event.waitMs)} until attempt ${event.attempt} of ${oneLine(event.model)}`;
      return labelled("waits", `${wait}: ${oneLine(event.reason)}`, options, style.notice);
    }
    case "tool_started":
      // A command's output follows as it comes; any other call is one line when it has ended.
      return verbose && event.effect === "execute"
        ? [callLine(callTitle(event.call.name, event.effect, event.subject), "", options)]
        : [];
    case "tool_output":
      return verbose ? outputLines(event, view, options) : [];
    case "tool_finished":
      return finishedLines(event, view, options);
    case "check_finished":
      return checkLines(event, view, options);
    case "judged":
      return judgementLines(event.judgement, options);
    case "evaluated":
      return evaluationLines(event.evaluation, view, options);
    case "changed": {
      const { changes } = event.diff;
      return changes.length === 0
        ? labelled("changed", "nothing", options)
        : labelled("changed", changeText(changes), options);
    }
    case "decided":
      return isExpected(event, view)
        ? []
        : labelled("decision", `${DECISIONS[event.decision]}: ${oneLine(event.reason)}`, options);
    case "restored":
      return restoredLines(event.report, options);
    case "learned":
      return event.learned.flatMap(({ learning, is }) =>
        labelled(
          "learned",
          `${LESSON[learning.type]}: ${oneLine(learning.content)}${is === "new" ? "" : " (again)"}`,
          options,
        ),
      );
    case "answered":
      return answerLines(event, view, options);
    case "steered":
      return labelled("you", oneLine(event.text), options);
    case "warning":
      return labelled("warning", oneLine(event.message), options, style.notice);
    case "task_finished":
      return outcomeLines(event.outcome, view.task.limits, options);
    default:
      return [];
  }
}

function startLines(event: Event & { type: "task_started" | "resumed" }, options: LineOptions): string[] {
  const { models, request } = event;
  const others = (["planner", "evaluator"] as const)
    .filter((role) => models[role] !== models.executor)
    .map((role) => `${role} ${models[role]}`);
  const head = [`openkoi ${event.version}`, [models.executor, ...others].join(", "), request.workspace].map(oneLine);
  return [options.style.dim(cut(head.join("  "), options.width))];
}

/** How each decision is called. */
const DECISIONS: Record<Decision, string> = {
  abort_budget: "stops",
  abort_timeout: "stops",
  abort_regression: "stops, and the best result is kept",
  accept: "accepted",
  accept_best: "ends with the best result",
  continue: "goes on",
  unmeasured: "ends without a measurement",
  escalate: "stops, and needs you",
};

/** A lesson without its kind may read as its opposite. */
const LESSON: Record<LearningType, string> = { heuristic: "do", anti_pattern: "avoid", preference: "prefer" };

/** Of what was recalled, so many are shown where not everything is. */
const MOST_RECALLED = 3;

/** What was recalled, counted by kind, and each in a line; `verbose`: in full, and why it came up. */
function recalledLines(mementos: readonly Memento[], options: LineOptions): string[] {
  const { style, width, verbose } = options;
  const shown = verbose ? mementos : mementos.slice(0, MOST_RECALLED);
  const more = mementos.length - shown.length;
  return [
    ...labelled("memory", style.dim(recalledText(mementos)), options),
    ...shown.flatMap(({ text, why }) =>
      verbose
        ? hang(`    ${style.dim("-")} `, style.dim(`${oneLine(text)} (${oneLine(why)})`), width)
        : [style.dim(cut(`    - ${oneLine(text)}`, width))],
    ),
    ...(more > 0 ? [style.dim(`    … and ${more} more`)] : []),
  ];
}

function recalledText(mementos: readonly Memento[]): string {
  const count = (kinds: readonly Memento["kind"][], one: string) => {
    const number = mementos.filter(({ kind }) => kinds.includes(kind)).length;
    return number === 0 ? [] : [plural(number, one)];
  };
  const counted = [
    ...count(["anti_pattern", "heuristic", "preference"], "lesson"),
    ...count(["skill"], "skill"),
    ...count(["task"], "similar task"),
  ];
  return `recalled ${counted.join(", ")} of earlier work`;
}

/** What goes on, and what it has cost so far. */
function resumedText(event: Event & { type: "resumed" }, { task }: View): string {
  const { iterations } = event.limits;
  return [
    cut(oneLine(event.request.description), 60),
    ...(task.iteration > 0 && iterations > 1 ? [`iteration ${task.iteration} of ${iterations}`] : []),
    ...(task.spent.calls > 0 ? [`${money(task.spent)} spent so far`] : []),
  ].join(", ");
}

/** What the model says between its calls. Its closing words are the result, which goes to standard output. */
function messageLines(message: Message, options: LineOptions): string[] {
  if (message.role === "user") return [];
  const { style, verbose, width } = options;
  const dim = (text: string) => cleanLines(text).flatMap((line) => hang("  ", line, width).map(style.dim));
  const reasoning = verbose ? message.blocks.filter((block) => block.type === "reasoning").map((b) => b.text) : [];
  const calls = message.blocks.some((block) => block.type === "tool_call");
  const prose = calls ? message.blocks.filter((block) => block.type === "text").map((block) => block.text) : [];
  const said = prose.flatMap(dim);
  const shown = verbose || said.length <= PROSE_LINES ? said : [...said.slice(0, PROSE_LINES), style.dim("  …")];
  return [...reasoning.flatMap(dim), ...shown];
}

function restoredLines({ restored, kept, failed = [] }: RestoreReport, options: LineOptions): string[] {
  const { notice } = options.style;
  return [
    ...(restored.length + kept.length + failed.length === 0
      ? []
      : labelled("restored", `${plural(restored.length, "file")} as in the best result`, options)),
    ...(kept.length === 0 ? [] : labelled("kept", `changed by somebody else: ${names(kept)}`, options, notice)),
    ...(failed.length === 0 ? [] : labelled("failed", `not put back: ${names(failed)}`, options, notice)),
  ];
}

function answerLines(event: Event & { type: "answered" }, view: View, options: LineOptions): string[] {
  const question = view.task.question;
  if (!question || question.id !== event.id) return [];
  const { choice, by } = event.answer;
  const about =
    question.kind === "permission"
      ? callTitle(question.tool, question.tool === "bash" ? "execute" : "write", question.subject)
      : oneLine(question.kind === "escalation" ? question.reason : question.text);
  const words: Record<string, string> = {
    once: "allowed once",
    task: "allowed for this task",
    always: "allowed from now on",
    refuse: by === "policy" ? "refused: there is nobody to ask" : "refused",
    stop: by === "policy" ? "stopped: there is nobody to ask" : "stopped",
  };
  const verdict = words[choice] ?? oneLine(choice);
  const refused = choice === "refuse" || choice === "stop";
  // At the terminal, question and answer stand on the screen already; a call that is refused says so when it ends.
  if (by === "terminal" || (by === "policy" && choice === "refuse" && view.running.size > 0)) return [];
  return [callLine(about, refused ? options.style.notice(verdict) : options.style.dim(verdict), options)];
}

/** A decision that the score or the end explains; that a good result is gone on with is told with its reason. */
function isExpected({ decision }: Event & { type: "decided" }, view: View): boolean {
  const { score, best, limits } = view.task;
  const reaches = (value: number | null) => (value ?? 0) >= (limits?.qualityThreshold ?? 1);
  if (decision === "continue") return !reaches(score);
  // The task ends here, and its last lines say why, unless an earlier result was good.
  return decision === "accept" || !reaches(best);
}
