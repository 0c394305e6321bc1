import { random } from "../draws.ts";
import type { PolicyName, Run } from "./policies.ts";

/** Tasks per row of the curve. */
export const WINDOW = 20;
const RESAMPLES = 2000;

export interface Part {
  runs: number;
  /** Share, by the hidden checks. */
  passRate: number;
  iterations: number;
  calls: number;
  /** Of all tasks, by the number of those that were solved. */
  tokensPerSolved: number;
  uncachedPerSolved: number;
  usdPerSolved: number;
}

export interface Interval {
  value: number;
  low: number;
  high: number;
}

export interface Summary {
  /** By policy, in windows of 20 tasks: the curve. */
  curve: { from: number; to: number; parts: Partial<Record<PolicyName, Part>> }[];
  whole: Partial<Record<PolicyName, Part>>;
  /** From this task on, both compared with `off`. */
  tailFrom: number;
  tail: Partial<Record<PolicyName, Part>>;
  /** Percent fewer tokens per solved task than without memory; points of pass rate more. 95 % intervals. */
  saved: Partial<Record<PolicyName, Interval>>;
  savedUncached: Partial<Record<PolicyName, Interval>>;
  gained: Partial<Record<PolicyName, Interval>>;
  gainedInAll: Partial<Record<PolicyName, Interval>>;
  oddRuns: number;
}

/** `tasks` per user; the tail begins at task 100, or half-way in a shorter history. */
export function summary(runs: readonly Run[], tasks: number): Summary {
  const policies = [...new Set(runs.map((run) => run.policy))];
  const tailFrom = tasks > 100 ? 100 : Math.floor(tasks / 2);
  const parts = (of: readonly Run[]) => {
    const each = policies.map((name) => [name, partOf(of.filter((run) => run.policy === name))]);
    return Object.fromEntries(each) as Partial<Record<PolicyName, Part>>;
  };
  const tail = runs.filter(({ index }) => index >= tailFrom);
  const compared = (of: readonly Run[], what: (off: Part, other: Part) => number) => {
    const others = policies.filter((name) => name !== "off" && policies.includes("off"));
    return Object.fromEntries(others.map((name) => [name, interval(of, name, what)]));
  };
  const saved = (key: "tokensPerSolved" | "uncachedPerSolved") => (off: Part, other: Part) =>
    100 * (1 - other[key] / off[key]);
  const gained = (off: Part, other: Part) => 100 * (other.passRate - off.passRate);
  const curve = Array.from({ length: Math.ceil(tasks / WINDOW) }, (_, at) => {
    const [from, to] = [at * WINDOW, Math.min(tasks, (at + 1) * WINDOW)];
    return { from, to, parts: parts(runs.filter(({ index }) => index >= from && index < to)) };
  });
  return {
    curve,
    whole: parts(runs),
    tailFrom,
    tail: parts(tail),
    saved: compared(tail, saved("tokensPerSolved")),
    savedUncached: compared(tail, saved("uncachedPerSolved")),
    gained: compared(tail, gained),
    gainedInAll: compared(runs, gained),
    oddRuns: runs.filter(({ oddities }) => oddities.length > 0).length,
  };
}

function partOf(runs: readonly Run[]): Part {
  const sum = (of: (run: Run) => number) => runs.reduce((total, run) => total + of(run), 0);
  const solved = sum((run) => Number(run.solved));
  const count = Math.max(1, runs.length);
  const perSolved = (of: (run: Run) => number) => sum(of) / Math.max(1, solved);
  return {
    runs: runs.length,
    passRate: solved / count,
    iterations: sum((run) => run.iterations) / count,
    calls: sum((run) => run.calls) / count,
    tokensPerSolved: perSolved((run) => run.tokens),
    uncachedPerSolved: perSolved((run) => run.uncached),
    usdPerSolved: perSolved((run) => run.usd),
  };
}

/**
 * Both policies met the same tasks with the same luck, so tasks are drawn anew in pairs (bootstrap). Tasks of one user
 * are taken as independent; with memory they are not quite, so the interval is a little too narrow.
 */
function interval(runs: readonly Run[], policy: PolicyName, what: (off: Part, other: Part) => number): Interval {
  const keyOf = ({ user, index }: Run) => `${user} ${index}`;
  const others = new Map(runs.filter((run) => run.policy === policy).map((run) => [keyOf(run), run]));
  const pairs = runs.flatMap((run) => {
    const other = others.get(keyOf(run));
    return run.policy === "off" && other ? [{ off: run, other }] : [];
  });
  const of = (chosen: typeof pairs) =>
    what(partOf(chosen.map(({ off }) => off)), partOf(chosen.map(({ other }) => other)));
  const dice = random("bootstrap", pairs.length);
  const values = Array.from({ length: pairs.length > 0 ? RESAMPLES : 0 }, () => of(pairs.map(() => dice.pick(pairs))));
  values.sort((a, b) => a - b);
  const at = (share: number) => values[Math.floor(share * (values.length - 1))] ?? Number.NaN;
  return { value: of(pairs), low: at(0.025), high: at(0.975) };
}

/** Markdown: the curve, the sums, and what is to be reached. */
export function table(result: Summary, policies: readonly PolicyName[]): string {
  const columns: [string, (part: Part) => string][] = [
    ["passes", (part) => `${(100 * part.passRate).toFixed(1)} %`],
    ["tokens per solved", (part) => part.tokensPerSolved.toFixed(0)],
    ["uncached", (part) => part.uncachedPerSolved.toFixed(0)],
    ["USD per solved", (part) => part.usdPerSolved.toFixed(4)],
    ["iterations", (part) => part.iterations.toFixed(2)],
  ];
  const head = ["tasks", ...columns.flatMap(([name]) => policies.map((policy) => `${name}, ${policy}`))];
  const row = (name: string, parts: Partial<Record<PolicyName, Part>>) => [
    name,
    ...columns.flatMap(([, show]) => policies.map((policy) => (parts[policy] ? show(parts[policy]) : "–"))),
  ];
  const rows = [
    ...result.curve.map(({ from, to, parts }) => row(`${from + 1}–${to}`, parts)),
    row("all", result.whole),
    row(`from ${result.tailFrom + 1} on`, result.tail),
  ];
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const compared = policies.filter((policy) => policy !== "off" && result.saved[policy]);
  const told = compared.map((policy) => {
    const more = policy === "on" ? " (reach: 25)" : "";
    return `memory ${policy}, from task ${result.tailFrom + 1} on: ${shown(result.saved[policy])} % fewer tokens per solved task${more}, uncached ${shown(result.savedUncached[policy])} %; pass rate ${shown(result.gained[policy])} points, in all ${shown(result.gainedInAll[policy])}`;
  });
  return `${lines.join("\n")}\n\n${told.join("\n")}`;
}

function shown(interval: Interval | undefined): string {
  if (!interval) return "–";
  const { value, low, high } = interval;
  return `${value.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}
