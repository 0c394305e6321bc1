import { expect, test } from "bun:test";
import type { ModelEvent } from "../../src/contracts/provider.ts";
import { describeSpecs } from "../specs.ts";
import { type Recorded, recordings } from "./recordings.ts";
import {
  byteByByte,
  collect,
  cutAt,
  type Done,
  type Foreign,
  failure,
  randomCuts,
  seeded,
  summary,
  targetFor,
  wireOf,
} from "./support.ts";

const ROWS: Record<string, string> = { "openai-chat": "openai", "qwen-alibaba": "qwen" };
const FAMILIES = ["anthropic", "openai-chat", "groq", "openrouter", "deepseek", "moonshot", "together", "qwen-alibaba"];

function decoder(recorded: Recorded) {
  return async (bytes: AsyncIterable<Uint8Array>): Promise<ModelEvent[]> => {
    const wire = await wireOf(recorded.family === "anthropic" ? "anthropic" : "chat");
    return collect(wire.decode(bytes, await targetFor(ROWS[recorded.family] ?? recorded.family)));
  };
}

describeSpecs("llm-wire", (dir) => {
  const all = recordings(dir, FAMILIES).filter((each) => !each.path?.endsWith("/responses"));
  const answers = all.filter((each) => each.status === 200 && !isError(each));
  const streams = answers.filter((each) => each.streamed);

  test("there are recordings of every family, streamed and not", () => {
    expect(new Set(answers.map((each) => each.family))).toEqual(new Set(FAMILIES));
    expect(streams.length).toBeGreaterThan(35);
    expect(answers.length - streams.length).toBeGreaterThan(60);
  });

  for (const recorded of answers) {
    const decode = decoder(recorded);

    test(`${recorded.name} gives the same answer whole, byte by byte and at random cuts`, async () => {
      const whole = summary(await decode(cutAt(recorded.body, [])));
      expect(whole.done.type).toBe("done");
      expect(summary(await decode(byteByByte(recorded.body)))).toEqual(whole);
      const random = seeded(recorded.body.length);
      for (let round = 0; round < 5; round++) {
        expect(summary(await decode(cutAt(recorded.body, randomCuts(recorded.body.length, random))))).toEqual(whole);
      }
      const { blocks } = whole.done.message;
      expect(blocks.map((block) => (block.type === "text" ? block.text : "")).join("")).toBe(whole.text);
      expect(blocks.map((block) => (block.type === "reasoning" ? block.text : "")).join("")).toBe(whole.reasoning);
      const calls = blocks.filter((block) => block.type === "tool_call");
      expect(calls.map(({ id, name }) => ({ type: "tool_call" as const, id, name }))).toEqual(whole.calls);
      expect(calls.every((call) => call.id !== "" && call.name !== "")).toBe(true);
      if (whole.done.stop !== "length") for (const call of calls) JSON.parse(call.arguments);
    });

    test(`${recorded.name} gives the recorded usage`, async () => {
      const { usage } = summary(await decode(cutAt(recorded.body, []))).done;
      expect(totals(usage)).toEqual(recordedTotals(recorded));
    });
  }

  for (const recorded of streams) {
    test(`${recorded.name} cut before its end mark is an error, never a short answer`, async () => {
      const decode = decoder(recorded);
      const end = endMark(recorded);
      const random = seeded(end);
      const places = [1, end >> 1, end - 1, ...Array.from({ length: 25 }, () => Math.floor(random() * end))];
      for (const place of places) {
        const error = await failure(decode(cutAt(recorded.body.slice(0, place), [])));
        expect(error["kind"]).toBe("broken_stream");
      }
    });
  }

  test("an unbroken answer of a plain server ends with its finish reason, without [DONE]", async () => {
    const wire = await wireOf("chat");
    const target = await targetFor("my-server");
    for (const recorded of streams.filter((each) => each.family === "deepseek")) {
      const body = recorded.body.slice(0, endMark(recorded));
      const done = (await collect(wire.decode(cutAt(body, []), target))).at(-1) as Done;
      expect(done.message.blocks.length).toBeGreaterThan(0);
    }
  });

  test("thinking keeps its signature, redacted thinking its data, to the letter", async () => {
    const native: unknown[] = [];
    for (const recorded of streams.filter((each) => each.family === "anthropic")) {
      const { done } = summary(await decoder(recorded)(cutAt(recorded.body, [])));
      const body = new TextDecoder().decode(recorded.body);
      for (const block of done.message.blocks) {
        if (block.type !== "reasoning") continue;
        const value = block.native as { signature?: string; data?: string };
        native.push(value);
        const opaque = value.signature ?? value.data;
        expect(opaque).toBeTruthy();
        expect(body).toContain(JSON.stringify(opaque));
      }
    }
    expect(native.length).toBeGreaterThanOrEqual(8);
  });

  test("OpenRouter's reasoning details are put together from their pieces", async () => {
    const recorded = streams.find((each) => each.name.includes("streaming_reasoning"))!;
    const { done } = summary(await decoder(recorded)(cutAt(recorded.body, [])));
    const block = done.message.blocks[0] as { text: string; native: { reasoning_details: Record<string, unknown>[] } };
    expect(block.native.reasoning_details).toHaveLength(1);
    expect(block.native.reasoning_details[0]).toMatchObject({
      type: "reasoning.text",
      format: "anthropic-claude-v1",
      index: 0,
      text: block.text,
      signature: expect.stringMatching(/^Et0BCkgIChAC/),
    });
  });

  for (const [chunks, json] of pairs(answers)) {
    test(`${chunks.name} and its JSON form give messages of one shape`, async () => {
      const shape = async (recorded: Recorded) => {
        const { done } = summary(await decoder(recorded)(cutAt(recorded.body, [])));
        // The two were captured one after the other: the words differ, and a JSON answer may hold a server tool's turn.
        return { stop: done.stop, blocks: [...new Set(done.message.blocks.map((block) => block.type))] };
      };
      expect(await shape(chunks)).toEqual(await shape(json));
    });
  }

  for (const recorded of answers.filter((each) => !each.streamed)) {
    test(`${recorded.name} gives the same message when it is streamed in pieces`, async () => {
      const decode = decoder(recorded);
      const whole = summary(await decode(cutAt(recorded.body, [])));
      const body = JSON.parse(new TextDecoder().decode(recorded.body));
      const sse = recorded.family === "anthropic" ? anthropicStream(body) : chatStream(body);
      const streamed = summary(await decode(cutAt(new TextEncoder().encode(sse), [])));
      expect(parsedArguments(streamed.done)).toEqual(parsedArguments(whole.done));
      expect([streamed.text, streamed.reasoning]).toEqual([whole.text, whole.reasoning]);
    });
  }
});

