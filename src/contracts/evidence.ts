import type { Diff } from "./workspace.ts";

/** What a command can prove. */

export type CheckKind = "test" | "static" | "proof";

export interface Check {
  /** Stable within a task: `test:npm test`, `proof:node check.js`. */
  id: string;
  kind: CheckKind;
  /** Shell command line. */
  command: string;
  /** Absolute. */
  cwd: string;
  /** Why it is run: `package.json scripts.test`, `the plan`. */
  source: string;
  timeoutMs: number;
  /**
   * In a monorepo: the folders whose files it looks at, and all folders that are members, relative to the workspace. A
   * file that lies in no member belongs to all. Absent: it looks at everything.
   */
  scope?: { uses: string[]; members: string[] };
  /** Why it is not run although it is there, e.g. because it never ends. Absent: it is run. */
  refused?: string;
}

export interface Failure {
  /** The test's or rule's name, stable between runs. */
  name: string;
  /** `file:line`, relative to the workspace. */
  location?: string;
  message?: string;
}

/**
 * `empty`: it ran, exit 0, but ran no test: not a pass. `unavailable`: the command could not be started (no such
 * program): not measured, not a failure. `timeout`: it hung.
 */
export type CheckStatus = "passed" | "failed" | "empty" | "timeout" | "unavailable";

export interface CheckResult {
  check: Check;
  status: CheckStatus;
  exitCode: number | null;
  /** Where the runner's output could be read. */
  counts?: { passed: number; failed: number; skipped: number };
  failures: Failure[];
  /** Names of tests that passed, where the runner says them: what must go on passing. */
  passed?: string[];
  /** The end of the output, at most 4 KB. */
  output: string;
  ms: number;
  /** True where it failed once and passed when run again. */
  flaky?: boolean;
}

/**
 * What the task did to a test file. `removed`: tests were taken out of it. `skipped`: tests were switched off.
 * `focused`: `.only`, so that the others no longer run. `weakened`: fewer assertions. `settings`: the file that says
 * which tests run.
 */
export interface TestTouch {
  /** Relative to the workspace. */
  path: string;
  kind: "changed" | "deleted" | "removed" | "skipped" | "focused" | "weakened" | "settings";
  /** One sentence, with the line where there is one. */
  detail: string;
  /** `file:line` in the new file. */
  location?: string;
}

export interface Evidence {
  /** The project's own tests, type-checks and linters. Fast, starts nothing. */
  discover(signal: AbortSignal): Promise<Check[]>;
  /** The plan's commands as checks. A command that cannot fail, or that only looks, is refused with the reason. */
  proofs(commands: readonly string[]): { checks: Check[]; refused: { command: string; reason: string }[] };
  /** Whether the task laid hands on the tests that judge it. Pure. */
  testsTouched(diff: Diff): TestTouch[];
  run(check: Check, signal: AbortSignal, emit: (chunk: string) => void): Promise<CheckResult>;
}
