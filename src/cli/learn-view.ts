import { readRegular } from "../base/files.ts";
import { plural, showControl } from "../base/text.ts";
import type { Learning, LearningType } from "../contracts/memory.ts";
import { type Habits, mineHabits, withoutTwins } from "../habits.ts";
import { wordingsOf } from "../memory/patterns/events.ts";
import { examplesOf } from "../memory/patterns/proposal.ts";
import { type StoredPattern, storedPatterns } from "../memory/patterns/store.ts";
import { type Proposal, proposals } from "../skills/proposals.ts";
import { cleanLines, cut, hang, labelled, oneLine } from "./display/layout.ts";
import { ago, type Style, score } from "./display/style.ts";
import type { LearnDeps } from "./learn.ts";

/** All that was learned, as it is now. */
export interface Lessons {
  /** Surest first. */
  patterns: StoredPattern[];
  proposals: Proposal[];
  /** Surest first. */
  learnings: Learning[];
}

/** Looks at the events anew, and at what is kept. */
export async function lookAtLessons({ habits, access, paths }: LearnDeps): Promise<Lessons> {
  if (habits?.config.enabled) await mineHabits(habits);
  return {
    patterns: habits ? storedPatterns(habits.memory) : [],
    proposals: proposals(paths),
    learnings: (await access?.learnings()) ?? [],
  };
}

/** A proposal that no pattern here stands for: written by hand, or its pattern is gone. */
export function strayProposals({ patterns, proposals: all }: Lessons): Proposal[] {
  return all.filter(({ name }) => !patterns.some(({ skill }) => skill === name));
}

/** Patterns that the user has to do with: not what they dismissed, and of two that say the same the one that says more. */
export function openPatterns({ patterns }: Pick<Lessons, "patterns">): StoredPattern[] {
  return withoutTwins(patterns.filter(({ status }) => status !== "dismissed"));
}

export const TYPES: Record<LearningType, string> = { anti_pattern: "avoid", heuristic: "do", preference: "prefer" };

const KINDS: Record<StoredPattern["kind"], string> = {
  recurring: "recurring task",
  time: "regular time",
  sequence: "sequence",
};

/** `openkoi learn list`. */
export function listText(lessons: Lessons, { width, style }: { width: number; style: Style }): string {
  const patterns = openPatterns(lessons).flatMap((pattern) => patternLines(pattern, lessons, style));
  const stray = strayProposals(lessons).flatMap((proposal) => [
    `${style.bold(proposal.name)}  ${stateOf(proposal)}`,
    `  ${style.dim(oneLine(proposal.description))}`,
  ]);
  const learnings = lessons.learnings.map((learning) => {
    const use = learning.recalled > 0 ? style.dim(`  helped ${learning.helped} of ${learning.recalled}`) : "";
    return `${learning.id}  ${score(learning.confidence)}  ${TYPES[learning.type].padEnd(6)} ${oneLine(learning.content)}${use}`;
  });
  const sections: [string, string[]][] = [
    ["patterns", patterns],
    ["other proposals", stray],
    ["learnings", learnings],
  ];
  const shown = sections.filter(([, lines]) => lines.length > 0);
  if (shown.length === 0) return "nothing was learned yet: patterns show after a few days of use\n";
  const open = patterns.length + stray.length > 0 ? "openkoi learn approve NAME, dismiss NAME" : "";
  const known = learnings.length > 0 ? "edit ID, forget ID" : "";
  const hint = [open, "show NAME", known].filter(Boolean).join(", ");
  const text = shown.map(([title, lines]) => [title, ...lines.map((line) => cut(`  ${line}`, width))].join("\n"));
  return `${[...text, style.dim(hint.startsWith("openkoi") ? hint : `openkoi learn ${hint}`)].join("\n\n")}\n`;
}

function patternLines(pattern: StoredPattern, { proposals: all }: Lessons, style: Style): string[] {
  const proposal = all.find(({ name }) => name === pattern.skill);
  const state = proposal ? stateOf(proposal) : pattern.status === "approved" ? "approved" : "no skill";
  return [
    `${style.bold(pattern.skill ?? pattern.id)}  ${state}  ${score(pattern.confidence)}`,
    `  ${pattern.frequency}: ${oneLine(pattern.description)}`,
  ];
}

function stateOf({ state, problem }: Proposal): string {
  if (problem) return "cannot be used";
  return { open: "proposed", approved: "approved", changed: "changed since" }[state];
}

