import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { helloWorld, time } from "./startup.ts";
import { median } from "./table.ts";

const STARTS = 9;
const WORDS = 1 << 24;
const READS = 1_000_000;

/**
 * How fast the machine is at this moment, in one sentence: what a program of a line takes to start, and what a read takes
 * that no cache has. Others on the same hardware can slow both down severalfold, and every time that stands below with them.
 */
export function describeMachine(): string {
  const folder = mkdtempSync(join(tmpdir(), "openkoi-hello-"));
  try {
    const hello = helloWorld(folder);
    time([hello]); // warms the disk cache
    const start = median(Array.from({ length: STARTS }, () => time([hello])));
    return `a hello world of Bun ${start.toFixed(1)} ms, a random read in 64 MiB ${nanosecondsOfRead().toFixed(0)} ns`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each read says where the next one is, so that none can begin before the last has ended. */
function nanosecondsOfRead(): number {
  const words = new Uint32Array(WORDS).fill(1);
  let place = 0;
  const walk = (reads: number) => {
    // A full-period generator (Numerical Recipes), whose upper bits are the place.
    let state = place;
    for (let at = 0; at < reads; at++) state = (Math.imul(state, 1664525) + 1013904222 + words[state >>> 8]!) >>> 0;
    place = state;
  };
  walk(READS / 10);
  const begun = performance.now();
  walk(READS);
  return ((performance.now() - begun) / READS) * 1e6;
}
