import { HttpError } from "./http.ts";

/** A line may be this long, characters; a stream that never ends its line must not fill the memory. */
const MAX_LINE = 64 * 1024 * 1024;

/**
 * Decodes newline-delimited JSON (github.com/ndjson/ndjson-spec) into its lines, without empty ones, chunks cut anywhere.
 * Text after the last line end is a line too: a caller that needs to know whether the stream was complete looks for its
 * protocol's end mark.
 */
export class LineDecoder {
  // Bytes that belong to a character cut by the chunk's end are kept by the decoder.
  readonly #decoder = new TextDecoder();
  /** The beginning of a line whose end has not come, in pieces: joined once, so long lines stay linear. */
  #partial: string[] = [];
  #partialLength = 0;

  /** The lines that end in this chunk. @throws HttpError where one is longer than 64 Mi characters. */
  take(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    const text = this.#decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      let line = text.slice(start, end);
      if (this.#partialLength > 0) {
        line = this.#partial.join("") + line;
        this.#partial = [];
        this.#partialLength = 0;
      }
      start = end + 1;
      if (line.trim()) lines.push(line);
    }
    if (start < text.length) {
      this.#partial.push(text.slice(start));
      this.#partialLength += text.length - start;
      if (this.#partialLength > MAX_LINE) throw new HttpError("network", "the stream holds a line of more than 64 MB");
    }
    return lines;
  }

  /** What came after the last line end; to be called once, when the stream is over. */
  end(): string[] {
    const last = this.#partial.join("") + this.#decoder.decode();
    return last.trim() ? [last] : [];
  }
}
