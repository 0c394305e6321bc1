/**
 * How well found patterns meet the true ones. A found pattern meets a true one of its kind where they share at least half
 * of their events (Jaccard: shared by all of both), and, for a time pattern, the hour is the same or the next one and the
 * weekdays are the same (of a habit on four or more days, one day may differ; without weekdays it means every day).
 * Each true one is met once: a second pattern that says the same is as wrong as one that says something false.
 */
import type { Pattern } from "./event.ts";

const LEAST_SHARED = 0.5;
const HOURS = 24;
/** With so many weekdays, one may differ. */
const MANY_DAYS = 4;

export interface Score<Found extends Pattern = Pattern, True extends Pattern = Pattern> {
  /** Of what was found, the share that is true; 1 where nothing was found. */
  precision: number;
  /** Of what is true, the share that was found; 1 where there is nothing to find. */
  recall: number;
  met: { found: Found; truth: True }[];
  missed: True[];
  wrong: Found[];
}

export function score<Found extends Pattern, True extends Pattern>(
  found: readonly Found[],
  truth: readonly True[],
): Score<Found, True> {
  const pairs = found
    .flatMap((each) => truth.map((other) => ({ found: each, truth: other, shared: jaccard(each, other) })))
    .filter((pair) => pair.shared >= LEAST_SHARED && agree(pair.found, pair.truth))
    .sort((a, b) => b.shared - a.shared);
  const met: Score<Found, True>["met"] = [];
  for (const pair of pairs) {
    if (met.some((other) => other.found === pair.found || other.truth === pair.truth)) continue;
    met.push({ found: pair.found, truth: pair.truth });
  }
  return {
    ...shares(met.length, found.length, truth.length),
    met,
    missed: truth.filter((each) => !met.some((pair) => pair.truth === each)),
    wrong: found.filter((each) => !met.some((pair) => pair.found === each)),
  };
}

/** Several users, or several kinds: every pattern counts once. */
export function pooled(scores: readonly Score[]): { precision: number; recall: number } {
  const count = (of: (score: Score) => number) => scores.reduce((sum, score) => sum + of(score), 0);
  const met = count((score) => score.met.length);
  return shares(met, met + count((score) => score.wrong.length), met + count((score) => score.missed.length));
}

function shares(met: number, found: number, truth: number): { precision: number; recall: number } {
  return { precision: found === 0 ? 1 : met / found, recall: truth === 0 ? 1 : met / truth };
}

function jaccard(a: Pattern, b: Pattern): number {
  const [left, right] = [new Set(a.members), new Set(b.members)];
  const shared = left.intersection(right).size;
  return shared === 0 ? 0 : shared / (left.size + right.size - shared);
}

function agree(found: Pattern, truth: Pattern): boolean {
  if (found.kind !== truth.kind) return false;
  if (truth.kind !== "time") return true;
  if (found.hour === undefined || truth.hour === undefined) return false;
  const apart = Math.abs(found.hour - truth.hour);
  return Math.min(apart, HOURS - apart) <= 1 && sameDays(daysOf(found), daysOf(truth));
}

function sameDays(found: ReadonlySet<number>, truth: ReadonlySet<number>): boolean {
  return found.symmetricDifference(truth).size <= (truth.size >= MANY_DAYS ? 1 : 0);
}

function daysOf(pattern: Pattern): Set<number> {
  return new Set(pattern.weekdays ?? [0, 1, 2, 3, 4, 5, 6]);
}
