import type { Event, EventBody } from "../../src/contracts/event.ts";
import type { Check, CheckResult } from "../../src/contracts/evidence.ts";
import type { Evaluation, Finding, Outcome } from "../../src/contracts/task.ts";

/** Gives events their envelope: numbered, one second apart unless told otherwise. */
export function told(bodies: readonly EventBody[], stepMs = 1000): Event[] {
  let iteration = 0;
  return bodies.map((body, at) => {
    if (body.type === "iteration_started") iteration = body.iteration;
    return {
      v: 1,
      seq: at + 1,
      time: new Date(Date.UTC(2026, 10, 23, 10, 15, 2) + at * stepMs).toISOString(),
      task: "20261123-101502-k3f9",
      agent: "main",
      parent: null,
      iteration,
      ...body,
    };
  });
}

export const check: Check = {
  id: "test:npm test",
  kind: "test",
  command: "npm test",
  cwd: "/home/ada/shop",
  source: "package.json scripts.test",
  timeoutMs: 60_000,
};

export function checked(
  passed: number,
  failures: CheckResult["failures"],
  more: Partial<CheckResult> = {},
): CheckResult {
  return {
    check,
    status: failures.length > 0 ? "failed" : "passed",
    exitCode: failures.length > 0 ? 1 : 0,
    counts: { passed, failed: failures.length, skipped: 0 },
    failures,
    output: "",
    ms: 412,
    ...more,
  };
}

export const finding: Finding = {
  id: "f1",
  severity: "important",
  dimension: "correctness",
  title: "Negative prices are rounded the wrong way",
  description: "Math.round(-2.5) is -2, and the receipt expects -3.",
  location: "src/price.js:12",
  fix: "Round the absolute value.",
};

export function evaluated(score: number | null, more: Partial<Evaluation> = {}): Evaluation {
  return {
    iteration: 1,
    score,
    tests: 1,
    static: null,
    judgement: {
      state: "scored",
      dimensions: [
        { name: "correctness", weight: 0.6, score: 0.5 },
        { name: "style", weight: 0.4, score: 0.9 },
      ],
      score: 0.66,
      findings: [],
      rubric: "code-review",
    },
    checks: [],
    testsTouched: [],
    regressions: [],
    oldFailures: [],
    unproven: [],
    findings: [],
    resolved: [],
    heldBy: [],
    accepted: false,
    unmeasured: [],
    ...more,
  };
}

export function ended(status: Outcome["status"], more: Partial<Outcome> = {}): Outcome {
  return {
    status,
    decision: "accept",
    text: "Prices are rounded correctly now.",
    reason: "0.91 reaches 0.80",
    score: 0.91,
    best: 2,
    iterations: 2,
    evaluation: null,
    changes: [{ path: "src/price.js", kind: "changed", added: 3, removed: 1 }],
    spent: {
      usage: { input: 9000, output: 1400, cacheRead: 22_000, cacheWrite: 2000, reasoning: 0 },
      costUsd: 0.0421,
      costKnown: true,
      calls: 9,
    },
    saved: { deltaFeedback: 4000, skippedEvaluation: 0, incrementalEvaluation: 0, caching: 22_000 },
    workMs: 61_000,
    wallMs: 72_000,
    ...more,
  };
}

const call = (id: string, name: string) => ({ type: "tool_call" as const, id, name, arguments: "{}" });
const fine = (text = "ok") => ({ text, isError: false });

export const started: EventBody = {
  type: "task_started",
  request: {
    id: "20261123-101502-k3f9",
    description: "Make the failing test pass",
    workspace: "/home/ada/shop",
    addDirs: [],
    createdAt: "2026-11-23T10:15:02.000Z",
  },
  models: {
    executor: "anthropic/claude-sonnet",
    evaluator: "anthropic/claude-sonnet",
    planner: "anthropic/claude-sonnet",
    small: "anthropic/claude-haiku",
  },
  limits: { iterations: 3, qualityThreshold: 0.8, budgetUsd: 2, tokenBudget: 1_000_000, timeoutMs: 1_800_000 },
  permission: "auto",
  version: "2026.11.23",
};

export function spent(role: "planner" | "executor" | "evaluator", costUsd: number | null): EventBody {
  return {
    type: "model_finished",
    call: {
      role,
      model: "anthropic/claude-sonnet",
      usage: { input: 2100, output: 310, cacheRead: 4000, cacheWrite: 0, reasoning: 0 },
      costUsd,
      ms: 900,
      stop: "end",
    },
  };
}

const oldFailure = { name: "rounds half up", location: "test/price.test.js:8" };

