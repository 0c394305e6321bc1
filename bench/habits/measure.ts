import type { Pattern, UsageEvent } from "./event.ts";
import { FIRST_SEED, type SyntheticUser, shown, syntheticUser } from "./generator.ts";
import { pooled, type Score, score } from "./score.ts";
import type { Habit } from "./truth.ts";

/** Gets the whole log in order of time, and is to say what of the last 30 days before `now` is a habit. */
export type Miner = (
  events: readonly UsageEvent[],
  context: { now: number; utcOffsetMinutes: number },
) => readonly Pattern[] | Promise<readonly Pattern[]>;

export interface Measured {
  users: number;
  precision: number;
  recall: number;
  byKind: Record<Pattern["kind"], { precision: number; recall: number }>;
  scores: { user: SyntheticUser; score: Score<Pattern, Habit> }[];
}

/** Runs the miner on so many synthetic users; every pattern of every user counts once. */
export async function measureMiner(mine: Miner, which: keyof typeof FIRST_SEED, users: number): Promise<Measured> {
  const scores: Measured["scores"] = [];
  for (let at = 0; at < users; at++) {
    const user = syntheticUser(FIRST_SEED[which] + at);
    const found = await mine(user.events, { now: user.now, utcOffsetMinutes: user.utcOffsetMinutes });
    scores.push({ user, score: score(found, user.truth) });
  }
  const of = (kind: Pattern["kind"]) => pooled(scores.map((each) => onlyOf(each.score, kind)));
  const byKind = { recurring: of("recurring"), time: of("time"), sequence: of("sequence") };
  return { users, ...pooled(scores.map((each) => each.score)), byKind, scores };
}

/** A markdown table. */
export function table({ precision, recall, byKind }: Measured): string {
  const rows = Object.entries({ ...byKind, all: { precision, recall } }).map(
    ([kind, each]) => `| ${kind} | ${each.precision.toFixed(3)} | ${each.recall.toFixed(3)} |`,
  );
  return ["| habit | precision | recall |", "| --- | --- | --- |", ...rows].join("\n");
}

/** What went wrong, one line each, with the events as the user saw them: for building, on building seeds. */
export function mistakes({ scores }: Measured, most = 40): string {
  const lines = scores.flatMap(({ user, score }) => [
    ...score.missed.map((habit) => `seed ${user.seed}: missed ${habit.kind} ${habit.what}: ${examples(user, habit)}`),
    ...score.wrong.map(
      (found) => `seed ${user.seed}: wrong ${found.kind}${reason(user, found)}: ${examples(user, found)}`,
    ),
  ]);
  return lines.slice(0, most).join("\n");
}

/** The near-miss that it fell for, if most of it is one. */
function reason(user: SyntheticUser, found: Pattern): string {
  const half = found.members.length / 2;
  const miss = user.nearMisses.find((each) => found.members.filter((at) => each.members.includes(at)).length > half);
  return miss ? ` (${miss.reason})` : "";
}

function examples(user: SyntheticUser, { members }: Pattern): string {
  const first = members.slice(0, 3).map((index) => shown(user, index));
  return `${first.join("; ")}${members.length > 3 ? `; and ${members.length - 3} more` : ""}`;
}

function onlyOf(score: Score, kind: Pattern["kind"]): Score {
  return {
    ...score,
    met: score.met.filter(({ truth }) => truth.kind === kind),
    missed: score.missed.filter((each) => each.kind === kind),
    wrong: score.wrong.filter((each) => each.kind === kind),
  };
}
