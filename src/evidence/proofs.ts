import { messageOf } from "../base/errors.ts";
import { ShellSyntaxError } from "../base/shell/words.ts";
import type { Check } from "../contracts/evidence.ts";
import { exitCodeOf } from "./shell/exit-code.ts";
import { hazardOf } from "./shell/hazards.ts";

/** Time limit of a proof, ms. */
const PROOF_TIMEOUT = 120_000;

/**
 * The plan's commands as checks. Refused, with a reason that the planner can act on: what cannot fail, what changes
 * something, what does not end. `known` are the project's own checks: a proof that says the same is that check, so it is
 * run once.
 */
export function screenProofs(
  commands: readonly string[],
  workspace: string,
  known: readonly Check[],
): { checks: Check[]; refused: { command: string; reason: string }[] } {
  const checks = new Map<string, Check>();
  const refused: { command: string; reason: string }[] = [];
  for (const command of commands.map((text) => text.trim())) {
    const reason = refusal(command);
    if (reason) refused.push({ command, reason });
    else {
      const check = sameCheck(command, workspace, known) ?? proofOf(command, workspace);
      checks.set(check.id, check);
    }
  }
  return { checks: [...checks.values()], refused };
}

/** Why a command proves nothing or must not be run, or undefined. */
export function refusal(command: string): string | undefined {
  if (command === "") return "it is empty";
  try {
    const hazard = hazardOf(command);
    if (hazard) return hazard;
    const { canFail, canPass, by } = exitCodeOf(command);
    const decides =
      !by?.command || by.command === command
        ? `it ${by?.why}`
        : `\`${by.command}\` decides its exit code and ${by.why}`;
    if (!canPass) return `it cannot pass: ${decides}`;
    if (canFail) return undefined;
    return `it cannot fail: ${decides}; use a command whose exit code depends on the result, such as \`test -f FILE\`, \`… | grep -q TEXT\` or a test run`;
  } catch (error) {
    if (error instanceof ShellSyntaxError) return `it is not a shell command that can be read: ${messageOf(error)}`;
    throw error;
  }
}

function proofOf(command: string, workspace: string): Check {
  return {
    id: `proof:${command}`,
    kind: "proof",
    command,
    cwd: workspace,
    source: "the plan",
    timeoutMs: PROOF_TIMEOUT,
  };
}

function sameCheck(command: string, workspace: string, known: readonly Check[]): Check | undefined {
  const wanted = canonical(command);
  return known.find((check) => check.cwd === workspace && canonical(check.command) === wanted);
}

/** The same for commands that run the same thing: `npm run test` and `npm test`, `go test -json ./...` and without. */
export function canonical(command: string): string {
  return command
    .trim()
    .replace(/\s+/g, " ")
    .replace(/^(npm|pnpm|yarn) (?:run |run-script )?(?:test|t)(?= |$)/, "$1 test")
    .replace(/^(pnpm|yarn) run /, "$1 ")
    .replace(/^(?:\S*\/)?python3? -m (pytest|unittest|mypy)/, "$1")
    .replace(/^unittest (?:discover )?-v|^unittest$/, "unittest discover")
    .replace(/^go test -(?:json|v) /, "go test ")
    .replace(/^cargo test --no-fail-fast/, "cargo test")
    .replace(/^(?:npx (?:--no-install )?|\.?\/?node_modules\/\.bin\/)/, "");
}
