import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Config } from "./base/config.ts";
import { messageOf, UserError } from "./base/errors.ts";
import { ensureDir, writeAtomic } from "./base/files.ts";
import type { Paths } from "./base/paths.ts";
import { isSkillName } from "./base/skill-name.ts";
import { plural } from "./base/text.ts";
import type { MemoryDatabase } from "./memory/database.ts";
import { takeCommands } from "./memory/patterns/commands.ts";
import { recentUsage, wordingsOf } from "./memory/patterns/events.ts";
import { systemOffset } from "./memory/patterns/local-time.ts";
import { mine } from "./memory/patterns/mine.ts";
import { type Draft, plainDraft, skillText } from "./memory/patterns/proposal.ts";
import {
  keepPatterns,
  markApproved,
  markDismissed,
  markProposed,
  type StoredPattern,
  storedPatterns,
} from "./memory/patterns/store.ts";
import { BUNDLED, OPTIONAL } from "./skills/bundled.ts";
import { findSkillFiles } from "./skills/files.ts";
import { loadRoot } from "./skills/load.ts";
import { skillRoots } from "./skills/places.ts";
import { approve, dismiss, type Proposal, proposals } from "./skills/proposals.ts";

/** What patterns need of a process. */
export interface Habits {
  memory: MemoryDatabase;
  paths: Pick<Paths, "skills" | "evaluators" | "data" | "cache" | "commands">;
  config: Config["patterns"];
  /** Milliseconds since 1970. */
  now: number;
}

const HOUR = 60 * 60 * 1000;

/** Finds what the events of the last 30 days show, keeps it, and proposes skills. Returns what is new to the user. */
export async function mineHabits(habits: Habits): Promise<StoredPattern[]> {
  const { memory, paths, config, now } = habits;
  takeCommands(memory, paths.commands);
  const events = recentUsage(memory, now);
  const mined = mine(events, {
    now,
    offsetAt: systemOffset,
    minConfidence: config.min_confidence,
    minSamples: config.min_samples,
  });
  const { added, returned } = keepPatterns(memory, mined, now);
  const unsettled = added.filter((pattern) => !settledByTwin(memory, pattern));
  const fresh = new Set([...unsettled, ...returned].map(({ id }) => id));
  const told = withoutTwins(storedPatterns(memory)).filter(({ id }) => fresh.has(id));
  if (config.auto_propose) {
    for (const pattern of told)
      if (pattern.status === "detected" && isWorthASkill(pattern)) await propose(habits, pattern);
  }
  return storedPatterns(memory).filter(({ id }) => told.some((pattern) => pattern.id === id));
}

/** What the user decided, or has before them, of the same thing as another pattern is not asked again. */
function settledByTwin(memory: MemoryDatabase, pattern: StoredPattern): boolean {
  const twin = withTwins(memory, pattern).find(({ id, status }) => id !== pattern.id && status !== "detected");
  if (!twin) return false;
  if (twin.status === "dismissed") markDismissed(memory, pattern.id);
  if (twin.skill !== null) markProposed(memory, pattern.id, twin.skill);
  if (twin.status === "approved") markApproved(memory, pattern.id, false);
  return true;
}

/** The same at most every `mine_interval_hours`; returns a line that says what is new, or nothing. */
export async function mineWhenDue(
  habits: Omit<Habits, "memory">,
  open: () => Promise<MemoryDatabase>,
): Promise<string | undefined> {
  const { paths, config, now } = habits;
  if (!config.enabled) return undefined;
  const marker = join(paths.cache, "patterns-mined");
  const last = statSync(marker, { throwIfNoEntry: false })?.mtimeMs;
  if (last !== undefined && Math.abs(now - last) < config.mine_interval_hours * HOUR) return undefined;
  // First the mark: another process must not begin the same work.
  mkdirSync(paths.cache, { recursive: true, mode: 0o700 });
  writeFileSync(marker, "", { mode: 0o600 });
  let fresh: StoredPattern[];
  try {
    fresh = await mineHabits({ ...habits, memory: await open() });
  } catch (error) {
    // What was not done is due with the next task.
    rmSync(marker, { force: true });
    throw error;
  }
  return fresh.length === 0 ? undefined : `${plural(fresh.length, "new pattern")}: openkoi learn`;
}

/**
 * Patterns without those that another one says better: what is done at a regular time is not told as recurring, too, nor
 * a step of a sequence that is seldom done alone.
 */
