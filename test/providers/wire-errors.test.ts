import { describe, expect, test } from "bun:test";
import type { ModelEvent } from "../../src/contracts/provider.ts";
import { ArgumentPieces } from "../../src/providers/wire/gemini-arguments.ts";
import { converseEvent, exceptionMessage } from "../fakes/bedrock-server.ts";
import { collect, cutAt, failure, targetFor, wireOf } from "./support.ts";

function decodeBedrock(...frames: Uint8Array[]): () => Promise<ModelEvent[]> {
  return async () => {
    const bytes = new Uint8Array(Buffer.concat(frames));
    return collect((await wireOf("bedrock")).decode(cutAt(bytes, []), await targetFor("bedrock")));
  };
}

describe("an exception in a Bedrock stream", () => {
  const begun = converseEvent("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "half" } });
  test.each([
    ["throttlingException", "Too many requests, please wait.", "rate_limit"],
    ["serviceUnavailableException", "Bedrock is unable to process your request.", "capacity"],
    ["internalServerException", "The system encountered an unexpected error.", "server"],
    ["modelStreamErrorException", "The system encountered an unexpected error.", "server"],
    ["validationException", "The model returned the following errors: no", "invalid"],
    ["validationException", "Input is too long for requested model.", "overflow"],
  ])("%s (%s) is %s", async (type, message, kind) => {
    const error = await failure(decodeBedrock(begun, exceptionMessage(type, { message })));
    expect(error).toMatchObject({ kind, message: expect.stringContaining(message) });
  });

  test("damaged bytes are a broken stream", async () => {
    const damaged = begun.slice();
    damaged[40]! ^= 1;
    expect(await failure(decodeBedrock(damaged))).toMatchObject({
      kind: "broken_stream",
      message: "bedrock: the checksum of a message is wrong",
    });
  });
});

describe("Ollama's count of what it read", () => {
  const done = (read: number | undefined) => {
    const line = { message: { content: "x" }, done: true, done_reason: "stop", prompt_eval_count: read, eval_count: 1 };
    return new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  };
  const answer = (read: number | undefined, bytes: number, window: number) => async () => {
    const sent = { path: "", headers: {}, body: "", measured: { window, bytes } };
    return collect((await wireOf("ollama")).decode(cutAt(done(read), []), await targetFor("ollama"), sent));
  };

  test("tells where the conversation did not fit: all of the window was read, or less than the text must have", async () => {
    for (const read of [8192, 8200, 3000]) {
      expect(await failure(answer(read, 60_000, 8192))).toMatchObject({ kind: "overflow", retryable: false });
    }
  });

  test("is believed where the text may have fitted, also when most of it was remembered", async () => {
    for (const [read, bytes] of [
      [7600, 30_000],
      [12, 15_000],
      [undefined, 90_000],
    ] as const) {
      expect((await answer(read, bytes, 8192)()).at(-1)?.type).toBe("done");
    }
  });
});

function decodeEvents(wire: "responses" | "gemini", ...events: object[]): () => Promise<ModelEvent[]> {
  return async () => {
    const bytes = new TextEncoder().encode(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));
    const target = await targetFor(wire === "gemini" ? "google" : "openai");
    return collect((await wireOf(wire)).decode(cutAt(bytes, []), target));
  };
}

