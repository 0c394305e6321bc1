import { HttpError } from "./http.ts";

/** A line may be this long, characters; a stream that never ends its line must not fill the memory. */
const MAX_LINE = 64 * 1024 * 1024;

/**
 * The lines of newline-delimited JSON (github.com/ndjson/ndjson-spec), without empty ones, chunks cut anywhere. Text
 * after the last line end is given too: a caller that needs to know whether the stream was complete looks for its
 * protocol's end mark.
 *
 * @throws HttpError where one line is longer than 64 Mi characters, and whatever `chunks` throws.
 */
export async function* decodeLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  // Bytes that belong to a character cut by the chunk's end are kept by the decoder.
  const decoder = new TextDecoder();
  /** The beginning of a line whose end has not come, in pieces: joined once, so long lines stay linear. */
  let partial: string[] = [];
  let partialLength = 0;
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      let line = text.slice(start, end);
      if (partialLength > 0) {
        line = partial.join("") + line;
        partial = [];
        partialLength = 0;
      }
      start = end + 1;
      if (line.trim()) yield line;
    }
    if (start < text.length) {
      partial.push(text.slice(start));
      partialLength += text.length - start;
      if (partialLength > MAX_LINE) throw new HttpError("network", "the stream holds a line of more than 64 MB");
    }
  }
  const last = partial.join("") + decoder.decode();
  if (last.trim()) yield last;
}
