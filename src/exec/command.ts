import { readFileSync } from "node:fs";
import { type LandlockRules, restrictByLandlock } from "./landlock.ts";
import type { CommandLimits } from "./limits.ts";
import { FRAME } from "./machine.ts";
import { dieWith, sharedNamespaces } from "./namespaces.ts";
import { PREVIOUS, Program } from "./program.ts";
import { type Sockets, seccompFilter } from "./seccomp.ts";
import * as sys from "./syscalls.ts";

/** Exit codes of the launcher itself. What happened is in the report. */
export const LAUNCHER_FAILED = 125;
export const NOT_STARTED = 126;

/**
 * The report, a page shared by launcher and agent (descriptor 3): what failed, whether the command was being set up
 * then, whether it left processes behind, and how it ended (siginfo_t).
 */
const REPORT_AT = 0x2000000;
export const REPORT = { bytes: 4096, fault: 0, failed: 16, leftovers: 24, siginfo: 64 } as const;
const REPORT_FD = 3;

/** Offsets in `siginfo_t`, read as 64-bit words: the word at 12 is padding and the process's number above it. */
const SIGINFO = { code: 8, paddingAndPid: 12, status: 24, bytes: 128 } as const;

export interface LauncherInput {
  machine: sys.Machine;
  agent: number;
  /** The keeper whose namespaces are joined; undefined where there are none. */
  keeper: { pid: number; network: "none" | "loopback" | "all" } | undefined;
  /** What the command gives up; undefined where nothing holds it. */
  held: Holding | undefined;
}

interface Holding {
  landlock: { abi: number; rules: LandlockRules } | undefined;
  seccomp: Sockets;
  limits: CommandLimits;
}

/**
 * The launcher: becomes a command of the task. Its arguments are the folder, the program's path, and the command's own
 * argv from argv[0] on.
 *
 * With namespaces there are three processes. The launcher joins the keeper's namespaces and waits outside, so that the
 * agent sees an ordinary child with an ordinary exit code. Below it runs the first process of a new PID namespace,
 * which only waits: when it ends, the kernel kills whatever the command has left behind, also what called `setsid`.
 * The third gives up its rights and becomes the command.
 *
 * Without namespaces there are two. The launcher waits for its child, the command, and for the agent: when the agent is
 * gone, nobody else would end the command's group.
 */
export function launcherProgram(input: LauncherInput): Program {
  const program = new Program(input.machine);
  const readWrite = 3; // PROT_READ | PROT_WRITE
  const sharedFixed = 0x11; // MAP_SHARED | MAP_FIXED
  program.call("mmap", [REPORT_AT, REPORT.bytes, readWrite, sharedFixed, REPORT_FD, 0]);
  program.store(REPORT_AT + REPORT.fault, FRAME.fault);
  if (input.held) volunteerForTheOomKiller(program);
  if (input.keeper && input.held) enterNamespaces(program, input.agent, input.keeper, input.held.limits);
  else watchOver(program, input.agent);
  if (input.held) giveUpRights(program, input.machine, input.keeper !== undefined, input.held);
  becomeCommand(program);
  program.place(program.onError);
  program.store(1, REPORT_AT + REPORT.failed);
  program.exit(LAUNCHER_FAILED);
  return program;
}

/** When memory runs out, the kernel shall take the task's commands and not the agent. */
function volunteerForTheOomKiller(program: Program): void {
  writeIfPossible(program, "/proc/self/oom_score_adj", "800");
}

function writeIfPossible(program: Program, path: string, text: string): void {
  const skip = program.label();
  const fd = program.space(8);
  const flags = sys.O_WRONLY | sys.O_CLOEXEC;
  program.call("openat", [sys.AT_FDCWD, program.text(path), flags, 0], { into: fd, error: skip });
  program.load(fd, 0);
  program.call("write", [PREVIOUS, program.text(text), text.length], { error: "ignore" });
  program.load(fd, 0);
  program.call("close", [PREVIOUS]);
  program.place(skip);
}

function enterNamespaces(
  program: Program,
  agent: number,
  keeper: NonNullable<LauncherInput["keeper"]>,
  limits: CommandLimits,
): void {
  // SIGTERM goes to the whole group; who waits must not die of it.
  onTerminate(program, 1);
  program.call("pidfd_open", [keeper.pid, 0]);
  program.call("setns", [PREVIOUS, sharedNamespaces(keeper.network)]);
  dieWith(program, agent);
  const first = program.label();
  program.call("clone", [sys.CLONE_NEWPID | sys.CLONE_NEWNS | sys.SIGCHLD, 0, 0, 0, 0], { zero: first });
  passOnEnding(program);

  program.place(first);
  program.call("prctl", [sys.PR_SET_PDEATHSIG, sys.SIGKILL, 0, 0, 0]);
  program.call("prctl", [sys.PR_SET_DUMPABLE, 0, 0, 0, 0]);
  mountProc(program, limits.processes);
  const command = program.label();
  program.call("clone", [sys.SIGCHLD, 0, 0, 0, 0], { zero: command });
  awaitCommand(program);

  program.place(command);
  onTerminate(program, 0);
}

