import { randomId } from "../../base/crypto/random.ts";
import { isObject } from "../../base/schema.ts";
import { isSkillName } from "../../base/skill-name.ts";
import type { MemoryDatabase } from "../database.ts";
import { timeOf } from "../times.ts";
import type { StoredEvent } from "./events.ts";
import type { Pattern, PatternKind, PatternStep, When } from "./pattern.ts";
import { whenAsCron } from "./wording.ts";

export type PatternStatus = "detected" | "proposed" | "approved" | "dismissed";

/** A pattern as it is kept. */
export interface StoredPattern {
  id: string;
  kind: PatternKind;
  /** Null: an earlier program found it. */
  key: string | null;
  description: string;
  frequency: string;
  confidence: number;
  samples: number;
  steps: PatternStep[];
  when: When | null;
  /** As cron writes when it is due; null where it is due at no certain time. */
  cron: string | null;
  /** The user wants it to run by itself then. */
  scheduled: boolean;
  /** Ids of the events that show it. */
  members: string[];
  /** Name of the skill that was proposed for it. */
  skill: string | null;
  status: PatternStatus;
  /** ISO times. */
  firstSeen: string;
  lastSeen: string;
}

/** A dismissed one returns when it is so much surer, or was done so many times as often. */
const SURER = 0.15;
const ROUNDING = 1e-9;
const MORE_OFTEN = 2;
/** Share of its events by which a pattern is known again whose key has changed. */
const SAME_EVENTS = 0.5;

const KINDS = { recurring: "recurring_task", time: "time_based", sequence: "workflow" } as const;

/** Every pattern, surest first. */
export function storedPatterns(memory: MemoryDatabase): StoredPattern[] {
  return memory.query<PatternRow, []>(`SELECT ${COLUMNS} FROM usage_patterns`).all().map(patternOf).sort(bySureness);
}

function bySureness(a: StoredPattern, b: StoredPattern): number {
  return b.confidence - a.confidence || (a.id < b.id ? -1 : 1);
}

interface PatternRow {
  id: string;
  type: string;
  description: string;
  frequency: string | null;
  trigger: string | null;
  confidence: number;
  samples: number;
  firstSeen: string;
  lastSeen: string;
  skill: string | null;
  status: PatternStatus | null;
  key: string | null;
  members: string;
  dismissedAt: number | null;
}

const COLUMNS = `id, pattern_type AS type, description, frequency, trigger_json AS trigger, confidence,
  sample_count AS samples, first_seen AS firstSeen, last_seen AS lastSeen, proposed_skill AS skill, status, key, members,
  dismissed_at AS dismissedAt`;

function patternOf(row: PatternRow): StoredPattern {
  const trigger = read(row.trigger);
  const kinds = Object.keys(KINDS) as PatternKind[];
  return {
    id: row.id,
    kind: kinds.find((kind) => KINDS[kind] === row.type) ?? "recurring",
    key: row.key,
    description: row.description,
    frequency: row.frequency ?? "",
    confidence: row.confidence,
    samples: row.samples,
    steps: listOf(trigger["steps"]).flatMap((step) => stepOf(step) ?? []),
    when: whenOf(trigger),
    cron: typeof trigger["cron"] === "string" ? trigger["cron"] : null,
    scheduled: trigger["scheduled"] === true,
    members: listOf(readJson(row.members)).filter((id): id is string => typeof id === "string"),
    // It becomes the name of a folder, and may be from an import.
    skill: row.skill !== null && isSkillName(row.skill) ? row.skill : null,
    status: row.status ?? "detected",
    firstSeen: isoOf(row.firstSeen),
    lastSeen: isoOf(row.lastSeen),
  };
}

/**
 * Keeps what was mined. What is known already is brought up to date, what was found but is no habit any more goes, and
 * what the user dismissed stays dismissed until it is much surer. Returns what is new, and what has returned.
 */
export function keepPatterns(
  memory: MemoryDatabase,
  mined: readonly Pattern<StoredEvent>[],
  now: number,
): { added: StoredPattern[]; returned: StoredPattern[] } {
  return memory.transaction(() => {
    const rows = memory.query<PatternRow, []>(`SELECT ${COLUMNS} FROM usage_patterns WHERE key IS NOT NULL`).all();
    const byKey = new Map(rows.map((row) => [row.key, row]));
    const free = new Set(rows);
    for (const { key } of mined) free.delete(byKey.get(key)!);
    const found = mined.map((pattern) => {
      const row = byKey.get(pattern.key) ?? [...free].find((other) => isSame(other, pattern));
      if (row) free.delete(row);
      return { pattern, row };
    });
    const added = new Set<string>();
    const returned = new Set<string>();
    for (const { pattern, row } of found) {
      if (!row) added.add(insert(memory, pattern, now));
      else if (row.status !== "dismissed") update(memory, row, pattern, row.status ?? "detected");
      else if (isMuchStronger(row, pattern)) {
        update(memory, row, pattern, "detected");
        returned.add(row.id);
      }
    }
    for (const row of free) {
      if (row.status === "detected") memory.query("DELETE FROM usage_patterns WHERE id = ?").run(row.id);
    }
    const all = storedPatterns(memory);
    return { added: all.filter(({ id }) => added.has(id)), returned: all.filter(({ id }) => returned.has(id)) };
  });
}

