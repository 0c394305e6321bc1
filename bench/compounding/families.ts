/** What a user works on again and again: families of tasks, each with the conventions of its own corner of a project. */
import type { Random } from "../draws.ts";
import { type Choice, KINDS, type Kind } from "./conventions.ts";

/** A thing that functions are written for. */
export interface Topic {
  /** "freight quote" */
  noun: string;
  /** Another name that people use for it now and then. */
  alias: string;
}

/** Which way of a kind a family wants, from the task with this number on. */
export interface Want {
  kind: Kind;
  /** In order; the first from 0 on. */
  ways: { from: number; choice: Choice }[];
}

export interface Family {
  /** The module's name and the end of its path: `freight_quote`. */
  key: string;
  topic: Topic;
  /** The folder of the project that it belongs to. */
  project: string;
  wants: Want[];
}

export const FAMILIES = 10;
const KINDS_PER_FAMILY = 4;
/** So many families change, and in so many of their kinds. */
const CHANGING = 2;
const KINDS_THAT_CHANGE = 2;
/** Where in the history: shares of it. */
const CHANGE_BETWEEN = [0.4, 0.55] as const;

/** Two of each pair are easily taken for each other. */
const PAIRS: readonly (readonly [Topic, Topic])[] = [
  [
    { noun: "freight quote", alias: "haulage offer" },
    { noun: "freight refund", alias: "haulage repayment" },
  ],
  [
    { noun: "stock export", alias: "outgoing inventory file" },
    { noun: "stock import", alias: "incoming inventory file" },
  ],
  [
    { noun: "member badge", alias: "visitor pass" },
    { noun: "member card", alias: "club pass" },
  ],
  [
    { noun: "exam sheet", alias: "question paper" },
    { noun: "exam grade", alias: "final mark" },
  ],
];

const SINGLES: readonly Topic[] = [
  { noun: "tide table", alias: "flood calendar" },
  { noun: "payslip", alias: "wage statement" },
  { noun: "parcel label", alias: "package sticker" },
  { noun: "room booking", alias: "hall reservation" },
  { noun: "meter reading", alias: "consumption value" },
  { noun: "lab report", alias: "assay summary" },
  { noun: "seed catalogue", alias: "plant list" },
  { noun: "tour schedule", alias: "concert plan" },
  { noun: "bus timetable", alias: "departure list" },
];

const ONE_OFF_FIRST = "harbour museum school forest bakery airport garden theatre railway library market".split(" ");
const ONE_OFF_SECOND = "permit voucher ledger roster diary survey licence tariff inquiry docket".split(" ");

const PROJECTS = ["office", "depot", "club", "atlas"] as const;

/** The most frequent one first. Two pairs of them look alike. */
export function familiesOf(dice: Random, tasks: number): Family[] {
  const pairs = dice.some(PAIRS, 2).flatMap((pair) => {
    // Some of those that look alike lie in the same project, some do not.
    const together = dice.next() < 0.5;
    const [one, other] = dice.some(PROJECTS, 2) as [string, string];
    const [first, second] = [family(pair[0], one, dice), family(pair[1], together ? one : other, dice)];
    oppose(first, second, dice);
    return [first, second];
  });
  const singles = dice.some(SINGLES, FAMILIES - pairs.length).map((topic) => family(topic, dice.pick(PROJECTS), dice));
  const families = dice.some([...pairs, ...singles], FAMILIES);
  // Among the frequent ones, so that it matters.
  for (const each of dice.some(families.slice(0, 5), CHANGING)) change(each, dice, tasks);
  return families;
}

/** Tasks that come once: nothing of them can be known, and nothing learned from them is of use. */
export function oneOffsOf(dice: Random, count: number): Family[] {
  const nouns = ONE_OFF_FIRST.flatMap((first) => ONE_OFF_SECOND.map((second) => `${first} ${second}`));
  return dice.some(nouns, count).map((noun) => family({ noun, alias: noun }, dice.pick(PROJECTS), dice));
}

export function choiceAt({ ways }: Want, task: number): Choice {
  return ways.findLast((way) => way.from <= task)!.choice;
}

function family(topic: Topic, project: string, dice: Random): Family {
  const wants = dice.some(KINDS(), KINDS_PER_FAMILY).map((kind) => ({
    kind,
    ways: [{ from: 0, choice: dice.pick(kind.choices) }],
  }));
  return { key: topic.noun.replaceAll(" ", "_"), topic, project, wants };
}

/** Half of what the second wants is of the same kind as in the first, and another way. */
function oppose(first: Family, second: Family, dice: Random): void {
  const shared = dice.some(first.wants, KINDS_PER_FAMILY / 2).map(({ kind, ways }) => {
    return { kind, ways: [{ from: 0, choice: another(kind, ways[0]!.choice, dice) }] };
  });
  const others = second.wants.filter(({ kind }) => !shared.some((want) => want.kind.key === kind.key));
  second.wants = [...shared, ...others].slice(0, KINDS_PER_FAMILY);
}

function change({ wants }: Family, dice: Random, tasks: number): void {
  const [low, high] = CHANGE_BETWEEN;
  const from = dice.int(Math.floor(low * tasks), Math.floor(high * tasks));
  for (const { kind, ways } of dice.some(wants, KINDS_THAT_CHANGE)) {
    ways.push({ from, choice: another(kind, ways[0]!.choice, dice) });
  }
}

function another(kind: Kind, not: Choice, dice: Random): Choice {
  return dice.pick(kind.choices.filter(({ words }) => words !== not.words));
}
