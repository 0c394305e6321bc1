import type { ToolCallBlock } from "../contracts/message.ts";

export interface ToolLoopLimits {
  warning: number;
  critical: number;
  circuit_breaker: number;
}

/** What to do about a repetition: `calls` that belong to it, made `count` times. */
export interface Repetition {
  level: "none" | "warning" | "critical" | "stop";
  count: number;
  calls: number;
}

type Counts = Map<string, { result: string; count: number }>;

/** The longest cycle that is noticed, calls. */
const LONGEST_CYCLE = 8;

/**
 * Notices an agent that goes round in circles: the same call (name and arguments) with the same result, again and
 * again; or the same few calls in turn, each with the result that it had the time before, also where calls in between
 * make each of them look new. Long honest work is never cut: a result that differs ends the cycle and starts a new
 * count, and after a change every other call may have a new point.
 */
export class ToolLoop {
  readonly #limits: ToolLoopLimits;
  /** Kept apart and never begun anew by a change: an agent that writes the same thing for ever is in a circle too. */
  readonly #changes: Counts = new Map();
  readonly #others: Counts = new Map();
  /** The last calls with their results, the latest at the end. */
  #recent: string[] = [];
  /** For each length of a cycle: how many calls in a row were what they were that many calls before. */
  #same: number[] = new Array(LONGEST_CYCLE + 1).fill(0);

  constructor(limits: ToolLoopLimits) {
    this.#limits = limits;
  }

  /** Records a call and its result; says what to do about the repetition. `changed`: it wrote something. */
  note(call: ToolCallBlock, result: string, changed = false): Repetition {
    const repeated = this.#repeated(`${call.name}\0${call.arguments}`, result, changed);
    const cycle = this.#cycle(`${call.name}\0${call.arguments}\0${Bun.hash(result)}`);
    // A call that repeats as a part of a cycle is told of once, with the whole cycle.
    return cycle ?? { ...this.#level(repeated), calls: 1 };
  }

  /** How often this call has had this result. */
  #repeated(key: string, result: string, changed: boolean): number {
    if (changed) this.#others.clear();
    const counts = changed ? this.#changes : this.#others;
    const last = counts.get(key);
    const count = last?.result === result ? last.count + 1 : 1;
    counts.set(key, { result, count });
    return count;
  }

  /** The shortest cycle of several calls that has come round at least once more, where the calls are in one. */
  #cycle(call: string): Repetition | undefined {
    for (let length = 1; length <= LONGEST_CYCLE; length++) {
      const before = this.#recent.at(-length);
      this.#same[length] = before === call ? this.#same[length]! + 1 : 0;
    }
    this.#recent = [...this.#recent, call].slice(-LONGEST_CYCLE);
    const calls = this.#same.findIndex((same, length) => length > 0 && same >= length);
    if (calls < 2) return undefined;
    const count = this.#same[calls]! / calls + 1;
    return { ...(Number.isInteger(count) ? this.#level(count) : { level: "none" as const, count }), calls };
  }

  #level(count: number): Pick<Repetition, "level" | "count"> {
    const { warning, critical, circuit_breaker } = this.#limits;
    if (count >= circuit_breaker) return { level: "stop", count };
    if (count === critical) return { level: "critical", count };
    if (count === warning) return { level: "warning", count };
    return { level: "none", count };
  }

  /** The user wants it to go on. */
  reset(): void {
    this.#changes.clear();
    this.#others.clear();
    this.#recent = [];
    this.#same.fill(0);
  }
}
