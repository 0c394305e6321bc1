import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FRAME } from "../../src/exec/machine.ts";
import { PREVIOUS, Program } from "../../src/exec/program.ts";
import { type Machine, SIGCHLD, WEXITED } from "../../src/exec/syscalls.ts";

const folder = mkdtempSync(join(tmpdir(), "openkoi-machine-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** How programs for a machine are run here: directly, or by an emulator where there is one. */
function runnerOf(machine: Machine): string[] | undefined {
  if (process.platform !== "linux") return;
  if ((process.arch === "arm64" ? "aarch64" : "x86_64") === machine) return [];
  const emulator = Bun.which(`qemu-${machine}-static`) ?? Bun.which(`qemu-${machine}`);
  return emulator ? [emulator] : undefined;
}

function run(machine: Machine, program: Program, ...argv: string[]) {
  const path = join(folder, `${machine}-${Math.random()}`);
  if (program.onError.record === undefined) {
    program.place(program.onError);
    program.exit(99);
  }
  const parts = program.assemble();
  const [offset, last] = parts.at(-1)!;
  const file = new Uint8Array(offset + last.length);
  for (const [at, bytes] of parts) file.set(bytes, at);
  writeFileSync(path, file, { mode: 0o755 });
  const { exitCode, stdout } = Bun.spawnSync([...runnerOf(machine)!, path, ...argv]);
  return { exitCode, stdout: stdout.toString() };
}

for (const machine of ["x86_64", "aarch64"] as const) {
  const missing = runnerOf(machine) ? "" : `: not tried, because there is no qemu-${machine} on this machine`;
  describe.skipIf(missing !== "")(`a list of system calls on ${machine}${missing}`, () => {
    test("is carried out in order", () => {
      const program = new Program(machine);
      program.call("write", [1, program.text("one\n"), 4]);
      program.call("write", [1, program.text("two\n"), 4]);
      program.exit(7);
      expect(run(machine, program)).toEqual({ exitCode: 7, stdout: "one\ntwo\n" });
    });

    test("hands a result on as an argument of the next call", () => {
      const program = new Program(machine);
      program.call("openat", [-100, program.text("/dev/null"), 0, 0]);
      program.exit(PREVIOUS);
      expect(run(machine, program).exitCode).toBeGreaterThanOrEqual(3);
    });

    test("goes on elsewhere after an error, and notes which call it was", () => {
      const program = new Program(machine);
      const fault = program.space(16);
      program.poke(FRAME.fault, fault);
      program.call("chdir", [program.text("/no/such/folder")]);
      program.exit(0);
      program.place(program.onError);
      program.call("write", [1, fault, 16]);
      program.exit(1);
      const { exitCode, stdout } = run(machine, program);
      expect(exitCode).toBe(1);
      const view = new DataView(Buffer.from(stdout, "latin1").buffer.slice(0));
      expect(stdout).toHaveLength(16);
      expect(program.describe(Number(view.getBigInt64(0, true)))).toBe("chdir /no/such/folder");
    });

    test("reads its arguments and loads words", () => {
      const program = new Program(machine);
      const argument = -16; // argv[1] lies 16 bytes above the initial stack pointer
      program.load(FRAME.stack, argument);
      program.load(PREVIOUS, 0);
      program.call("write", [1, PREVIOUS, 5]);
      program.load(program.longs(50), 8);
      program.exit(PREVIOUS);
      expect(run(machine, program, "hello")).toEqual({ exitCode: 42, stdout: "hello" });
    });

    test("forks and waits", () => {
      const program = new Program(machine);
      const child = program.label();
      const info = program.space(128);
      program.call("clone", [SIGCHLD, 0, 0, 0, 0], { zero: child });
      program.call("waitid", [0, 0, info, WEXITED, 0]);
      program.load(info + 24, 0);
      program.exit(PREVIOUS);
      program.place(child);
      program.exit(9);
      expect(run(machine, program).exitCode).toBe(9);
    });

    test("loops until a condition holds", () => {
      const program = new Program(machine);
      const [again, done] = [program.label(), program.label()];
      const counter = program.longs(3);
      program.place(again);
      program.call("write", [1, program.text("."), 1]);
      program.load(counter, 1, { into: counter, positive: again, zero: done });
      program.place(done);
      program.exit(0);
      expect(run(machine, program).stdout).toBe("...");
    });
  });
}

test("a label that was never placed is a bug that is found when the program is written", () => {
  const program = new Program("x86_64");
  program.call("write", [1, 0, 0], { zero: program.label() });
  program.place(program.onError);
  expect(() => program.assemble()).toThrow("never placed");
});
