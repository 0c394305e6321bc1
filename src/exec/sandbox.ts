import { closeSync, ftruncateSync, readSync } from "node:fs";
import type { SandboxPosture } from "../contracts/exec.ts";
import { launcherProgram, REPORT } from "./command.ts";
import { spawnKeeper } from "./keeper.ts";
import { LANDLOCK_NEEDED, LANDLOCK_SIGNALS } from "./landlock.ts";
import { landlockRules } from "./landlock-rules.ts";
import type { Libc } from "./libc.ts";
import type { CommandLimits } from "./limits.ts";
import { type Loaded, load } from "./loaded.ts";
import type { Policy } from "./policy.ts";
import { makeProbe, type Probe } from "./probe.ts";
import type { Program } from "./program.ts";
import { type Machine, numberOf, thisMachine } from "./syscalls.ts";

/** How commands are put under the layers in force. */
export interface Jail {
  readonly posture: SandboxPosture;
  /** Variables that commands need to find the writable places. */
  readonly env: Readonly<Record<string, string>>;
  /** Paths that no layer holds: to be compared before and after each command. */
  readonly watched: readonly string[];
  /** The argv that runs a program held. `path`: absolute. */
  enter(path: string, argv: readonly string[], cwd: string): Entry;
  close(): Promise<void>;
}

/** One command's way in. */
export interface Entry {
  argv: string[];
  /** To be handed on as descriptor 3 and closed by `end`; undefined where there is none. */
  report: number | undefined;
  /** To be called once after the command's end. */
  end(): Report;
}

export interface Report {
  /** Processes were still there and were killed. */
  leftovers: boolean;
  /** Why the command did not even begin: the system call and its error number. */
  failed: { call: string; errno: number } | undefined;
}

export interface JailInput {
  policy: Policy;
  network: "none" | "loopback" | "all";
  libc: Libc;
  limits: CommandLimits;
  /** Whether namespaces are tried. */
  namespaces: boolean;
}

/**
 * Sets the sandbox up: the strongest combination of layers that can be had here and from which the probe does not
 * escape. Where there is none, `posture.layers` is empty and commands are not held at all.
 */
export async function createLinuxJail(input: JailInput): Promise<Jail> {
  const machine = thisMachine();
  const reasons: string[] = [];
  if (!machine) return unheld(["this processor is not supported"], input.libc);
  const abi = Math.max(0, input.libc.call(numberOf("landlock_create_ruleset", machine), 0, 0, 1));
  for (const namespaces of input.namespaces ? [true, false] : [false]) {
    if (!namespaces && abi < LANDLOCK_NEEDED) continue;
    const attempt = await tryLayers({ ...input, machine, abi, namespaces });
    if ("posture" in attempt) {
      return { ...attempt, posture: { ...attempt.posture, gaps: [...reasons, ...attempt.posture.gaps] } };
    }
    reasons.push(attempt.reason);
  }
  if (abi < LANDLOCK_NEEDED) {
    reasons.push(abi === 0 ? "the kernel has no Landlock" : `Landlock is too old here (version ${abi})`);
  }
  return unheld(reasons, input.libc);
}

/** Where nothing holds: commands run as they are, and `posture` says so. */
export function unheld(reasons: readonly string[], libc?: Libc): Jail {
  return openJail({ mode: "workspace", layers: [], gaps: ["nothing holds the commands", ...reasons] }, libc);
}

/** Commands that nothing holds. On Linux their groups end with the agent all the same. */
export function openJail(posture: SandboxPosture, libc: Libc | undefined): Jail {
  const machine = thisMachine();
  const run =
    libc && machine && load(libc, launcherProgram({ machine, agent: process.pid, keeper: undefined, held: undefined }));
  return {
    posture,
    env: {},
    watched: [],
    enter(path, argv, cwd) {
      if (libc && run) return entry(libc, run, path, argv, cwd);
      return {
        argv: [path, ...argv.slice(1)],
        report: undefined,
        end: () => ({ leftovers: false, failed: undefined }),
      };
    },
    async close() {
      if (run) closeSync(run.fd);
    },
  };
}

function entry(libc: Libc, run: Loaded, path: string, argv: readonly string[], cwd: string): Entry {
  const report = newReport(libc);
  return {
    argv: [run.path, cwd, path, ...argv],
    report,
    end() {
      const read = readReport(report, run.program);
      closeSync(report);
      return read;
    },
  };
}

interface Layers extends JailInput {
  machine: Machine;
  abi: number;
}

