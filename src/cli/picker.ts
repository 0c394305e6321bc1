import { readEnv } from "../base/env.ts";
import { Exit, UsageError, UserError } from "../base/errors.ts";
import { stripControl } from "../base/text.ts";
import { cut, oneLine } from "./display/layout.ts";
import { isTerminal, standardError } from "./display/standard.ts";
import { createStyle, displayMode, type Style } from "./display/style.ts";
import { CTRL_C, type Keyboard, openKeys } from "./keyboard.ts";
import { watchSignals } from "./signals.ts";

/** One thing that can be picked. */
export interface Item {
  value: string;
  /** What is shown and searched; `value` where absent. */
  label?: string;
  /** Said beside it, searched too. */
  note?: string;
}

export interface PickOptions {
  /** What is picked, as one word: "Model". */
  title: string;
  items: readonly Item[];
  /** The value on which the choice stands at first. Default: the first item's. */
  chosen?: string;
  /** A longer list that is still on its way; it takes the place of `items` while the user looks at them. */
  more?: (signal: AbortSignal) => Promise<readonly Item[]>;
  /** Said where there is no terminal. */
  remedy: string;
  input?: Keyboard;
  output?: { write(text: string): unknown; columns?: number; rows?: number };
  /** Default: both standard input and standard error are one. */
  terminal?: boolean;
  color?: boolean;
  /** Default: the process's own signals. */
  signal?: AbortSignal;
}

const MOST_ROWS = 12;
/** Columns that are left for what is typed. */
const LEAST_TYPED = 8;
/** Columns that are left for notes, and the least width at which there are any. */
const NOTE = 28;
const LEAST_NOTED = 48;
/** An escape sequence that a slow line brings in pieces is complete within this, ms. */
const ESCAPE_MS = 60;

/**
 * Lets the user pick one item from a list that shrinks as they type; arrows, Enter, Escape. The list stands below the
 * last line of the terminal and is gone afterwards. Undefined where the user left it.
 *
 * @throws UsageError without a terminal; UserError (exit 130) for Ctrl-C and signals. The terminal is as it was, always.
 */
export async function pick(options: PickOptions): Promise<string | undefined> {
  const terminal = options.terminal ?? (isTerminal("stdin") && isTerminal("stderr"));
  if (!terminal) throw new UsageError("there is no terminal to pick from a list on", options.remedy);
  const signals = options.signal ? undefined : watchSignals();
  const signal = options.signal ?? signals!.signal;
  const closing = new AbortController();
  const { input = process.stdin, output = standardError() } = options;
  const keys = openKeys(input, true);
  const list = new List(options, output);
  try {
    if (!keys.raw) throw new UsageError("this terminal gives no single keys", options.remedy);
    list.draw();
    void options.more?.(closing.signal).then(
      (items) => !closing.signal.aborted && list.replace(items),
      () => {},
    );
    for (;;) {
      const typed = await keys.next(signal);
      if (typed === undefined) return undefined;
      for (const key of await completed(typed, () => keys.next(AbortSignal.timeout(ESCAPE_MS)))) {
        if (key === CTRL_C) throw interrupted();
        const outcome = list.press(key);
        if (outcome) return outcome.value;
      }
    }
  } catch (error) {
    throw signal.aborted ? interrupted() : error;
  } finally {
    closing.abort();
    list.clear();
    keys.close();
    signals?.stop();
  }
}

/** What ends a question that the user does not want to answer. */
export function interrupted(): UserError {
  return new UserError("interrupted", "Nothing was changed.", Exit.interrupted);
}

