import { Exit, type ExitCode, UsageError, UserError } from "../base/errors.ts";
import { closest, firstLine, formatUsd, plural } from "../base/text.ts";
import type { Learning } from "../contracts/memory.ts";
import { approvePattern, dismissPattern, draftFor, isWorthASkill, propose, withoutTwins } from "../habits.ts";
import { wordingsOf } from "../memory/patterns/events.ts";
import type { StoredPattern } from "../memory/patterns/store.ts";
import { writeSkill } from "../skill-writer.ts";
import { approve, dismiss, type Proposal } from "../skills/proposals.ts";
import { oneLine } from "./display/layout.ts";
import type { LearnDeps } from "./learn.ts";
import {
  type Lessons,
  learningText,
  lookAtLessons,
  openPatterns,
  patternText,
  proposalText,
  strayProposals,
} from "./learn-view.ts";

/** What a word on the command line means. */
export type Target =
  | { is: "pattern"; pattern: StoredPattern }
  | { is: "proposal"; proposal: Proposal }
  | { is: "learning"; learning: Learning };

const LIST = "openkoi learn list shows them.";

/** Everything that can be named, what was dismissed left out. */
export function targetsOf(lessons: Lessons): Target[] {
  return [
    ...openPatterns(lessons).map((pattern) => ({ is: "pattern" as const, pattern })),
    ...strayProposals(lessons).map((proposal) => ({ is: "proposal" as const, proposal })),
    ...lessons.learnings.map((learning) => ({ is: "learning" as const, learning })),
  ];
}

/** What can be approved or dismissed, by name or id. */
function find(word: string, targets: readonly Target[], what: string): Target {
  const named = targets.map((target) => ({ target, names: namesOf(target) }));
  const exact = named.filter(({ names }) => names.includes(word));
  const found = exact.length > 0 ? exact : named.filter(({ names }) => names.some((name) => name.startsWith(word)));
  if (found.length === 1 && word !== "") return found[0]!.target;
  const shown = firstLine(word);
  if (found.length > 1) {
    const some = found.slice(0, 3).map(({ names }) => names[0]);
    throw new UsageError(`"${shown}" may be ${some.join(", ")}${found.length > 3 ? ", …" : ""}`, LIST);
  }
  const meant = closest(
    word,
    named.flatMap(({ names }) => names),
  );
  throw new UsageError(`there is no ${what} "${shown}"${meant ? `: did you mean ${meant}?` : ""}`, LIST);
}

/** The name of its skill first. */
export function namesOf(target: Target): string[] {
  if (target.is === "learning") return [target.learning.id];
  if (target.is === "proposal") return [target.proposal.name];
  const { id, skill } = target.pattern;
  return skill === null ? [id] : [skill, id];
}

const isProposable = ({ is }: Target) => is !== "learning";

/** `learn approve NAME|all`. */
export async function approveCommand(deps: LearnDeps, words: readonly string[]): Promise<ExitCode> {
  const word = oneWord(words, "approve", "NAME, or all");
  const lessons = await lookAtLessons(deps);
  const targets = targetsOf(lessons).filter(isProposable);
  const chosen = word === "all" ? targets.filter(isOpen(lessons)) : [find(word, targets, "pattern or proposal")];
  if (chosen.length === 0) deps.write("nothing waits to be approved\n");
  for (const target of chosen) deps.write(await approveTarget(deps, target));
  return Exit.ok;
}

/** It has a proposed skill that the user did not approve as it is now. */
function isOpen({ proposals }: Lessons): (target: Target) => boolean {
  const open = new Set(
    proposals.filter(({ state, problem }) => state !== "approved" && !problem).map(({ name }) => name),
  );
  return (target) => namesOf(target).some((name) => open.has(name));
}

/** Approves it, and offers to keep when it is due. Returns what to say. */
export async function approveTarget(deps: LearnDeps, target: Target): Promise<string> {
  if (target.is === "learning") throw new Error("a learning needs no approval");
  if (target.is === "proposal") {
    const { name } = await approve(deps.paths, target.proposal.name);
    return `approved: ${name}, offered from the next task on\n`;
  }
  const { pattern } = target;
  const scheduled = pattern.cron !== null && (await deps.offer(pattern.frequency));
  const proposal = await approvePattern(deps.habits!, pattern, scheduled);
  const what = proposal ? `${proposal.name}, offered from the next task on` : `${pattern.id}, which needs no skill`;
  const later = scheduled
    ? `  kept: ${pattern.frequency} (${pattern.cron}). Nothing runs by itself before there is a daemon, which is not in this version.\n`
    : "";
  return `approved: ${what}\n${later}`;
}

/** `learn dismiss NAME`. */
export async function dismissCommand(deps: LearnDeps, words: readonly string[]): Promise<ExitCode> {
  const word = oneWord(words, "dismiss", "NAME");
  const targets = targetsOf(await lookAtLessons(deps)).filter(isProposable);
  deps.write(await dismissTarget(deps, find(word, targets, "pattern or proposal")));
  return Exit.ok;
}

