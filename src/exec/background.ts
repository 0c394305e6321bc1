import { messageOf } from "../base/errors.ts";
import type { BackgroundProcess } from "../contracts/exec.ts";
import type { OutputSink } from "./output.ts";
import type { Child } from "./process.ts";

/** A started process and what is to be done after it. */
export interface Held {
  child: Child;
  finish(): Promise<{ leftovers: boolean; notes: string[]; failed: Error | undefined }>;
}

/** A command that goes on while the agent works; its output is kept until it is read. */
export class Background implements BackgroundProcess {
  readonly id: number;
  readonly #child: Child;
  readonly #sink: OutputSink;
  readonly #graceMs: number;
  readonly #finished: Promise<void>;

  constructor(id: number, held: Held, sink: OutputSink, graceMs: number) {
    this.id = id;
    this.#child = held.child;
    this.#sink = sink;
    this.#graceMs = graceMs;
    const tell = (note: string) => sink.add(Buffer.from(`[sandbox] ${note}\n`));
    this.#finished = held.child.exited
      .then(async () => {
        const { notes, failed } = await held.finish();
        for (const note of [...notes, ...(failed ? [failed.message] : [])]) tell(note);
      })
      // Nobody waits for it, and a guard that could not do its work must not end the agent.
      .catch((error: unknown) => tell(`what it left could not be looked after: ${messageOf(error)}`))
      .finally(() => sink.end());
  }

  read(): { output: string; omitted: number } {
    const { text: output, omitted } = this.#sink.take(this.ended !== undefined);
    return { output, omitted };
  }

  get ended() {
    return this.#child.ended;
  }

  async kill(): Promise<void> {
    this.#child.stop(this.#graceMs);
    await this.#finished;
  }
}