function isSame(row: PatternRow, pattern: Pattern<StoredEvent>): boolean {
  if (row.type !== KINDS[pattern.kind]) return false;
  const known = new Set(listOf(readJson(row.members)));
  const shared = pattern.members.filter(({ id }) => known.has(id)).length;
  return shared > 0 && shared >= SAME_EVENTS * Math.min(known.size, pattern.members.length);
}

function isMuchStronger(row: PatternRow, { confidence, samples }: Pattern): boolean {
  return confidence >= (row.dismissedAt ?? row.confidence) + SURER - ROUNDING || samples >= row.samples * MORE_OFTEN;
}

function insert(memory: MemoryDatabase, pattern: Pattern<StoredEvent>, now: number): string {
  const id = `p-${randomId(8)}`;
  memory
    .query(
      `INSERT INTO usage_patterns (id, pattern_type, description, frequency, trigger_json, confidence, sample_count,
         first_seen, last_seen, status, key, members) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'detected', ?, ?)`,
    )
    .run(
      id,
      KINDS[pattern.kind],
      pattern.description,
      pattern.frequency,
      triggerOf(pattern, false),
      pattern.confidence,
      pattern.samples,
      new Date(pattern.members[0]?.at ?? now).toISOString(),
      new Date(pattern.members.at(-1)?.at ?? now).toISOString(),
      pattern.key,
      memberIds(pattern),
    );
  return id;
}

function update(memory: MemoryDatabase, row: PatternRow, pattern: Pattern<StoredEvent>, status: PatternStatus): void {
  memory
    .query(
      `UPDATE usage_patterns SET description = ?, frequency = ?, trigger_json = ?, confidence = ?, sample_count = ?,
         last_seen = ?, key = ?, members = ?, status = ?, dismissed_at = NULL WHERE id = ?`,
    )
    .run(
      pattern.description,
      pattern.frequency,
      triggerOf(pattern, read(row.trigger)["scheduled"] === true),
      pattern.confidence,
      pattern.samples,
      new Date(pattern.members.at(-1)!.at).toISOString(),
      pattern.key,
      memberIds(pattern),
      status,
      row.id,
    );
}

function triggerOf({ when, steps }: Pattern, scheduled: boolean): string {
  const cron = when && whenAsCron(when);
  return JSON.stringify({ steps, ...when, ...(cron ? { cron } : {}), ...(scheduled ? { scheduled } : {}) });
}

function memberIds({ members }: Pattern<StoredEvent>): string {
  return JSON.stringify(members.map(({ id }) => id));
}

/** The pattern has a proposed skill now. */
export function markProposed(memory: MemoryDatabase, id: string, skill: string): void {
  memory.query("UPDATE usage_patterns SET status = 'proposed', proposed_skill = ? WHERE id = ?").run(skill, id);
}

/** The user wants it; `scheduled`: by itself, when it is due. */
export function markApproved(memory: MemoryDatabase, id: string, scheduled: boolean): void {
  memory
    .query(
      `UPDATE usage_patterns SET status = 'approved', dismissed_at = NULL,
         trigger_json = json_set(coalesce(trigger_json, '{}'), '$.scheduled', json(?)) WHERE id = ?`,
    )
    .run(String(scheduled), id);
}

/** The user does not want it; how sure the miner was is kept, so that it returns only when much surer. */
export function markDismissed(memory: MemoryDatabase, id: string): void {
  memory
    .query(
      "UPDATE usage_patterns SET status = 'dismissed', proposed_skill = NULL, dismissed_at = confidence WHERE id = ?",
    )
    .run(id);
}

/** As ISO 8601; what is no time is long ago, so that one bad row does not take all the others with it. */
function isoOf(text: string): string {
  return new Date(timeOf(text) ?? 0).toISOString();
}

function readJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

function read(text: string | null): Record<string, unknown> {
  const value = readJson(text);
  return isObject(value) ? value : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function stepOf(value: unknown): PatternStep | undefined {
  if (!isObject(value)) return undefined;
  const { kind, text, group } = value;
  const known = kind === "task" || kind === "command" || kind === "skill" || kind === "integration";
  return known && typeof text === "string" && typeof group === "string" ? { kind, text, group } : undefined;
}

function whenOf({ minute, weekdays }: Record<string, unknown>): When | null {
  if (!Array.isArray(weekdays) || !(minute === null || typeof minute === "number")) return null;
  return { minute, weekdays: weekdays.filter((day): day is number => typeof day === "number") };
}
