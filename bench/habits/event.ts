/** One thing that a user did: what the pattern miner reads (PRODUCT.md section 6). */
export interface UsageEvent {
  /** Ms since 1970, UTC. */
  at: number;
  kind: "task" | "command" | "skill" | "integration";
  /** The description of a task, the name of a command, skill or action. */
  text: string;
  /** The plan's category of a task; "" for the others. */
  category: string;
  outcome: "ok" | "failed" | "none";
  /** A chat is one session; what is started by itself has its own. Says nothing of what belongs together. */
  session: string;
}

/** What a miner may find. `members` are indices of the events that it was given. */
export interface Pattern {
  kind: "recurring" | "time" | "sequence";
  members: readonly number[];
  /** Of a time pattern: 0..23, local time. */
  hour?: number;
  /** Of a time pattern: 0 = Sunday, local time. Absent: every day. */
  weekdays?: readonly number[];
  /** Of a sequence: what its steps are called, in order. */
  steps?: readonly string[];
}
