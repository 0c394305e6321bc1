import type { Check, CheckKind, CheckResult, Evidence } from "../../src/contracts/evidence.ts";
import type { Files } from "./checkpoints.ts";

/** How a run of a check ends. A list of names: failed, with these failures. `hang`: not before it is aborted. */
export type ScriptedResult =
  | "passed"
  | "failed"
  | "empty"
  | "timeout"
  | "unavailable"
  | "hang"
  | readonly string[]
  | Partial<CheckResult>;

/** `run` counts the runs of this check, from 0. */
export type EvidenceScript = (check: Check, run: number, files: Files) => ScriptedResult | Promise<ScriptedResult>;

export interface FakeEvidence extends Evidence {
  /** Commands in the order in which they were run. */
  readonly runs: string[];
  /** Resolves when a check that hangs has begun to. */
  readonly hanging: Promise<void>;
}

export function check(command: string, kind: CheckKind = "test"): Check {
  return { id: `${kind}:${command}`, kind, command, cwd: "/work", source: "the test", timeoutMs: 60_000 };
}

export function result(of: Check, facts: Partial<CheckResult> = {}): CheckResult {
  return { check: of, status: "passed", exitCode: 0, failures: [], output: "", ms: 1, ...facts };
}

/** The project's own checks, or what they are with these files. */
export type Suite = readonly Check[] | ((files: Files) => readonly Check[]);

/** Evidence whose results are scripted per run. Refuses the commands `true` and `echo …` as proofs. */
export function fakeEvidence(files: Files, suite: Suite, script: EvidenceScript): FakeEvidence {
  const runs: string[] = [];
  const now = () => (typeof suite === "function" ? suite(files) : suite);
  const hanging = Promise.withResolvers<void>();
  return {
    runs,
    hanging: hanging.promise,
    async discover(signal) {
      signal.throwIfAborted();
      return [...now()];
    },
    proofs(commands) {
      const useless = commands.filter((command) => command === "true" || command.startsWith("echo "));
      // As the real one does: a proof that says the same as one of the project's own checks is that check.
      const checks = commands
        .filter((command) => !useless.includes(command))
        .map((command) => now().find((known) => known.command === command) ?? check(command, "proof"));
      return { checks, refused: useless.map((command) => ({ command, reason: "it cannot fail" })) };
    },
    testsTouched: () => [],
    async run(asked, signal, emit) {
      signal.throwIfAborted();
      const run = runs.filter((command) => command === asked.command).length;
      runs.push(asked.command);
      emit(`running ${asked.command}\n`);
      const scripted = await script(asked, run, files);
      if (scripted === "hang") {
        hanging.resolve();
        return await new Promise<CheckResult>((_, reject) => {
          if (signal.aborted) reject(signal.reason);
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      }
      return complete(asked, scripted);
    },
  };
}

function complete(of: Check, scripted: Exclude<ScriptedResult, "hang">): CheckResult {
  if (typeof scripted === "string") return result(of, { status: scripted, exitCode: scripted === "passed" ? 0 : 1 });
  if (isNames(scripted)) {
    const failures = scripted.map((name) => ({ name, location: `${name}.ts:1`, message: `${name} is wrong` }));
    return result(of, { status: "failed", exitCode: 1, failures, output: `${scripted.join(" and ")} failed` });
  }
  return result(of, scripted);
}

function isNames(scripted: readonly string[] | Partial<CheckResult>): scripted is readonly string[] {
  return Array.isArray(scripted);
}
