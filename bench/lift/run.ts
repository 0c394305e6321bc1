/**
 * `bun bench/lift/run.ts`: what iterating adds, and how near it comes to what is possible. Runs the compiled binary on
 * 1,000 synthetic tasks under three policies and prints a table and a JSON line.
 *
 *   --tasks 40      fewer
 *   --seeds final   the seeds for the number that is published; otherwise those for building
 *   --jobs 2        runs at a time
 *   --binary PATH   another one than dist/openkoi
 *   --losses        every task that was possible and not solved, and how it ended
 */
import { parseArgs } from "node:util";
import { BUILT } from "../binary.ts";
import { generate } from "./generator.ts";
import { ITERATIONS } from "./luck.ts";
import { course, possible, possibleFromWhatIsSeen } from "./oracle.ts";
import { POLICIES, type PolicyName, type Run, runPolicy } from "./policies.ts";
import { losses, type Possible, summary, table } from "./summary.ts";

/** The first seed of each kind; the others follow. The final ones are never to be looked at while building. */
const FIRST_SEED = { building: 1, final: 700_001 } as const;

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "1000" },
    seeds: { type: "string", default: "building" },
    jobs: { type: "string", default: "2" },
    binary: { type: "string", default: BUILT },
    losses: { type: "boolean", default: false },
  },
});
if (values.seeds !== "building" && values.seeds !== "final") throw new Error("--seeds is building or final");
const first = FIRST_SEED[values.seeds];
const seeds = Array.from({ length: Number(values.tasks) }, (_, at) => first + at);

const started = performance.now();
const runs = await runAll(seeds, Number(values.jobs));
const bound: Possible = { best: {}, seen: {} };
for (const seed of seeds) {
  const task = generate(seed);
  bound.best[seed] = { tests: possible(course(task, true)), judge: possible(course(task, false)) };
  bound.seen[seed] = {
    tests: possibleFromWhatIsSeen(course(task, true)),
    judge: possibleFromWhatIsSeen(course(task, false)),
  };
}
const result = summary(runs, bound);
console.log(
  `${seeds.length} tasks, seeds ${first} to ${seeds.at(-1)} (${values.seeds}), at most ${ITERATIONS} iterations`,
);
console.log(`${((performance.now() - started) / 1000).toFixed(0)} s for ${runs.length} runs\n`);
console.log(table(result));
if (values.losses) console.log(`\n${losses(runs, bound)}`);
const odd = runs.filter((run) => run.oddities.length > 0);
for (const run of odd.slice(0, 10)) console.log(`\nodd: ${run.policy}, seed ${run.seed}: ${run.oddities.join("; ")}`);
console.log(`\n${JSON.stringify({ bench: "lift", seeds: values.seeds, first, tasks: seeds.length, ...result })}`);
if (odd.length > 0) process.exitCode = 1;

async function runAll(seeds: readonly number[], jobs: number): Promise<Run[]> {
  const queue = seeds.flatMap((seed) => POLICIES.map((policy) => ({ policy, seed })));
  const results: Run[] = [];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift())
      results.push(await runPolicy(next.policy, next.seed, values.binary));
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const place = (name: PolicyName) => POLICIES.findIndex((policy) => policy.name === name);
  return results.sort((a, b) => a.seed - b.seed || place(a.policy) - place(b.policy));
}
