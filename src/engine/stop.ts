import type { Decision } from "../contracts/task.ts";

/** Thrown inside the engine where going on is not allowed; `run` turns it into an outcome. */
export class Stop extends Error {
  override readonly name = "Stop";
  readonly decision: Extract<Decision, "abort_budget" | "abort_timeout" | "escalate">;

  constructor(decision: Stop["decision"], reason: string) {
    super(reason);
    this.decision = decision;
  }
}
