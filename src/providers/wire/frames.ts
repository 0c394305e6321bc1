import { ProviderError } from "../../base/errors.ts";
import { isObject } from "../../base/schema.ts";
import { SseDecoder, type SseEvent } from "../../base/sse.ts";

/** A body that is not a stream may be this large, bytes. */
const MAX_JSON = 64 * 1024 * 1024;

/**
 * One piece of a response. `whole`: the server did not stream but answered with one JSON document, as some compatible
 * servers do whatever `stream` says. `end`: the `[DONE]` line of Chat Completions.
 */
export type Frame =
  | { kind: "event"; event: string; value: Record<string, unknown> }
  | { kind: "whole"; value: Record<string, unknown> }
  | { kind: "end" };

/**
 * Splits a response body into JSON pieces, those of one chunk at a time: waiting for each of them would cost more than
 * reading it. A piece is read when it is asked for, so that those before a broken one arrive.
 *
 * @throws ProviderError `broken_stream` where a piece is not JSON, `invalid` where the body is not an API's at all.
 */
export async function* frames(
  bytes: AsyncIterable<Uint8Array>,
  provider: string,
): AsyncGenerator<Iterable<Frame>, void> {
  const source = bytes[Symbol.asyncIterator]();
  try {
    const { head, first } = await peek(source);
    if (first === "{") {
      yield [{ kind: "whole", value: parsed(await rest(head, source), provider) }];
      return;
    }
    if (first === "[") {
      // Google streams a list where `alt=sse` went missing on the way.
      const values = list(await rest(head, source), provider);
      yield values.map((value) => ({ kind: "event", event: "message", value }));
      return;
    }
    if (first === "<") throw webPage(provider);
    const decoder = new SseDecoder();
    for await (const chunk of joined(head, source)) yield framesOf(decoder.take(chunk), provider);
  } finally {
    // Ending early must close the connection.
    await source.return?.();
  }
}

function* framesOf(events: readonly SseEvent[], provider: string): Generator<Frame, void> {
  for (const { event, data } of events) {
    if (data === "[DONE]") yield { kind: "end" };
    else if (data !== "") yield { kind: "event", event, value: parsed(data, provider) };
  }
}

/** Reads up to the first character that says what the body is. */
async function peek(source: AsyncIterator<Uint8Array>): Promise<{ head: Uint8Array[]; first: string }> {
  const head: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await source.next();
    if (done) return { head, first: "" };
    head.push(value);
    for (const byte of value) {
      // White space and the bytes of a byte-order mark say nothing.
      if (byte > 0x20 && byte !== 0xef && byte !== 0xbb && byte !== 0xbf) {
        return { head, first: String.fromCharCode(byte) };
      }
    }
  }
}

/** A sign-in page or a proxy's error, with status 200. */
export function webPage(provider: string): ProviderError {
  const message = `${provider} answered with a web page instead of a model's answer: check the base URL`;
  return new ProviderError("invalid", provider, message);
}

export async function* joined(head: Uint8Array[], source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* head;
  for (;;) {
    const { done, value } = await source.next();
    if (done) return;
    yield value;
  }
}

async function rest(head: Uint8Array[], source: AsyncIterator<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let size = 0;
  for await (const chunk of joined(head, source)) {
    size += chunk.length;
    if (size > MAX_JSON) break;
    parts.push(decoder.decode(chunk, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join("");
}

/** @throws ProviderError `broken_stream` where the text is not a JSON object. */
export function parsed(text: string, provider: string): Record<string, unknown> {
  const value = json(text);
  if (isObject(value)) return value;
  throw noJson(provider);
}

function list(text: string, provider: string): Record<string, unknown>[] {
  const value = json(text);
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw noJson(provider);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function noJson(provider: string): ProviderError {
  return new ProviderError("broken_stream", provider, `${provider} sent a piece of an answer that is not JSON`);
}
