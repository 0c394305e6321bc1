/**
 * Synthetic tasks: small real projects in awk with a Makefile and tests that speak TAP, k defects in them, and hidden
 * checks that know the truth. Awk, because a run of such a suite costs 4 ms (node: 80 ms), so that thousands are run.
 *
 * Written before the engine was seen, and not to be tuned to it.
 */
import { makefile, TAP_END, tapLibrary } from "../awk-project.ts";
import { type Random, random } from "../draws.ts";
import { hasLine } from "../requests.ts";
import { dates } from "./families/dates.ts";
import { lists } from "./families/lists.ts";
import { parsing } from "./families/parsing.ts";
import { pricing } from "./families/pricing.ts";
import { states } from "./families/states.ts";
import { stock } from "./families/stock.ts";
import { text } from "./families/text.ts";
import type { Family, Probe, Rule } from "./rule.ts";

/** The share of lines whose failing a visible test shows; of the others only a reader can know. */
const GUARDED = 0.85;
const MOST_DEFECTS = 4;

/** One line that may be right or wrong, in the task's project. */
export interface Site {
  /** `pricing.shipping`: unique in the task. */
  id: string;
  /** `src/pricing.awk` */
  file: string;
  good: string;
  bad: string;
  /** The name of the visible test that guards it, and what a judge calls it. */
  label: string;
  guarded: boolean;
  /** In the README's words. */
  rule: string;
}

export interface LiftTask {
  seed: number;
  /** What the user asks for. */
  description: string;
  /** The command of the visible tests. */
  command: string;
  /** Everything that is in the workspace, by path. */
  files: Readonly<Record<string, string>>;
  /** The source files among them, in order. */
  sources: readonly string[];
  sites: readonly Site[];
  /** Ids of the sites that are wrong at the start: 1 to 4. */
  defects: readonly string[];
  /** An awk program to be run after the sources; prints `not ok N - <site id>`. Never in the workspace. */
  hidden: string;
}

/** The same seed makes the same task. Without `tests` there is nothing in the workspace that could be run. */
export function generate(seed: number, options: { tests: boolean } = { tests: true }): LiftTask {
  const dice = random("task", seed);
  const modules = dice
    .some(FAMILIES(), dice.int(2, 3))
    .map((family) => ({ family, rules: dice.some(family.rules, dice.int(3, 5)).map((make) => make(dice)) }));
  const sites = modules.flatMap(({ family, rules }) => rules.map((rule) => site(family, rule, dice)));
  const defects = dice.some(sites, dice.int(1, MOST_DEFECTS)).map((each) => each.id);
  const wrong = new Set(defects);

  const files: Record<string, string> = { "README.md": readme(modules, options.tests) };
  for (const { family, rules } of modules) files[`src/${family.name}.awk`] = source(family, rules, wrong);
  const sources = modules.map(({ family }) => `src/${family.name}.awk`);
  if (options.tests) {
    for (const { family, rules } of modules) files[`test/${family.name}.awk`] = suite(family, rules, sites);
    files["test/tap.awk"] = tapLibrary(true);
    files["test/end.awk"] = TAP_END;
    files["Makefile"] = makefile(modules.map(({ family }) => family.name));
  }
  return {
    seed,
    description:
      `This project does not do all that README.md says. Correct the files under src so that every rule in ` +
      `README.md holds for ${modules.map(({ family }) => family.name).join(", ")}. Change nothing else.`,
    command: "make test",
    files,
    sources,
    sites,
    defects,
    hidden: hiddenChecks(modules),
  };
}

/** Which sites are wrong in these files: by the line itself, which is what the hidden checks find out by running. */
export function openSites(task: LiftTask, fileText: (path: string) => string): Set<string> {
  const open = task.sites.filter((each) => !hasLine(fileText(each.file), each.good));
  return new Set(open.map((each) => each.id));
}

interface Module {
  family: Family;
  rules: readonly Rule[];
}

const FAMILIES = (): readonly Family[] => [pricing, text, parsing, dates, lists, states, stock];

const idOf = (family: Family, rule: Rule) => `${family.name}.${rule.key}`;
const labelOf = (family: Family, rule: Rule) => `${family.name}: ${rule.label}`;

function site(family: Family, rule: Rule, dice: Random): Site {
  return {
    id: idOf(family, rule),
    file: `src/${family.name}.awk`,
    good: rule.good,
    bad: rule.bad,
    label: labelOf(family, rule),
    guarded: dice.next() < GUARDED,
    rule: rule.text,
  };
}

function source(family: Family, rules: readonly Rule[], wrong: ReadonlySet<string>): string {
  const functions = rules.map((rule) => {
    const code = wrong.has(idOf(family, rule)) ? rule.code.replace(rule.good, () => rule.bad) : rule.code;
    return `${wrapped(`${rule.key}: ${rule.text}`, "# ")}\n${code}\n`;
  });
  return `# ${family.about}\n# The rules stand in README.md; this file has one function for each of them.\n\n${functions.join("\n")}`;
}

function suite(family: Family, rules: readonly Rule[], sites: readonly Site[]): string {
  const lines = rules.flatMap((rule) => {
    const guarded = sites.find((each) => each.id === idOf(family, rule))?.guarded;
    const ordinary = checkLine(`${family.name}: ${rule.key} in an ordinary case`, rule.plain);
    return guarded ? [ordinary, checkLine(labelOf(family, rule), rule.guard)] : [ordinary];
  });
  return `BEGIN {\n${lines.join("\n")}\n}\n`;
}

function hiddenChecks(modules: readonly Module[]): string {
  const lines = modules.flatMap(({ family, rules }) =>
    rules.flatMap((rule) =>
      [rule.plain, rule.guard, ...rule.hidden].map((probe) => checkLine(idOf(family, rule), probe)),
    ),
  );
  return `${tapLibrary(true)}BEGIN {\n${lines.join("\n")}\n}\n${TAP_END}`;
}

function checkLine(name: string, [expression, want]: Probe): string {
  return `  check("${name}", ${expression}, "${want}")`;
}

function readme(modules: readonly Module[], tests: boolean): string {
  const parts = modules.map(({ family, rules }) => {
    const rows = rules.map((rule) => wrapped(`- \`${rule.key}\`: ${rule.text}`, "", "  "));
    return `## src/${family.name}.awk\n\n${family.about}\n\n${rows.join("\n")}\n`;
  });
  const how = tests ? "`make test` runs the tests, which print TAP.\n\n" : "";
  return `# A library of awk functions\n\n${how}${parts.join("\n")}`;
}

/** Lines of at most 90 characters. */
function wrapped(words: string, first: string, rest = first): string {
  const lines = [first];
  for (const word of words.split(" ")) {
    const last = lines.at(-1)!;
    if (last.length + word.length > 90) lines.push(`${rest}${word} `);
    else lines[lines.length - 1] = `${last}${word} `;
  }
  return lines.map((line) => line.trimEnd()).join("\n");
}
