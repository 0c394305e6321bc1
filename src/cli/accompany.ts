import { type App, type Company, createApp, type RunningTask } from "../app.ts";
import { readEnv } from "../base/env.ts";
import { Exit, type ExitCode, Interruption, messageOf, UserError } from "../base/errors.ts";
import type { Reader } from "../contracts/event.ts";
import type { Outcome, OutcomeStatus } from "../contracts/task.ts";
import { createTerminalAsk } from "./ask.ts";
import { createDisplay, printOutcome } from "./display/index.ts";
import { isTerminal } from "./display/standard.ts";
import { displayMode } from "./display/style.ts";
import { complain, say } from "./display/writer.ts";
import { describeError, notBegun, remedyOf } from "./failure.ts";
import type { Flags, ResultFormat } from "./flags.ts";
import { openTerminal } from "./keyboard.ts";
import type { Signals } from "./signals.ts";
import { isPiped } from "./stdin.ts";
import { askTrust } from "./trust.ts";

const EXIT_OF: Record<OutcomeStatus, ExitCode> = {
  accepted: Exit.ok,
  answered: Exit.ok,
  completed: Exit.ok,
  below: Exit.below,
  regressed: Exit.below,
  unmeasured: Exit.below,
  budget: Exit.limit,
  timeout: Exit.limit,
  escalated: Exit.limit,
  failed: Exit.failure,
  cancelled: Exit.interrupted,
};

/** Begins a task and is there until its end: shows it, answers its questions, prints its result, gives the exit code. */
export async function accompany(
  flags: Flags,
  signals: Signals,
  begin: (company: Company, app: App) => Promise<RunningTask>,
): Promise<ExitCode> {
  // The other formats are an export's; args.ts lets none of them through.
  const format = (flags.format as ResultFormat | undefined) ?? "text";
  const display = createDisplay({ quiet: flags.quiet ?? false, verbose: flags.verbose ?? false, format });
  let ended: Outcome | undefined;
  let id: string | null = null;
  const watch: Reader = {
    receive(event) {
      id = event.task;
      if (event.type === "task_finished") ended = event.outcome;
    },
  };
  const app = createApp();
  try {
    const keyboard = flags.quiet ? "none" : findKeyboard();
    const attended = keyboard !== "none";
    const answer = createTerminalAsk({
      interactive: attended,
      pause: display.pause,
      resume: display.resume,
      ...(keyboard === "terminal" ? { open: openTerminal } : {}),
    });
    const company: Company = {
      readers: [...display.readers, watch],
      answer,
      attended,
      ...(attended ? { trust: (claim) => askTrust(claim, answer, signals.signal) } : {}),
      signal: signals.signal,
    };
    const task = await begin(company, app);
    const outcome = await task.outcome;
    // Who asked for a value that fits a schema reads JSON or nothing, never the words that it was to be made of.
    const isWanted = format !== "text" || !task.task.schema || "value" in outcome;
    if (isWanted) await printOutcome(display.output, format, outcome, task.task.id);
    if (flags.quiet && outcome.status === "failed") say(outcome.reason);
    const news = await app.tidy(signals.signal);
    if (!flags.quiet) for (const line of news) complain(`  ${line}\n`);
    for (const notice of app.memory.takeNotices()) say(notice);
    const { fault } = display.output;
    if (fault) complain(describeError(fault));
    return fault ? Exit.failure : EXIT_OF[outcome.status];
  } catch (error) {
    const isFailure = !signals.signal.aborted && remedyOf(error) !== undefined;
    const outcome = ended ?? (isFailure ? notBegun(messageOf(error)) : undefined);
    if (outcome && format === "json") await printOutcome(display.output, format, outcome, id);
    if (signals.signal.aborted) {
      if (!(error instanceof Interruption)) complain(describeError(error));
      return Exit.interrupted;
    }
    const remedy = remedyOf(error);
    // Where the display has said what happened, only the remedy is left to say.
    if (flags.quiet || !ended || remedy === undefined) throw error;
    complain(`  ${remedy}\n`);
    return error instanceof UserError ? error.exitCode : Exit.failure;
  } finally {
    app.close();
    signals.stop();
  }
}

/**
 * Where questions are answered: at standard input, or, where text is piped in, at the terminal that shows the live display
 * (`git diff | openkoi "…"`). `/dev/null` says that nobody is there.
 */
function findKeyboard(): "stdin" | "terminal" | "none" {
  if (!isTerminal("stderr")) return "none";
  if (isTerminal("stdin")) return "stdin";
  if (!isPiped() || !displayMode(true, readEnv()).live) return "none";
  const terminal = openTerminal();
  terminal?.release();
  return terminal ? "terminal" : "none";
}