/** Ends with the command, as it has ended; kills the group where the agent ends first. */
function watchOver(program: Program, agent: number): void {
  // SIGTERM goes to the whole group; who waits must not die of it. Nor shall it leave a core file when it ends as the
  // command did.
  onTerminate(program, 1);
  program.call("prctl", [sys.PR_SET_DUMPABLE, 0, 0, 0, 0]);
  const [alive, command, wait, again] = [program.label(), program.label(), program.label(), program.label()];
  const [parent, child, agentFd, childFd] = [program.space(8), program.space(8), program.space(8), program.space(8)];
  program.call("getppid", [], { into: parent });
  program.load(parent, agent, { zero: alive });
  program.exit(LAUNCHER_FAILED);

  program.place(alive);
  program.call("clone", [sys.SIGCHLD, 0, 0, 0, 0], { into: child, zero: command });
  keepFault(program);
  // Kernels before 5.3 have no descriptors of processes: there it only waits.
  program.call("pidfd_open", [agent, 0], { into: agentFd, error: wait });
  program.load(child, 0);
  program.call("pidfd_open", [PREVIOUS, 0], { into: childFd, error: wait });
  // struct pollfd, as a 64-bit word: the descriptor, POLLIN above it, what happened above that.
  const polled = program.space(16);
  const [asked, happened] = [2 ** 32, 2 ** 48];
  program.load(agentFd, -asked, { into: polled });
  program.load(childFd, -asked, { into: polled + 8 });
  program.place(again);
  program.call("ppoll", [polled, 2, 0, 0, 0], { error: again });
  program.load(polled, happened, { error: wait });
  program.call("kill", [0, sys.SIGKILL]);

  program.place(wait);
  const ending = program.space(SIGINFO.bytes);
  const [ended, own] = [program.label(), program.space(8)];
  program.call("waitid", [sys.P_ALL, 0, ending, sys.WEXITED, 0]);
  program.load(ending + SIGINFO.code, sys.CLD_EXITED, { positive: ended });
  program.load(ending + SIGINFO.status, 0);
  program.exit(PREVIOUS);
  // By a signal: so does the launcher, alone.
  program.place(ended);
  onTerminate(program, 0);
  const signal = program.label();
  program.call("getpid", [], { into: own });
  program.load(ending + SIGINFO.status, 0, { into: { label: signal, argument: 1 } });
  program.load(own, 0, { into: { label: signal, argument: 0 } });
  program.place(signal);
  program.call("kill", [0, 0]);
  program.exit(LAUNCHER_FAILED);

  program.place(command);
  onTerminate(program, 0);
  program.call("prctl", [sys.PR_SET_DUMPABLE, 1, 0, 0, 0]);
}

/** 0: the default, 1: ignored (`struct kernel_sigaction`). */
function onTerminate(program: Program, handler: 0 | 1): void {
  program.call("rt_sigaction", [sys.SIGTERM, program.longs(handler, 0, 0, 0), 0, 8]);
}

/** The launcher's part: waits for the first process and ends as the command has ended. */
function passOnEnding(program: Program): void {
  const [killed, failed] = [program.label(), program.label()];
  const own = program.space(SIGINFO.bytes);
  const ofCommand = REPORT_AT + REPORT.siginfo;
  keepFault(program);
  program.call("waitid", [sys.P_ALL, 0, own, sys.WEXITED, 0]);
  program.load(ofCommand + SIGINFO.code, sys.CLD_EXITED, { positive: killed, error: failed });
  program.load(ofCommand + SIGINFO.status, 0);
  program.exit(PREVIOUS);
  program.place(killed);
  onTerminate(program, 0);
  // 0: the own group, of which nobody else is left.
  program.load(ofCommand + SIGINFO.status, 0);
  program.call("kill", [0, PREVIOUS]);
  program.place(failed);
  program.load(own + SIGINFO.status, 0);
  program.exit(PREVIOUS);
}

/** The first process's part: reaps, until the command itself has ended, and notes whether anything is left. */
function awaitCommand(program: Program): void {
  const COMMAND_PID = 2;
  const [again, left, leave] = [program.label(), program.label(), program.label()];
  const info = REPORT_AT + REPORT.siginfo;
  keepFault(program);
  program.place(again);
  program.call("waitid", [sys.P_ALL, 0, info, sys.WEXITED, 0]);
  program.load(info + SIGINFO.paddingAndPid, COMMAND_PID * 2 ** 32, { positive: again });
  const other = program.space(SIGINFO.bytes);
  const more = program.label();
  program.place(more);
  program.call("waitid", [sys.P_ALL, 0, other, sys.WEXITED | sys.WNOHANG, 0], { error: leave });
  program.load(other + SIGINFO.paddingAndPid, 0, { zero: left, positive: more });
  program.place(left);
  program.store(1, REPORT_AT + REPORT.leftovers);
  program.place(leave);
  program.exit(0);
}

