/**
 * One iteration of the executor's work, turn by turn. It reads what it has to, writes each function as it believes that
 * it should be, and says that it is done. What it believes comes from the request, from the documents that it reads, or
 * from guessing. `task` is looked into for two things only: which line a belief becomes, and whether a guess is right.
 */
import type { ScriptedTurn } from "../../test/fakes/script.ts";
import { hasLine, type Message, textOf } from "../requests.ts";
import type { Choice } from "./conventions.ts";
import type { Topic } from "./families.ts";
import { lineOf, type Site, stubOf, type UserTask } from "./history.ts";
import { type Statement, statementsIn, titleOf } from "./knowledge.ts";
import { type Luck, luckOf } from "./luck.ts";

export interface Work {
  task: UserTask;
  iteration: number;
  topics: readonly Topic[];
  /** What somebody who forgets nothing would know beside the request. */
  known: readonly Site[];
  /** The request that is to be answered now. */
  messages(): readonly Message[];
  odd(what: string): void;
}

/** What the request says of a function. `unsure`: nothing, or two different things. */
type Told = { by: "finding" | "own" | "unnamed" | "other"; choice: Choice } | { by: "unsure" };

/** A second try in the same iteration has luck of its own. */
const AGAIN = 10;

const read = (path: string): ScriptedTurn => ({ calls: [{ name: "read", arguments: { path } }] });

/** Yields turns that call tools; returns the closing one. */
export function* workThrough(work: Work): Generator<ScriptedTurn, ScriptedTurn, void> {
  const { task, iteration } = work;
  const luck = luckOf(task, iteration);
  const prompt = promptOf(work.messages());
  const said = statementsIn(prompt, work.topics);
  const told = new Map(task.sites.map((site) => [site.id, toldOf(site, said, work)]));
  const failing = new Set(task.sites.filter(({ test }) => iteration > 1 && prompt.includes(test)).map(({ id }) => id));

  yield { calls: [...read("README.md").calls!, ...read(task.source).calls!] };
  const source = resultsIn(work.messages());
  const lines = new Map(task.sites.map((site) => [site.id, lineIn(source, site)]));
  for (const [id, line] of lines) if (line === undefined) work.odd(`iteration ${iteration}: ${id} is not readable`);

  const open = task.sites.filter((site) => {
    const at = told.get(site.id)!;
    if (lines.get(site.id) === site.stub || at.by === "finding" || failing.has(site.id)) return true;
    const other = at.by === "own" && lines.get(site.id) !== lineOf(site.kind, at.choice.code);
    return other && luck.is("reconsiders", site.id);
  });
  const followed = open.filter((site) => follows(told.get(site.id)!, luck, site));
  const unknown = open.filter((site) => !followed.includes(site));
  const unread = luck.order(task.documents);
  const rules = new Set<string>();
  const look = function* () {
    yield read(unread.shift()!);
    const text = resultsIn(work.messages());
    for (const site of task.sites) if (text.includes(site.rule)) rules.add(site.id);
  };
  for (let left = luck.patience(); left > 0 && unread.length > 0; left--) {
    if (unknown.every((site) => rules.has(site.id))) break;
    yield* look();
  }

  /** What it wrote and has a reason for. */
  const learned = new Map<Site, Choice>();
  const write = function* (site: Site, choice: Choice) {
    const from = lines.get(site.id) ?? site.stub;
    const to = lineOf(site.kind, choice.code);
    if (from === to) return;
    lines.set(site.id, to);
    yield { calls: [{ name: "edit", arguments: { path: task.source, old: from, new: to } }] };
  };
  for (const site of open) {
    const choice = followed.includes(site)
      ? believed(told.get(site.id)!, rules.has(site.id), luck, site)
      : found(rules.has(site.id), luck, site);
    if (rules.has(site.id) || told.get(site.id)!.by === "finding") learned.set(site, choice);
    yield* write(site, choice);
  }
  const right = task.sites.filter((site) => !open.includes(site) && lines.get(site.id) === site.good);
  const broken = right.find(({ id }) => id === luck.order(right.map((site) => site.id))[0]);
  if (iteration > 1 && broken && luck.is("breaks")) yield* write(broken, luck.wrong(broken));

  if (luck.is("testsItself")) {
    yield { calls: [{ name: "bash", arguments: { command: "make test" } }] };
    const output = resultsIn(work.messages());
    const red = task.sites.filter(({ test }) => new RegExp(`^not ok \\d+ - ${test}$`, "m").test(output));
    if (red.some((site) => !rules.has(site.id)) && unread.length > 0) yield* look();
    for (const site of red) {
      const choice = found(rules.has(site.id), luckOf(task, iteration + AGAIN), site);
      if (rules.has(site.id)) learned.set(site, choice);
      yield* write(site, choice);
    }
  }
  return { text: closing(task, learned, luck) };
}

