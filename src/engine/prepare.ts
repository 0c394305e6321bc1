import { merge } from "../base/stream.ts";
import type { EventBody } from "../contracts/event.ts";
import type { Check, CheckResult } from "../contracts/evidence.ts";
import { recordOutputs, runChecks } from "./checks.ts";
import type { Context } from "./context.ts";
import { makePlan, type Planned } from "./plan.ts";
import { type Progress, secure } from "./progress.ts";
import type { Proof } from "./proof.ts";

/** What is known before the work begins. */
export interface Prepared {
  planned: Planned;
  /** The project's own checks. */
  suite: readonly Check[];
  /** How they stand, where nobody had to be asked for permission and the plan did not make it needless. */
  baseline: Baseline | undefined;
}

/** Checks before the first effect. */
interface Baseline {
  /** Those that may run. */
  checks: Check[];
  results: CheckResult[];
  refused: { check: Check; reason: string }[];
}

/**
 * The plan, and beside it the checkpoint and the baseline: both are there before the first effect. Where permission has
 * to be asked for, the plan comes first, because a question needs none. A baseline that turns out to be needless (a
 * question, a planner that fails) is cut short.
 */
export async function* prepare(context: Context, progress: Progress): AsyncGenerator<EventBody, Prepared> {
  const { kit } = context;
  yield { type: "phase", phase: "plan" };
  const suite = await kit.evidence.discover(context.signal);
  if (progress.planned) return { planned: progress.planned, suite, baseline: undefined };
  if (kit.permission !== "auto") {
    const planned = yield* makePlan(context, suite);
    return { planned, suite, baseline: undefined };
  }
  const needless = new AbortController();
  const signal = AbortSignal.any([context.signal, needless.signal]);
  const planning = async function* (): AsyncGenerator<EventBody, Planned> {
    const planned = yield* makePlan(context, suite);
    if (planned.plan.kind === "question") needless.abort();
    return planned;
  };
  const measuring = async function* (): AsyncGenerator<EventBody, Baseline | undefined> {
    try {
      yield* secure(context, progress, signal);
      return yield* takeBaseline(context, suite, signal);
    } catch (error) {
      if (needless.signal.aborted && !context.signal.aborted) return undefined;
      throw error;
    }
  };
  const [planned, baseline] = yield* both(planning(), measuring(), needless);
  return { planned, suite, baseline };
}

/** Two generators side by side; `abort` ends the waits of the one that is left when the other throws. */
async function* both<A, B>(
  a: AsyncGenerator<EventBody, A>,
  b: AsyncGenerator<EventBody, B>,
  abort: AbortController,
): AsyncGenerator<EventBody, [A, B]> {
  const results = yield* merge<EventBody, A | B>([a, b], abort);
  return [results[0] as A, results[1] as B];
}

/**
 * Which checks may run, and how they stand before the first effect. `late`: why it is too late for that, so that what
 * was not measured before is measured without a baseline.
 */
export async function* measurable(
  context: Context,
  { planned, suite, baseline }: Prepared,
  late?: string,
): AsyncGenerator<EventBody, Proof> {
  const own = baseline ?? (yield* takeBaseline(context, suite, context.signal, late));
  const known = new Set(suite.map((check) => check.id));
  const more = planned.proofs.filter((check) => !known.has(check.id));
  const proofs = yield* takeBaseline(context, more, context.signal, late);
  const checks = [...own.checks, ...proofs.checks];
  const refused = [...own.refused, ...proofs.refused];
  yield { type: "proof", checks, refused };
  const asked = context.task.description;
  return { planned, asked, checks, baseline: [...own.results, ...proofs.results], refused };
}

/**
 * Where the project had no tests, the task may have made some: they are found after each iteration and count from then
 * on. There is no baseline of them, so nothing excuses their failures.
 */
export async function* findNewChecks(context: Context, proof: Proof): AsyncGenerator<EventBody, void> {
  // A test script that could not be run as it was (one that never ends, say) may have become one that can.
  const unfit = proof.refused.filter(({ check }) => check.refused !== undefined);
  const refusals = proof.refused.filter(({ check }) => check.refused === undefined);
  const known = [...proof.checks, ...refusals.map(({ check }) => check)];
  if (known.some(({ kind }) => kind === "test")) return;
  const found = (await context.kit.evidence.discover(context.signal)).filter(
    (check) => check.refused === undefined && !known.some((other) => other.id === check.id || isSame(other, check)),
  );
  if (found.length === 0) return;
  const { checks, refused } = yield* takeBaseline(context, found, context.signal, "they are new with this task");
  proof.checks = [...proof.checks, ...checks];
  const stillUnfit = unfit.filter(({ check }) => !found.some(({ id }) => id === check.id));
  proof.refused = [...refusals, ...stillUnfit, ...refused];
  yield { type: "proof", checks: [...proof.checks], refused: [...proof.refused] };
}

/** Asks once more about checks that may not run, and takes the baseline of those that now may. `late`: as in `measurable`. */
export async function* measureRefused(context: Context, proof: Proof, late?: string): AsyncGenerator<EventBody, Proof> {
  const unfit = proof.refused.filter(({ check }) => check.refused !== undefined);
  const refusals = proof.refused.filter(({ check }) => check.refused === undefined).map(({ check }) => check);
  const { checks, results, refused } = yield* takeBaseline(context, refusals, context.signal, late);
  const now = {
    ...proof,
    checks: [...proof.checks, ...checks],
    baseline: [...proof.baseline, ...results],
    refused: [...unfit, ...refused],
  };
  yield { type: "proof", checks: now.checks, refused: now.refused };
  return now;
}

/** A proof of the plan that runs what was found now needs not to run twice. */
function isSame(a: Check, b: Check): boolean {
  return a.command === b.command && a.cwd === b.cwd;
}

/** `late`: why there is no baseline. */
async function* takeBaseline(
  context: Context,
  checks: readonly Check[],
  signal: AbortSignal,
  late?: string,
): AsyncGenerator<EventBody, Baseline> {
  const allowed: Check[] = [];
  const refused: Baseline["refused"] = [];
  for (const check of checks) {
    const reason = check.refused ?? (await context.kit.permitCheck(check.command, context.ask, signal));
    if (reason === undefined) allowed.push(check);
    else refused.push({ check, reason });
  }
  for (const { check, reason } of refused) {
    yield { type: "warning", code: "evidence", message: `not measured: ${check.command}: ${reason}` };
  }
  if (late && allowed.length > 0) {
    const commands = allowed.map(({ command }) => `\`${command}\``).join(", ");
    yield { type: "warning", code: "evidence", message: `no baseline for ${commands}: ${late}` };
  }
  const results = late ? [] : yield* runChecks(context, allowed, "baseline", signal);
  await recordOutputs(context, results, signal);
  return { checks: allowed, refused, results };
}
