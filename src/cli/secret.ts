import { UsageError } from "../base/errors.ts";
import { isTerminal, standardError } from "./display/standard.ts";
import { CTRL_C, type Keyboard, openKeys } from "./keyboard.ts";
import { interrupted } from "./picker.ts";
import { watchSignals } from "./signals.ts";
import { readPipedStdin } from "./stdin.ts";

export interface SecretOptions {
  /** What is asked for, e.g. `Key for Groq`. */
  prompt: string;
  /** Said where nothing can be read. */
  remedy: string;
  input?: Keyboard;
  output?: { write(text: string): unknown };
  /** Default: standard input is one. */
  terminal?: boolean;
  signal?: AbortSignal;
}

/**
 * A secret from a hidden prompt or, without a terminal, from standard input; never from the command line, where others
 * read it. Nothing of it is shown. @throws UsageError where there is none, UserError (exit 130) for Ctrl-C.
 */
export async function readSecret(options: SecretOptions): Promise<string> {
  const signals = options.signal ? undefined : watchSignals();
  const signal = options.signal ?? signals!.signal;
  try {
    const terminal = options.terminal ?? isTerminal("stdin");
    const typed = terminal ? await readHidden(options, signal) : await readPipedStdin({ onWait: () => {}, signal });
    const secret = typed?.trim();
    if (!secret) throw new UsageError("no key was given", options.remedy);
    return secret;
  } catch (error) {
    throw signal.aborted ? interrupted() : error;
  } finally {
    signals?.stop();
  }
}

async function readHidden(options: SecretOptions, signal: AbortSignal): Promise<string | undefined> {
  const { input = process.stdin, output = standardError() } = options;
  const keys = openKeys(input, true);
  try {
    if (!keys.raw) throw new UsageError("this terminal cannot hide what is typed", options.remedy);
    output.write(`${options.prompt} (not shown): `);
    let secret = "";
    for (;;) {
      const typed = await keys.next(signal);
      if (typed === undefined) return secret;
      for (const key of typed.replace(/\x1b(?:[[O][0-9;]*[A-Za-z~])?/g, "")) {
        if (key === CTRL_C) throw interrupted();
        if (key === "\r" || key === "\n" || key === "\x04") return secret;
        if (key === "\x7f" || key === "\b") secret = secret.slice(0, -1);
        else if (key === "\x15") secret = "";
        else if (key >= " ") secret += key;
      }
    }
  } finally {
    output.write("\n");
    keys.close();
  }
}

/** Asks yes or no; anything but a yes is no. @throws UsageError without a terminal, UserError (exit 130) for Ctrl-C. */
export async function confirm(question: string, remedy: string): Promise<boolean> {
  if (!isTerminal("stdin") || !isTerminal("stderr")) {
    throw new UsageError("there is no terminal to confirm this on", remedy);
  }
  const signals = watchSignals();
  const keys = openKeys(process.stdin, true);
  try {
    standardError().write(`${question} [y/N] `);
    const typed = (await keys.next(signals.signal)) ?? "";
    if (typed.includes(CTRL_C)) throw interrupted();
    const yes = /^y/i.test(typed);
    standardError().write(yes ? "yes" : "no");
    return yes;
  } catch (error) {
    throw signals.signal.aborted ? interrupted() : error;
  } finally {
    standardError().write("\n");
    keys.close();
    signals.stop();
  }
}