function isError(recorded: Recorded): boolean {
  const text = new TextDecoder().decode(recorded.body);
  return recorded.streamed ? text.includes("\nevent: error") : JSON.parse(text).error !== undefined;
}

/** The first byte of the line that says the answer is whole. */
function endMark(recorded: Recorded): number {
  const text = new TextDecoder().decode(recorded.body);
  const mark = recorded.family === "anthropic" ? '"message_stop"' : "[DONE]";
  return Buffer.byteLength(text.slice(0, text.lastIndexOf(mark)));
}

interface Counts {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  reasoning: number;
}

function totals({ input, output, cacheRead, cacheWrite, reasoning }: Counts) {
  expect(Math.min(input, output, cacheRead, cacheWrite, reasoning)).toBeGreaterThanOrEqual(0);
  expect(reasoning).toBeLessThanOrEqual(output);
  return { prompt: input + cacheRead + cacheWrite, output, cacheRead, reasoning };
}

/** Read from the recording by hand: the last usage object that counts, or zeros where there is none. */
function recordedTotals(recorded: Recorded) {
  const text = new TextDecoder().decode(recorded.body);
  const documents = recorded.streamed
    ? text.split("\n").flatMap((line) => (line.startsWith("data: {") ? [JSON.parse(line.slice(6))] : []))
    : [JSON.parse(text)];
  let counted: Record<string, Foreign> = {};
  for (const each of documents)
    counted = { ...counted, ...(each.usage ?? each.message?.usage ?? each.x_groq?.usage ?? {}) };
  if (recorded.family === "anthropic") {
    const cacheRead = counted["cache_read_input_tokens"] ?? 0;
    return {
      prompt: counted["input_tokens"] + cacheRead + (counted["cache_creation_input_tokens"] ?? 0),
      output: counted["output_tokens"],
      cacheRead,
      reasoning: counted["output_tokens_details"]?.thinking_tokens ?? 0,
    };
  }
  return {
    prompt: counted["prompt_tokens"] ?? 0,
    output: counted["completion_tokens"] ?? 0,
    cacheRead: counted["prompt_tokens_details"]?.cached_tokens ?? 0,
    reasoning: counted["completion_tokens_details"]?.reasoning_tokens ?? 0,
  };
}

