import { accessSync, constants, readdirSync } from "node:fs";
import { join } from "node:path";
import { isWithin, type Policy } from "./policy.ts";
import { PREVIOUS, Program } from "./program.ts";
import * as sys from "./syscalls.ts";

/** Attempts to break out, each with what its success would mean. */
export interface Probe {
  /** By the probe's exit code minus one. */
  readonly failures: readonly string[];
  /** A program that makes the attempts, to be run as a command is. Exit code 0: none succeeded. */
  readonly program: Program;
}

export interface ProbeInput {
  machine: sys.Machine;
  policy: Policy;
  agent: number;
  network: "none" | "loopback" | "all";
  namespaces: boolean;
  /** True where signals to processes outside are held. */
  signals: boolean;
}

/** The attempts that must fail under the layers that are said to be in force. */
export function makeProbe(input: ProbeInput): Probe {
  const { policy, agent } = input;
  const attempts: { failure: string; attempt: (program: Program, failed: Attempt) => void }[] = [];
  const add = (failure: string, attempt: (program: Program, options: Attempt) => void) =>
    attempts.push({ failure, attempt });

  const victim = join(policy.home, `.openkoi-probe-${agent}`);
  add("a file could be made in the home folder", (program, { next }) => {
    const flags = sys.O_CREAT | sys.O_WRONLY | sys.O_CLOEXEC;
    program.call("openat", [sys.AT_FDCWD, program.text(victim), flags, 0o600], { error: next });
    program.call("unlinkat", [sys.AT_FDCWD, program.text(victim), 0], { error: "ignore" });
  });
  for (const secret of someSecrets(policy)) {
    add(`${secret} could be read`, (program, { next }) => {
      program.call("openat", [sys.AT_FDCWD, program.text(secret), sys.O_CLOEXEC, 0], { error: next });
    });
  }
  add("the agent's environment could be read", (program, { next }) => {
    const environ = program.text(`/proc/${agent}/environ`);
    program.call("openat", [sys.AT_FDCWD, environ, sys.O_CLOEXEC, 0], { error: next });
  });
  if (input.signals) {
    add("the agent could be signalled", (program, { next }) => {
      program.call("kill", [agent, 0], { error: next });
    });
  }
  add("ptrace was possible", (program, { next }) => {
    const traceMe = 0;
    program.call("ptrace", [traceMe, 0, 0, 0], { error: next });
  });
  add("new namespaces could be made", (program, { next }) => {
    program.call("unshare", [sys.CLONE_NEWUSER], { error: next });
  });
  if (input.network !== "all") {
    add("the network could be reached", (program, { next }) => {
      // A datagram socket asks for the route at once; nothing is sent. 192.0.2.1 is nobody's address (RFC 5737).
      const address = Uint8Array.of(sys.AF_INET, 0, 0, 53, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0);
      program.call("socket", [sys.AF_INET, sys.SOCK_DGRAM | sys.O_CLOEXEC, 0], { error: next });
      program.call("connect", [PREVIOUS, program.bytes(address), address.length], { error: next });
    });
  }
  if (!input.namespaces) {
    add("a unix socket could be made", (program, { next }) => {
      program.call("socket", [sys.AF_UNIX, sys.SOCK_STREAM | sys.O_CLOEXEC, 0], { error: next });
    });
  }
  const program = new Program(input.machine);
  attempts.forEach(({ attempt }, index) => {
    const next = program.label();
    attempt(program, { next });
    program.exit(index + 1);
    program.place(next);
  });
  // What must work: a sandbox in which nothing can be written is no place to work in.
  const mine = program.text(join(policy.temp, `.openkoi-probe-${agent}`));
  program.call("openat", [sys.AT_FDCWD, mine, sys.O_CREAT | sys.O_WRONLY | sys.O_CLOEXEC, 0o600]);
  program.call("unlinkat", [sys.AT_FDCWD, mine, 0]);
  program.exit(0);
  program.place(program.onError);
  program.exit(attempts.length + 1);
  return {
    failures: [...attempts.map(({ failure }) => failure), "the task's own folder could not be written"],
    program,
  };
}

/** Where an attempt goes on when it was refused, as it should be. */
interface Attempt {
  next: ReturnType<Program["label"]>;
}

/** A few files that the agent can read and its commands must not. */
function someSecrets(policy: Policy): string[] {
  const openings = [...policy.writable, ...policy.visible];
  return policy.hidden.folders.flatMap((folder) => firstReadable(folder, openings)).slice(0, 3);
}

function firstReadable(folder: string, openings: readonly string[]): string[] {
  try {
    const paths = readdirSync(folder).map((name) => join(folder, name));
    const secret = paths.find((path) => !openings.some((at) => isWithin(at, path) || isWithin(path, at)));
    if (!secret) return [];
    accessSync(secret, constants.R_OK);
    return [secret];
  } catch {
    return [];
  }
}
