/** Questions to the user and their answers; both are events, answered from whichever surface is there. */

export type Question =
  | {
      kind: "permission";
      id: string;
      /** Tool name. */
      tool: string;
      /** Path, command or host. */
      subject: string;
      /** Diff or whole command. */
      detail: string;
      /** What a person has to know before the answer: why it is asked, what "always" would allow. */
      notes?: readonly string[];
      /** Destructive commands are asked in every mode, and `auto` does not answer them. */
      destructive: boolean;
      choices: readonly PermissionChoice[];
    }
  | {
      kind: "escalation";
      id: string;
      reason: string;
      choices: readonly ("continue" | "stop")[];
    }
  | { kind: "choice"; id: string; text: string; choices: readonly string[] };

/** `task`: for the rest of this task; `always`: saved for this project, in the user's own folder (base/grants.ts). */
export type PermissionChoice = "once" | "task" | "always" | "refuse";

export interface Answer {
  /** One of the question's choices. */
  choice: string;
  /** Which surface answered; `policy` where nobody could be asked. */
  by: "terminal" | "policy" | "api" | "chat" | "editor" | "input";
  /** What the person said with it, passed on to the model. */
  note?: string;
}

/** Distributes over the union, so that each kind keeps its own fields. */
type WithoutId<Q> = Q extends unknown ? Omit<Q, "id"> : never;
export type NewQuestion = WithoutId<Question>;

/**
 * Emits `asked`, waits for an answer from whichever surface is there (unattended, the policy answers at once), emits
 * `answered`. Time spent waiting for a person is not work and is not counted by the time limit.
 */
export type Ask = (question: NewQuestion, signal: AbortSignal) => Promise<Answer>;
