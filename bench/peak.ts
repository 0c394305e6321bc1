import { chmodSync, closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { FRAME } from "../src/exec/machine.ts";
import { PREVIOUS, Program } from "../src/exec/program.ts";
import { P_ALL, SIGCHLD, thisMachine, WEXITED } from "../src/exec/syscalls.ts";

/** `struct rusage` (getrusage(2)); its peak is in KiB. */
const USAGE_BYTES = 144;
const MAXRSS = 32;

/** Starts a program so that the peak of its memory is its own. */
export interface Meter {
  /** To be put before the argv of a program with an absolute path. The meter ends with the program's exit code. */
  readonly argv: readonly string[];
  /** To be handed on as descriptor 3. */
  readonly report: number;
  /** The peak of the last program that has ended, MiB. */
  peak(): number;
  remove(): void;
}

/**
 * Linux counts what a process held before `exec` among its peak, so that a program which a large process starts begins
 * with the large process's mark. The meter is a program of a few system calls between them: it forks, becomes the
 * program in the child, waits, and writes down what the kernel says of the child. Undefined where there is no Linux:
 * there the child's own count is right.
 *
 * @param path where the meter's program is put
 */
export function createMeter(path: string): Meter | undefined {
  const machine = thisMachine();
  if (!machine) return;
  const program = new Program(machine);
  const [child, exec] = [program.label(), program.label()];
  const info = program.space(128);
  const usage = program.space(USAGE_BYTES);
  program.call("clone", [SIGCHLD, 0, 0, 0, 0], { zero: child });
  program.call("waitid", [P_ALL, 0, info, WEXITED, usage]);
  program.call("write", [3, usage, USAGE_BYTES]);
  program.load(info + 24, 0);
  program.exit(PREVIOUS);
  program.place(child);
  program.call("close", [3]);
  // argv[1] lies 16 bytes above the initial stack pointer: the path, and the program's argv from there on.
  program.load(FRAME.stack, -16);
  program.load(PREVIOUS, 0, { into: { label: exec, argument: 0 } });
  program.load(FRAME.stack, -16, { into: { label: exec, argument: 1 } });
  program.load(FRAME.environment, 0, { into: { label: exec, argument: 2 } });
  program.place(exec);
  program.call("execve", [0, 0, 0]);
  program.place(program.onError);
  program.exit(125);

  const file = openSync(path, "w");
  for (const [offset, bytes] of program.assemble()) writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
  chmodSync(path, 0o755);
  const report = openSync(`${path}.report`, "w+");
  return {
    argv: [path],
    report,
    peak() {
      const bytes = new Uint8Array(USAGE_BYTES);
      // Each run writes behind the one before it.
      const last = fstatSync(report).size - bytes.length;
      if (last < 0) throw new Error("the meter wrote nothing down");
      readSync(report, bytes, 0, bytes.length, last);
      return Number(new DataView(bytes.buffer).getBigInt64(MAXRSS, true)) / 1024;
    },
    remove() {
      closeSync(report);
      for (const name of [path, `${path}.report`]) rmSync(name, { force: true });
    },
  };
}
