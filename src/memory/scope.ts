import type { MemoryHit } from "../contracts/memory.ts";

/** What kinds of chunks are searched together; the numbers are stored, and chunk_gone (004) knows them too. */
export const SCOPES = { learning: 0, task: 1, rest: 2 } as const;
export type Scope = (typeof SCOPES)[keyof typeof SCOPES];
export const ALL_SCOPES: readonly Scope[] = [SCOPES.learning, SCOPES.task, SCOPES.rest];

/** Numbers of chunks stand below this in numbers that say more than that. */
export const SPAN = 2 ** 40;

export function scopeOf(kind: string): Scope {
  return kind === "learning" ? SCOPES.learning : kind === "task" ? SCOPES.task : SCOPES.rest;
}

const KINDS: readonly string[] = ["learning", "task", "facts", "transcript"] satisfies MemoryHit["kind"][];

/** The kind of a chunk as it is shown; what another program wrote is a note. */
export function kindOfChunk(kind: string): MemoryHit["kind"] {
  return KINDS.includes(kind) ? (kind as MemoryHit["kind"]) : "note";
}