function pairs(answers: Recorded[]): [Recorded, Recorded][] {
  return answers
    .filter((each) => each.name.endsWith(".chunks.txt"))
    .flatMap((chunks): [Recorded, Recorded][] => {
      const json = answers.find((each) => each.name === chunks.name.replace(".chunks.txt", ".json"));
      return json ? [[chunks, json]] : [];
    });
}

function parsedArguments({ message, stop, usage }: Done) {
  const blocks = message.blocks.map((block) =>
    block.type === "tool_call" ? { ...block, arguments: JSON.parse(block.arguments) } : block,
  );
  return { blocks, stop, usage };
}

/** The stream in which the service would have sent a message, in small pieces. */
function anthropicStream(message: Foreign): string {
  const events: object[] = [{ type: "message_start", message: { ...message, content: [], stop_reason: null } }];
  for (const [index, block] of message.content.entries()) {
    const delta = (value: object) => events.push({ type: "content_block_delta", index, delta: value });
    const empty: Record<string, object> = {
      text: { type: "text", text: "" },
      thinking: { type: "thinking", thinking: "", signature: "" },
      tool_use: { ...block, input: {} },
    };
    events.push({ type: "content_block_start", index, content_block: empty[block.type] ?? block }, { type: "ping" });
    if (block.type === "text") for (const text of slices(block.text)) delta({ type: "text_delta", text });
    if (block.type === "thinking") {
      for (const thinking of slices(block.thinking)) delta({ type: "thinking_delta", thinking });
      delta({ type: "signature_delta", signature: block.signature });
    }
    if (block.type === "tool_use") {
      for (const piece of slices(JSON.stringify(block.input))) delta({ type: "input_json_delta", partial_json: piece });
    }
    events.push({ type: "content_block_stop", index });
  }
  events.push({ type: "message_delta", delta: { stop_reason: message.stop_reason }, usage: message.usage });
  events.push({ type: "message_stop" }, { type: "event_of_the_future" });
  return events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join("");
}

function chatStream(completion: Foreign): string {
  const { message, finish_reason } = completion.choices[0];
  const deltas: object[] = [{ role: "assistant", content: "" }];
  for (const name of ["reasoning", "reasoning_content", "content"]) {
    for (const piece of slices(message[name] ?? "")) deltas.push({ [name]: piece });
  }
  if (message.reasoning_details) deltas.push({ reasoning_details: message.reasoning_details });
  for (const [index, { id, function: called }] of (message.tool_calls ?? []).entries()) {
    deltas.push({ tool_calls: [{ index, id, type: "function", function: { name: called.name, arguments: "" } }] });
    for (const piece of slices(called.arguments))
      deltas.push({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
  const chunk = (delta: object, reason: unknown = null) => ({
    id: completion.id,
    choices: [{ index: 0, delta, finish_reason: reason }],
  });
  const chunks = [
    ...deltas.map((delta) => chunk(delta)),
    chunk({}, finish_reason),
    { choices: [], usage: completion.usage },
  ];
  return `${chunks.map((each) => `: comment\ndata: ${JSON.stringify(each)}\n\n`).join("")}data: [DONE]\n\n`;
}

function slices(text: string): string[] {
  return text.match(/[\s\S]{1,7}/g) ?? [];
}
