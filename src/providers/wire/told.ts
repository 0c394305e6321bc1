import type { AssistantMessage, StopReason, Usage } from "../../contracts/message.ts";
import type { ModelEvent } from "../../contracts/provider.ts";

type Kind = "text" | "reasoning";

/** A block of an answer whose text is still coming. */
export interface Growing {
  text: string;
}

/**
 * What an answer tells while it is read. Pieces of one block that arrive together are told, and added to it, as one: each
 * event passes from generator to generator up to the displays, and one such step takes as long as reading a piece.
 */
export class Told {
  #events: ModelEvent[] = [];
  #ended = false;
  /** Neighbouring pieces of a block, joined once: a text that grew piece by piece holds on to all of them. */
  #pieces: string[] = [];
  #kind: Kind = "text";
  #block: Growing | undefined;

  /** True where the answer is whole. */
  get ended(): boolean {
    return this.#ended;
  }

  /** A piece of a block. The block has it after the next `flush`. */
  say(kind: Kind, piece: string, block: Growing): void {
    if (piece === "") return;
    if (block !== this.#block) this.flush();
    this.#block = block;
    this.#kind = kind;
    this.#pieces.push(piece);
  }

  /** The same for pieces that follow each other. */
  goOnWith(pieces: readonly { kind: Kind; text: string }[], blocks: (Growing & { type: Kind })[]): void {
    for (const { kind, text } of pieces) this.goOn(kind, text, blocks);
  }

  /** A piece of the last of these blocks, or of a new one where that is of another kind. */
  goOn(kind: Kind, piece: string, blocks: (Growing & { type: Kind })[]): void {
    if (piece === "") return;
    let block = blocks.at(-1);
    if (block?.type !== kind) {
      block = { type: kind, text: "" };
      blocks.push(block);
    }
    this.say(kind, piece, block);
  }

  call(id: string, name: string): void {
    this.flush();
    this.#events.push({ type: "tool_call", id, name });
  }

  end(message: AssistantMessage, stop: StopReason, usage: Usage): void {
    this.#events.push({ type: "done", message, stop, usage });
    this.#ended = true;
  }

  /** Brings the blocks up to what was said. */
  flush(): void {
    if (this.#block === undefined || this.#pieces.length === 0) return;
    const text = this.#pieces.join("");
    this.#pieces = [];
    this.#block.text += text;
    this.#events.push({ type: this.#kind, text });
  }

  /** What was told since the last time. */
  take(): ModelEvent[] {
    this.flush();
    const events = this.#events;
    this.#events = [];
    return events;
  }
}

/**
 * Hands every piece of a stream to `read` until the answer is whole, and yields what is told by that, after each batch.
 * What was told before an error arrives before it.
 */
export async function* telling<T>(
  batches: AsyncIterable<Iterable<T>>,
  told: Told,
  read: (piece: T) => void,
): AsyncGenerator<ModelEvent, void> {
  for await (const batch of batches) {
    try {
      for (const piece of batch) {
        read(piece);
        if (told.ended) break;
      }
    } finally {
      yield* told.take();
    }
    if (told.ended) return;
  }
}