describe("the end of a Responses stream", () => {
  const end = (status: string, more: object = {}) => ({
    type: `response.${status}`,
    response: { status, output: [], usage: {}, ...more },
  });
  const item = (value: object) => ({ type: "response.output_item.done", output_index: 0, item: value });
  const said = item({ type: "message", content: [{ type: "output_text", text: "half" }] });

  test.each([
    ["max_output_tokens", "length"],
    ["content_filter", "filtered"],
  ])("that is incomplete because of %s is %s", async (reason, stop) => {
    const events = await decodeEvents("responses", said, end("incomplete", { incomplete_details: { reason } }))();
    expect(events.at(-1)).toMatchObject({ type: "done", stop, message: { blocks: [{ text: "half" }] } });
  });

  test("with a refusal is filtered, and the refusal is told", async () => {
    const refused = item({ type: "message", content: [{ type: "refusal", refusal: "I cannot." }] });
    const events = await decodeEvents("responses", refused, end("completed"))();
    expect(events[0]).toEqual({ type: "text", text: "I cannot." });
    expect(events.at(-1)).toMatchObject({ stop: "filtered" });
  });

  test.each([
    [{ type: "error", code: "rate_limit_exceeded", message: "slow down", param: null }, "rate_limit"],
    [
      { type: "error", error: { type: "invalid_request_error", code: "context_length_exceeded", message: "long" } },
      "overflow",
    ],
    [end("failed", { error: { code: "server_error", message: "oops" } }), "server"],
    [end("failed", { error: { code: "insufficient_quota", message: "no money" } }), "quota"],
  ])("%j is an error", async (event, kind) => {
    expect(await failure(decodeEvents("responses", said, event))).toMatchObject({ kind });
  });

  test("of a server that streams only whole items gives them all, calls without ids included", async () => {
    const call = { type: "function_call", name: "read", arguments: '{"path":"a"}' };
    const events = await decodeEvents("responses", item(call), end("completed"))();
    const [begun, done] = events;
    expect(begun).toMatchObject({ type: "tool_call", name: "read", id: expect.stringMatching(/^call_\w+/) });
    expect(done).toMatchObject({ stop: "tool_calls", message: { blocks: [{ arguments: '{"path":"a"}' }] } });
  });
});

describe("the end of a Gemini stream", () => {
  const chunk = (finishReason: string, part: object = { text: "half" }) => ({
    candidates: [{ content: { parts: [part] }, finishReason }],
  });

  test.each([
    ["STOP", "end"],
    ["MAX_TOKENS", "length"],
    ["SAFETY", "filtered"],
    ["PROHIBITED_CONTENT", "filtered"],
  ])("with %s is %s", async (reason, stop) => {
    expect((await decodeEvents("gemini", chunk(reason))()).at(-1)).toMatchObject({ type: "done", stop });
  });

  test.each(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER"])(
    "with %s may be better next time",
    async (reason) => {
      const error = await failure(decodeEvents("gemini", chunk(reason)));
      expect(error).toMatchObject({ kind: "server", retryable: true, message: expect.stringContaining(reason) });
    },
  );

  test("of a prompt that was blocked is filtered", async () => {
    const events = await decodeEvents("gemini", { promptFeedback: { blockReason: "SAFETY" } })();
    expect(events.at(-1)).toMatchObject({ stop: "filtered", message: { blocks: [] } });
  });

  test("inside a call whose arguments are still coming is a broken stream", async () => {
    const open = {
      functionCall: { name: "read", partialArgs: [{ jsonPath: "$.p", stringValue: "a" }], willContinue: true },
    };
    expect(await failure(decodeEvents("gemini", chunk("STOP", open)))).toMatchObject({ kind: "broken_stream" });
  });

  test("with an error in place of a chunk is that error", async () => {
    const error = { error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } };
    expect(await failure(decodeEvents("gemini", chunk(""), error))).toMatchObject({ kind: "capacity" });
  });
});

describe("arguments in pieces", () => {
  const json = (...pieces: object[]) => {
    const made = new ArgumentPieces();
    for (const piece of pieces) made.take([piece]);
    return JSON.parse(made.json());
  };

  test("make objects, lists and values of every kind", () => {
    expect(
      json(
        { jsonPath: "$.edits[0].old", stringValue: "a" },
        { jsonPath: "$.edits[0].new", stringValue: "b" },
        { jsonPath: "$.edits[1].line", numberValue: 3 },
        { jsonPath: "$['with space'].deep", boolValue: false },
        { jsonPath: "$.nothing", nullValue: "NULL_VALUE" },
      ),
    ).toEqual({ edits: [{ old: "a", new: "b" }, { line: 3 }], "with space": { deep: false }, nothing: null });
  });

  test("are joined only where a string said that it goes on", () => {
    const piece = (stringValue: string, willContinue = false) => ({ jsonPath: "$.text", stringValue, willContinue });
    expect(json(piece("a", true), piece("b", true), piece("c"))).toEqual({ text: "abc" });
    expect(json(piece("a"), piece("b"))).toEqual({ text: "b" });
  });

  test("reach no further than their own object", () => {
    json(
      { jsonPath: "$.__proto__.polluted", stringValue: "x" },
      { jsonPath: "$.constructor.prototype.y", stringValue: "x" },
    );
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(({} as Record<string, unknown>)["y"]).toBeUndefined();
  });
});
