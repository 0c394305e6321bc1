/**
 * What the scripted model and the judge do in an iteration, as a function of the situation and of draws that depend on
 * nothing but task, iteration and site. The model behind the binary and the oracles share it, so they have the same luck.
 *
 * The numbers were chosen before the engine was seen, and are not to be tuned to it.
 */
import { draw, normal } from "../draws.ts";
import type { LiftTask, Site } from "./generator.ts";

export const ITERATIONS = 3;

export const CHANCES = {
  /** An open defect is repaired without being named. */
  fix: 0.6,
  /** One that the findings name. */
  fixNamed: 0.85,
  /** A line that was right is broken, per iteration. */
  breaks: 0.15,
  /** The judge finds an open defect, per judgement. */
  sees: 0.8,
  /** What it finds is called a blocker; else important. */
  blocker: 0.75,
  /** The judge finds something that is not there, per judgement. */
  invents: 0.1,
} as const;

/** The judge's mean score of a perfect result, what one open defect costs, and its noise (standard deviation). */
const SCORE = { perfect: 0.93, cost: 0.2, costElsewhere: 0.05, noise: 0.06 } as const;

export interface Changes {
  fixed: Site[];
  broken: Site | undefined;
}

/** One iteration of work. `named`: ids of the sites that the request names; none in the first iteration. */
export function work(
  task: LiftTask,
  iteration: number,
  open: ReadonlySet<string>,
  named: ReadonlySet<string>,
): Changes {
  const fixed = task.sites.filter((site) => {
    const chance = named.has(site.id) ? CHANCES.fixNamed : CHANCES.fix;
    return open.has(site.id) && draw(task.seed, iteration, "fix", site.id) < chance;
  });
  if (draw(task.seed, iteration, "breaks") >= CHANCES.breaks) return { fixed, broken: undefined };
  const whole = task.sites.filter((site) => !open.has(site.id));
  const order = (site: Site) => draw(task.seed, iteration, "broken", site.id);
  return { fixed, broken: whole.sort((a, b) => order(a) - order(b))[0] };
}

export function after(open: ReadonlySet<string>, changes: Changes): Set<string> {
  const result = new Set(open);
  for (const site of changes.fixed) result.delete(site.id);
  if (changes.broken) result.add(changes.broken.id);
  return result;
}

export interface Opinion {
  /** Open defects that the judge saw, and how grave it finds them. */
  seen: { site: Site; severity: "blocker" | "important" }[];
  invented: "blocker" | "important" | "suggestion" | undefined;
}

/** What the judge finds in the result of an iteration. */
export function opinion(task: LiftTask, iteration: number, open: ReadonlySet<string>): Opinion {
  const seen = task.sites
    .filter((site) => open.has(site.id) && draw(task.seed, iteration, "sees", site.id) < CHANCES.sees)
    .map((site) => {
      const grave = draw(task.seed, iteration, "grave", site.id) < CHANCES.blocker;
      return { site, severity: grave ? ("blocker" as const) : ("important" as const) };
    });
  if (draw(task.seed, iteration, "invents") >= CHANCES.invents) return { seen, invented: undefined };
  const how = draw(task.seed, iteration, "invented");
  return { seen, invented: how < 0.2 ? "blocker" : how < 0.5 ? "important" : "suggestion" };
}

/** 0..1 with two digits, as judges write it. */
export function scoreOf(task: LiftTask, iteration: number, open: ReadonlySet<string>, dimension: string): number {
  const concerned = /correct|complete|relevan|quality|accura/i.test(dimension);
  const cost = open.size * (concerned ? SCORE.cost : SCORE.costElsewhere);
  const score = SCORE.perfect - cost + SCORE.noise * normal(task.seed, iteration, "score", dimension);
  return Math.round(Math.min(1, Math.max(0, score)) * 100) / 100;
}
