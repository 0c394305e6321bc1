import { availableParallelism, totalmem } from "node:os";

/** Limits of one command. Memory, file size in bytes. */
export interface CommandLimits {
  /** Processes and threads. */
  processes: number;
  /** Private memory of one process. */
  memory: number;
  /** One file. */
  fileSize: number;
}

/** Wide enough for any build, narrow enough for the machine to survive. */
export function commandLimits(): CommandLimits {
  return {
    processes: Math.max(8192, availableParallelism() * 512),
    memory: totalmem(),
    fileSize: 4 * 1024 ** 3,
  };
}
