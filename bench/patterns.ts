/**
 * How well the pattern miner finds what synthetic users of 90 days do out of habit (bench/habits), by kind:
 * `bun bench/patterns.ts --seeds building|final [--users N] [--mistakes]`. Prints a table and a JSON line.
 */
import { parseArgs } from "node:util";
import { measurePatterns } from "./habit-miner.ts";
import { mistakes, table } from "./habits/measure.ts";
import { median } from "./table.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "building" },
    users: { type: "string", default: "200" },
    mistakes: { type: "boolean", default: false },
  },
});
const { seeds } = values;
if (seeds !== "building" && seeds !== "final") throw new Error("--seeds is building or final");

const { measured, ms } = await measurePatterns(seeds, Number(values.users));
console.log(`${measured.users} users of 90 days, ${seeds} seeds; to reach: 0.9 each.\n`);
console.log(table(measured));
console.log(`\nMining one user: ${median(ms).toFixed(1)} ms (median), ${Math.max(...ms).toFixed(1)} ms at most.`);
if (values.mistakes) console.log(mistakes(measured, 200));
const { users, precision, recall, byKind } = measured;
console.log(JSON.stringify({ bench: "patterns", seeds, users, precision, recall, byKind, ms: median(ms) }));
