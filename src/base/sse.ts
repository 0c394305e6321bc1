import { HttpError } from "./http.ts";

/** One event of an event stream. */
export interface SseEvent {
  /** The event's type, `message` where the stream names none. */
  event: string;
  data: string;
  /** The last id seen, "" before the first. */
  id: string;
}

/** An event may be this large (characters); a stream that never ends its line must not fill the memory. */
const MAX_EVENT = 64 * 1024 * 1024;
const LF = "\n";
const CR = "\r";

/**
 * Decodes `text/event-stream` as the WHATWG standard has it (html.spec.whatwg.org, 9.2.6): every line end, one byte-order
 * mark, chunks cut anywhere. What is not ended by an empty line is dropped, as the standard says: a caller that needs
 * to know whether the stream was complete looks for its protocol's end mark. A chunk at a time and not as a generator,
 * for those who read millions of small events.
 */
export class SseDecoder {
  // Bytes that belong to a character cut by the chunk's end are kept by the decoder.
  readonly #decoder = new TextDecoder();
  readonly #block = new Block();
  /** The beginning of a line whose end has not come, in pieces: joined once, so long lines stay linear. */
  #partial: string[] = [];
  #partialLength = 0;
  #afterCr = false;

  /** The events that end in this chunk. @throws HttpError where one is larger than 64 Mi characters. */
  take(chunk: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    const text = this.#decoder.decode(chunk, { stream: true });
    let start = 0;
    if (this.#afterCr && text.length > 0) {
      if (text.startsWith(LF)) start = 1;
      this.#afterCr = false;
    }
    let cr = text.indexOf(CR, start);
    let lf = text.indexOf(LF, start);
    while (cr >= 0 || lf >= 0) {
      const end = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      const line = this.#completed(text.slice(start, end));
      start = end + 1;
      if (end === cr) {
        if (start === text.length) this.#afterCr = true;
        else if (lf === start) start++;
        cr = text.indexOf(CR, start);
      }
      if (lf >= 0 && lf < start) lf = text.indexOf(LF, start);
      const event = this.#block.take(line);
      if (event) events.push(event);
    }
    if (start < text.length) {
      this.#partial.push(text.slice(start));
      this.#partialLength += text.length - start;
    }
    if (this.#block.size + this.#partialLength > MAX_EVENT) {
      throw new HttpError("network", "the event stream holds an event of more than 64 MB");
    }
    return events;
  }

  /** A line with what came of it before. */
  #completed(end: string): string {
    if (this.#partialLength === 0) return end;
    const line = this.#partial.join("") + end;
    this.#partial = [];
    this.#partialLength = 0;
    return line;
  }
}

/** The lines since the last empty one. */
class Block {
  #event = "";
  #data: string | undefined;
  #id = "";
  #lastId = "";

  get size(): number {
    return this.#data?.length ?? 0;
  }

  /** Reads one line; an empty one ends the block and gives its event, where it had data. */
  take(line: string): SseEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    // A line that begins with a colon is a comment.
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
    if (field === "data") this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return;
  }

  #dispatch(): SseEvent | undefined {
    const data = this.#data;
    const event = this.#event || "message";
    this.#lastId = this.#id;
    this.#data = undefined;
    this.#event = "";
    return data === undefined ? undefined : { event, data, id: this.#lastId };
  }
}