/** Single keys; an Escape at the end waits for what may belong to it. */
async function completed(typed: string, next: () => Promise<string | undefined>): Promise<string[]> {
  const more = typed.endsWith("\x1b") ? await next().catch(() => "") : "";
  return (typed + (more ?? "")).match(/\x1b(?:[[O][0-9;]*[A-Za-z~])?|[\s\S]/gu) ?? [];
}

/** The list and the line below it, as they stand on the screen. */
class List {
  readonly #title: string;
  readonly #output: NonNullable<PickOptions["output"]>;
  readonly #style: Style;
  #items: readonly Item[];
  #found: readonly Item[];
  #typed = "";
  #at = 0;
  #top = 0;
  /** Lines above the cursor that are ours. */
  #above = 0;
  #closed = false;

  constructor({ title, items, chosen, color }: PickOptions, output: NonNullable<PickOptions["output"]>) {
    this.#title = title;
    this.#output = output;
    this.#style = createStyle(color ?? displayMode(true, readEnv()).color);
    this.#items = items;
    this.#found = items;
    this.#at = Math.max(0, chosen === undefined ? 0 : items.findIndex(({ value }) => value === chosen));
  }

  /** Another list; the chosen line stays chosen where it is still there. */
  replace(items: readonly Item[]): void {
    if (this.#closed) return;
    const chosen = this.#found[this.#at]?.value;
    this.#items = items;
    this.#found = matching(items, this.#typed);
    this.#at = Math.max(0, chosen === undefined ? 0 : this.#found.findIndex(({ value }) => value === chosen));
    this.draw();
  }

  /** Undefined while the user still chooses. */
  press(key: string): { value: string | undefined } | undefined {
    const page = this.#rows();
    switch (key) {
      case "\r":
      case "\n":
        if (this.#found[this.#at]) return { value: this.#found[this.#at]!.value };
        return undefined;
      case "\x1b":
        return { value: undefined };
      case "\x04":
        if (this.#typed === "") return { value: undefined };
        return undefined;
      case "\x1b[A":
      case "\x1bOA":
      case "\x10":
        return this.#move(-1);
      case "\x1b[B":
      case "\x1bOB":
      case "\x0e":
      case "\t":
        return this.#move(1);
      case "\x1b[5~":
        return this.#move(-page);
      case "\x1b[6~":
        return this.#move(page);
      case "\x7f":
      case "\b":
        return this.#filter([...this.#typed].slice(0, -1).join(""));
      case "\x15":
        return this.#filter("");
      case "\x17":
        return this.#filter(this.#typed.replace(/\S*\s*$/, ""));
      default:
        // Another control key or sequence means nothing here.
        return stripControl(key) === key && key !== "\n" ? this.#filter(this.#typed + key) : undefined;
    }
  }

  #move(by: number): undefined {
    this.#at = Math.min(Math.max(0, this.#at + by), Math.max(0, this.#found.length - 1));
    this.draw();
  }

  #filter(typed: string): undefined {
    this.#typed = typed;
    this.#found = matching(this.#items, typed);
    this.#at = 0;
    this.draw();
  }

  /** Lines of the list that fit above the line that is typed on. */
  #rows(): number {
    return Math.max(1, Math.min(MOST_ROWS, (this.#output.rows || 24) - 3));
  }

  draw(): void {
    const width = Math.max(12, (this.#output.columns || 80) - 1);
    const rows = this.#rows();
    this.#top = Math.min(Math.max(this.#top, this.#at - rows + 1), this.#at, Math.max(0, this.#found.length - rows));
    const shown = this.#found.slice(this.#top, this.#top + rows);
    // The name is what is picked: what is said beside it gives way first.
    const most = width < LEAST_NOTED ? width - 2 : Math.max(width >> 1, width - NOTE);
    const labels = Math.min(Math.max(0, ...shown.map((item) => Bun.stringWidth(labelOf(item)))), most);
    const lines = shown.map((item, index) => {
      const chosen = this.#top + index === this.#at;
      const note = item.note ? this.#style.dim(stripControl(item.note).replace(/\n/g, " ")) : "";
      const label = cut(labelOf(item), labels);
      const padding = " ".repeat(Math.max(0, labels - Bun.stringWidth(label)) + 2);
      return cut(
        `${chosen ? "> " : "  "}${chosen ? this.#style.bold(label) : label}${note ? padding + note : ""}`,
        width,
      );
    });
    const count = this.#found.length === 0 ? "nothing matches" : `${this.#at + 1} of ${this.#found.length}`;
    const prompt = cut(`${this.#title} (type to filter, arrows, Enter; ${count}): `, width - LEAST_TYPED);
    // Of a long text the end is seen, where the user types.
    const room = width - Bun.stringWidth(prompt);
    let typed = this.#typed;
    while (Bun.stringWidth(typed) > room) typed = [...typed].slice(1).join("");
    this.#output.write(`${this.#home()}${[...lines, prompt + typed].join("\r\n")}`);
    this.#above = lines.length;
  }

  clear(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#output.write(this.#home());
    this.#above = 0;
  }

  /** To the first of our lines, everything below taken away. */
  #home(): string {
    return `\r${this.#above > 0 ? `\x1b[${this.#above}A` : ""}\x1b[J`;
  }
}

function labelOf({ label, value }: Item): string {
  return oneLine(label ?? value);
}

/**
 * The items that hold every word that was typed, those whose name holds them first; where there are none, those whose
 * name holds the letters in their order (`sn5` for `sonnet-5`).
 */
export function matching(items: readonly Item[], typed: string): readonly Item[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return items;
  const holdsAll = (text: string) => words.every((word) => text.includes(word));
  const named = items.filter((item) => holdsAll(labelOf(item).toLowerCase()));
  const noted = items.filter(
    (item) => !named.includes(item) && holdsAll(`${labelOf(item)} ${item.note}`.toLowerCase()),
  );
  if (named.length + noted.length > 0) return [...named, ...noted];
  const letters = words.join("");
  return items.filter((item) => holdsInOrder(labelOf(item).toLowerCase(), letters));
}

function holdsInOrder(text: string, letters: string): boolean {
  let at = 0;
  for (const letter of letters) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
