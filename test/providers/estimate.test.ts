import { expect, test } from "bun:test";
import type { AssistantMessage, Usage } from "../../src/contracts/message.ts";
import type { ModelInfo } from "../../src/contracts/provider.ts";
import { counted } from "../../src/providers/estimate.ts";
import { infoFor, requestOf, user } from "./support.ts";

const NOTHING: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
const price = (usd: number) => ({ input: usd, output: usd, cacheRead: usd, cacheWrite: usd });
const request = { ...requestOf([user("b".repeat(400))]), system: "a".repeat(40), tools: [] };
const message: AssistantMessage = {
  role: "assistant",
  blocks: [
    { type: "text", text: "c".repeat(36) },
    { type: "tool_call", id: "1", name: "read", arguments: "{}" },
  ],
  from: "p/m",
};
const done = (usage: Usage) => ({ type: "done" as const, message, stop: "end" as const, usage });
const info: ModelInfo = { ...infoFor("p/m"), price: price(1) };

test("an answer that was counted stays as it is", () => {
  const each = done({ ...NOTHING, output: 1 });
  expect(counted(each, request, info)).toBe(each);
});

test("one that was not is estimated from the texts, and has no known cost", () => {
  const { usage, info: facts } = counted(done(NOTHING), request, info);
  expect(usage).toEqual({ ...NOTHING, input: 110, output: 11 });
  expect(facts).toEqual(infoFor("p/m"));
});

test("what costs nothing still costs nothing", () => {
  const free = { ...info, price: price(0) };
  expect(counted(done(NOTHING), request, free).info).toEqual(free);
});

test("an image counts as an image, not by its bytes", () => {
  const image = { type: "image" as const, mediaType: "image/png", data: "x".repeat(100_000) };
  const seen = requestOf([{ role: "user", blocks: [image] }]);
  expect(counted(done(NOTHING), { ...seen, system: "", tools: [] }, info).usage.input).toBe(1500);
});
