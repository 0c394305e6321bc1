import { readEnv } from "../base/env.ts";
import { clip, stripControl } from "../base/text.ts";
import type { Answer, Question } from "../contracts/question.ts";
import { standardError } from "./display/standard.ts";
import { createStyle, displayMode } from "./display/style.ts";
import { CTRL_C, type Keyboard, type OpenKeyboard, openKeys } from "./keyboard.ts";
import { questionLines, type Reading, readChoice } from "./question.ts";

export interface TerminalAskOptions {
  /** False: nobody is there, and the policy answers. */
  interactive: boolean;
  /** Around each question, so that the live display leaves the screen alone. */
  pause?(): void;
  resume?(): void;
  input?: Keyboard;
  /** Opens the keyboard for one question, instead of `input`; undefined where it is gone. */
  open?(): OpenKeyboard | undefined;
  output?: { write(text: string): unknown; columns?: number; rows?: number };
  color?: boolean;
  /** What Ctrl-C does while single keys are read; the terminal itself does nothing then. */
  interrupt?(): void;
  /** How long keys are thrown away that were typed before the question was there, ms. */
  settleMs?: number;
}

/**
 * Answers questions on the terminal, one at a time. Where nobody can be asked the policy answers at once: permission is
 * refused, an escalation stops the task, of other choices the first is taken.
 */
export function createTerminalAsk(
  options: TerminalAskOptions,
): (question: Question, signal: AbortSignal) => Promise<Answer> {
  let last: Promise<unknown> = Promise.resolve();
  return (question, signal) => {
    if (!options.interactive) return Promise.resolve(policyAnswer(question));
    const answer = last.then(() => askOne(question, signal, options));
    last = answer.catch(() => {});
    return answer;
  };
}

/** What is answered where nobody can be asked. */
export function policyAnswer(question: Question): Answer {
  const careful = { permission: "refuse", escalation: "stop", choice: "" } as const;
  return { choice: careful[question.kind] || (question.choices[0] ?? ""), by: "policy" };
}

/** Characters of a reason. */
const MOST_NOTE = 1000;

function noteOf(typed = ""): Pick<Answer, "note"> {
  const note = clip(stripControl(typed).trim(), MOST_NOTE);
  return note === "" ? {} : { note };
}

async function askOne(question: Question, signal: AbortSignal, options: TerminalAskOptions): Promise<Answer> {
  signal.throwIfAborted();
  const { output = standardError(), settleMs = 20 } = options;
  const keyboard = options.open ? options.open() : { input: options.input ?? process.stdin, release() {} };
  if (!keyboard) return policyAnswer(question);
  const color = options.color ?? displayMode(true, readEnv()).color;
  const style = createStyle(color);
  const show = (whole: boolean) => {
    const size = { width: output.columns || 80, height: output.rows || 24 };
    output.write(questionLines(question, { ...size, style, whole }).join("\n"));
  };
  options.pause?.();
  // Consent to something destructive is typed out; one key is too easily hit.
  const wantsLine = question.kind === "permission" && question.destructive;
  let keys = openKeys(keyboard.input, !wantsLine);
  try {
    await keys.discard(settleMs);
    show(false);
    for (;;) {
      const typed = await keys.next(signal);
      if (typed === undefined) return policyAnswer(question);
      if (typed.includes(CTRL_C)) {
        (options.interrupt ?? (() => process.kill(process.pid, "SIGINT")))();
        continue;
      }
      const read: Reading = readChoice(question, typed);
      if (read.kind === "choice") {
        output.write(keys.raw ? `${read.text}\n` : "");
        return { choice: read.choice, by: "terminal", ...noteOf(read.note) };
      }
      if (read.kind === "why") {
        // A sentence is typed as a line, which can be corrected before it is sent.
        keys.close();
        keys = openKeys(keyboard.input, false);
        output.write(`${wantsLine ? "" : "no\n"}Why, or what to do instead? [Enter] says nothing: `);
        return { choice: "refuse", by: "terminal", ...noteOf(await keys.next(signal)) };
      }
      if (read.kind === "whole") {
        output.write("\n");
        show(true);
      } else if (!keys.raw) output.write("Please answer with one of the letters in brackets: ");
    }
  } catch (error) {
    output.write("\n");
    throw error;
  } finally {
    keys.close();
    keyboard.release();
    options.resume?.();
  }
}