export async function dismissTarget(deps: LearnDeps, target: Target): Promise<string> {
  const [name] = namesOf(target);
  if (target.is === "learning") throw new Error("a learning is forgotten, not dismissed");
  if (target.is === "proposal") await dismiss(deps.paths, target.proposal.name);
  else await dismissPattern(deps.habits!, target.pattern);
  return `dismissed: ${name}${target.is === "pattern" ? "; it returns only when it shows much more clearly" : ""}\n`;
}

/** `learn write NAME`: the planner model words a proposal, in one call that the user asked for. */
export async function writeCommand(deps: LearnDeps, words: readonly string[]): Promise<ExitCode> {
  const word = oneWord(words, "write", "NAME");
  deps.write(await writeTarget(deps, find(word, targetsOf(await lookAtLessons(deps)).filter(isProposable), "pattern")));
  return Exit.ok;
}

export async function writeTarget(deps: LearnDeps, target: Target): Promise<string> {
  if (target.is !== "pattern" || !isWorthASkill(target.pattern)) {
    throw new UsageError(`${namesOf(target)[0]} is nothing that a skill could be written for`, LIST);
  }
  const habits = deps.habits!;
  const { pattern } = target;
  const plain = draftFor(habits, pattern);
  const wordings = wordingsOf(habits.memory, pattern.members);
  const model = await deps.planner();
  const { draft, kept, call } = await writeSkill({ model, pattern, wordings, plain, signal: deps.signal });
  if (call) await deps.spent(call);
  if (kept !== undefined) {
    if (pattern.skill === null) await propose(habits, pattern, plain);
    return `the plain text was kept: ${oneLine(kept)}\n`;
  }
  const { name } = await propose(habits, pattern, draft);
  const cost = typeof call?.costUsd === "number" ? formatUsd(call.costUsd) : "price unknown";
  return `written by ${oneLine(call?.model ?? model.info.ref)} (${cost}): ${name}. Read it, then: openkoi learn approve ${name}\n`;
}

/** `learn show NAME|ID`. */
export async function showCommand(deps: LearnDeps, words: readonly string[]): Promise<ExitCode> {
  const word = oneWord(words, "show", "NAME or ID");
  const lessons = await lookAtLessons(deps);
  const all = [
    ...targetsOf(lessons),
    ...withoutTwins(lessons.patterns)
      .filter(({ status }) => status === "dismissed")
      .map((pattern) => ({ is: "pattern" as const, pattern })),
  ];
  deps.write(textOf(deps, find(word, all, "pattern, proposal or learning")));
  return Exit.ok;
}

export function textOf(deps: LearnDeps, target: Target): string {
  if (target.is === "learning") return learningText(target.learning, deps.now(), deps);
  return target.is === "pattern"
    ? patternText(target.pattern, deps.habits!, deps)
    : proposalText(target.proposal, deps);
}

/** `learn forget ID`. */
export async function forgetCommand(deps: LearnDeps, words: readonly string[]): Promise<ExitCode> {
  const word = oneWord(words, "forget", "ID");
  deps.write(await forgetLearning(deps, await learningNamed(deps, word)));
  return Exit.ok;
}

export async function forgetLearning({ access }: LearnDeps, { id, content }: Learning): Promise<string> {
  const gone = await access!.forget(id);
  return gone ? `forgotten: ${oneLine(content)}\n` : `${id} was forgotten already\n`;
}

/** `learn edit ID [TEXT]`: with the text that is given, or in the user's editor. */
export async function editCommand(deps: LearnDeps, [word, ...text]: readonly string[]): Promise<ExitCode> {
  if (word === undefined) throw missing("edit", "ID [TEXT]");
  const learning = await learningNamed(deps, word);
  deps.write(await editLearning(deps, learning, text.length > 0 ? text.join(" ") : undefined));
  return Exit.ok;
}

export async function editLearning(deps: LearnDeps, learning: Learning, given?: string): Promise<string> {
  const text = (given ?? (await deps.edit(learning.content))).trim();
  if (text === "")
    throw new UserError("the text is empty", `To forget it: openkoi learn forget ${learning.id}`, Exit.usage);
  if (text === learning.content) return "nothing was changed\n";
  const edited = await deps.access!.edit(learning.id, text, deps.signal);
  if (!edited) throw new UserError(`${learning.id} is not there any more`, LIST);
  return `changed: ${oneLine(edited.content)}\n`;
}

async function learningNamed(deps: LearnDeps, word: string): Promise<Learning> {
  const learnings = (await deps.access?.learnings()) ?? [];
  const targets = learnings.map((learning) => ({ is: "learning" as const, learning }));
  const found = find(word, targets, "learning");
  if (found.is !== "learning") throw new Error("only learnings were asked for");
  return found.learning;
}

function oneWord(words: readonly string[], command: string, takes: string): string {
  const [word] = words;
  if (word === undefined || words.length > 1) throw missing(command, takes, words.length);
  return word;
}

function missing(command: string, takes: string, got = 0): UsageError {
  const what =
    got > 1
      ? `takes one ${takes.split(" ")[0]}, got ${plural(got, "word")}`
      : `needs ${/^[AEIO]/.test(takes) ? "an" : "a"} ${takes}`;
  return new UsageError(`"learn ${command}" ${what}`, LIST);
}
