import { clip, formatDuration } from "../../base/text.ts";
import type { Event } from "../../contracts/event.ts";
import type { ToolResult } from "../../contracts/tool.ts";
import { cleanLines, cut, fit, hang, type LineOptions, oneLine } from "./layout.ts";
import { type Running, splitOutput, type View } from "./view.ts";

/** Lines of a finished call's result that `--verbose` shows where it had no live output. */
const RESULT_LINES = 10;
/** Lines of live output shown of one call: `yes` must not drown the display. */
const OUTPUT_LINES = 500;

/** Columns of a reason beside its call, and characters of one that stands below it. */
const MOST_BESIDE = 60;
const MOST_TOLD = 500;

/** One line: the call with its name dimmed, and how it went. */
export function callLine(title: string, mark: string, options: LineOptions): string {
  const space = title.indexOf(" ");
  const [name, subject] = space < 0 ? [title, ""] : [title.slice(0, space), title.slice(space)];
  return fit(`  ${options.style.dim(name)}${subject}`, mark, options.width);
}

/** What a running call has written, as it comes. */
export function outputLines(event: Event & { type: "tool_output" }, view: View, options: LineOptions): string[] {
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

/** How a call went. */
export function finishedLines(event: Event & { type: "tool_finished" }, view: View, options: LineOptions): string[] {
  const { style, verbose } = options;
  const { result, ms } = event;
  const running = view.running.get(event.id);
  const title = running?.title ?? oneLine(event.name);
  const isCommand = title.startsWith("$ ");
  const time = formatDuration(ms);
  const ending = isCommand ? commandEnding(result.text) : undefined;
  const why = refusalOf(result, running) ?? (ending && `${ending}, ${time}`);
  const reason = oneLine(result.text);
  const mark = result.isError
    ? style.bad(`✗ ${why ?? cut(reason, MOST_BESIDE)}`)
    : isCommand
      ? `${style.good("✓")} ${style.dim(time)}`
      : "";
  const isTold = result.isError && why === undefined && isSentence(result.text, roomBeside(options));
  const head = isTold
    ? [callLine(title, style.bad("✗"), options), ...hang("    ", clip(reason, MOST_TOLD), options.width)]
    : [errorLine(title, mark, result.isError, options)];
  if (!verbose || !running) return head;
  if (!isCommand) return [...head, ...(result.isError ? [] : resultLines(result.text, options))];
  const rest = running.partial.trim() === "" ? [] : [output(running.partial, options)];
  const silent = running.lines === 0 && rest.length === 0;
  return [...rest, ...(silent ? resultLines(result.text, options) : []), `    ${mark}`];
}

function refusalOf({ denied }: ToolResult, running: Running | undefined): string | undefined {
  if (running?.refused === "person") return "you refused it";
  if (!denied) return undefined;
  return running?.refused === "policy" ? "refused: there is nobody to ask" : "refused";
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
  return callLine(title, isError ? cut(mark, roomBeside(options)) : mark, options);
}

function roomBeside({ width }: LineOptions): number {
  return Math.max(10, Math.min(MOST_BESIDE, Math.floor(width / 2)));
}

/** What is said in one line ends with what can be done about it: where it has no room beside its call it stands below, in full. */
function isSentence(text: string, room: number): boolean {
  const line = text.trim();
  return !line.includes("\n") && line.length + 2 > room;
}
