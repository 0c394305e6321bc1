/**
 * One user's tasks in the order in which they are given: most of them from families that come again and again, the
 * frequent ones often (Zipf), some that come once. In the middle two families change what they want, so that what was
 * learned before is wrong from then on.
 *
 * Written before the memory, and not to be tuned to it.
 */
import { makefile, TAP_END, tapLibrary } from "../awk-project.ts";
import { type Random, random } from "../draws.ts";
import type { Choice, Kind } from "./conventions.ts";
import { choiceAt, type Family, familiesOf, oneOffsOf, type Topic } from "./families.ts";
import { describe, FILLER } from "./wordings.ts";

export const FIRST_SEED = { building: 1, final: 700_001 } as const;

const ONE_OFFS = 0.15;
/** The n-th family is 1/n^this as frequent as the first. */
const ZIPF = 0.8;
/** The first function is guarded by a visible test, and this share of the others; of the rest only a reader can know. */
const GUARDED = 0.35;
const DOCUMENTS = ["formats", "numbers", "practice", "history"] as const;
const LINES_PER_DOCUMENT = 16;

/** One function of a task that has to be written in one of four ways. */
export interface Site {
  /** The kind's key: unique in the task. */
  id: string;
  kind: Kind;
  choice: Choice;
  /** The line that decides: as it is handed out, and as it should be. */
  stub: string;
  good: string;
  /** The visible test that guards it; tells where something is wrong and not what would be right. */
  test: string;
  guarded: boolean;
  /** As it stands in a document, and in which. */
  rule: string;
  document: string;
  /** An earlier task of this user has shown it, so that somebody who forgets nothing knows it. */
  known: boolean;
}

export interface UserTask {
  user: number;
  /** From 0 on. */
  index: number;
  family: string;
  topic: Topic;
  /** Comes once. */
  oneOff: boolean;
  /** The name of the folder that it lies in: the same for every task of the project. */
  project: string;
  description: string;
  files: Readonly<Record<string, string>>;
  source: string;
  documents: readonly string[];
  sites: readonly Site[];
  /** An awk program; prints `not ok N - <site id>`. Never in the workspace. */
  hidden: string;
}

export interface History {
  tasks: UserTask[];
  /** Everything that tasks of this user are about. */
  topics: Topic[];
}

/** The same seed makes the same history; a shorter one is another one. */
export function historyOf(user: number, count: number): History {
  const dice = random("history", user);
  const families = familiesOf(dice, count);
  const oneOffs = oneOffsOf(dice, Math.min(100, count));
  const topics = [...families, ...oneOffs].map(({ topic }) => topic);
  const shown = new Map<string, string>();
  const tasks = Array.from({ length: count }, (_, index) => {
    const once = dice.next() < ONE_OFFS ? oneOffs.pop() : undefined;
    const family = once ?? frequent(families, dice);
    return taskOf(user, index, family, once !== undefined, shown, random("task", user, index));
  });
  return { tasks, topics };
}

/** The line that decides, whichever way. The end tells it from every other line of the file. */
export function lineOf(kind: Kind, code: string): string {
  return `return ${code}  # ${kind.key}`;
}

export function stubOf(kind: Kind): string {
  return lineOf(kind, '""');
}

function frequent(families: readonly Family[], dice: Random): Family {
  const weights = families.map((_, rank) => 1 / (rank + 1) ** ZIPF);
  let left = dice.next() * weights.reduce((sum, weight) => sum + weight, 0);
  const at = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return families[at] ?? families[0]!;
}

/** `shown`: which way each family's kinds were when they were last seen; it is told of this task. */
function taskOf(
  user: number,
  index: number,
  family: Family,
  oneOff: boolean,
  shown: Map<string, string>,
  dice: Random,
): UserTask {
  const { key, topic, wants } = family;
  const sites = dice.some(wants, dice.int(3, 4)).map((want, at): Site => {
    const { kind } = want;
    const choice = choiceAt(want, index);
    const name = `${key}.${kind.key}`;
    const known = shown.get(name) === choice.words;
    shown.set(name, choice.words);
    return {
      id: kind.key,
      kind,
      choice,
      stub: stubOf(kind),
      good: lineOf(kind, choice.code),
      test: `${topic.noun}: ${kind.key} in every case`,
      guarded: dice.next() < GUARDED || at === 0,
      rule: `Of the ${topic.noun}: ${kind.rule(choice.words)}`,
      // Always in the same document, so that looking is not a matter of the task's luck.
      document: `docs/${random("document", user, key, kind.key).pick(DOCUMENTS)}.md`,
      known,
    };
  });
  const files = {
    "README.md": README(topic.noun),
    ...Object.fromEntries(DOCUMENTS.map((name) => [`docs/${name}.md`, documentOf(name, sites, dice)])),
    [`src/${key}.awk`]: sourceOf(key, sites),
    [`test/${key}.awk`]: suiteOf(
      key,
      sites.filter((site) => site.guarded),
      ({ test }) => test,
    ),
    "test/tap.awk": tapLibrary(false),
    "test/end.awk": TAP_END,
    Makefile: makefile([key]),
  };
  return {
    user,
    index,
    family: key,
    topic,
    oneOff,
    project: family.project,
    description: describe(family, dice),
    files,
    source: `src/${key}.awk`,
    documents: DOCUMENTS.map((name) => `docs/${name}.md`),
    sites,
    hidden: `${tapLibrary(false)}${suiteOf(key, sites, ({ id }) => id)}${TAP_END}`,
  };
}

const README = (noun: string) => `# Awk functions for the ${noun}

\`make test\` runs the tests, which print TAP. They do not check everything: what the functions must do stands in the
documents under docs.
`;

function documentOf(name: string, sites: readonly Site[], dice: Random): string {
  const rules = sites.filter(({ document }) => document === `docs/${name}.md`).map(({ rule }) => rule);
  const lines = [...dice.some(FILLER, LINES_PER_DOCUMENT - rules.length), ...rules];
  return `# ${name[0]!.toUpperCase()}${name.slice(1)}\n\n${dice.some(lines, lines.length).join("\n\n")}\n`;
}

function sourceOf(key: string, sites: readonly Site[]): string {
  const functions = sites.map(({ kind, stub }) => `function ${key}_${kind.key}(${kind.parameters}) {\n  ${stub}\n}\n`);
  return `# What these functions must do stands under docs.\n\n${functions.join("\n")}`;
}

function suiteOf(key: string, sites: readonly Site[], nameOf: (site: Site) => string): string {
  const checks = sites.map((site) => {
    const { kind, choice } = site;
    const got = kind.calls.map((call) => `${key}_${kind.key}(${call})`).join(' " " ');
    return `  check("${nameOf(site)}", ${got}, "${choice.prints.join(" ")}")`;
  });
  return `BEGIN {\n${checks.join("\n")}\n}\n`;
}
