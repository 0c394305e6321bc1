import { formatDuration, formatTokens, plural } from "../../base/text.ts";
import type { Event } from "../../contracts/event.ts";
import type { LearningType, Memento } from "../../contracts/memory.ts";
import type { Message } from "../../contracts/message.ts";
import type { RestoreReport } from "../../contracts/workspace.ts";
import { checkLines, evaluationLines, judgementLines } from "./evidence-lines.ts";
import { cleanLines, cut, fit, hang, type LineOptions, labelled, oneLine } from "./layout.ts";
import { changeText, names, outcomeLines } from "./outcome-lines.ts";
import { money } from "./style.ts";
import { callTitle, splitOutput, type View } from "./view.ts";

/** Lines of a model's prose between tool calls that are shown where not everything is. */
const PROSE_LINES = 3;
/** Lines of a finished call's result that `--verbose` shows where it had no live output. */
const RESULT_LINES = 10;
/** Lines of live output shown of one call: `yes` must not drown the display. */
const OUTPUT_LINES = 500;

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
      return event.mementos.length === 0
        ? []
        : labelled("memory", options.style.dim(recalledText(event.mementos)), options);
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
        : labelled("decision", `${event.decision}: ${oneLine(event.reason)}`, options);
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

/** A lesson without its kind may read as its opposite. */
const LESSON: Record<LearningType, string> = { heuristic: "do", anti_pattern: "avoid", preference: "prefer" };

/** What was recalled, counted by kind: the texts stand in the transcript, and `openkoi learn` shows them. */
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

function callLine(title: string, mark: string, options: LineOptions): string {
  const space = title.indexOf(" ");
  const [name, subject] = space < 0 ? [title, ""] : [title.slice(0, space), title.slice(space)];
  return fit(`  ${options.style.dim(name)}${subject}`, mark, options.width);
}

function outputLines(event: Event & { type: "tool_output" }, view: View, options: LineOptions): string[] {
  const running = view.running.get(event.id);
  if (!running) return [];
  const { whole } = splitOutput(running.partial, event.chunk);
  const room = Math.max(0, OUTPUT_LINES - running.lines);
  const shown = whole.slice(0, room).map((line) => output(line, options));
  return whole.length > room && room > 0 ? [...shown, output("… (more is not shown)", options)] : shown;
}

function output(text: string, { style, width }: LineOptions): string {
  // What a program redraws with carriage returns is shown as it stands at the end of the line.
  const last = cleanLines(text.replace(/\r$/, "").split("\r").at(-1) ?? "")[0] ?? "";
  return style.dim(cut(`    ${last}`, width));
}

function finishedLines(event: Event & { type: "tool_finished" }, view: View, options: LineOptions): string[] {
  const { style, verbose } = options;
  const { result, ms } = event;
  const running = view.running.get(event.id);
  const title = running?.title ?? oneLine(event.name);
  const isCommand = title.startsWith("$ ");
  const time = formatDuration(ms);
  const ending = isCommand ? commandEnding(result.text) : undefined;
  const why = result.denied ? "refused" : running?.refused ? "you refused it" : ending && `${ending}, ${time}`;
  const mark = result.isError
    ? style.bad(`✗ ${why ?? cut(oneLine(result.text), 60)}`)
    : isCommand
      ? `${style.good("✓")} ${style.dim(time)}`
      : "";
  const head = errorLine(title, mark, result.isError, options);
  if (!verbose || !running) return [head];
  if (!isCommand) return [head, ...(result.isError ? [] : resultLines(result.text, options))];
  const rest = running.partial.trim() === "" ? [] : [output(running.partial, options)];
  const silent = running.lines === 0 && rest.length === 0;
  return [...rest, ...(silent ? resultLines(result.text, options) : []), `    ${mark}`];
}

/** How a command that failed has ended, by the last line of its result; undefined where it did not run. */
function commandEnding(text: string): string | undefined {
  return /(?:^|\n)\[(?:[^\n;]*; )*(exit \d+|killed by \w+|stopped after \d+ s)[^\n]*\]\s*$/.exec(text)?.[1];
}

function resultLines(text: string, options: LineOptions): string[] {
  const all = cleanLines(text);
  const more = all.length > RESULT_LINES ? [output(`… ${all.length - RESULT_LINES} more lines`, options)] : [];
  return [...all.slice(0, RESULT_LINES).map((line) => output(line, options)), ...more];
}

/** A call that failed says why; where the line is too short for both, the reason gives way first. */
function errorLine(title: string, mark: string, isError: boolean, options: LineOptions): string {
  const room = Math.max(10, Math.min(60, Math.floor(options.width / 2)));
  return callLine(title, isError ? cut(mark, room) : mark, options);
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
  // At the terminal, question and answer stand on the screen already.
  if (by === "terminal") return [];
  return [callLine(about, refused ? options.style.notice(verdict) : options.style.dim(verdict), options)];
}

/** A decision that the score alone explains; that a good result is gone on with is told with its reason. */
function isExpected({ decision }: Event & { type: "decided" }, view: View): boolean {
  const good = (view.task.score ?? 0) >= (view.task.limits?.qualityThreshold ?? 1);
  return decision === "accept" || (decision === "continue" && !good);
}
