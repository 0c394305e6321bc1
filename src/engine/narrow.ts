import { kindOfFile } from "../base/file-kinds.ts";
import type { CheckResult } from "../contracts/evidence.ts";
import type { Dimension, Rubric } from "../contracts/skill.ts";
import type { DimensionScore, Evaluation, Finding } from "../contracts/task.ts";
import type { Diff, FileChange } from "../contracts/workspace.ts";

/** Which dimensions are judged again, and which are taken over. */
export interface Narrowing {
  asked: Dimension[];
  carried: DimensionScore[];
}

/**
 * What has to be judged again after a judgement, by what happened since. A dimension is when a finding in it is open, or
 * when a file was changed of a kind that it looks at (an evaluator says so by `touched_by`; one that says nothing looks
 * at everything). All are where the evidence came out otherwise, where the rubric is another one, or where an open
 * finding belongs to no dimension. Pure.
 */
export function narrow(
  rubric: Rubric,
  before: Evaluation,
  now: { changes: readonly FileChange[]; checks: readonly CheckResult[]; open: readonly Finding[] },
): Narrowing {
  const all: Narrowing = { asked: [...rubric.dimensions], carried: [] };
  const { judgement } = before;
  if (judgement.state !== "scored" || judgement.rubric !== rubric.name) return all;
  if (evidenceOf(before.checks) !== evidenceOf(now.checks)) return all;
  const names = new Set(rubric.dimensions.map(({ name }) => name));
  if (now.open.some(({ dimension }) => !names.has(dimension))) return all;
  const kinds = new Set(now.changes.map(({ path }) => kindOfFile(path)));
  const open = new Set(now.open.map(({ dimension }) => dimension));
  const asked = rubric.dimensions.filter(({ name, touchedBy }) => {
    const touched = touchedBy ? touchedBy.some((kind) => kinds.has(kind)) : kinds.size > 0;
    return touched || open.has(name) || !judgement.dimensions.some((each) => each.name === name);
  });
  return { asked, carried: judgement.dimensions.filter(({ name }) => !asked.some((each) => each.name === name)) };
}

/** What ran and how it came out, without times and words. */
function evidenceOf(checks: readonly CheckResult[]): string {
  return JSON.stringify(checks.map(({ check, status, failures }) => [check.id, status, failures.map((f) => f.name)]));
}

/**
 * What was changed since the last judgement, in words: the files whose whole change is new by name, because `whole`, the
 * diff from before the task, shows it; of those that had been changed before, the difference.
 */
export function sinceText(since: Diff, whole: Diff, judged: readonly FileChange[]): string {
  const before = new Set(judged.map(({ path }) => path));
  const fresh = since.changes.filter(({ path }) => !before.has(path)).map(({ path }) => `- ${path}: all of it`);
  const sections = since.text.split(/^(?=diff --git )/m).filter((section) => !whole.text.includes(section));
  return [fresh.join("\n"), sections.join("")].filter((text) => text !== "").join("\n\n");
}
