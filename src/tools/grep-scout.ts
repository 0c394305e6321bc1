import worker from "../../embed/tools/grep-scout.txt" with { type: "text" };

/** What a look into a file told: nothing to be found, worth a search (or not to be judged by one look), no text. */
export const Verdict = { empty: 0, search: 1, binary: 2 } as const;

/**
 * Sorts files out in a second thread: opening them is most of the time of a search, and most of them do not hold the
 * piece of text that every match has. Aborting ends it at once.
 */
export class Scout {
  readonly #worker: Worker;
  readonly #failed: Promise<never>;

  /** `small`: bytes of a file that are looked at, at most; a longer one is worth a search. */
  constructor(options: { needle: string; small: number; sniffed: number }, signal: AbortSignal) {
    this.#worker = new Worker(URL.createObjectURL(new Blob([worker])));
    this.#worker.postMessage(options);
    this.#failed = new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#worker.onerror = (event) => reject(new Error(event.message));
    });
    // Looked at only while an answer is awaited.
    this.#failed.catch(() => {});
  }

  /** A `Verdict` for each path. One question at a time. */
  look(paths: readonly string[]): Promise<Uint8Array> {
    const answer = new Promise<Uint8Array>((resolve) => {
      this.#worker.onmessage = (event: MessageEvent<Uint8Array>) => resolve(event.data);
    });
    this.#worker.postMessage(paths.join("\0"));
    const first = Promise.race([answer, this.#failed]);
    // The search beside it may end before it is awaited.
    first.catch(() => {});
    return first;
  }

  close(): void {
    this.#worker.terminate();
  }
}
