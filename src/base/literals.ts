/** Characters of a hashed block lie in a table of this size. */
const TABLE = 4096;

/**
 * Finds any of many fixed strings in a text, leftmost first and of those the longest (Wu and Manber, "A fast algorithm
 * for multi-pattern searching", 1994). Looks at two characters, and where no string can end soon after them, jumps:
 * the longer the shortest string, the faster.
 */
export class LiteralFinder {
  readonly literals: readonly string[];
  /** Length of the shortest. */
  readonly #window: number;
  readonly #longest: number;
  /** How far the window may move on, by the hash of its last two characters. */
  readonly #shift = new Uint8Array(TABLE);
  /** 1 where a literal begins with two characters of this hash: rules out most of what the shift leaves. */
  readonly #begins = new Uint8Array(TABLE);
  /** What may begin where the shift is 0: indices into `literals`, longest first. */
  readonly #candidates = new Map<number, number[]>();
  /** The same, by first character. */
  readonly #starting = new Map<number, string[]>();

  /** Each literal has at least two characters. */
  constructor(literals: readonly string[]) {
    this.literals = literals;
    const lengths = literals.map((literal) => literal.length);
    this.#window = Math.min(255, ...lengths);
    this.#longest = Math.max(0, ...lengths);
    this.#shift.fill(this.#window - 1);
    const byLength = [...literals.keys()].sort((a, b) => lengths[b]! - lengths[a]!);
    for (const index of byLength) this.#enter(literals[index]!, index);
  }

  #enter(literal: string, index: number): void {
    for (let end = 1; end < this.#window; end++) {
      const block = hash(literal.charCodeAt(end - 1), literal.charCodeAt(end));
      this.#shift[block] = Math.min(this.#shift[block]!, this.#window - 1 - end);
      if (end < this.#window - 1) continue;
      const others = this.#candidates.get(block);
      if (others) others.push(index);
      else this.#candidates.set(block, [index]);
    }
    const first = literal.charCodeAt(0);
    this.#begins[hash(first, literal.charCodeAt(1))] = 1;
    const others = this.#starting.get(first);
    if (others) others.push(literal);
    else this.#starting.set(first, [literal]);
  }

  /** The first literal at or after `from`: where it starts, and its index. */
  next(text: string, from: number): { start: number; index: number } | undefined {
    const shift = this.#shift;
    const before = this.#window - 1;
    for (let end = from + before; end < text.length; ) {
      const block = hash(text.charCodeAt(end - 1), text.charCodeAt(end));
      const step = shift[block]!;
      // Nearly always the longest: told apart, the next look does not wait for what this one gives, a third less time.
      if (step === before) {
        end += before;
        continue;
      }
      if (step > 0) {
        end += step;
        continue;
      }
      const start = end - before;
      end++;
      if (!this.#begins[hash(text.charCodeAt(start), text.charCodeAt(start + 1))]) continue;
      for (const index of this.#candidates.get(block) ?? []) {
        if (text.startsWith(this.literals[index]!, start)) return { start, index };
      }
    }
    return;
  }

  /**
   * The first place at or after `from` where the text's end may have cut a literal in two; the text's length where it
   * has cut none.
   */
  cutAt(text: string, from: number): number {
    const last = text.length - 1;
    for (let start = Math.max(from, text.length - this.#longest + 1); start <= last; start++) {
      if (start < last && !this.#begins[hash(text.charCodeAt(start), text.charCodeAt(start + 1))]) continue;
      const starting = this.#starting.get(text.charCodeAt(start));
      if (!starting) continue;
      const rest = text.slice(start);
      if (starting.some((literal) => literal.length > rest.length && literal.startsWith(rest))) return start;
    }
    return text.length;
  }
}

function hash(first: number, second: number): number {
  return ((first << 5) ^ second) & (TABLE - 1);
}
