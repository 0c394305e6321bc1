import { abortable } from "./base/stream.ts";
import { EVENT_VERSION, type Event, type EventBody, type Reader } from "./contracts/event.ts";
import type { Clock } from "./contracts/kit.ts";
import type { Answer, Ask, Question } from "./contracts/question.ts";
import type { Outcome } from "./contracts/task.ts";

/** Events that a slow reader may have waiting before it has to catch up from the transcript. */
const MOST_WAITING = 1000;
/** Text pieces that wait are joined up to this length, in characters. */
const LONGEST_PIECE = 16_384;

export interface HubOptions {
  task: string;
  clock: Clock;
  /** Written before anybody else sees the event; a failure here ends the task, because its effects would be unrecorded. */
  durable: Reader;
  readers: readonly Reader[];
  /** Answers questions: the terminal, an editor, or the policy where nobody is there. */
  answer: (question: Question, signal: AbortSignal) => Promise<Answer>;
  /** Durable events after `seq`, from the transcript, for a reader that fell behind. */
  reread: (seq: number) => AsyncIterable<Event>;
  /** Durable events of earlier runs of the task: their numbers are continued, and readers are told of them. */
  history?: readonly Event[];
  /** Hears of a reader that threw and gets nothing more. */
  onLost?: (error: unknown) => void;
}

export interface Hub {
  ask: Ask;
  /** Aborts, with the error, when events can no longer be recorded: nothing may be done any more then. */
  readonly failed: AbortSignal;
  /**
   * Drains the engine to its end and returns the outcome. What the engine throws is thrown on, after all readers are
   * closed. `release` gives back what others wait for; it is called before slow readers are waited for.
   */
  drive(engine: AsyncGenerator<EventBody, Outcome>, release?: () => Promise<void>): Promise<Outcome>;
  /** Adds an event from outside the engine (a warning at start, say). */
  emit(body: EventBody): Promise<void>;
}

/** One task's events: numbers them, makes them durable, hands them to their readers. */
export function createHub(options: HubOptions): Hub {
  const { clock, durable, history = [] } = options;
  const pumps = options.readers.map((reader) => new Pump(reader, options));
  let { iteration = 0, seq = 0 } = history.at(-1) ?? {};
  let questions = history.filter((event) => event.type === "asked").length;
  /** Events keep their order although the engine and `ask` both emit. */
  let last: Promise<void> = Promise.resolve();
  const failed = new AbortController();
  if (history.length > 0) for (const reader of options.readers) reader.recall?.(history);

  function emit(body: EventBody): Promise<void> {
    if (body.type === "iteration_started") iteration = body.iteration;
    const event: Event = {
      v: EVENT_VERSION,
      seq: ++seq,
      time: new Date(clock.now()).toISOString(),
      task: options.task,
      agent: "main",
      parent: null,
      iteration,
      ...body,
    };
    last = last.then(async () => {
      await durable.receive(event);
      for (const pump of pumps) pump.push(event);
    });
    // Who does not wait for an event must not be hit by its failure; all later ones fail with the same error.
    last.catch((error) => failed.abort(error));
    return last;
  }

  return {
    emit,
    failed: failed.signal,
    async ask(newQuestion, signal) {
      const question = { ...newQuestion, id: `q${++questions}` } as Question;
      await emit({ type: "asked", question });
      signal.throwIfAborted();
      // A surface that does not notice the interruption must not hold up the task.
      const answer = await abortable(options.answer(question, signal), signal);
      await emit({ type: "answered", id: question.id, answer });
      return answer;
    },
    async drive(engine, release) {
      try {
        for (;;) {
          const next = await engine.next();
          if (next.done) return next.value;
          await emit(next.value);
        }
      } finally {
        await engine.return(undefined as never).catch(() => {});
        await last.catch(() => {});
        try {
          await release?.();
        } finally {
          await Promise.all(pumps.map((pump) => pump.close()));
          await durable.close?.();
        }
      }
    },
  };
}

/**
 * Feeds one reader at its own pace. Waiting text pieces are joined; a reader that falls too far behind loses its queue
 * and is given the durable events again, by number.
 */
class Pump {
  readonly #reader: Reader;
  readonly #reread: HubOptions["reread"];
  readonly #onLost: HubOptions["onLost"];
  #waiting: Event[] = [];
  #seen = 0;
  #lagging = false;
  #running: Promise<void> | undefined;
  #broken = false;

  constructor(reader: Reader, { reread, onLost }: Pick<HubOptions, "reread" | "onLost">) {
    this.#reader = reader;
    this.#reread = reread;
    this.#onLost = onLost;
  }

  push(event: Event): void {
    if (this.#broken || this.#lagging) return;
    if (!this.#running && this.#waiting.length === 0) {
      const busy = this.#hand(event);
      if (busy) this.#running = busy.then(() => this.#drain()).catch((error) => this.#fail(error));
      return;
    }
    const tail = this.#waiting.at(-1);
    const joined = tail && join(tail, event);
    if (joined) this.#waiting[this.#waiting.length - 1] = joined;
    else this.#waiting.push(event);
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting = [];
      this.#lagging = true;
    }
  }

  async close(): Promise<void> {
    await this.#running;
    try {
      if (!this.#broken) await this.#reader.close?.();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Undefined where the reader took it at once. */
  #hand(event: Event): Promise<void> | undefined {
    if (this.#broken) return undefined;
    try {
      this.#seen = event.seq;
      return this.#reader.receive(event) ?? undefined;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 || this.#lagging) {
      if (this.#lagging) {
        this.#lagging = false;
        for await (const event of this.#reread(this.#seen)) await this.#hand(event);
        this.#waiting = this.#waiting.filter((event) => event.seq > this.#seen);
      }
      const event = this.#waiting.shift();
      if (event) await this.#hand(event);
    }
    this.#running = undefined;
  }

  /** A reader that throws (its pipe is closed, say) is left out from then on; the task goes on. */
  #fail(error: unknown): void {
    this.#broken = true;
    this.#onLost?.(error);
    this.#waiting = [];
    this.#running = undefined;
  }
}

/** Two neighbouring pieces of the same text as one, or undefined where they do not belong together. */
function join(a: Event, b: Event): Event | undefined {
  if (a.type === "text" && b.type === "text" && a.text.length < LONGEST_PIECE) {
    return { ...b, text: a.text + b.text };
  }
  if (a.type === "reasoning" && b.type === "reasoning" && a.text.length < LONGEST_PIECE) {
    return { ...b, text: a.text + b.text };
  }
  if (a.type === "tool_output" && b.type === "tool_output" && a.id === b.id && a.chunk.length < LONGEST_PIECE) {
    return { ...b, chunk: a.chunk + b.chunk };
  }
  return undefined;
}
