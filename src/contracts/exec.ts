/** The one way in which a process is started. */

export interface SpawnRequest {
  /** Program and arguments; a shell command line is `["sh", "-c", line]` (see `Exec.shell`). */
  argv: readonly string[];
  /** Absolute. */
  cwd: string;
  /** Added to the scrubbed environment of the task. */
  env?: Readonly<Record<string, string>>;
  /** Text for standard input; absent: nothing (`/dev/null`). */
  stdin?: string;
  timeoutMs: number;
  /** Output kept, in bytes; of more, the first and last halves are kept. Default 1 MiB. */
  maxOutput?: number;
  /** Called with each piece of output as it comes (UTF-8, never cut inside a character). */
  onOutput?: (chunk: string) => void;
}

export interface SpawnResult {
  /** Exit code, or null where a signal ended it. */
  code: number | null;
  /** e.g. `SIGSEGV`, where a signal ended it. */
  signal: string | null;
  timedOut: boolean;
  /** stdout and stderr as they came. Control sequences are left in; displays neutralise them. */
  output: string;
  /** Bytes left out of the middle of `output`. */
  omitted: number;
  /** Wall time, ms. */
  ms: number;
  /** Processes that outlived the command and were killed with its group. */
  leftovers: boolean;
}

/** A command that goes on while the agent works. */
export interface BackgroundProcess {
  readonly id: number;
  /** Output since the last read. */
  read(): { output: string; omitted: number };
  /** Undefined while it runs. */
  readonly ended: { code: number | null; signal: string | null } | undefined;
  kill(): Promise<void>;
}

/** What holds the commands of this task, as said before the first command and by `doctor`. */
export interface SandboxPosture {
  mode: "off" | "workspace";
  /** The layers in force, e.g. `["namespaces", "landlock", "seccomp"]`; empty: nothing holds. */
  layers: readonly string[];
  /** What is not held, in words. */
  gaps: readonly string[];
}

export interface Exec {
  /**
   * Runs to the end, its time limit or the abort; then its whole process group is dead and its pipes are closed, also
   * where a background child held them open. Rejects only when the program cannot be started or `signal` aborts.
   */
  run(request: SpawnRequest, signal: AbortSignal): Promise<SpawnResult>;
  start(request: Omit<SpawnRequest, "timeoutMs">): Promise<BackgroundProcess>;
  /** The argv that runs a shell command line on this system. */
  shell(line: string): string[];
  /** Kills everything that was started in the background. */
  close(): Promise<void>;
}
