/**
 * `bun bench/compounding/run.ts`: does it get better the more it is used? Users who repeat families of tasks, with memory
 * and without it, with the same luck; prints the curve and a JSON line.
 *
 *   --users 3         so many users
 *   --tasks 200       per user; the families change half-way, wherever that is
 *   --seeds final     the seeds for the number that is published; otherwise those for building
 *   --policies off,on,perfect   fewer of them
 *   --jobs 2          users and policies at a time
 *   --binary PATH     another one than dist/openkoi
 *   --runs PATH       every single run, as JSON lines
 *
 * How it works: history.ts makes the tasks (real projects in awk with real tests; what a function must do is one of four
 * ways that nobody can guess, and stands in one of the project's documents). The scripted model (model.ts) plans, works,
 * judges and sums up; what it knows is what the request states, in whatever form (knowledge.ts), and what it reads in the
 * documents, which costs turns and may be misunderstood. A request that states the right way saves it both; one that
 * states a way that is no longer right, or that of another topic, misleads it (luck.ts: how often).
 *
 * What it cannot show: all tasks are done within minutes, so learnings do not fade with the weeks; nobody approves a
 * proposed skill; the model calls neither the memory tool nor the skill tool.
 */
import { parseArgs } from "node:util";
import { BUILT } from "../binary.ts";
import { FIRST_SEED } from "./history.ts";
import { POLICIES, type PolicyName, type Run, runUser } from "./policies.ts";
import { summary, table } from "./summary.ts";

const { values } = parseArgs({
  options: {
    users: { type: "string", default: "3" },
    tasks: { type: "string", default: "200" },
    seeds: { type: "string", default: "building" },
    policies: { type: "string", default: POLICIES.join(",") },
    jobs: { type: "string", default: "2" },
    binary: { type: "string", default: BUILT },
    runs: { type: "string" },
  },
});
if (values.seeds !== "building" && values.seeds !== "final") throw new Error("--seeds is building or final");
const policies = POLICIES.filter((policy) => values.policies.split(",").includes(policy));
if (policies.length !== values.policies.split(",").length) throw new Error(`--policies are of ${POLICIES.join(", ")}`);
const [users, tasks, jobs] = [atLeastOne("users"), atLeastOne("tasks"), atLeastOne("jobs")];
const first = FIRST_SEED[values.seeds];

const started = performance.now();
const runs = await runAll();
const result = summary(runs, tasks);
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`${users} users with ${tasks} tasks each, seeds ${first} to ${first + users - 1} (${values.seeds})`);
console.log(`${seconds} s for ${runs.length} runs\n`);
console.log(table(result, policies));
const odd = runs.filter(({ oddities }) => oddities.length > 0);
for (const { policy, user, index, oddities } of odd.slice(0, 10)) {
  console.log(`\nodd: ${policy}, user ${user}, task ${index + 1}: ${oddities.join("; ")}`);
}
console.log(`\n${JSON.stringify({ bench: "compounding", seeds: values.seeds, first, users, tasks, ...result })}`);
if (values.runs) await Bun.write(values.runs, `${runs.map((run) => JSON.stringify(run)).join("\n")}\n`);
if (odd.length > 0) process.exitCode = 1;

function atLeastOne(name: "users" | "tasks" | "jobs"): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is a whole number from 1 on`);
  return value;
}

async function runAll(): Promise<Run[]> {
  const seeds = Array.from({ length: users }, (_, at) => first + at);
  const queue = seeds.flatMap((seed) => policies.map((policy): [PolicyName, number] => [policy, seed]));
  const results: Run[] = [];
  let finished = 0;
  const note = () => {
    finished++;
    if (process.stderr.isTTY) process.stderr.write(`\r${finished} of ${users * tasks * policies.length}`);
  };
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      results.push(...(await runUser(...next, tasks, values.binary, note)));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results.sort((a, b) => a.user - b.user || a.index - b.index || a.policy.localeCompare(b.policy));
}
