import { closeSync } from "node:fs";
import { messageOf, UserError } from "../base/errors.ts";
import { beforeExit } from "../base/last-acts.ts";
import type { Libc } from "./libc.ts";

/** Time between SIGTERM and SIGKILL, ms. */
export const GRACE_MS = 1000;
/** How long the pipe may stay open after the command and its group are dead, ms. */
const DRAIN_MS = 200;

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** How a process ended. */
export interface Ending {
  /** Exit code, or null where a signal ended it. */
  code: number | null;
  signal: string | null;
}

export interface ChildOptions {
  argv: readonly string[];
  /** What the program sees as its name. Absent: argv[0]. */
  argv0: string | undefined;
  cwd: string;
  env: Record<string, string>;
  stdin: string | undefined;
  /** Handed on as descriptor 3. */
  report: number | undefined;
  libc: Libc | undefined;
  onChunk: (chunk: Uint8Array) => void;
}

/** A started process, leader of a session and group of its own. */
export interface Child {
  readonly pid: number;
  readonly exited: Promise<Ending>;
  /** Undefined until it has ended. */
  readonly ended: Ending | undefined;
  /** Sends a signal to the whole group; false where nobody is left. */
  signal(name: NodeJS.Signals): boolean;
  /** SIGTERM to the group, SIGKILL after `graceMs`. */
  stop(graceMs: number): void;
  /**
   * To be called once it has exited: kills what is left of the group and closes the pipe, also where a process that
   * left the group holds it open. True where something was left.
   */
  finish(): Promise<boolean>;
}

/**
 * Starts a process. Both outputs share one pipe, so that their order is the order in which they were written.
 * Throws a UserError where the program cannot be started.
 */
export function startChild(options: ChildOptions): Child {
  const pipe = options.libc?.pipe();
  let child: Bun.Subprocess;
  try {
    child = Bun.spawn({
      // Without a pipe of our own the shell joins the outputs (macOS).
      cmd: pipe ? [...options.argv] : ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh", ...options.argv],
      ...(pipe && options.argv0 !== undefined ? { argv0: options.argv0 } : {}),
      cwd: options.cwd,
      env: options.env,
      stdio: [
        options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
        pipe ? pipe.write : "pipe",
        pipe ? pipe.write : "ignore",
        ...(options.report === undefined ? [] : [options.report]),
      ],
      detached: true,
    });
  } catch (error) {
    if (pipe) closeSync(pipe.read);
    const code = (error as NodeJS.ErrnoException).code ?? messageOf(error);
    throw cannotStart(options.argv0 ?? options.argv[0] ?? "", code, error);
  } finally {
    if (pipe) closeSync(pipe.write);
  }
  const stream = pipe ? Bun.file(pipe.read).stream() : (child.stdout as ReadableStream<Uint8Array>);
  const reader = stream.getReader() as Reader;
  const drained = drain(reader, options.onChunk);
  return managed(child, drained, async () => {
    await reader.cancel().catch(() => {});
    if (pipe) closeSync(pipe.read);
  });
}

/** `code`: as the system names it, such as `EACCES`. */
export function cannotStart(program: string, code: string, cause?: unknown): UserError {
  const known: Record<string, [why: string, remedy: string]> = {
    EACCES: ["it may not be executed", "Make it executable (chmod +x), or run it through its interpreter."],
    ENOEXEC: ["it is not an executable format", "Give it a #! line, or run it through its interpreter."],
    ENOENT: ["it does not exist, or the interpreter in its #! line does not", "Check the name and the #! line."],
    E2BIG: ["its arguments are too long", "Hand the text over in a file or on standard input."],
  };
  const [why, remedy] = known[code] ?? [code, "Check the program and the system's limits."];
  return new UserError(`cannot start ${program}: ${why}`, remedy, undefined, { cause });
}

async function drain(reader: Reader, onChunk: (chunk: Uint8Array) => void) {
  for (;;) {
    // A pipe that breaks has nothing more to say, like one that ends.
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (done || !value) return;
    onChunk(value);
  }
}

function managed(child: Bun.Subprocess, drained: Promise<void>, closePipe: () => Promise<void>): Child {
  let ended: Ending | undefined;
  let graceTimer: Timer | undefined;
  const signal = (name: NodeJS.Signals): boolean => {
    try {
      process.kill(-child.pid, name);
      return true;
    } catch {
      return false;
    }
  };
  const callOff = beforeExit(() => signal("SIGKILL"));
  const exited = child.exited.then((): Ending => {
    clearTimeout(graceTimer);
    const { signalCode } = child;
    const ending = { code: signalCode ? null : child.exitCode, signal: signalCode ? String(signalCode) : null };
    ended = ending;
    return ending;
  });
  return {
    pid: child.pid,
    exited,
    get ended() {
      return ended;
    },
    signal,
    stop(graceMs) {
      if (ended || graceTimer || !signal("SIGTERM")) return;
      graceTimer = setTimeout(() => signal("SIGKILL"), graceMs);
    },
    async finish() {
      const leftovers = signal("SIGKILL");
      callOff();
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, DRAIN_MS);
      await Promise.race([drained, late]);
      clearTimeout(timer);
      await closePipe();
      return leftovers;
    },
  };
}
