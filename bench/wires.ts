/**
 * `bun bench/wires.ts [RUNS]`: how fast each wire decodes a stream of 10 MB, and whether a stream ten times as long needs
 * more memory. Prints a table and a JSON line. The events are as small as the services send them: a few tokens each.
 */
import type { ModelEvent, ModelInfo } from "../src/contracts/provider.ts";
import type { Row, WireId } from "../src/providers/row.ts";
import type { Target } from "../src/providers/wire/wire.ts";
import { converseEvent } from "../test/fakes/bedrock-server.ts";
import { type Row as Line, median, table } from "./table.ts";

const MEGABYTE = 1_000_000;
/** What a transport hands over at once, bytes. */
const CHUNK = 16_384;
const WORDS = " and then the second";

interface Sample {
  wire: WireId;
  begin: (string | Uint8Array)[];
  piece: string | Uint8Array;
  end: (string | Uint8Array)[];
}

const sse = (value: object, event?: string) => `${event ? `event: ${event}\n` : ""}data: ${JSON.stringify(value)}\n\n`;

/** The frames are copied from recordings, with their ids and their padding. */
function samples(): Sample[] {
  const claude = (type: string, value: object) => sse({ type, ...value }, type);
  const openai = (type: string, value: object) => sse({ type, sequence_number: 1234, output_index: 0, ...value }, type);
  const chunk = (delta: object, finish_reason: string | null = null) =>
    sse({
      id: "chatcmpl-C0ffee",
      object: "chat.completion.chunk",
      created: 1_790_000_000,
      model: "gpt-5.1",
      choices: [{ index: 0, delta, finish_reason }],
    });
  const gemini = (more: object) =>
    sse({
      candidates: [{ content: { parts: [{ text: WORDS }], role: "model" }, index: 0, ...more }],
      usageMetadata: { promptTokenCount: 29, candidatesTokenCount: 15, totalTokenCount: 89 },
      modelVersion: "gemini-3.1-pro-preview",
      responseId: "b36LacjwM668nsEP2tbsgQQ",
    });
  const ollama = (content: string, more: object) =>
    `${JSON.stringify({ model: "qwen3:8b", created_at: "2026-11-23T10:00:00.312345Z", message: { role: "assistant", content }, ...more })}\n`;
  const item = {
    type: "message",
    id: "msg_05500b38c2cd9bfc00691c7c9d222481a3b595421266dab424",
    role: "assistant",
    content: [],
  };
  return [
    {
      wire: "anthropic",
      begin: [
        claude("message_start", { message: { usage: { input_tokens: 1, output_tokens: 1 } } }),
        claude("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
      ],
      piece: claude("content_block_delta", { index: 0, delta: { type: "text_delta", text: WORDS } }),
      end: [
        claude("content_block_stop", { index: 0 }),
        claude("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 9 } }),
        claude("message_stop", {}),
      ],
    },
    {
      wire: "chat",
      begin: [chunk({ role: "assistant", content: "" })],
      piece: chunk({ content: WORDS }),
      end: [chunk({}, "stop"), "data: [DONE]\n\n"],
    },
    {
      wire: "responses",
      begin: [openai("response.output_item.added", { item })],
      piece: openai("response.output_text.delta", {
        item_id: item.id,
        content_index: 0,
        delta: WORDS,
        logprobs: [],
        obfuscation: "4dXfu8s",
      }),
      end: [openai("response.completed", { response: { status: "completed", output: [], usage: {} } })],
    },
    { wire: "gemini", begin: [], piece: gemini({}), end: [gemini({ finishReason: "STOP" })] },
    {
      wire: "bedrock",
      begin: [converseEvent("messageStart", { role: "assistant" })],
      piece: converseEvent("contentBlockDelta", { contentBlockIndex: 0, delta: { text: WORDS } }),
      end: [
        converseEvent("messageStop", { stopReason: "end_turn" }),
        converseEvent("metadata", { usage: { inputTokens: 1, outputTokens: 1 } }),
      ],
    },
    {
      wire: "ollama",
      begin: [],
      piece: ollama(WORDS, { done: false }),
      end: [ollama("", { done: true, done_reason: "stop", prompt_eval_count: 1, eval_count: 1 })],
    },
  ];
}

/** The stream in chunks that a transport would hand over; the same bytes again and again, so that it needs no memory. */
async function* stream({ begin, piece, end }: Sample, bytes: number): AsyncGenerator<Uint8Array> {
  const joined = (parts: (string | Uint8Array)[]) =>
    new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))));
  const one = joined([piece]);
  // Wherever in an event a chunk begins, it lies in this; no more is made, because the time for that is measured too.
  const block = joined(Array(Math.ceil(CHUNK / one.length) + 1).fill(piece));
  if (begin.length > 0) yield joined(begin);
  let sent = 0;
  while (sent < bytes) {
    // A whole number of events is sent in all; each chunk is cut wherever it happens to end.
    const from = sent % one.length;
    const left = Math.ceil((bytes - sent) / one.length) * one.length - from;
    yield block.subarray(from, from + Math.min(CHUNK, left));
    sent += Math.min(CHUNK, left);
  }
  const rest = (one.length - (sent % one.length)) % one.length;
  if (rest > 0) yield block.subarray(one.length - rest, one.length);
  yield joined(end);
}

