import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { Exit, Interruption } from "../base/errors.ts";
import { isTerminal } from "./display/standard.ts";

export interface Signals {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP, with an `Interruption`. */
  signal: AbortSignal;
  stop(): void;
}

/**
 * The first SIGINT, SIGTERM or SIGHUP (the terminal was closed) ends the task in good order; a second one ends the
 * process at once, after its last acts (base/last-acts.ts).
 */
export function watchSignals(): Signals {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(Exit.interrupted);
    controller.abort(new Interruption(name));
  };
  const names: NodeJS.Signals[] = ["SIGINT", "SIGTERM", ...(isHangupIgnored() ? [] : (["SIGHUP"] as const))];
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}

/** Whoever started the program with `nohup` wants it to outlive the terminal; a handler of ours would undo that. */
function isHangupIgnored(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
    return (BigInt(`0x${ignored}`) & (1n << BigInt(constants.signals.SIGHUP - 1))) !== 0n;
  } catch {
    // Not Linux. `nohup` takes the output away from the terminal.
    return !isTerminal("stdout") && !isTerminal("stderr");
  }
}