/** A made-up task from start to end: two iterations, one failure that was there before, all kinds of tools. */
export function story(): Event[] {
  return told([
    started,
    { type: "warning", code: "config", message: "config.toml, line 3: unknown key itteration is ignored" },
    { type: "phase", phase: "plan" },
    { type: "model_started", role: "planner", model: "anthropic/claude-sonnet" },
    { type: "check_started", check, purpose: "baseline" },
    spent("planner", 0.0042),
    {
      type: "planned",
      plan: {
        kind: "change",
        category: "code",
        steps: ["Find the failing test and what it expects", "Fix the rounding in src/price.js", "Run the tests"],
        checks: ["npm test"],
      },
      proofs: [],
      source: "model",
      refused: [],
    },
    { type: "check_finished", result: checked(3, [oldFailure]), purpose: "baseline" },
    { type: "iteration_started", iteration: 1 },
    { type: "phase", phase: "execute" },
    { type: "conversation", system: "You are OpenKoi." },
    { type: "model_started", role: "executor", model: "anthropic/claude-sonnet" },
    { type: "text", text: "I'll look at the test " },
    { type: "text", text: "first." },
    spent("executor", 0.0061),
    {
      type: "message",
      message: {
        role: "assistant",
        from: "anthropic/claude-sonnet",
        blocks: [
          { type: "reasoning", text: "The test says half up." },
          { type: "text", text: "I'll look at the test first." },
          call("c1", "read"),
          call("c2", "read"),
        ],
      },
    },
    { type: "tool_started", call: call("c1", "read"), effect: "read", subject: "test/price.test.js" },
    {
      type: "tool_started",
      call: call("c2", "read"),
      effect: "read",
      subject: "src/価格/日本語のとても長いファイル名.js",
    },
    { type: "tool_finished", id: "c1", name: "read", result: fine("line one\nline two"), ms: 2 },
    { type: "tool_finished", id: "c2", name: "read", result: { text: "no such file: src/価格", isError: true }, ms: 2 },
    { type: "tool_started", call: call("c3", "edit"), effect: "write", subject: "src/price.js" },
    { type: "tool_finished", id: "c3", name: "edit", result: fine(), ms: 4 },
    { type: "model_retry", model: "anthropic/claude-sonnet", attempt: 2, waitMs: 4000, reason: "overloaded (529)" },
    {
      type: "tool_started",
      call: call("c4", "bash"),
      effect: "execute",
      subject: "npm test -- --reporter=spec --grep 'price' && echo a very long command that goes on and on",
    },
    { type: "tool_output", id: "c4", chunk: "\x1b[31mTAP version 13\x1b[0m\nok 1 - adds\nok 2 - ro" },
    { type: "tool_output", id: "c4", chunk: "unds\n1..2" },
    { type: "tool_finished", id: "c4", name: "bash", result: fine("TAP version 13"), ms: 1210 },
    { type: "message", message: { role: "assistant", from: "x/y", blocks: [{ type: "text", text: "All done." }] } },
    {
      type: "changed",
      diff: { changes: [{ path: "src/price.js", kind: "changed", added: 3, removed: 1 }], text: "", truncated: false },
    },
    { type: "phase", phase: "evaluate" },
    { type: "check_started", check, purpose: "evidence" },
    { type: "check_finished", result: checked(3, [oldFailure]), purpose: "evidence" },
    { type: "model_started", role: "evaluator", model: "anthropic/claude-sonnet" },
    { type: "judged", judgement: evaluated(0.62).judgement },
    {
      type: "evaluated",
      evaluation: evaluated(0.62, { findings: [finding], unmeasured: ["no type-checker or linter is configured"] }),
    },
    { type: "decided", decision: "continue", reason: "0.62 is below 0.80" },
    { type: "iteration_started", iteration: 2 },
    { type: "phase", phase: "refine" },
    { type: "model_started", role: "executor", model: "anthropic/claude-sonnet" },
    { type: "tool_started", call: call("c5", "edit"), effect: "write", subject: "src/price.js" },
    { type: "tool_finished", id: "c5", name: "edit", result: fine(), ms: 3 },
    { type: "check_finished", result: checked(4, []), purpose: "evidence" },
    { type: "judged", judgement: { state: "failed", reason: "the judge answered prose twice" } },
    { type: "evaluated", evaluation: evaluated(0.91, { accepted: true, iteration: 2 }) },
    { type: "decided", decision: "accept", reason: "0.91 reaches 0.80" },
    { type: "task_finished", outcome: ended("accepted") },
  ]);
}