export function withoutTwins(patterns: readonly StoredPattern[]): StoredPattern[] {
  const says = (better: StoredPattern, pattern: StoredPattern) =>
    (better.kind === "time" && pattern.kind === "recurring" && isTwin(better, pattern)) || isStepOf(pattern, better);
  return patterns.filter((pattern) => !patterns.some((other) => says(other, pattern)));
}

/** Share of the times it is done as a step. */
const MOSTLY = 0.6;

function isStepOf(pattern: StoredPattern, sequence: StoredPattern): boolean {
  const [step] = pattern.steps;
  if (sequence.kind !== "sequence" || pattern.kind === "sequence" || !step) return false;
  const isIn = sequence.steps.some(({ kind, group }) => kind === step.kind && group === step.group);
  return isIn && sequence.samples >= pattern.samples * MOSTLY;
}

/** Both are about one and the same thing. */
function isTwin(one: StoredPattern, other: StoredPattern): boolean {
  if (one.kind === "sequence" || other.kind === "sequence") return false;
  const [a, b] = [one.steps[0], other.steps[0]];
  return a !== undefined && b !== undefined && a.kind === b.kind && a.group === b.group;
}

/** A skill says how something is done; a command or another skill alone needs none. */
export function isWorthASkill({ steps }: StoredPattern): boolean {
  return steps.some(({ kind }) => kind === "task" || kind === "integration");
}

/** Writes a proposal for a pattern: `draft`, or a plain one. It is inactive until it is approved. */
export async function propose(habits: Habits, pattern: StoredPattern, draft?: Draft): Promise<Proposal> {
  const { memory, paths } = habits;
  const chosen = draft ?? draftFor(habits, pattern);
  if (!isSkillName(chosen.name)) {
    throw new UserError(
      `${JSON.stringify(chosen.name)} is no name of a skill`,
      "Lowercase letters, digits and hyphens.",
    );
  }
  const folder = join(paths.skills.proposed, chosen.name);
  try {
    await ensureDir(folder, 0o700);
    await writeAtomic(join(folder, "SKILL.md"), skillText(chosen, pattern.key ?? pattern.id));
  } catch (error) {
    throw new UserError(
      `the proposal ${folder} cannot be written: ${messageOf(error)}`,
      "Make room, or its folder writable.",
    );
  }
  markProposed(memory, pattern.id, chosen.name);
  return proposals(paths).find(({ name }) => name === chosen.name)!;
}

/** The plain draft for a pattern, under the name that its proposal has or may have. */
export function draftFor(habits: Habits, pattern: StoredPattern): Draft {
  const taken = takenNames(habits);
  const draft = plainDraft(pattern, wordingsOf(habits.memory, pattern.members), (name) => taken.has(name));
  return pattern.skill === null ? draft : { ...draft, name: pattern.skill };
}

/** Names that a proposal must not have: it would outrank the skill that has it. */
function takenNames({ paths }: Habits): Set<string> {
  const roots = skillRoots(paths).flatMap((root) => {
    const folders = findSkillFiles(root.folder).map((file) => basename(dirname(file)));
    return [...folders, ...loadRoot(root).found.map(({ skill }) => skill.name.toLowerCase())];
  });
  return new Set([...Object.keys(BUNDLED), ...Object.keys(OPTIONAL), ...roots]);
}

/**
 * Approves the proposal of a pattern, which is written first where there is none; returns it. What needs no skill is
 * approved without one.
 */
export async function approvePattern(
  habits: Habits,
  pattern: StoredPattern,
  scheduled: boolean,
): Promise<Proposal | undefined> {
  const { memory, paths } = habits;
  const known = proposals(paths).find(({ name }) => name === pattern.skill);
  const proposal = known ?? (isWorthASkill(pattern) ? await propose(habits, pattern) : undefined);
  const approved = proposal && (await approve(paths, proposal.name));
  for (const { id } of withTwins(memory, pattern)) {
    if (approved) markProposed(memory, id, approved.name);
    markApproved(memory, id, scheduled && id === pattern.id);
  }
  return approved;
}

/** The user does not want it: its proposal goes, and it returns only when it is much surer. */
export async function dismissPattern({ memory, paths }: Habits, pattern: StoredPattern): Promise<void> {
  for (const { id, skill } of withTwins(memory, pattern)) {
    if (skill !== null && proposals(paths).some(({ name }) => name === skill)) await dismiss(paths, skill);
    markDismissed(memory, id);
  }
}

function withTwins(memory: MemoryDatabase, pattern: StoredPattern): StoredPattern[] {
  return storedPatterns(memory).filter((other) => other.id === pattern.id || isTwin(other, pattern));
}