/** What the program says; what tools answered and the model said itself does not count. */
function promptOf(messages: readonly Message[]): string {
  const said = messages.filter((message) => message.role !== "tool" && message.role !== "assistant");
  return said.map(textOf).join("\n\n");
}

/** The results of the last calls. */
function resultsIn(messages: readonly Message[]): string {
  const last = messages.findLastIndex((message) => message.role === "assistant");
  return messages
    .slice(last + 1)
    .filter((message) => message.role === "tool")
    .map(textOf)
    .join("\n");
}

function lineIn(source: string, { kind }: Site): string | undefined {
  const lines = [stubOf(kind), ...kind.choices.map(({ code }) => lineOf(kind, code))];
  return lines.find((line) => hasLine(source, line));
}

/** A finding about this work counts most; then what is said of this topic, of nothing in particular, of another one. */
function toldOf(site: Site, all: readonly Statement[], { task, known, iteration }: Work): Told {
  const said = all
    .filter(({ kind }) => kind.key === site.kind.key)
    // Before anything was done there is nothing to be found: it is about earlier work.
    .map((each) => ({ ...each, finding: each.finding && iteration > 1 }));
  const memory = known.includes(site) ? [{ choice: site.choice, of: task.topic, finding: false }] : [];
  const own = [...said, ...memory].filter(({ of }) => of?.noun === task.topic.noun);
  const groups = [
    { by: "finding" as const, of: own.filter(({ finding }) => finding) },
    { by: "own" as const, of: own.filter(({ finding }) => !finding) },
    { by: "unnamed" as const, of: said.filter(({ of }) => of === undefined) },
    { by: "other" as const, of: said.filter(({ of }) => of !== undefined && of.noun !== task.topic.noun) },
  ];
  const first = groups.find((group) => group.of.length > 0);
  const choices = new Map((first?.of ?? []).map(({ choice }) => [choice.words, choice]));
  const [choice] = choices.values();
  return first && choice && choices.size === 1 ? { by: first.by, choice } : { by: "unsure" };
}

function follows(told: Told, luck: Luck, { id }: Site): boolean {
  if (told.by === "unsure") return false;
  if (told.by === "finding") return luck.is("mends", id);
  return luck.is(told.by === "own" ? "followsOwn" : told.by === "unnamed" ? "followsUnnamed" : "followsOther", id);
}

/** What was told, unless a document says something else and is believed more. */
function believed(told: Told, documented: boolean, luck: Luck, site: Site): Choice {
  if (told.by === "unsure") throw new Error("nothing was told that could be followed");
  const contradicted = documented && told.choice.words !== site.choice.words;
  return contradicted && luck.is("corrects", site.id) ? site.choice : told.choice;
}

/** Without being told: what a document says, or a guess. */
function found(documented: boolean, luck: Luck, site: Site): Choice {
  return luck.is(documented ? "understands" : "guesses", site.id) ? site.choice : luck.wrong(site);
}

function closing(task: UserTask, learned: ReadonlyMap<Site, Choice>, luck: Luck): string {
  const told = [...learned].filter(([{ id }]) => luck.is("tells", id));
  const mattered = told.map(([{ kind }, choice]) => `${titleOf(task.topic, { kind, choice })}.`).join(" ");
  const done = `The functions for the ${task.topic.noun} are written as the documents want them.`;
  return mattered ? `${done} What mattered: ${mattered}` : done;
}
