/**
 * What the scripted model makes of a situation, by draws that depend on nothing but user, task, iteration and function:
 * with memory and without it, it has the same luck.
 *
 * The numbers were chosen before the memory was there, and are not to be tuned to it.
 */
import { draw, normal } from "../draws.ts";
import type { Choice } from "./conventions.ts";
import type { Site, UserTask } from "./history.ts";

export const ITERATIONS = 3;

export const CHANCES = {
  /** A rule that was read in a document is understood. */
  understands: 0.75,
  /** A function of which nothing was read is written the right way all the same. */
  guesses: 0.15,
  /** What the request says of this very topic is followed; what it says of nothing in particular; of another topic. */
  followsOwn: 0.92,
  followsUnnamed: 0.55,
  followsOther: 0.12,
  /** What was followed and contradicts a document that was read is dropped for the document. */
  corrects: 0.6,
  /** What a finding names is mended the right way. */
  mends: 0.88,
  /** In a later round, something that nobody complained of is changed to what the request says. */
  reconsiders: 0.5,
  /** A later round breaks something that was right. */
  breaks: 0.06,
  /** Runs the tests before it stops, and mends what fails. */
  testsItself: 0.4,
  /** Tells in the end what mattered, for each function. */
  tells: 0.5,
  /** The judge sees what is wrong; calls it a blocker, else important; finds what is not there. */
  sees: 0.8,
  blocker: 0.75,
  invents: 0.1,
  /** What the small model passes on is empty words; or one thing in it is wrong. */
  vague: 0.1,
  garbles: 0.04,
} as const;

/** The judge's mean score of a perfect result, what one wrong function costs, and its noise (standard deviation). */
const SCORE = { perfect: 0.93, cost: 0.2, costElsewhere: 0.05, noise: 0.06 } as const;

/** Luck in one iteration of one task. */
export interface Luck {
  /** Does it happen? The same question has the same answer. */
  is(chance: keyof typeof CHANCES, about?: string): boolean;
  /** One of the wrong ways. */
  wrong(site: Site): Choice;
  /** Shuffled. */
  order<T extends string>(of: readonly T[]): T[];
  /** How many documents it reads before it thinks that it knows enough. */
  patience(): number;
}

export function luckOf({ user, index }: UserTask, iteration: number): Luck {
  const of = (...keys: string[]) => draw(user, index, iteration, ...keys);
  return {
    is: (chance, about = "") => of(chance, about) < CHANCES[chance],
    wrong({ kind, choice }) {
      const others = kind.choices.filter(({ words }) => words !== choice.words);
      return others[Math.floor(of("wrong", kind.key) * others.length)]!;
    },
    order: (all) => [...all].sort((a, b) => of("order", a) - of("order", b)),
    patience: () => (iteration === 1 ? 1 : 0) + Math.ceil(of("patience") * 3),
  };
}

/** 0..1 with two digits, as judges write it. */
export function scoreOf({ user, index }: UserTask, iteration: number, wrong: number, dimension: string): number {
  const concerned = /correct|complete|relevan|quality|accura/i.test(dimension);
  const cost = wrong * (concerned ? SCORE.cost : SCORE.costElsewhere);
  const score = SCORE.perfect - cost + SCORE.noise * normal(user, index, iteration, "score", dimension);
  return Math.round(Math.min(1, Math.max(0, score)) * 100) / 100;
}