function targetFor(wire: WireId): Target {
  const capabilities = { tools: true, images: true, reasoning: true, temperature: true };
  const info: ModelInfo = { ref: "bench/model", context: 1, maxOutput: 1, capabilities, assumed: false };
  const row: Row = {
    id: "bench",
    displayName: "bench",
    wire,
    baseUrl: "",
    baseUrlEnv: "",
    keyEnv: [],
    needsKey: false,
    auth: "bearer",
    headers: {},
    quirks: { endMark: "done" },
    local: false,
    defaultModel: undefined,
    smallModel: undefined,
    models: [],
    limits: {},
    custom: true,
  };
  return { row, model: "model", info };
}

/** Seconds for the whole stream, and the number of characters that came out of it. */
async function decode(sample: Sample, bytes: number): Promise<{ seconds: number; said: number }> {
  const wire = (await import(`../src/providers/wire/${sample.wire}.ts`))[sample.wire];
  const started = performance.now();
  let said = 0;
  let last: ModelEvent | undefined;
  for await (const event of wire.decode(stream(sample, bytes), targetFor(sample.wire)) as AsyncGenerator<ModelEvent>) {
    last = event;
    if (event.type === "text") said += event.text.length;
  }
  if (last?.type !== "done") throw new Error(`${sample.wire} did not finish`);
  return { seconds: (performance.now() - started) / 1000, said };
}

/** Bytes on the heap beyond the text itself, after a stream. */
async function held(sample: Sample, bytes: number): Promise<number> {
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  const { said } = await decode(sample, bytes);
  const after = process.memoryUsage.rss();
  // The answer itself is kept, and grows with the stream: two copies of its text while it is put together.
  return after - before - 2 * said;
}

const runs = Number(process.argv[2] ?? 7);
const lines: Line[] = [];
for (const sample of samples()) {
  await decode(sample, MEGABYTE);
  const times: number[] = [];
  for (let run = 0; run < runs; run++) times.push((await decode(sample, 10 * MEGABYTE)).seconds);
  const size = Buffer.from(sample.piece).length;
  lines.push({
    what: `${sample.wire}, events of ${size} bytes`,
    value: 10 / median(times),
    reach: 100,
    unit: "MB/s",
    higher: true,
  });
  const growth = (await held(sample, 100 * MEGABYTE)) / 2 ** 20;
  lines.push({ what: `${sample.wire}, memory for 100 MB beyond the text`, value: growth, reach: 32, unit: "MiB" });
}
console.log(table(lines));
console.log(JSON.stringify({ runs, rows: lines }));
