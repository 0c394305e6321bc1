import { writeSync } from "node:fs";
import type { Libc } from "./libc.ts";
import type { Program } from "./program.ts";

/** A program that can be started. */
export interface Loaded {
  fd: number;
  path: string;
  program: Program;
}

/** The program as a file in memory that can be executed. */
export function load(libc: Libc, program: Program): Loaded {
  const fd = libc.memfd("openkoi");
  for (const [offset, bytes] of program.assemble()) writeSync(fd, bytes, 0, bytes.length, offset);
  return { fd, path: `/proc/self/fd/${fd}`, program };
}
