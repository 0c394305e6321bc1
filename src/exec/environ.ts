import { readFileSync } from "node:fs";
import { type Env, isCredential } from "../base/env.ts";

/** Fields of /proc/self/stat that bound the environment block, counted after the program's name (proc(5): 50 and 51). */
const ENV_START = 47;
const ENV_END = 48;

/**
 * Blanks the values of credentials in this process's environment block, which every process of the same user can read as
 * `/proc/<pid>/environ`. `env` is the copy that is used from then on. Does nothing where no credential is set, and where
 * the system keeps no such block (not Linux).
 */
export async function hideEnviron(env: Env): Promise<void> {
  if (process.platform !== "linux" || !Object.entries(env).some(([name, value]) => isCredential(name, value ?? "")))
    return;
  const stat = readFileSync("/proc/self/stat", "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [start, end] = [Number(fields[ENV_START]), Number(fields[ENV_END])];
  if (!(start > 0 && end > start)) return;
  const { toArrayBuffer } = await import("bun:ffi");
  const block = new Uint8Array(toArrayBuffer(start as Parameters<typeof toArrayBuffer>[0], 0, end - start));
  for (let at = 0; at < block.length; ) {
    const next = block.indexOf(0, at);
    const stop = next < 0 ? block.length : next;
    const equals = block.indexOf(0x3d, at);
    if (equals > at && equals < stop) {
      const [name, value] = [block.subarray(at, equals), block.subarray(equals + 1, stop)];
      if (isCredential(new TextDecoder().decode(name), new TextDecoder().decode(value)))
        block.fill(0x2a, equals + 1, stop);
    }
    at = stop + 1;
  }
}
