import { statSync } from "node:fs";
import { constants } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type { Env } from "../base/env.ts";
import { UserError } from "../base/errors.ts";
import { later } from "../base/stream.ts";
import type { BackgroundProcess, Exec, SandboxPosture, SpawnRequest, SpawnResult } from "../contracts/exec.ts";
import { Background, type Held } from "./background.ts";
import { Guards } from "./guards.ts";
import { type Libc, openLibc } from "./libc.ts";
import { type CommandLimits, commandLimits } from "./limits.ts";
import { OutputSink } from "./output.ts";
import type { Policy } from "./policy.ts";
import { type Child, cannotStart, GRACE_MS, startChild } from "./process.ts";
import type { Jail } from "./sandbox.ts";
import { taskEnv, withoutNetworkEnv } from "./surroundings.ts";

const DEFAULT_OUTPUT = 1024 * 1024;

export interface ExecInput {
  /** Absolute and real (no links in it). */
  workspace: string;
  /** Further writable folders, absolute and real. */
  addDirs: readonly string[];
  /** The process's own environment; commands get what `childEnv` leaves of it. */
  env: Env;
  mode: "off" | "workspace";
  network: "none" | "loopback" | "all";
  /** A folder of this task alone, absolute, real and existing: `TMPDIR` of its commands. */
  privateTemp: string;
  /** Where the caches of this project lie (npm, pip, cargo, …), absolute; created when needed. Absent: in `privateTemp`. */
  caches?: string;
  /** Folders and files that commands must not see, beside those of `policy.ts`: the program's own home and data. */
  hidden?: readonly string[];
  /** Folders inside of hidden ones that commands may read and run: skills. Absolute and real. */
  visible?: readonly string[];
  /** Time between SIGTERM and SIGKILL, ms. */
  graceMs?: number;
  /** Other limits than those of `limits.ts`. */
  limits?: Partial<CommandLimits>;
  /** Hears, once, how far commands get where one failed because it wanted further. */
  onUnreached?(reach: string): void;
  /** False: as on a system where namespaces are forbidden. For tests of what is left then. */
  namespaces?: boolean;
}

/** An Exec whose sandbox is set up. */
export interface ReadyExec extends Exec {
  readonly posture: SandboxPosture;
}

/** An Exec that may turn out not to run anything. */
export interface LazyExec extends Exec {
  /** Aborts, with a UserError, when the first command is refused: without commands the task cannot go on. */
  readonly refused: AbortSignal;
}

/**
 * An Exec that sets its sandbox up when the first command needs it: a task that runs none does not wait for it.
 * `onReady` hears what holds. Where nothing does, an `unattended` task gets a UserError instead of a command. `create`:
 * what makes the real one.
 */
export function lazyExec(
  input: ExecInput,
  unattended: boolean,
  onReady: (posture: SandboxPosture) => void,
  create: (input: ExecInput) => Promise<ReadyExec> = createExec,
): LazyExec {
  const refusal = new AbortController();
  let made: Promise<ReadyExec> | undefined;
  const ready = async () => {
    made ??= create(input).then((exec) => {
      onReady(exec.posture);
      if (unattended && exec.posture.mode === "workspace" && exec.posture.layers.length === 0) {
        refusal.abort(nothingHolds());
      }
      return exec;
    });
    const exec = await made;
    refusal.signal.throwIfAborted();
    return exec;
  };
  return {
    refused: refusal.signal,
    run: async (request, signal) => (await ready()).run(request, signal),
    start: async (request) => (await ready()).start(request),
    shell: (line) => shellLine(line, input),
    close: async () => (await made?.catch(() => undefined))?.close(),
  };
}

function nothingHolds(): UserError {
  return new UserError(
    "the sandbox cannot hold commands on this system, so none is run unattended",
    "Allow each one at a terminal (--permission ask), or take the risk with --sandbox off.",
  );
}

