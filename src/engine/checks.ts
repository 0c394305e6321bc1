import type { EventBody } from "../contracts/event.ts";
import type { Check, CheckResult, Failure } from "../contracts/evidence.ts";
import type { Regression } from "../contracts/task.ts";
import type { FileChange } from "../contracts/workspace.ts";
import type { Context } from "./context.ts";
import { live } from "./execute.ts";

/** Runs checks one after the other (they may share ports, caches and files). */
export async function* runChecks(
  context: Context,
  checks: readonly Check[],
  purpose: "baseline" | "evidence",
  signal: AbortSignal,
): AsyncGenerator<EventBody, CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of checks) {
    signal.throwIfAborted();
    results.push(yield* runCheck(context, check, purpose, signal));
  }
  return results;
}

/** What checks left behind is recorded before the task acts again: so it is not taken for its work. */
export async function recordOutputs({ kit }: Context, ran: readonly CheckResult[], signal: AbortSignal): Promise<void> {
  if (ran.length > 0) await kit.checkpoints.record(signal);
}

export async function* runCheck(
  context: Context,
  check: Check,
  purpose: "baseline" | "evidence",
  signal: AbortSignal,
): AsyncGenerator<EventBody, CheckResult> {
  yield { type: "check_started", check, purpose };
  const result = yield* live(
    (emit) => context.kit.evidence.run(check, signal, emit),
    (chunk) => ({ type: "tool_output", id: check.id, chunk }),
  );
  yield { type: "check_finished", result, purpose };
  return result;
}

/**
 * True where a change touches what a check looks at. Of a monorepo's members a file belongs to the innermost that it
 * lies in; what lies in none belongs to all. Pure.
 */
export function isTouched({ scope }: Check, changes: readonly FileChange[]): boolean {
  if (!scope) return true;
  return changes.some(({ path }) => {
    const owners = scope.members.filter((member) => path === member || path.startsWith(`${member}/`));
    const owner = owners.sort((a, b) => b.length - a.length)[0];
    return owner === undefined || scope.uses.includes(owner);
  });
}

/** Failures of a check that was measured: the named ones, or the check itself where its output named none. */
function failuresOf(result: CheckResult): Failure[] {
  if (result.status !== "failed" && result.status !== "timeout") return [];
  if (result.failures.length > 0) return result.failures;
  const how = result.status === "timeout" ? "did not end in time" : `ended with exit code ${result.exitCode}`;
  return [{ name: result.check.command, message: how }];
}

/**
 * What fails now, parted by the baseline: `fresh` did not fail before (or is a test that did not exist), `old` did and
 * is not the task's fault. A check without a baseline has nothing to be excused by; a declared proof that failed before
 * is no excuse either, it is what the task is for. Pure.
 */
export function compare(
  baseline: readonly CheckResult[],
  now: readonly CheckResult[],
  declared: ReadonlySet<string>,
): { fresh: Regression[]; old: Regression[] } {
  const fresh: Regression[] = [];
  const old: Regression[] = [];
  for (const result of now) {
    const { check } = result;
    const before = baseline.find((other) => other.check.id === check.id);
    const earlier = before ? failuresOf(before) : [];
    // A baseline that failed without naming anything (it did not even build, say) excuses whatever fails now.
    const blind = earlier.length > 0 && before?.failures.length === 0;
    const known = new Set(earlier.map((failure) => failure.name));
    for (const failure of failuresOf(result)) {
      if (!blind && !known.has(failure.name)) fresh.push({ check, failure });
      else if (!declared.has(check.id)) old.push({ check, failure });
    }
    const ran = before?.status === "passed" || (before?.counts?.passed ?? 0) > 0;
    if (ran && (result.status === "empty" || result.status === "unavailable")) {
      const message = result.status === "empty" ? "runs no test any more" : "cannot be run any more";
      fresh.push({ check, failure: { name: check.command, message } });
    }
  }
  return { fresh, old };
}

/** How well a check did, 0..1, and what share of it says so, above 0 to 1. */
export interface CheckScore {
  score: number;
  share: number;
}

/**
 * How well a check did, or undefined where it says nothing. Old failures are not counted against the task and not for it: only
 * the share that passes measures anything. Where no judge was heard either (`judged` false), a check that fails as it did
 * before measures nothing of the task. Pure.
 */
export function scoreOf(result: CheckResult, old: readonly Regression[], judged: boolean): CheckScore | undefined {
  if (result.status === "unavailable" || result.status === "empty") return undefined;
  if (result.status === "passed") return { score: 1, share: 1 };
  const { passed, failed } = result.counts ?? { passed: 0, failed: 0 };
  const excused = old.filter((regression) => regression.check.id === result.check.id).length;
  if (excused === failuresOf(result).length) {
    return judged && passed > 0 ? { score: 1, share: passed / (passed + Math.max(failed, excused)) } : undefined;
  }
  // It failed without a failed test, because it crashed or hung: what passed until then says nothing.
  if (failed === 0) return { score: 0, share: 1 };
  return { score: passed / (passed + Math.max(1, failed - excused)), share: 1 };
}
