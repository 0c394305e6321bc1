import { basename, dirname, join } from "node:path";
import type { ProjectClaim } from "../base/config.ts";
import type { Answer, Question } from "../contracts/question.ts";

/**
 * Asks whether a folder's own settings or skills are to be used. Undefined where no person answered: the terminal is gone. Rejects
 * when aborted.
 */
export async function askTrust(
  claim: ProjectClaim,
  ask: (question: Question, signal: AbortSignal) => Promise<Answer>,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const file = join(basename(dirname(claim.file)), basename(claim.file));
  const text = `This folder brings its own ${claim.of ?? "settings"} (${file}: ${claim.keys.join(", ")}). Use them?`;
  const answer = await ask({ kind: "choice", id: "trust", text, choices: ["yes", "no"] }, signal);
  return answer.by === "terminal" ? answer.choice === "yes" : undefined;
}
