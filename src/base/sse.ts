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
/** What ends an event: the end of its last line, and an empty line. */
const END = LF + LF;

/**
 * Decodes `text/event-stream` as the WHATWG standard has it (html.spec.whatwg.org, 9.2.6): every line end, one byte-order
 * mark, chunks cut anywhere. What is not ended by an empty line is dropped, as the standard says: a caller that needs
 * to know whether the stream was complete looks for its protocol's end mark. A chunk at a time and not as a generator,
 * for those who read millions of small events.
 */
export class SseDecoder {
  // Bytes that belong to a character cut by the chunk's end are kept by the decoder.
  readonly #decoder = new TextDecoder();
  #afterCr = false;
  /** The beginning of an event whose end has not come, in pieces: joined once, so that long events stay linear. */
  #partial: string[] = [];
  #partialLength = 0;
  /**
   * How the last event began, up to its data, and its type. Most events begin as the one before did, and have one line of
   * data: such a one is cut out without a look at its lines, in half the time.
   */
  #usual = { begins: "data: ", event: "message" };
  #id = "";

  /** The events that end in this chunk. @throws HttpError where one is larger than 64 Mi characters. */
  take(chunk: Uint8Array): SseEvent[] {
    const events: SseEvent[] = [];
    const text = this.#ending(this.#read(chunk));
    let start = 0;
    for (;;) {
      const { begins, event } = this.#usual;
      const from = start + begins.length;
      const lineEnd = text.startsWith(begins, start) ? text.indexOf(LF, from) : -1;
      if (lineEnd >= 0 && text.startsWith(LF, lineEnd + 1)) {
        events.push({ event, data: text.slice(from, lineEnd), id: this.#id });
        start = lineEnd + END.length;
        continue;
      }
      const end = text.indexOf(END, start);
      if (end < 0) break;
      const other = this.#event(text.slice(start, end));
      if (other) events.push(other);
      start = end + END.length;
    }
    this.#keep(text.slice(start));
    return events;
  }

  /** The text of a chunk, with LF for every line end. */
  #read(chunk: Uint8Array): string {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === "") return text;
    // The second half of a line end that was cut in two.
    if (this.#afterCr && text.startsWith(LF)) text = text.slice(1);
    this.#afterCr = text.endsWith(CR);
    return text.includes(CR) ? text.replace(/\r\n?/g, LF) : text;
  }

  /** The text with what came before it, or nothing as long as no event ends in it. */
  #ending(text: string): string {
    if (this.#partialLength === 0) return text;
    const ends = text.includes(END) || (text.startsWith(LF) && this.#partial.at(-1)!.endsWith(LF));
    this.#keep(text);
    if (!ends) return "";
    const whole = this.#partial.join("");
    this.#partial = [];
    this.#partialLength = 0;
    return whole;
  }

  #keep(text: string): void {
    if (text === "") return;
    this.#partial.push(text);
    this.#partialLength += text.length;
    if (this.#partialLength > MAX_EVENT) {
      throw new HttpError("network", "the event stream holds an event of more than 64 MB");
    }
  }

  /** Reads the lines between two empty ones; nothing where they hold no data. */
  #event(lines: string): SseEvent | undefined {
    let event = "";
    let data: string | undefined;
    for (const line of lines.split(LF)) {
      const colon = line.indexOf(":");
      // A line that begins with a colon is a comment.
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1);
      if (field === "data") data = data === undefined ? value : `${data}\n${value}`;
      else if (field === "event") event = value;
      else if (field === "id" && !value.includes("\0")) this.#id = value;
    }
    if (data === undefined) return;
    const begins = event ? `event: ${event}\ndata: ` : "data: ";
    if (lines.startsWith(begins)) this.#usual = { begins, event: event || "message" };
    return { event: event || "message", data, id: this.#id };
  }
}
