import type { UsageEvent } from "../../contracts/memory.ts";

export type PatternKind = "recurring" | "time" | "sequence";

/** A habit that the events show. `E` is the caller's own event, which comes back among the members. */
export interface Pattern<E extends UsageEvent = UsageEvent> {
  kind: PatternKind;
  /** The same habit has the same key whenever it is mined. */
  key: string;
  /** What is done, in the user's own words. */
  description: string;
  /** How often or when, in words: `every weekday about 9`. */
  frequency: string;
  /** 0..1. */
  confidence: number;
  /** How often it was done: events, of a sequence its runs. */
  samples: number;
  /** The events that show it, oldest first. */
  members: E[];
  /** What is done in it, one after the other; one step but for a sequence. */
  steps: PatternStep[];
  /** When it is done, for time patterns. */
  when?: When;
}

export interface PatternStep {
  kind: UsageEvent["kind"];
  /** The wording that is nearest to all others. */
  text: string;
  /** Names the group of events that this step is. */
  group: string;
}

/** When a habit is due, in the user's local time. */
export interface When {
  /** Minutes after midnight; null where only the day is regular. */
  minute: number | null;
  /** 0 = Sunday, ascending; all seven for every day. */
  weekdays: number[];
}

/** Says how like two texts are, 0..1. */
export type Similarity = (a: string, b: string) => number;

export interface MineOptions {
  /** Milliseconds since 1970: events of the 30 days before it count. */
  now: number;
  /** Minutes that the user's clock is ahead of UTC at a moment (ms since 1970). */
  offsetAt(at: number): number;
  /** `[patterns] min_confidence`, 0..1. */
  minConfidence: number;
  /** `[patterns] min_samples`. */
  minSamples: number;
  /** Default: words weighed by how telling they are among these very events. */
  similarity?: Similarity;
}

/** How far back is looked (PRODUCT.md section 6), ms. */
export const LOOK_BACK_MS = 30 * 24 * 60 * 60 * 1000;
