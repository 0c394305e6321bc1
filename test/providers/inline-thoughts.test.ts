import { describe, expect, test } from "bun:test";
import type { WireId } from "../../src/providers/row.ts";
import { collect, cutAt, targetFor, user, wireOf } from "./support.ts";

const bytes = (text: string) => cutAt(new TextEncoder().encode(text), []);

/** What a server streams whose content comes in these pieces. */
const STREAMS = {
  chat: (pieces: readonly string[]) =>
    [
      ...pieces.map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`),
      `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`,
    ].join(""),
  ollama: (pieces: readonly string[]) =>
    [
      ...pieces.map((content) => `${JSON.stringify({ message: { role: "assistant", content } })}\n`),
      `${JSON.stringify({ message: { role: "assistant", content: "" }, done: true, done_reason: "stop" })}\n`,
    ].join(""),
} satisfies Partial<Record<WireId, unknown>>;

type Inline = keyof typeof STREAMS;

async function answerOf(wire: Inline, pieces: readonly string[]) {
  const target = await targetFor("some");
  const events = await collect((await wireOf(wire)).decode(bytes(STREAMS[wire](pieces)), target));
  const told = { text: "", reasoning: "" };
  for (const event of events) if (event.type === "text" || event.type === "reasoning") told[event.type] += event.text;
  const done = events.at(-1);
  if (done?.type !== "done") throw new Error("the answer has no end");
  const blocks = done.message.blocks.map((block) => ("text" in block ? [block.type, block.text] : [block.type]));
  return { message: done.message, blocks, told };
}

const cases: [content: string, blocks: string[][]][] = [
  [
    "<think>\nI add.\n</think>\n\nFixed.",
    [
      ["reasoning", "I add.\n"],
      ["text", "Fixed."],
    ],
  ],
  [
    " \n<thinking>a < b </think> c</thinking>{}",
    [
      ["reasoning", "a < b </think> c"],
      ["text", "{}"],
    ],
  ],
  ["<think>\n\n</think>\n\nFixed.", [["text", "Fixed."]]],
  ["<think>cut off </thi", [["reasoning", "cut off </thi"]]],
  ["<thin air> is <think>text</think>", [["text", "<thin air> is <think>text</think>"]]],
  ["I think.\n</think>\nFixed.", [["text", "I think.\n</think>\nFixed."]]],
  ["A word. <think>no</think>", [["text", "A word. <think>no</think>"]]],
  ["\n\n<th", [["text", "\n\n<th"]]],
  [
    "<think>a</think><think>b</think>",
    [
      ["reasoning", "a"],
      ["text", "<think>b</think>"],
    ],
  ],
];

describe.each(["chat", "ollama"] as const)("thoughts in the content of the %s wire", (wire) => {
  test.each(cases)("%j is told in the same way wherever it is cut", async (content, blocks) => {
    const cuts = [[content], [...content], ...[...content].map((_, at) => [content.slice(0, at), content.slice(at)])];
    for (const pieces of cuts) {
      const answer = await answerOf(wire, pieces);
      expect(answer.blocks).toEqual(blocks);
      const said = (kind: string) => blocks.flatMap(([type, text]) => (type === kind ? [text] : [])).join("");
      expect(answer.told).toEqual({ text: said("text"), reasoning: said("reasoning") });
    }
  });

  test("are not sent back as content", async () => {
    const { message } = await answerOf(wire, ["<think>secret plan</think>Fixed."]);
    const request = { system: "", messages: [user("Mend it."), message, user("Go on.")], tools: [], maxTokens: 100 };
    const { body } = (await wireOf(wire)).encode(request, await targetFor("some"));
    const sent: { role: string; content: string }[] = JSON.parse(body).messages;
    expect(sent.find(({ role }) => role === "assistant")?.content).toBe("Fixed.");
  });
});