/** The argv that runs a shell command line here. */
function shellLine(line: string, input: Pick<ExecInput, "env" | "privateTemp">): string[] {
  return [find("bash", taskEnv(input.env, input.privateTemp)) ?? "/bin/sh", "-c", line];
}

/**
 * The one way in which the processes of a task are started. With mode `workspace` the sandbox is set up and tried
 * first; what holds is in `posture`. Throws a UserError where a writable folder is the home folder or holds it.
 */
export async function createExec(input: ExecInput): Promise<ReadyExec> {
  const libc = openLibc();
  if (input.mode === "off") {
    const { openJail } = await import("./sandbox.ts");
    const jail = openJail({ mode: "off", layers: [], gaps: ["the sandbox is off"] }, libc);
    return new TaskExec(input, libc, jail, undefined);
  }
  const { policyOf } = await import("./policy.ts");
  const caches = input.caches ?? join(input.privateTemp, "caches");
  const policy = policyOf({ ...input, caches, hidden: input.hidden ?? [] });
  return new TaskExec(input, libc, await createJail(input, policy, libc), policy);
}

async function createJail(input: ExecInput, policy: Policy, libc: Libc | undefined): Promise<Jail> {
  if (process.platform === "darwin") {
    const { createSeatbeltJail } = await import("./seatbelt.ts");
    return createSeatbeltJail({ policy, network: input.network });
  }
  const { createLinuxJail, unheld } = await import("./sandbox.ts");
  if (!libc) return unheld(["there is no sandbox for this system"]);
  const limits = { ...commandLimits(), ...input.limits };
  return createLinuxJail({ policy, network: input.network, libc, limits, namespaces: input.namespaces ?? true });
}

class TaskExec implements ReadyExec {
  readonly posture: SandboxPosture;
  readonly #env: Record<string, string>;
  readonly #libc: Libc | undefined;
  readonly #jail: Jail;
  readonly #guards: Guards;
  readonly #graceMs: number;
  readonly #input: ExecInput;
  readonly #policy: Policy | undefined;
  readonly #background = new Set<Background>();
  /** Calls of `run` that have not ended, also those that nobody waits for any more. */
  readonly #runs = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #lastId = 0;
  #toldUnreached = false;

  constructor(input: ExecInput, libc: Libc | undefined, jail: Jail, policy: Policy | undefined) {
    this.posture = jail.posture;
    const unreached = jail.posture.mode !== "off" && input.network !== "all";
    const env = taskEnv(input.env, input.privateTemp);
    this.#env = { ...env, ...(unreached ? withoutNetworkEnv(env) : {}), ...jail.env };
    this.#libc = libc;
    this.#jail = jail;
    this.#guards = new Guards(jail.watched);
    this.#graceMs = input.graceMs ?? GRACE_MS;
    this.#input = input;
    this.#policy = policy;
  }

  run(request: SpawnRequest, signal: AbortSignal): Promise<SpawnResult> {
    const result = this.#run(request, AbortSignal.any([signal, this.#closing.signal]));
    const ended = result.then(
      () => void this.#runs.delete(ended),
      () => void this.#runs.delete(ended),
    );
    this.#runs.add(ended);
    return result;
  }

