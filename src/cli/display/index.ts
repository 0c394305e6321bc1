import { readEnv } from "../../base/env.ts";
import { stripControl } from "../../base/text.ts";
import type { Reader } from "../../contracts/event.ts";
import type { Outcome } from "../../contracts/task.ts";
import type { ResultFormat } from "../flags.ts";
import type { Display, DisplayOptions } from "./display.ts";
import { createJsonStream, outcomeJson } from "./json.ts";
import { outcomeMarkdown } from "./markdown.ts";
import { createPlain, createQuiet } from "./plain.ts";
import { createScreen, systemTimer } from "./screen.ts";
import { isTerminal, standardError } from "./standard.ts";
import { displayMode } from "./style.ts";
import { createTerminal } from "./terminal.ts";
import { createWriter, type Writer } from "./writer.ts";

export type Format = ResultFormat;

/** What shows a task while it runs. */
export interface Surface {
  /** For the hub. */
  readers: readonly Reader[];
  /** Leaves the screen to a question until `resume`. */
  pause(): void;
  resume(): void;
  /** Standard output, for the events and the result. */
  output: Writer;
}

/** Progress on standard error and, with `--format stream-json`, the events on standard output. */
export function createDisplay(flags: {
  quiet: boolean;
  verbose: boolean;
  format: Format;
  resumable?: boolean;
}): Surface {
  const display = chooseDisplay({
    screen: createScreen(standardError),
    ...displayMode(isTerminal("stderr"), readEnv()),
    quiet: flags.quiet,
    verbose: flags.verbose,
    resumable: flags.resumable ?? true,
    clock: { now: () => Date.now() },
    timer: systemTimer,
  });
  const output = createWriter();
  const json = flags.format === "stream-json" ? [createJsonStream(output)] : [];
  return {
    readers: [display, ...json],
    pause: () => display.pause(),
    resume: () => display.resume(),
    output,
  };
}

/** The display that fits the place and the flags. */
export function chooseDisplay(options: DisplayOptions): Display {
  if (options.quiet) return createQuiet();
  return options.live ? createTerminal(options) : createPlain(options);
}

/**
 * Prints the result on `output`; `stream-json` has told it already, as its last event. Resolves when it has left
 * the process, also when nobody wanted to read it to its end.
 */
export function printOutcome(output: Writer, format: Format, outcome: Outcome, task: string | null): Promise<void> {
  return output.write(outcomeText(format, outcome, task, isTerminal("stdout")));
}

/**
 * The result in one of the formats; `task`: its id. For a terminal control sequences are taken out; a pipe gets the text exactly as
 * the model wrote it.
 */
export function outcomeText(format: Format, outcome: Outcome, task: string | null, terminal: boolean): string {
  const shown = (text: string) => (terminal ? stripControl(text) : text);
  switch (format) {
    case "text":
      return outcome.text === "" || outcome.text.endsWith("\n") ? shown(outcome.text) : shown(`${outcome.text}\n`);
    case "markdown":
      return shown(outcomeMarkdown(outcome));
    case "json":
      return outcomeJson(outcome, task);
    case "stream-json":
      return "";
  }
}