/** From here on this process notes its errors elsewhere: the report is for the command's. */
function keepFault(program: Program): void {
  program.store(program.space(16), FRAME.fault);
}

/**
 * The namespace's own /proc, read-only: root could otherwise change the settings of the kernel. Before that the number
 * of processes is limited, which kernels before 6.14 do not know (the setting is the whole machine's there, and not
 * ours to change).
 */
function mountProc(program: Program, processes: number): void {
  const proc = program.text("proc");
  const at = program.text("/proc");
  const flags = sys.MS_NOSUID | sys.MS_NODEV | sys.MS_NOEXEC;
  program.call("mount", [proc, at, proc, flags, 0]);
  writeIfPossible(program, "/proc/sys/kernel/pid_max", String(processes));
  const readOnly = program.longs(sys.MOUNT_ATTR_RDONLY, 0, 0, 0);
  program.call("mount_setattr", [sys.AT_FDCWD, at, 0, readOnly, 32]);
}

/** What root may still do inside: own and read what the task's folders hold, change its user, listen on port 80. */
const KEPT_CAPABILITIES: readonly number[] = [
  0 /* CHOWN */, 1 /* DAC_OVERRIDE */, 3 /* FOWNER */, 4 /* FSETID */, 5 /* KILL */, 6 /* SETGID */, 7 /* SETUID */,
  8 /* SETPCAP */, 10 /* NET_BIND_SERVICE */,
];
const LAST_CAPABILITY = 40;

function capabilitiesToKeep(namespaces: boolean): readonly number[] {
  if (process.getuid?.() !== 0) return [];
  // A new user namespace gives all of them.
  if (namespaces) return KEPT_CAPABILITIES;
  // In a container root may have fewer, and what it does not have it cannot keep: `capset` would fail.
  const own = /^CapPrm:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  return KEPT_CAPABILITIES.filter((capability) => (BigInt(`0x${own}`) >> BigInt(capability)) & 1n);
}

function giveUpRights(
  program: Program,
  machine: sys.Machine,
  namespaces: boolean,
  { landlock, seccomp, limits }: Holding,
): void {
  for (const [resource, value] of [
    [sys.RLIMIT_CORE, 0],
    [sys.RLIMIT_FSIZE, limits.fileSize],
    [sys.RLIMIT_DATA, limits.memory],
    [sys.RLIMIT_NPROC, limits.processes],
  ] as const) {
    // A limit that is lower already cannot be raised, and need not be.
    program.call("prlimit64", [0, resource, program.longs(value, value), 0], { error: "ignore" });
  }
  const kept = capabilitiesToKeep(namespaces);
  for (let capability = 0; capability <= LAST_CAPABILITY; capability++) {
    if (kept.includes(capability)) continue;
    program.call("prctl", [sys.PR_CAPBSET_DROP, capability, 0, 0, 0], { error: "ignore" });
  }
  program.call("prctl", [sys.PR_CAP_AMBIENT, sys.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0], { error: "ignore" });
  // struct __user_cap_header_struct, version 3, and two sets of effective, permitted, inheritable.
  const mask = kept.reduce((bits, capability) => bits | (1 << capability), 0);
  const header = program.longs(0x20080522);
  const sets = program.longs(mask + mask * 2 ** 32, 0, 0);
  program.call("capset", [header, sets]);
  program.call("prctl", [sys.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]);
  if (landlock) restrictByLandlock(program, landlock.abi, landlock.rules);
  const filter = seccompFilter(machine, seccomp);
  // struct sock_fprog: the number of instructions and where they are.
  const setModeFilter = 1;
  program.call("seccomp", [setModeFilter, 0, program.longs(filter.length / 8, program.bytes(filter))]);
}

function becomeCommand(program: Program): void {
  const exec = program.label();
  const argument = (index: number) => -8 * (index + 1);
  program.load(FRAME.stack, argument(1));
  program.load(PREVIOUS, 0);
  program.call("chdir", [PREVIOUS]);
  program.load(FRAME.stack, argument(2));
  program.load(PREVIOUS, 0, { into: { label: exec, argument: 0 } });
  program.load(FRAME.stack, argument(3), { into: { label: exec, argument: 1 } });
  program.load(FRAME.environment, 0, { into: { label: exec, argument: 2 } });
  program.call("close", [REPORT_FD]);
  const failed = program.label();
  program.place(exec);
  program.call("execve", [0, 0, 0], { error: failed });
  program.place(failed);
  program.store(1, REPORT_AT + REPORT.failed);
  program.exit(NOT_STARTED);
}