  async #run(request: SpawnRequest, signal: AbortSignal): Promise<SpawnResult> {
    signal.throwIfAborted();
    const started = performance.now();
    const sink = sinkOf(request);
    const held = this.#start(request, sink);
    let timedOut = false;
    const cancel = later(request.timeoutMs, () => {
      timedOut = true;
      held.child.stop(this.#graceMs);
    });
    const onAbort = () => held.child.stop(this.#graceMs);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const ending = await held.child.exited;
      cancel();
      const { leftovers, notes, failed } = await held.finish();
      signal.throwIfAborted();
      if (failed) throw failed;
      const { text, omitted } = sink.take(true);
      if (ending.code !== 0 && !timedOut) notes.push(...(await this.#explain(text, request.cwd)));
      const output = [text, ...notes.map((note) => `[sandbox] ${note}\n`)].join("");
      return { ...ending, timedOut, output, omitted, ms: performance.now() - started, leftovers };
    } finally {
      cancel();
      signal.removeEventListener("abort", onAbort);
      sink.end();
    }
  }

  /** Why a command failed, where it was the sandbox. */
  async #explain(output: string, cwd: string): Promise<string[]> {
    if (!this.#policy || this.posture.layers.length === 0) return [];
    const { explainFailure, networkNote, reachOf } = await import("./explain.ts");
    const { network, onUnreached } = this.#input;
    const { writable, hidden } = this.#policy;
    const own = [...writable, "/tmp", "/var/tmp", "/dev"];
    const covered = [...hidden.folders, ...hidden.files];
    const notes = explainFailure(output, { cwd, writable: own, hidden: covered, network });
    if (!this.#toldUnreached && notes.includes(networkNote(network))) {
      this.#toldUnreached = true;
      onUnreached?.(reachOf(network));
    }
    return notes;
  }

  async start(request: Omit<SpawnRequest, "timeoutMs">): Promise<BackgroundProcess> {
    const sink = sinkOf(request);
    const background = new Background(++this.#lastId, this.#start(request, sink), sink, this.#graceMs);
    this.#background.add(background);
    return background;
  }

  shell(line: string): string[] {
    return shellLine(line, this.#input);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the task has ended"));
    await Promise.all([...this.#runs, ...[...this.#background].map((process) => process.kill())]);
    this.#background.clear();
    await this.#jail.close();
  }

  #start(request: Omit<SpawnRequest, "timeoutMs">, sink: OutputSink): Held {
    const env = request.env ? { ...this.#env, ...request.env } : this.#env;
    const path = locate(request.argv, request.cwd, env);
    const entry = this.#jail.enter(path, request.argv, request.cwd);
    this.#guards.enter();
    let child: Child;
    try {
      child = startChild({
        argv: entry.argv,
        argv0: entry.report === undefined ? request.argv[0] : entry.argv[0],
        // Inside, the launcher goes to the folder itself.
        cwd: request.cwd,
        env,
        stdin: request.stdin,
        report: entry.report,
        libc: this.#libc,
        onChunk: (chunk) => sink.add(chunk),
      });
    } catch (error) {
      this.#guards.leave();
      entry.end();
      throw error;
    }
    return {
      child,
      finish: async () => {
        const left = await child.finish();
        const report = entry.end();
        const notes = this.#guards.leave();
        const failed = report.failed && startFailure(request.argv[0]!, report.failed);
        return { leftovers: left || report.leftovers, notes, failed };
      },
    };
  }
}

function startFailure(program: string, { call, errno }: { call: string; errno: number }): Error {
  if (!call.startsWith("execve")) return new Error(`the sandbox could not be entered: ${call} failed (error ${errno})`);
  const name = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
  return cannotStart(program, name ?? `error ${errno}`);
}

function sinkOf(request: Omit<SpawnRequest, "timeoutMs">): OutputSink {
  return new OutputSink({
    maxOutput: request.maxOutput ?? DEFAULT_OUTPUT,
    onOutput: request.onOutput,
  });
}

/** The program's absolute path, by the rules of a shell. Throws a UserError where program or folder do not exist. */
function locate(argv: readonly string[], cwd: string, env: Record<string, string>): string {
  const [program] = argv;
  if (!program) throw new Error("a command needs at least the name of a program");
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`cannot start ${program}: the folder ${cwd} does not exist`, "Name an existing folder.");
  }
  if (program.includes("/")) return isAbsolute(program) ? program : resolve(cwd, program);
  const found = find(program, env);
  if (found) return found;
  throw new UserError(`cannot start ${program}: no such program in PATH`, "Install it, or name it with its folder.");
}

function find(program: string, env: Record<string, string>): string | undefined {
  return Bun.which(program, { PATH: env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin" }) ?? undefined;
}
