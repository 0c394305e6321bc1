import { expect, test } from "bun:test";
import { type Growing, Told, telling } from "../../src/providers/wire/told.ts";
import { collect, cutAt, targetFor, wireOf } from "./support.ts";

const block = (): Growing => ({ text: "" });
const usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };

async function* batches<T>(...given: T[][]): AsyncGenerator<T[]> {
  yield* given;
}

test("pieces of one block that arrive together are told, and added to it, as one; what lies between parts them", () => {
  const told = new Told();
  const [thought, said] = [block(), block()];
  told.say("reasoning", "I ", thought);
  told.say("reasoning", "think.", thought);
  told.say("text", "Let ", said);
  told.say("text", "", said);
  told.say("text", "me ", said);
  told.call("1", "read");
  told.say("text", "see.", said);
  expect(told.take()).toEqual([
    { type: "reasoning", text: "I think." },
    { type: "text", text: "Let me " },
    { type: "tool_call", id: "1", name: "read" },
    { type: "text", text: "see." },
  ]);
  expect([thought.text, said.text]).toEqual(["I think.", "Let me see."]);
  expect(told.take()).toEqual([]);
});

test("each batch is told when it has come, and what came before an error before the error", async () => {
  const told = new Told();
  const said = block();
  const events: unknown[] = [];
  const read = (piece: string) => {
    if (piece === "broken") throw new Error(piece);
    told.say("text", piece, said);
  };
  const reading = async () => {
    for await (const event of telling(batches(["a", "b"], ["c", "broken", "d"]), told, read)) events.push(event);
  };
  await expect(reading()).rejects.toThrow("broken");
  expect(events).toEqual([
    { type: "text", text: "ab" },
    { type: "text", text: "c" },
  ]);
});

test("nothing is read behind the end of an answer", async () => {
  const told = new Told();
  const read: string[] = [];
  const message = { role: "assistant" as const, blocks: [], from: "some/model" };
  const events = telling(batches(["a", "end", "b"], ["c"]), told, (piece) => {
    read.push(piece);
    if (piece === "end") told.end(message, "end", usage);
  });
  expect(await collect(events)).toEqual([{ type: "done", message, stop: "end", usage }]);
  expect(read).toEqual(["a", "end"]);
});

test("a piece of an answer that is not JSON does not take the words before it along", async () => {
  const wire = await wireOf("chat");
  const line = (content: string) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
  const bytes = new TextEncoder().encode(`${line("Let ")}${line("me ")}data: {"choices":\n\n${line("see.")}`);
  const events: unknown[] = [];
  const reading = async () => {
    for await (const event of wire.decode(cutAt(bytes, []), await targetFor("openai"))) events.push(event);
  };
  await expect(reading()).rejects.toMatchObject({ kind: "broken_stream" });
  expect(events).toEqual([{ type: "text", text: "Let me " }]);
});