async function tryLayers(layers: Layers): Promise<Jail | { reason: string }> {
  const { machine, policy, network, abi, namespaces, libc, limits } = layers;
  const keeper = namespaces ? spawnKeeper(layers) : undefined;
  // The keeper works while the other programs are written.
  const launcher = launcherProgram({
    machine,
    agent: process.pid,
    keeper: keeper && { pid: keeper.pid, network },
    held: {
      landlock: abi >= LANDLOCK_NEEDED ? { abi, rules: landlockRules({ policy, network, namespaces }) } : undefined,
      seccomp: { unix: namespaces, internet: network === "all" || (network === "loopback" && namespaces) },
      limits,
    },
  });
  const signals = namespaces || abi >= LANDLOCK_SIGNALS;
  const probe = makeProbe({ machine, policy, agent: process.pid, network, namespaces, signals });
  const run = load(libc, launcher);
  const refused = await keeper?.ready;
  const escaped = refused ? undefined : await runProbe(run, probe, libc);
  if (refused || escaped) {
    closeSync(run.fd);
    keeper?.stop();
    if (refused) return { reason: `namespaces are not to be had: ${refused}` };
    return { reason: `${namespaces ? "namespaces do" : "Landlock does"} not hold here: ${escaped}` };
  }
  return {
    posture: postureOf(layers),
    env: namespaces ? policy.env : { ...policy.env, ...policy.ownCaches },
    watched: namespaces ? policy.watched : [...policy.guarded, ...policy.watched],
    enter: (path, argv, cwd) => entry(libc, run, path, argv, cwd),
    async close() {
      closeSync(run.fd);
      keeper?.stop();
    },
  };
}

function postureOf({ namespaces, abi, network }: Layers): SandboxPosture {
  const layers = [...(namespaces ? ["namespaces"] : []), ...(abi >= LANDLOCK_NEEDED ? ["landlock"] : []), "seccomp"];
  const gaps: string[] = [];
  if (!namespaces) {
    gaps.push(
      "modes, owners and times of files outside can be changed where the user may",
      "a process that leaves its group (setsid) can outlive its command",
      "settings of git and OpenKoi in the workspace are put back after a command, not held during it",
      "unix sockets cannot be made at all",
      "the home folder and the folders above it cannot be listed",
    );
    if (network === "loopback") gaps.push("there is no loopback of the task's own: TCP and UDP are closed altogether");
    if (abi < LANDLOCK_SIGNALS) gaps.push("signals can be sent to the user's other processes");
  } else if (abi < LANDLOCK_NEEDED) {
    gaps.push("mounts are the only thing that holds files: Landlock is missing or too old");
  }
  if (network === "all") {
    gaps.push("the network is open, also services of this machine on 127.0.0.1");
    if (abi < LANDLOCK_SIGNALS) gaps.push("abstract unix sockets of other programs can be reached");
  }
  gaps.push("the disk can be filled by many files, each within the size limit");
  return { mode: "workspace", layers, gaps };
}

/** How long the probe may take, ms. */
const PROBE_MS = 5000;

/** What succeeded that should not have; undefined where nothing did. */
async function runProbe(run: Loaded, probe: Probe, libc: Libc): Promise<string | undefined> {
  const report = newReport(libc);
  const { fd } = load(libc, probe.program);
  try {
    const child = Bun.spawn([run.path, "/", "/proc/self/fd/4", "probe"], {
      stdio: ["ignore", "ignore", "ignore", report, fd],
      env: {},
      cwd: "/",
      detached: true,
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), PROBE_MS);
    const code = await child.exited;
    clearTimeout(timer);
    if (code === 0) return;
    const { failed } = readReport(report, run.program);
    if (failed) return `${failed.call} failed with error ${failed.errno}`;
    return probe.failures[code - 1] ?? `the probe ended with ${code}`;
  } finally {
    closeSync(report);
    closeSync(fd);
  }
}

function newReport(libc: Libc): number {
  const fd = libc.memfd("openkoi-report");
  ftruncateSync(fd, REPORT.bytes);
  return fd;
}

function readReport(fd: number, program: Program): Report {
  const bytes = new Uint8Array(REPORT.siginfo);
  readSync(fd, bytes, 0, bytes.length, 0);
  const word = (at: number) => Number(new DataView(bytes.buffer).getBigInt64(at, true));
  const failed = word(REPORT.failed) === 1;
  return {
    leftovers: word(REPORT.leftovers) === 1,
    failed: failed ? { call: program.describe(word(REPORT.fault)), errno: -word(REPORT.fault + 8) } : undefined,
  };
}
