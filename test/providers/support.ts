import type { Clock } from "../../src/contracts/kit.ts";
import type { Message } from "../../src/contracts/message.ts";
import type { Model, ModelEvent, ModelInfo, ModelRequest } from "../../src/contracts/provider.ts";
import type { Row, WireId } from "../../src/providers/row.ts";
import type { Target, Wire } from "../../src/providers/wire/wire.ts";

/** JSON of other people's making, of every shape. */
// biome-ignore lint/suspicious/noExplicitAny: tests pick single fields out of it
export type Foreign = any;

export type Done = Extract<ModelEvent, { type: "done" }>;

export function infoFor(ref: string, changes: Partial<ModelInfo> = {}): ModelInfo {
  const capabilities = { tools: true, images: true, reasoning: true, temperature: true };
  return { ref, context: 200_000, maxOutput: 64_000, capabilities, assumed: false, ...changes };
}

/** A provider's row as the program's own list has it, or a plain one. */
export async function rowFor(id: string, changes: Partial<Row> = {}): Promise<Row> {
  const { loadRows } = await import("../../src/providers/rows.ts");
  const found = (await loadRows(await defaultConfig(), {})).find((row) => row.id === id);
  const plain: Row = {
    id,
    displayName: id,
    wire: "chat",
    baseUrl: "http://127.0.0.1:1/v1",
    baseUrlEnv: "X_BASE_URL",
    keyEnv: ["X_API_KEY"],
    needsKey: false,
    auth: "bearer",
    headers: {},
    quirks: {},
    local: false,
    defaultModel: "model",
    smallModel: undefined,
    models: [],
    limits: {},
    custom: true,
  };
  return { ...(found ?? plain), ...changes };
}

export async function defaultConfig(changes: Record<string, unknown> = {}) {
  const { configSchema } = await import("../../src/base/config-schema.ts");
  const { parse } = await import("../../src/base/schema.ts");
  const parsed = parse(configSchema(), changes);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return parsed.value;
}

export async function targetFor(id: string, model = "model", changes: Partial<ModelInfo> = {}): Promise<Target> {
  return { row: await rowFor(id), model, info: infoFor(`${id}/${model}`, changes) };
}

export async function wireOf(id: WireId): Promise<Wire> {
  return (await import(`../../src/providers/wire/${id}.ts`))[id];
}

export function user(text: string): Message {
  return { role: "user", blocks: [{ type: "text", text }] };
}

export function requestOf(messages: Message[], changes: Partial<ModelRequest> = {}): ModelRequest {
  return { system: "You work with care.", messages, tools: [], maxTokens: 1000, ...changes };
}

export const readTool = {
  name: "read",
  description: "Reads a file.",
  parameters: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
};

export async function collect(events: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const result: ModelEvent[] = [];
  for await (const event of events) result.push(event);
  return result;
}

export async function ask(model: Model, request: ModelRequest, signal = new AbortController().signal): Promise<Done> {
  const last = (await collect(model.stream(request, signal))).at(-1);
  if (last?.type !== "done") throw new Error("the model ended without an answer");
  return last;
}

/** Pieces joined, so that the same answer looks the same however it was cut. */
export function summary(events: ModelEvent[]) {
  const text = events.map((event) => (event.type === "text" ? event.text : "")).join("");
  const reasoning = events.map((event) => (event.type === "reasoning" ? event.text : "")).join("");
  const calls = events.filter((event) => event.type === "tool_call");
  return { text, reasoning, calls, done: events.at(-1) as Done };
}

/** What was thrown. */
export async function failure(
  work: Promise<unknown> | (() => Promise<unknown>),
): Promise<Error & Record<string, unknown>> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error("it did not fail");
}

/** A clock that stands still; sleeping moves it and is written down. */
export function fakeClock(now = 1_800_000_000_000): Clock & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      slept.push(ms);
      now += ms;
    },
  };
}

/** Pseudo-random numbers that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The bytes as a response body, cut at the given places. */
export async function* cutAt(bytes: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const end of [...places, bytes.length]) {
    yield bytes.slice(start, end);
    start = end;
  }
}

export async function* byteByByte(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < bytes.length; index++) yield bytes.slice(index, index + 1);
}

export function randomCuts(length: number, random: () => number, count = 20): number[] {
  return Array.from({ length: count }, () => Math.floor(random() * length)).sort((a, b) => a - b);
}
