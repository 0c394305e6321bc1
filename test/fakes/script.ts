import type { Usage } from "../../src/contracts/message.ts";

/** A tool call of a scripted answer. Arguments as an object become JSON; as a string they are sent as they are. */
export interface ScriptedCall {
  name: string;
  arguments?: Record<string, unknown> | string;
  /** Made up where absent; "" sends no id (Chat Completions). */
  id?: string;
}

/** One scripted answer: content, or trouble, or content that ends in trouble. A string is an answer with that text. */
export type Turn = string | ScriptedTurn;

export interface ScriptedTurn {
  text?: string;
  reasoning?: string;
  calls?: readonly ScriptedCall[];
  /** The wire's own word for the end (`length`, `refusal`); follows from the content where absent. */
  stop?: string;
  /** Counted from the sizes where absent. */
  usage?: Partial<Usage>;
  /** Text, reasoning and arguments come in pieces of so many characters. Default: each in one piece. */
  pieceSize?: number;
  /** The answer comes as one JSON document although a stream was asked for. */
  whole?: boolean;

  /** An error instead of an answer. */
  status?: number;
  headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown;

  /** An error event where the end would be, although the status was 200. */
  streamError?: unknown;
  /** The body ends early: after this share of its bytes (0..1), or in the middle of the first call's arguments. */
  cut?: number | "call";
  /** How a cut body ends. `reset`: the connection breaks (default). `clean`: as if it were complete. */
  cutAs?: "reset" | "clean";
  /** Says nothing more: before the headers, or in the middle of the body. Until the client goes away. */
  hang?: "start" | "middle";
  /** Milliseconds before every piece of `pieceBytes` bytes. */
  delayMs?: number;
  pieceBytes?: number;
}

/** The turns in order, or a function of the request; undefined ends the script. */
export type Script =
  | readonly Turn[]
  | ((request: FakeRequest, index: number) => Turn | undefined | Promise<Turn | undefined>);

/** A request as the fake got it. */
export interface FakeRequest {
  path: string;
  /** With its question mark; "" or absent where there is none. */
  query?: string;
  headers: Record<string, string>;
  /** Exactly as it was sent. */
  raw: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into foreign JSON of every shape
  body: any;
  /** What was wrong with it, where it was refused. */
  refused?: string;
}

export interface Fake {
  /** Of the server, without a path; a client's base URL is made from it (see each fake). */
  url: string;
  /** What a client of the real service would be given as base URL. */
  baseUrl: string;
  /** Every request so far, refused ones included. */
  requests: FakeRequest[];
  stop(): Promise<void>;
}

export async function nextTurn(script: Script, request: FakeRequest, index: number): Promise<ScriptedTurn> {
  const turn = typeof script === "function" ? await script(request, index) : script[index];
  if (turn === undefined) {
    return { status: 400, body: { error: { message: `the fake's script ended before request ${index + 1}` } } };
  }
  return typeof turn === "string" ? { text: turn } : turn;
}

/** `abcdef`, 4 → `abcd`, `ef`; everything in one piece without a size. Never cuts a character in two. */
export function pieces(text: string, size: number | undefined): string[] {
  if (!size || text.length <= size) return text ? [text] : [];
  const result: string[] = [];
  const characters = [...text];
  for (let start = 0; start < characters.length; start += size) {
    result.push(characters.slice(start, start + size).join(""));
  }
  return result;
}

export function argumentsOf(call: ScriptedCall): string {
  return typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments ?? {});
}

/** Bytes by four, as a stand-in for a tokenizer. */
export function estimated(text: string): number {
  return Math.ceil(text.length / 4);
}

/** What the script does not say of the usage, from the sizes of request and answer. */
export function usageFor(turn: ScriptedTurn, request: FakeRequest): Usage {
  const calls = (turn.calls ?? []).map((call) => call.name + argumentsOf(call)).join("");
  const reasoning = estimated(turn.reasoning ?? "");
  const output = estimated((turn.text ?? "") + calls) + reasoning;
  return { input: estimated(request.raw), output, cacheRead: 0, cacheWrite: 0, reasoning, ...turn.usage };
}

/**
 * Sends an event stream as the turn wants it. `events` are whole SSE blocks, lines or binary messages; `callAt` is the
 * index of the one in which the first call's arguments begin.
 */
export function streamed(
  turn: ScriptedTurn,
  events: readonly (string | Uint8Array)[],
  callAt: number,
  contentType = "text/event-stream",
): Response {
  const headers = { "content-type": contentType, ...turn.headers };
  const blocks = events.map((event) => Buffer.from(event));
  const bytes = new Uint8Array(Buffer.concat(blocks));
  const plain = turn.cut === undefined && !turn.hang && !turn.delayMs;
  if (plain) return new Response(bytes, { headers });
  let end = bytes.length;
  if (turn.cut === "call") {
    // Half of the block that brings arguments.
    end = Buffer.concat(blocks.slice(0, callAt)).length + Math.floor((blocks[callAt]?.length ?? 0) / 2);
  } else if (turn.cut !== undefined) end = Math.floor(bytes.length * turn.cut);
  else if (turn.hang === "middle") end = Math.floor(bytes.length / 2);
  if (turn.cut !== undefined && turn.cutAs === "clean") return new Response(bytes.slice(0, end), { headers });
  return new Response(source(bytes.slice(0, end), turn), { headers });
}

function source(bytes: Uint8Array, turn: ScriptedTurn): ReadableStream<Uint8Array> {
  const size = turn.pieceBytes ?? bytes.length;
  let sent = 0;
  return new ReadableStream({
    async pull(controller) {
      if (turn.delayMs) await Bun.sleep(turn.delayMs);
      if (sent < bytes.length) {
        controller.enqueue(bytes.slice(sent, sent + size));
        sent += size;
        return;
      }
      if (turn.hang) await new Promise(() => {});
      if (turn.cut === undefined) return controller.close();
      // What was sent must arrive before the connection breaks. Without a value nothing is printed.
      await Bun.sleep(2);
      controller.error(undefined);
    },
  });
}

/** Runs a fake service on a free port of the loopback address. What `aside` answers is not among the requests. */
export function serve(
  baseOf: (url: string) => string,
  answer: (request: FakeRequest, index: number) => Promise<Response>,
  aside?: (request: FakeRequest) => Response | undefined,
): Fake {
  const requests: FakeRequest[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(incoming) {
      const raw = await incoming.text();
      const { pathname, search } = new URL(incoming.url);
      const headers = incoming.headers.toJSON();
      const request: FakeRequest = { path: pathname, query: search, headers, raw, body: parsed(raw) };
      const other = aside?.(request);
      if (other) return other;
      requests.push(request);
      return answer(request, requests.length - 1);
    },
    // A broken connection is part of the script and nothing to be printed.
    error: () => new Response("the fake failed", { status: 500 }),
  });
  const url = `http://127.0.0.1:${server.port}`;
  return { url, baseUrl: baseOf(url), requests, stop: () => server.stop(true) };
}

function parsed(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

/** Never answers. */
export function hanging(): Promise<Response> {
  return new Promise(() => {});
}

export function trouble(turn: ScriptedTurn): Response {
  const body = typeof turn.body === "string" ? turn.body : JSON.stringify(turn.body ?? {});
  return new Response(body, { status: turn.status!, headers: { "content-type": "application/json", ...turn.headers } });
}
