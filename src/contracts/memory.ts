/** What is remembered from task to task. Ports are asynchronous, because a fleet keeps them on PostgreSQL. */

/** What a lesson is: what not to do, what to do, what is better than something else. */
export type LearningType = "anti_pattern" | "heuristic" | "preference";

/** A lesson as a task taught it. */
export interface Lesson {
  type: LearningType;
  /** One to three sentences, without secrets. */
  content: string;
  /** The plan's category. */
  category: string;
  /** 0..1, when it was learned. */
  confidence: number;
}

/** A lesson as it is kept. */
export interface Learning extends Lesson {
  id: string;
  /** 0..1 now: what it was when it was last used, faded by `exp(-rate × weeks)` since. */
  confidence: number;
  /** Id of the task that taught it; null where nobody knows. */
  sourceTask: string | null;
  /** Where that task worked; null: anywhere. */
  workspace: string | null;
  /** How often it was learned again. */
  reinforced: number;
  /** In how many tasks it was recalled, and how many of those it helped (memory/uses.ts). */
  recalled: number;
  helped: number;
  /** ISO times. */
  createdAt: string;
  lastUsed: string | null;
}

/** What became of a lesson: `new`, or the old one that says the same was made stronger. */
export interface Learned {
  learning: Learning;
  is: "new" | "reinforced";
}

/** What one asks the memory with. */
export interface Cue {
  /** The task in the user's words. */
  text: string;
  workspace: string;
  /** The task itself: what it left behind in an earlier run is no memory. */
  task: string;
  /** Most tokens of all that comes back. */
  tokens: number;
}

/** Something that was recalled for a task. */
export interface Memento {
  kind: LearningType | "skill" | "task";
  /** Of the learning or the task; the name of the skill. */
  id: string;
  /** As the model reads it, one paragraph. */
  text: string;
  /** Why it came up, in words: what it is like, how sure it is. */
  why: string;
  /** Estimated. */
  tokens: number;
}

/** What the engine knows of the memory. */
export interface Memory {
  /**
   * What earlier tasks taught about this one, in the order of PRODUCT.md section 3: anti-patterns (5), skills (3),
   * heuristics and preferences (5), similar tasks (3, only while half of the tokens is left). Throws where the memory
   * cannot be read; a task goes on without it.
   */
  recall(cue: Cue, signal: AbortSignal): Promise<Memento[]>;
  /** Keeps lessons. One that is known already (similarity > 0.8) makes the old one stronger. */
  learn(
    lessons: readonly Lesson[],
    source: { task: string; workspace: string },
    signal: AbortSignal,
  ): Promise<Learned[]>;
}

/** What is in the memory, for `status` and `doctor`. */
export interface MemorySize {
  learnings: number;
  tasks: number;
  sessions: number;
  chunks: number;
  patterns: number;
  /** Of the database with its log, and of the transcripts. */
  databaseBytes: number;
  transcriptBytes: number;
  schema: number;
  /** The schema that the next task brings it to; absent where it has the newest. */
  nextSchema?: number;
}

/** Costs of a stretch of time. */
export interface CostSum {
  costUsd: number;
  /** False where a price is unknown: `costUsd` is then a lower bound. */
  known: boolean;
  tasks: number;
  calls: number;
  /** Tokens that count: input that was not cached, and output. */
  tokens: number;
  /** By `provider/model`, dearest first. */
  models: { model: string; costUsd: number; known: boolean; calls: number; tokens: number }[];
  /** Tokens not spent, by what saved them. */
  saved: { deltaFeedback: number; skippedEvaluation: number; caching: number };
}

/** Something the user or the agent did, as the pattern miner reads it. */
export interface UsageEvent {
  /** Milliseconds since 1970, UTC. */
  at: number;
  kind: "task" | "command" | "skill" | "integration";
  /** The task's description, the command's or skill's name, the action. */
  text: string;
  category: string;
  outcome: "ok" | "failed" | "none";
  /** What belongs together: the task's or chat's id. */
  session: string;
}

/** A hit of a search. */
export interface MemoryHit {
  /** Of the learning or task that the text was made of, else of the chunk. */
  id: string;
  kind: "learning" | "task" | "facts" | "transcript" | "note";
  text: string;
  /** 0..1, the best hit of a search that both ways found has 1. */
  score: number;
  /** Where the task worked that left it; null: it belongs to no folder. */
  workspace: string | null;
  /** ISO time. */
  createdAt: string;
}

/** What a person and the `memory` tool may do with it. */
export interface MemoryAccess {
  search(text: string, most: number, signal: AbortSignal): Promise<MemoryHit[]>;
  /** Remembers a lesson as the user's own words. */
  save(
    lesson: Lesson,
    source: { task: string | null; workspace: string | null },
    signal: AbortSignal,
  ): Promise<Learned>;
  /** Surest first. */
  learnings(): Promise<Learning[]>;
  edit(id: string, content: string, signal: AbortSignal): Promise<Learning | undefined>;
  /** The text of what can be forgotten under this id: a lesson, or a piece of what was said in a task. */
  look(id: string): Promise<string | undefined>;
  /** Forgets that; a piece of what was said is found no more, its transcript stays. False where there is no such thing. */
  forget(id: string): Promise<boolean>;
}
