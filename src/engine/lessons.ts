import { clip, formatScore } from "../base/text.ts";
import type { Lesson } from "../contracts/memory.ts";
import type { Evaluation, Finding } from "../contracts/task.ts";
import { UNPROVEN_ID } from "./verdict.ts";

/** A score that falls by more than this was made worse (PRODUCT.md section 3). */
const DROP = 0.1;
/** Gains below this are none. */
const NO_GAIN = 0.02;
/** So many blockers of one dimension are no accident. */
const MOST_BLOCKERS = 2;
/** Findings that one lesson names. */
const MOST_NAMED = 3;
/** Characters. */
const LEAST_FIX = 25;

/**
 * What the measurements of a task teach by rule, without a model: a drop is an anti-pattern, two gains of nothing are a
 * heuristic, blockers that pile up in one dimension are an anti-pattern. Pure.
 */
export function lessonsOf(category: string, evaluations: readonly Evaluation[]): Lesson[] {
  const lesson = (type: Lesson["type"], confidence: number, content: string): Lesson => {
    return { type, category, confidence, content };
  };
  return [
    ...drops(evaluations).map((content) => lesson("anti_pattern", 0.7, content)),
    ...standstill(category, evaluations).map((content) => lesson("heuristic", 0.5, content)),
    ...pileUps(evaluations).map((content) => lesson("anti_pattern", 0.7, content)),
  ];
}

function drops(evaluations: readonly Evaluation[]): string[] {
  return evaluations.flatMap((now, at) => {
    const before = evaluations[at - 1];
    if (!before || before.score === null || now.score === null || before.score - now.score <= DROP) return [];
    const known = new Set(before.findings.map(({ id }) => id));
    const fresh = now.findings.filter(({ id }) => !known.has(id));
    const why = named(fresh.length > 0 ? fresh : now.findings);
    // That it got worse, and nothing of why, teaches nothing.
    return why === ""
      ? []
      : [`A round made it worse, ${formatScore(before.score)} to ${formatScore(now.score)}: ${why}.`];
  });
}

/** Named after its kind of work and what was open in it: it comes up where that does, and not in every later task. */
function standstill(category: string, evaluations: readonly Evaluation[]): string[] {
  const scores = evaluations.map(({ score }) => score);
  const [a, b, c] = scores.slice(-3);
  if (scores.length < 3 || typeof a !== "number" || typeof b !== "number" || typeof c !== "number") return [];
  if (b - a >= NO_GAIN || c - b >= NO_GAIN) return [];
  const open = named(evaluations.at(-1)!.findings);
  // That a task stood still, and nothing of what it stood before, is true of any task.
  return open === "" ? [] : [`In ${category} work, iterating on gained nothing; what stayed open: ${open}.`];
}

function pileUps(evaluations: readonly Evaluation[]): string[] {
  const byDimension = new Map<string, Map<string, Finding>>();
  for (const finding of evaluations.flatMap(({ findings }) => findings)) {
    const { id, severity, dimension } = finding;
    // What evidence found has no dimension: names of tests that failed on the way say nothing of why.
    if (severity !== "blocker" || dimension === "") continue;
    const group = byDimension.get(dimension) ?? new Map<string, Finding>();
    byDimension.set(dimension, group.set(id, finding));
  }
  return [...byDimension]
    .map(([dimension, group]) => ({ dimension, telling: [...group.values()].filter(isTelling) }))
    .filter(({ telling }) => telling.length >= MOST_BLOCKERS)
    .map(({ dimension, telling }) => `Blockers in ${dimension}: ${named(telling)}.`);
}

/** `the date is local, not UTC (use toISOString); …`: how each was to be mended says more than its name. */
function named(findings: readonly Finding[]): string {
  const told = findings
    .filter(isTelling)
    .slice(0, MOST_NAMED)
    .map(({ title, fix }) => {
      // A fix in three words says no more than the title.
      return `${clip(title, 120)}${fix && fix.length >= LEAST_FIX ? ` (${clip(fix, 160)})` : ""}`;
    });
  return told.join("; ");
}

/** That a proof did not pass says nothing of why. */
export function isTelling({ id }: Finding): boolean {
  return !id.startsWith(UNPROVEN_ID);
}
