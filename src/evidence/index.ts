import type { Check, Evidence } from "../contracts/evidence.ts";
import type { Exec } from "../contracts/exec.ts";
import { discoverChecks } from "./discover.ts";
import { screenProofs } from "./proofs.ts";
import { runCheck } from "./run.ts";
import { testsTouched } from "./tests-touched.ts";

export interface EvidenceInput {
  /** Absolute, real. */
  workspace: string;
  exec: Exec;
  /** The section `[evaluate]` of the config. */
  config: { checks: readonly string[] };
  /** Added to the environment of every check. */
  env?: Readonly<Record<string, string>>;
  /**
   * A program that stands for `bun` in the checks of projects that use it: our own binary, where nothing else is
   * installed. Checks then find `BUN_BE_BUN=1`. A script that calls `bun` by name still needs one on PATH.
   */
  bunPath?: string;
}

/** What commands can prove in one workspace: the project's own checks, and the plan's. */
export function createEvidence(input: EvidenceInput): Evidence {
  const { workspace, exec, config, bunPath } = input;
  const programs = { bun: bunPath === undefined ? "bun" : `'${bunPath.replaceAll("'", "'\\''")}'` };
  const env = { ...(bunPath === undefined ? {} : { BUN_BE_BUN: "1" }), ...input.env };
  let known: Check[] = [];
  return {
    async discover(signal) {
      signal.throwIfAborted();
      known = discoverChecks({ workspace, configured: config.checks, programs }, signal);
      return known;
    },
    proofs: (commands) => screenProofs(commands, workspace, known),
    testsTouched,
    run: (check, signal, emit) => runCheck(check, { workspace, exec, env }, signal, emit),
  };
}
