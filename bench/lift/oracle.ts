/** What could be had from the same draws: the course that the iterations take when nobody stops them. */
import type { LiftTask } from "./generator.ts";
import { after, ITERATIONS, type Opinion, opinion, work } from "./luck.ts";

export interface Step {
  open: Set<string>;
  opinion: Opinion;
  /** Visible tests that fail. */
  failing: number;
}

/** `tests`: the visible tests are there, and their failures are named in the next iteration as the judge's findings are. */
export function course(task: LiftTask, tests: boolean): Step[] {
  const steps: Step[] = [];
  let open: ReadonlySet<string> = new Set(task.defects);
  let named: ReadonlySet<string> = new Set();
  for (let iteration = 1; iteration <= ITERATIONS; iteration++) {
    const next = after(open, work(task, iteration, open, named));
    const step = { open: next, ...seen(task, iteration, next, tests) };
    steps.push(step);
    open = next;
    named = step.named;
  }
  return steps;
}

function seen(task: LiftTask, iteration: number, open: ReadonlySet<string>, tests: boolean) {
  const judged = opinion(task, iteration, open);
  const failing = tests ? task.sites.filter((site) => site.guarded && open.has(site.id)) : [];
  const named = new Set([...failing, ...judged.seen.map(({ site }) => site)].map((site) => site.id));
  return { opinion: judged, failing: failing.length, named };
}

/** Stops at the right time and takes the best iteration, knowing the truth. Nobody can do better. */
export function possible(steps: readonly Step[]): boolean {
  return steps.some((step) => step.open.size === 0);
}

/**
 * The same without knowing the truth: stops where no visible test fails and the judge finds nothing grave, else takes the
 * iteration with the fewest of both. What is lost against `possible` is lost to blind spots, not to bad decisions.
 */
export function possibleFromWhatIsSeen(steps: readonly Step[]): boolean {
  const grave = (step: Step) => step.opinion.seen.length + (isGrave(step.opinion.invented) ? 1 : 0);
  const clean = steps.find((step) => step.failing === 0 && grave(step) === 0);
  const best = [...steps].sort((a, b) => a.failing - b.failing || grave(a) - grave(b))[0];
  return (clean ?? best)?.open.size === 0;
}

function isGrave(severity: Opinion["invented"]): boolean {
  return severity === "blocker" || severity === "important";
}
