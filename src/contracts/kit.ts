import type { Config } from "../base/config.ts";
import type { Limits, WarningCode } from "./event.ts";
import type { Evidence } from "./evidence.ts";
import type { Memory } from "./memory.ts";
import type { Model, Role } from "./provider.ts";
import type { Ask } from "./question.ts";
import type { Rubric } from "./skill.ts";
import type { CallRecord } from "./task.ts";
import type { Toolset } from "./tool.ts";
import type { Checkpoints } from "./workspace.ts";

/** Time, handed in so that tests need none. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What a person says while the task runs. Read between turns. */
export interface Input {
  /** Everything said since the last call; empty where nothing was. */
  take(): string[];
}

/** Calls that others make for the task beside the engine's own: the memory's embedder. */
export interface Beside {
  /** Those that ended since the last time. */
  take(): CallRecord[];
}

/** Prose the engine fills in; the texts lie in embed/prompts. */
export interface Prompts {
  system: string;
  plan: string;
  /** The executor's first message where the result will be measured, and that of each later iteration. */
  work: string;
  refine: string;
  judge: string;
  compact: string;
  learn: string;
  repair: string;
  result: string;
}

/** Everything one task has. Made by the composition root; a test hands the engine fakes. */
export interface Kit {
  config: Config;
  limits: Limits;
  models: Readonly<Record<Role, Model>>;
  tools: Toolset;
  evidence: Evidence;
  checkpoints: Checkpoints;
  memory: Memory;
  beside: Beside;
  /** Makes this task the one that writes in the workspace; waits while another one does. Repeated calls cost nothing. */
  claim(signal: AbortSignal): Promise<void>;
  /** The evaluator for a category. */
  rubric(category: string): Rubric;
  prompts: Prompts;
  ask: Ask;
  clock: Clock;
  permission: string;
  /** What the user should know at the start: settings that were ignored, say. */
  notices: readonly { code: WarningCode; message: string }[];
  /** Version of the program. */
  version: string;
  /** Of a task that goes on: when the run before was last seen alive, ISO time. */
  lastAlive?: string;
  /** What the model should know of the place: system, date, folder, files at the top, the project's own notes. */
  surroundings(signal: AbortSignal): Promise<string>;
  /** Who the agent is to be, in the user's words; "" where nobody said. For the executor alone. */
  soul(signal: AbortSignal): Promise<string>;
  /** Names and descriptions of the skills that may help with the task; "" where there are none. */
  skillIndex(task: string, signal: AbortSignal): Promise<string>;
  /** Paths of the workspace's files, the shallow ones first, as many as a plan needs: the planner has no tools. */
  listFiles(signal: AbortSignal): Promise<string>;
  /** May this command be run as evidence? Undefined: yes; else why not. Asks where the mode says so. */
  permitCheck(command: string, ask: Ask, signal: AbortSignal): Promise<string | undefined>;
  /** Saves a text where the task's file tools may read it. Its path; undefined where it could not be saved. */
  keep(name: string, text: string): Promise<string | undefined>;
  /** Checks a value against a JSON Schema; undefined where it fits, else what does not. */
  fits(schema: { [key: string]: unknown }, value: unknown): Promise<string | undefined>;
}
