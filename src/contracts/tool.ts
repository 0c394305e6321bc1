import type { BigIntStats } from "node:fs";
import type { Schema } from "../base/schema.ts";
import type { Exec } from "./exec.ts";
import type { ImageBlock, ToolCallBlock } from "./message.ts";
import type { ToolSpec } from "./provider.ts";
import type { Ask } from "./question.ts";

/** What a call does to the world. Only `read` may run beside others and needs no permission. */
export type Effect = "read" | "write" | "execute" | "network";

/** What one tool call may use. Made per task by the wrapper in tools/define.ts. */
export interface ToolContext {
  /** The task's folder, absolute and real (no links in it). */
  workspace: string;
  /** Further writable folders (`--add-dir`), absolute and real. */
  addDirs: readonly string[];
  /** Further folders that may be read: results that were cut, skills; absolute and real. */
  readable: readonly string[];
  exec: Exec;
  /** What this task has read: decides whether a file changed behind our back. */
  seen: SeenFiles;
  signal: AbortSignal;
  /** False for a file (absolute, real) that the user's rules keep from being read. */
  mayRead(path: string): boolean;
  /** Takes the secrets out of a text. Results go through it anyway; what a tool cuts must before, for nobody knows half of one. */
  hide(text: string): string;
  /** Must be awaited before a file (absolute, real) is changed: from then on it can be put back. */
  beforeWrite(path: string): Promise<void>;
  /** Live output for the display. Not part of the result. */
  emit(chunk: string): void;
}

/** Files as the task last saw them, by absolute path. A hash is undefined for a file that is too large for one. */
export interface SeenFiles {
  /** What tells an open file from a later one at its path. To be had before its bytes are read, and after they are written. */
  look(stats: BigIntStats): Sight;
  /** Remembers a file that was looked at, and what was read in it or written. */
  note(path: string, sight: Sight, hash: bigint | undefined): void;
  /** `unseen`: never read; `same`: as it was read; `changed`: somebody changed it since. `hash` is called where times do not tell. */
  state(path: string, sight: Sight, hash: () => bigint | undefined): "unseen" | "same" | "changed";
}

/** Times in ns. */
export interface Sight {
  mtime: bigint;
  ctime: bigint;
  size: bigint;
  inode: bigint;
  /** Written so shortly before we looked that its time proves nothing. */
  fresh: boolean;
}

export interface ToolOutput {
  text: string;
  isError?: boolean;
  images?: ImageBlock[];
  /** Files that this call created, changed or deleted, absolute; `undefined` where it cannot know (shell). */
  changed?: string[];
}

/** A tool is a plain object. Validation, permission, time limit and truncation wrap it once, in tools/define.ts. */
export interface Tool<P = unknown> {
  name: string;
  description: string;
  parameters: Schema<P>;
  effect: Effect;
  /** What this one call does, where that is less than `effect`: reading the output of a job is no execution. */
  effectOf?(args: P): Effect;
  /** Milliseconds; the wrapper stops the call then. Absent: the default of tools/define.ts. */
  timeoutMs?: (args: P) => number;
  /** What permission rules and the display speak about: a path, a command, a host. */
  subject(args: P): string;
  /** Why this call cannot be taken back, in words: it is asked about in every mode, and no rule allows it. */
  destroys?(args: P): string | undefined;
  /** What a person sees before allowing it: a diff, the whole command. */
  preview?(args: P, context: ToolContext): Promise<string>;
  run(args: P, context: ToolContext): Promise<ToolOutput>;
}

/** A call that was carried out (or refused), as the engine sees it. */
export interface ToolResult {
  text: string;
  isError: boolean;
  images?: ImageBlock[];
  /** Where the whole text lies when it was cut. */
  fullText?: string;
  /** True when permission was refused and nobody could be asked: going on makes no sense if the task needs it. */
  denied?: boolean;
  /** Where `denied`: why, in words for the user. */
  reason?: string;
  changed?: string[];
}

/** All tools of one task, wrapped. The only thing the engine knows of tools. */
export interface Toolset {
  /** Stable order, so that requests stay cacheable. */
  readonly specs: readonly ToolSpec[];
  /** What this call would do (the tool's own effect where its arguments are broken); undefined for an unknown tool. */
  effect(call: ToolCallBlock): Effect | undefined;
  /** The call's subject for display, "" where its arguments are broken. Never throws. */
  subject(call: ToolCallBlock): string;
  /** Never throws for the model's mistakes: they are results that say what to do. Throws only when aborted. */
  call(call: ToolCallBlock, ask: Ask, signal: AbortSignal, emit: (chunk: string) => void): Promise<ToolResult>;
}
