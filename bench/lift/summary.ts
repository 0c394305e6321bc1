import type { PolicyName, Run } from "./policies.ts";

/** By seed: can the task be solved, with the visible tests there and with the judge alone? */
export interface Possible {
  /** Knowing the truth. */
  best: Record<number, { tests: boolean; judge: boolean }>;
  /** Knowing what tests and judge show. */
  seen: Record<number, { tests: boolean; judge: boolean }>;
}

export interface PolicySummary {
  runs: number;
  /** Runs in which the program measured anything. */
  measured: number;
  /** Shares, 0..1. */
  passRate: number;
  worseByOwnScore: number;
  worseByTruth: number;
  /** Accepted by the program and wrong by the truth, of all; and the other way round. */
  acceptedWrong: number;
  refusedRight: number;
  meanIterations: number;
  /** Per solved task. */
  tokens: { sent: number; uncached: number; naive: number; naiveWithJudge: number };
  /** Ms, mean, the whole process. */
  ms: number;
  statuses: Record<string, number>;
}

export interface Summary {
  policies: Partial<Record<PolicyName, PolicySummary>>;
  possible: { tests: number; judge: number };
  possibleFromWhatIsSeen: { tests: number; judge: number };
  /** Points (0..100) that evidence + judge is below what is possible. */
  gap: number;
  /** Half of the 95 % interval of that gap, points. */
  gapError: number;
  naiveTimes: number;
  naiveTimesWithJudge: number;
  /** Naive and without a prompt cache, against what was sent and was not cached. */
  naiveTimesUncached: number;
  oddRuns: number;
}

export function summary(runs: readonly Run[], bound: Possible): Summary {
  const policies: Summary["policies"] = {};
  for (const name of new Set(runs.map((run) => run.policy))) {
    policies[name] = ofPolicy(runs.filter((run) => run.policy === name));
  }
  const full = runs.filter((run) => run.policy === "evidence + judge");
  // Paired: the same task on both sides, so the difference has a smaller error than either rate.
  const differences = full.map((run) => Number(bound.best[run.seed]?.tests) - Number(run.solved));
  const { sent, uncached, naive, naiveWithJudge } = ofPolicy(full).tokens;
  const rate = (of: Possible["best"], which: "tests" | "judge") =>
    mean(Object.values(of).map((each) => Number(each[which])));
  return {
    policies,
    possible: { tests: rate(bound.best, "tests"), judge: rate(bound.best, "judge") },
    possibleFromWhatIsSeen: { tests: rate(bound.seen, "tests"), judge: rate(bound.seen, "judge") },
    gap: 100 * mean(differences),
    gapError: (100 * 1.96 * deviation(differences)) / Math.sqrt(Math.max(1, differences.length)),
    naiveTimes: naive / sent,
    naiveTimesWithJudge: naiveWithJudge / sent,
    naiveTimesUncached: naiveWithJudge / uncached,
    oddRuns: runs.filter((run) => run.oddities.length > 0).length,
  };
}

function ofPolicy(runs: readonly Run[]): PolicySummary {
  const share = (test: (run: Run) => boolean) => mean(runs.map((run) => Number(test(run))));
  const solved = Math.max(1, runs.filter((run) => run.solved).length);
  const perSolved = (of: (run: Run) => number) => Math.round(runs.reduce((sum, run) => sum + of(run), 0) / solved);
  const statuses: Record<string, number> = {};
  for (const run of runs) statuses[run.status] = (statuses[run.status] ?? 0) + 1;
  return {
    runs: runs.length,
    measured: runs.filter((run) => run.scores.some((score) => score !== null)).length,
    passRate: share((run) => run.solved),
    worseByOwnScore: share((run) => run.worseByOwnScore),
    worseByTruth: share((run) => run.worseByTruth),
    acceptedWrong: share((run) => run.status === "accepted" && !run.solved),
    refusedRight: share((run) => run.status !== "accepted" && run.status !== "completed" && run.solved),
    meanIterations: mean(runs.map((run) => run.openAfter.length)),
    tokens: {
      sent: perSolved((run) => run.tokens.sent),
      uncached: perSolved((run) => run.tokens.uncached),
      naive: perSolved((run) => run.tokens.naive),
      naiveWithJudge: perSolved((run) => run.tokens.naiveWithJudge),
    },
    ms: mean(runs.map((run) => run.ms)),
    statuses,
  };
}

/** A markdown table and the lines below it. */
export function table(result: Summary): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const rows = Object.entries(result.policies).map(([name, each]) => [
    name,
    percent(each.passRate),
    each.measured === 0 ? "–" : percent(each.worseByOwnScore),
    percent(each.worseByTruth),
    percent(each.acceptedWrong),
    percent(each.refusedRight),
    each.meanIterations.toFixed(2),
    String(each.tokens.sent),
    String(each.tokens.uncached),
    each.ms.toFixed(0),
  ]);
  const bounds = [
    ["possible, judge only", percent(result.possible.judge)],
    ["possible, evidence + judge", percent(result.possible.tests)],
    ["… without knowing the truth, judge only", percent(result.possibleFromWhatIsSeen.judge)],
    ["… without knowing the truth, evidence + judge", percent(result.possibleFromWhatIsSeen.tests)],
  ].map((row) => [...row, ...Array.from({ length: 8 }, () => "–")]);
  const head = [
    "policy",
    "passes the hidden checks",
    "worse than its best, own score",
    "the same, hidden truth",
    "accepted but wrong",
    "right but not accepted",
    "iterations",
    "tokens per solved task",
    "of these uncached",
    "ms per run",
  ];
  const lines = [head, head.map(() => "---"), ...rows, ...bounds].map((row) => `| ${row.join(" | ")} |`);
  const tokens = result.policies["evidence + judge"]?.tokens ?? { uncached: 0, naiveWithJudge: 0 };
  return `${lines.join("\n")}

evidence + judge is ${result.gap.toFixed(1)} ± ${result.gapError.toFixed(1)} points below what is possible (reach: 3)

tokens per solved task as the budget counts them (uncached input, and output): ${tokens.uncached} with the savings, ${tokens.naiveWithJudge} without: ${result.naiveTimesUncached.toFixed(2)} times (reach: 2.5)
Without means naive full history: every request of work and judgement carries all turns and tool results of the iterations before, and nothing is cached.
Of everything that is sent, cached or not, the history of the work alone makes ${result.naiveTimes.toFixed(2)} times, with the judgements in the same conversation ${result.naiveTimesWithJudge.toFixed(2)} times.`;
}

/** The tasks that were possible with evidence + judge and were not solved, by the way in which they ended. */
export function losses(runs: readonly Run[], bound: Possible): string {
  const lost = runs.filter((run) => run.policy === "evidence + judge" && !run.solved && bound.best[run.seed]?.tests);
  const kinds = new Map<string, Run[]>();
  for (const run of lost) {
    const blind = bound.seen[run.seed]?.tests ? "visible" : "not visible to tests and judge";
    const kind = `${run.status}: ${run.decisions.join(", ")} (${run.worseByTruth ? "had been better; " : ""}${blind})`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), run]);
  }
  const ordered = [...kinds].sort((a, b) => b[1].length - a[1].length);
  return ordered
    .map(
      ([kind, of]) =>
        `${of.length} × ${kind}, seeds ${of
          .slice(0, 5)
          .map((run) => run.seed)
          .join(" ")}`,
    )
    .join("\n");
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of a sample. */
function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}
