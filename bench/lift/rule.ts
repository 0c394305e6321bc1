import type { Random } from "../draws.ts";

/** An awk expression and what it must print. */
export type Probe = readonly [expression: string, want: string | number];

/**
 * One thing that a module must do, with the one line that decides it. The rest of its code is the same whether the line
 * is right or wrong.
 */
export interface Rule {
  /** Unique in its family; a word. */
  key: string;
  /** As the README tells it. */
  text: string;
  /** What the test that guards it is called. Shares no phrase with `text`, so that it can be known only by its name. */
  label: string;
  /** The whole function in awk; holds `good` exactly once. */
  code: string;
  good: string;
  bad: string;
  /** Holds whether the line is right or wrong: what an ordinary test checks. */
  plain: Probe;
  /** Fails where the line is wrong. */
  guard: Probe;
  /** Never in the workspace. At least one fails where the line is wrong. */
  hidden: readonly Probe[];
}

/** Makes the rule with numbers of its own. */
export type RuleMaker = (random: Random) => Rule;

export interface Family {
  /** Name of the module, too. */
  name: string;
  /** What the module is for, one sentence. */
  about: string;
  rules: readonly RuleMaker[];
}
