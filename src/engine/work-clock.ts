import { formatDuration } from "../base/text.ts";
import type { Clock } from "../contracts/kit.ts";
import { Stop } from "./stop.ts";

/**
 * Counts work, not waiting: while a person, a rate limit or a queue is waited for, the clock stands. Its signal aborts
 * with a `Stop` when the time is used up, so that no single wait can outlast the limit.
 */
export class WorkClock {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #wallStart: number;
  #worked: number;
  #runningSince: number | undefined;
  #alarm: AbortController | undefined;
  #pauses = 0;
  #closed = false;

  /** `past`: what earlier runs of the same task have used already. */
  constructor(clock: Clock, limitMs: number, past = { workMs: 0, wallMs: 0 }) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#worked = past.workMs;
    this.#wallStart = clock.now() - past.wallMs;
    this.signal = this.#controller.signal;
    this.#run();
  }

  get workMs(): number {
    return this.#worked + (this.#runningSince === undefined ? 0 : this.#clock.now() - this.#runningSince);
  }

  get wallMs(): number {
    return this.#clock.now() - this.#wallStart;
  }

  get remainingMs(): number {
    return Math.max(0, this.#limitMs - this.workMs);
  }

  /** That the time is over, and how more is allowed. */
  get usedUp(): string {
    const more = Math.ceil((2 * Math.max(this.#limitMs, this.workMs)) / 1000);
    return `the time is used up (${formatDuration(this.#limitMs)} of work; --timeout ${more} allows more)`;
  }

  /** Calls may overlap; the clock runs again when the last one resumes. */
  pause(): void {
    if (this.#pauses++ === 0) this.#stand();
  }

  resume(): void {
    if (--this.#pauses === 0 && !this.#closed) this.#run();
  }

  /**
   * Stands for a wait of known length, in ms, and then runs again by itself: what comes after the wait is work, also
   * when it hangs. Returns what ends the wait early.
   */
  rest(ms: number): () => void {
    const early = new AbortController();
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      early.abort();
      this.resume();
    };
    this.pause();
    this.#clock.sleep(ms, early.signal).then(end, () => {});
    return end;
  }

  /** The task is over: the clock stands for good, and whatever still waits on the signal ends. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stand();
    this.#controller.abort(new DOMException("the task is over", "AbortError"));
  }

  #stand(): void {
    this.#worked = this.workMs;
    this.#runningSince = undefined;
    this.#alarm?.abort();
  }

  #run(): void {
    this.#runningSince = this.#clock.now();
    const alarm = new AbortController();
    this.#alarm = alarm;
    this.#clock.sleep(this.remainingMs, alarm.signal).then(
      () => this.#controller.abort(new Stop("abort_timeout", this.usedUp)),
      () => {},
    );
  }
}
