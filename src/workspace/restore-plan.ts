import { closeSync, constants, openSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { messageOf } from "../base/errors.ts";
import { codeOf } from "./faults.ts";
import { barrierOn, locate, type Root } from "./roots.ts";
import { type Entry, kindOf, knownAbsent, look, modeOf, type State, sameEntry, untouched } from "./state.ts";
import { hashContent } from "./store.ts";

/** One path that is to become what it was. */
export interface Step {
  path: string;
  root: Root;
  /** Relative to the root. */
  way: string;
  absolute: string;
  /** What it becomes; undefined: nothing. */
  to: Entry | undefined;
  /** What is there; looked at again just before it is replaced. */
  seen: Stats | undefined;
}

export interface PlanInput {
  to: State;
  expected: State;
  /** What somebody else changed after the task did: it stays. */
  keep: ReadonlySet<string>;
  roots: readonly Root[];
}

export interface RestorePlan {
  /** Folders before what they hold. */
  steps: Step[];
  kept: string[];
  failed: string[];
}

/**
 * Compares three states of each path that the task changed: as it shall be (`to`), as the task left it (`expected`),
 * and as it is. Only what still is as the task left it may be replaced.
 */
export async function planRestore(
  { to, expected, keep, roots }: PlanInput,
  breathe: () => Promise<void>,
): Promise<RestorePlan> {
  const plan: RestorePlan = { steps: [], kept: [], failed: [] };
  const becomesFolder = new Set<string>();
  const unknown: string[] = [];
  for (const path of to.entries.differing(expected.entries).sort()) {
    const goal = to.entries.get(path);
    const left = expected.entries.get(path);
    if (sameEntry(goal, left)) continue;
    if (!goal && !knownAbsent(to, path)) {
      unknown.push(path);
      continue;
    }
    await breathe();
    const place = locate(roots, path);
    if (!place) {
      plan.failed.push(`${path}: it lies outside the folders of the task`);
      continue;
    }
    const { root, way } = place;
    const absolute = `${root.path}/${way}`;
    try {
      const barrier = barrierOn(root, way);
      const open = barrier === undefined || becomesFolder.has(root.prefix + barrier);
      const seen = barrier === undefined ? look(absolute) : undefined;
      const verdict = open ? judge(goal, left, absolute, seen) : goal ? "kept" : "done";
      if (verdict === "kept" || (verdict === "replace" && keep.has(path))) plan.kept.push(path);
      else if (verdict === "replace") {
        plan.steps.push({ path, root, way, absolute, to: goal, seen });
        if (goal?.kind === "dir") becomesFolder.add(root.prefix + way);
      } else if (verdict !== "done") plan.failed.push(`${path}: ${verdict}`);
    } catch (error) {
      if (codeOf(error) === "") throw error;
      plan.failed.push(`${path}: ${messageOf(error)}`);
    }
  }
  // A folder that holds what is kept stays, too.
  const holds = (path: string): boolean => plan.kept.some((kept) => kept.startsWith(`${path}/`));
  if (plan.kept.length > 0) plan.steps = plan.steps.filter(({ path, to: goal }) => goal !== undefined || !holds(path));
  if (unknown.length > 0) {
    const shown = unknown.slice(0, 3).join(", ") + (unknown.length > 3 ? ", …" : "");
    plan.failed.push(
      `left in place: ${unknown.length} that were not recorded before, and may have been there (${shown})`,
    );
  }
  return plan;
}

const REASONS: Readonly<Record<string, string>> = {
  large: "it is too large to be recorded",
  total: "it was beyond what is recorded in all",
  unreadable: "it could not be read when it was recorded",
  special: "it is a socket, pipe or device",
};

/** What becomes of one path; any other text is why nothing can. */
function judge(
  goal: Entry | undefined,
  left: Entry | undefined,
  absolute: string,
  seen: Stats | undefined,
): "done" | "kept" | "replace" | (string & {}) {
  if (isAs(goal, absolute, seen)) return "done";
  // Between two kinds nothing is there for a moment: a restore that was killed then may go on.
  const asLeft = isAs(left, absolute, seen) || (!seen && goal !== undefined && goal.kind !== left?.kind);
  if (!asLeft) {
    // A folder that somebody made where one belongs does no harm.
    return goal?.kind === "dir" && seen && kindOf(seen) === "dir" && !left ? "done" : "kept";
  }
  if (goal?.kind === "opaque") return REASONS[goal.content] ?? "it was not recorded";
  // What cannot be brought back is not deleted.
  if (!goal && left?.kind === "opaque" && left.content !== "special") {
    return `left in place, because ${REASONS[left.content] ?? "it was not recorded"}`;
  }
  return "replace";
}

/** True where the disk holds what `entry` says. */
function isAs(entry: Entry | undefined, absolute: string, stats: Stats | undefined): boolean {
  if (!entry || !stats) return !entry && !stats;
  if (entry.kind === "opaque") {
    return kindOf(stats) !== "dir" && entry.size === stats.size && entry.mtime === stats.mtimeMs;
  }
  if (kindOf(stats) !== entry.kind || modeOf(stats) !== entry.mode) return false;
  if (entry.kind === "dir" || untouched(entry, stats)) return true;
  if (entry.kind === "link") return readlinkSync(absolute) === entry.content;
  return stats.size === entry.size && hashFile(absolute) === entry.content;
}

function hashFile(absolute: string): string {
  const file = openSync(absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return hashContent(readFileSync(file));
  } finally {
    closeSync(file);
  }
}