/** A stable document for scripts: everything, what was dismissed too. */
export function listJson({ patterns, proposals: all, learnings }: Lessons): string {
  const document = {
    learnings: learnings.map((learning) => ({
      id: learning.id,
      type: learning.type,
      content: learning.content,
      category: learning.category,
      confidence: learning.confidence,
      source_task: learning.sourceTask,
      workspace: learning.workspace,
      reinforced: learning.reinforced,
      recalled: learning.recalled,
      helped: learning.helped,
      created_at: learning.createdAt,
      last_used: learning.lastUsed,
    })),
    patterns: patterns.map((pattern) => ({
      id: pattern.id,
      kind: pattern.kind,
      description: pattern.description,
      frequency: pattern.frequency,
      confidence: pattern.confidence,
      samples: pattern.samples,
      steps: pattern.steps.map(({ kind, text }) => ({ kind, text })),
      status: pattern.status,
      skill: pattern.skill,
      cron: pattern.cron,
      scheduled: pattern.scheduled,
      first_seen: pattern.firstSeen,
      last_seen: pattern.lastSeen,
    })),
    proposals: all.map(({ name, kind, description, state, file, problem }) => ({
      name,
      kind,
      description,
      state,
      file,
      problem: problem?.message ?? null,
    })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A pattern with what shows it, and the skill that was proposed for it. */
export function patternText(pattern: StoredPattern, habits: Habits, layout: { width: number; style: Style }): string {
  const row = rows(layout);
  const examples = examplesOf(wordingsOf(habits.memory, pattern.members));
  const proposal = proposals(habits.paths).find(({ name }) => name === pattern.skill);
  const cron = pattern.cron ?? "";
  const due = pattern.scheduled ? `${cron}, to run by itself once there is a daemon (not in this version)` : cron;
  return [
    ...hang("", layout.style.bold(oneLine(pattern.description)), layout.width),
    ...row("what", KINDS[pattern.kind]),
    ...row("when", pattern.frequency),
    ...row("sure", `${score(pattern.confidence)}, shown ${plural(pattern.samples, "time")}`),
    ...row("seen", `${pattern.firstSeen.slice(0, 10)} to ${pattern.lastSeen.slice(0, 10)}`),
    ...(due === "" ? [] : row("as cron", due)),
    ...row("state", proposal ? `${stateOf(proposal)} as ${proposal.name}` : pattern.status),
    ...row("id", pattern.id),
    ...(examples.length > 0 ? ["", layout.style.dim("how it was asked for")] : []),
    ...examples.flatMap((example) => hang("  ", oneLine(example), layout.width)),
    ...(proposal ? ["", ...proposalLines(proposal, layout)] : []),
    "",
  ].join("\n");
}

/** Bytes of a skill that is shown. */
const LARGEST_SHOWN = 1024 * 1024;

/** A proposed skill as it lies there. */
export function proposalText(proposal: Proposal, layout: { width: number; style: Style }): string {
  return [...proposalLines(proposal, layout), ""].join("\n");
}

function proposalLines(proposal: Proposal, { width, style }: { width: number; style: Style }): string[] {
  const text = readRegular(proposal.file, LARGEST_SHOWN)?.toString() ?? "";
  const faults = [...(proposal.problem ? [proposal.problem] : []), ...proposal.warnings];
  return [
    style.dim(proposal.file),
    ...faults.flatMap(({ message }) => hang("  ", style.notice(message), width)),
    ...cleanLines(showControl(text)).flatMap((line) => hang(`  ${/^ */.exec(line)![0]}`, line.trim(), width)),
  ];
}

/** A learning with where it came from and how it fared. */
export function learningText(learning: Learning, now: number, layout: { width: number; style: Style }): string {
  const row = rows(layout);
  const used = learning.lastUsed ?? learning.createdAt;
  return [
    ...hang("", layout.style.bold(oneLine(showControl(learning.content))), layout.width),
    ...row("what", `${TYPES[learning.type]} (${oneLine(learning.category)})`),
    ...row("sure", score(learning.confidence)),
    ...row("from", learning.sourceTask === null ? "nobody knows" : `task ${learning.sourceTask}`),
    ...row("where", learning.workspace ?? "anywhere"),
    ...row("used", `${ago(used, now)}; learned again ${plural(learning.reinforced, "time")}`),
    ...row(
      "helped",
      learning.recalled === 0 ? "not recalled yet" : `in ${learning.helped} of ${plural(learning.recalled, "task")}`,
    ),
    ...row("id", learning.id),
    "",
  ].join("\n");
}

function rows({ width, style }: { width: number; style: Style }) {
  return (label: string, text: string) => labelled(label, text, { width, style, verbose: false });
}
