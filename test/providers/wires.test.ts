import { expect, test } from "bun:test";
import type { ModelEvent } from "../../src/contracts/provider.ts";
import type { WireId } from "../../src/providers/row.ts";
import { describeSpecs } from "../specs.ts";
import { type Recorded, recordings } from "./recordings.ts";
import { STREAMS } from "./streams.ts";
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

const FAMILIES = ["openai-responses", "azure", "xai", "deepseek", "google", "bedrock", "ollama"];
const ROWS: Record<string, string> = { "openai-responses": "openai", azure: "openai" };

/** The wire that a recording is of; undefined for interfaces that we do not speak. */
function wireOfRecording({ family, path, body, name }: Recorded): WireId | undefined {
  const text = new TextDecoder().decode(body);
  if (path?.endsWith("/conversations") || path?.includes("/conversations/")) return undefined;
  if (family === "google") return /"candidates"|"error"|"promptFeedback"/.test(text) ? "gemini" : undefined;
  if (family === "bedrock") return path && !path.includes("/converse") ? undefined : "bedrock";
  if (family === "ollama") return path === "/api/chat" ? "ollama" : undefined;
  if (family === "deepseek") return path?.endsWith("/responses") ? "responses" : undefined;
  const chat = name.includes("azure-deepseek-reasoning") || name.includes("anthropic-fallback");
  return chat ? "chat" : "responses";
}

interface Case extends Recorded {
  wire: WireId;
}

async function decode(recorded: Case, bytes: AsyncIterable<Uint8Array>): Promise<ModelEvent[]> {
  const target = await targetFor(ROWS[recorded.family] ?? recorded.family);
  return collect((await wireOf(recorded.wire)).decode(bytes, target));
}

const whole = async (recorded: Case) => summary(await decode(recorded, cutAt(recorded.body, [])));
const text = (recorded: Recorded) => new TextDecoder().decode(recorded.body);

describeSpecs("llm-wire", (dir) => {
  const all = recordings(dir, FAMILIES);
  const cases = all.flatMap((each): Case[] => {
    const wire = wireOfRecording(each);
    return wire ? [{ ...each, wire }] : [];
  });
  const failed = cases.filter(isError);
  const answers = cases.filter((each) => each.status === 200 && !isError(each));
  const streams = answers.filter((each) => each.streamed);

  test("there are recordings of every wire, streamed and not; what is left out belongs to other interfaces", () => {
    for (const wire of ["responses", "gemini", "bedrock", "ollama"]) {
      expect(streams.filter((each) => each.wire === wire).length).toBeGreaterThanOrEqual(2);
      expect(answers.filter((each) => each.wire === wire && !each.streamed).length).toBeGreaterThanOrEqual(2);
    }
    const others = all.filter((each) => !wireOfRecording(each) && each.family !== "deepseek");
    const paths = others.map((each) => each.path ?? "interactions");
    expect(new Set(paths.map((path) => path.replace(/conv_\w+|model\/[^/]+/, "…")))).toEqual(
      new Set([
        "/v1/conversations",
        "/v1/conversations/…",
        "/…/invoke",
        "/api/generate",
        "/v1/chat/completions",
        "interactions",
      ]),
    );
  });

  for (const recorded of answers) {
    test(`${recorded.name} gives the same answer whole, byte by byte and at random cuts`, async () => {
      const expected = await whole(recorded);
      expect(expected.done.type).toBe("done");
      expect(summary(await decode(recorded, byteByByte(recorded.body)))).toEqual(expected);
      const random = seeded(recorded.body.length);
      for (let round = 0; round < 5; round++) {
        const places = randomCuts(recorded.body.length, random);
        expect(summary(await decode(recorded, cutAt(recorded.body, places)))).toEqual(expected);
      }
      const { blocks } = expected.done.message;
      expect(blocks.map((block) => (block.type === "text" ? block.text : "")).join("")).toBe(expected.text);
      expect(blocks.map((block) => (block.type === "reasoning" ? block.text : "")).join("")).toBe(expected.reasoning);
      const calls = blocks.filter((block) => block.type === "tool_call");
      expect(calls.map(({ id, name }) => ({ type: "tool_call" as const, id, name }))).toEqual(expected.calls);
      expect(calls.every((call) => call.id !== "" && call.name !== "")).toBe(true);
      if (expected.done.stop !== "length") for (const call of calls) JSON.parse(call.arguments);
    });

    test(`${recorded.name} gives the recorded usage`, async () => {
      const { input, output, cacheRead, cacheWrite, reasoning } = (await whole(recorded)).done.usage;
      expect(Math.min(input, output, cacheRead, cacheWrite, reasoning)).toBeGreaterThanOrEqual(0);
      expect(reasoning).toBeLessThanOrEqual(output);
      const prompt = input + cacheRead + cacheWrite;
      expect({ prompt, output, cacheRead, reasoning }).toEqual(recordedTotals(recorded));
    });
  }

  for (const recorded of streams.filter((each) => each.wire !== "chat")) {
    test(`${recorded.name} cut before its end is an error, never a short answer`, async () => {
      const end = endMark(recorded);
      const random = seeded(end);
      const places = [1, end >> 1, end - 1, ...Array.from({ length: 25 }, () => Math.floor(random() * end))];
      for (const place of places) {
        const error = await failure(decode(recorded, cutAt(recorded.body.slice(0, place), [])));
        expect(error["kind"]).toBe("broken_stream");
      }
    });
  }

  for (const recorded of failed.filter((each) => each.status === 200)) {
    test(`${recorded.name} is an error although the status was 200`, async () => {
      const error = await failure(decode(recorded, cutAt(recorded.body, [])));
      expect(["quota", "rate_limit", "invalid"]).toContain(String(error["kind"]));
    });
  }

  test("what a model wants back keeps its signatures and encrypted parts, to the letter", async () => {
    const opaque = { responses: 0, gemini: 0, bedrock: 0 } as Record<string, number>;
    for (const recorded of answers) {
      const body = recorded.wire === "bedrock" ? converseText(recorded) : text(recorded);
      for (const block of (await whole(recorded)).done.message.blocks) {
        for (const seal of sealsOf(block.native)) {
          expect(body).toContain(JSON.stringify(seal).slice(1, -1));
          opaque[recorded.wire]!++;
        }
      }
    }
    expect(opaque["responses"]).toBeGreaterThanOrEqual(8);
    expect(opaque["gemini"]).toBeGreaterThanOrEqual(12);
    expect(opaque["bedrock"]).toBeGreaterThanOrEqual(3);
  });

  test("a phase that tells narration from the answer is kept with its text", async () => {
    const recorded = answers.find((each) => each.name.includes("phase_live") && each.name.endsWith("#1"))!;
    const { blocks } = (await whole(recorded)).done.message;
    expect(blocks.find((block) => block.type === "text")?.native).toEqual({ phase: "commentary" });
  });

  test("arguments that come as paths and pieces are put together", async () => {
    const args = async (name: string) => {
      const recorded = answers.find((each) => each.name.includes(name))!;
      const { blocks } = (await whole(recorded)).done.message;
      return blocks.flatMap((block) => (block.type === "tool_call" ? [[block.name, block.arguments]] : []));
    };
    expect(await args("google-stream-tool-call-arguments")).toEqual([
      ["getWeather", '{"location":"Boston"}'],
      ["getWeather", '{"location":"San Francisco"}'],
    ]);
    expect(await args("google-stream-no-args-tool-call")).toEqual([
      ["read_theme", "{}"],
      ["read_screen", '{"id":"A"}'],
      ["read_screen", '{"id":"B"}'],
      ["read_screen", '{"id":"C"}'],
    ]);
  });

  for (const [chunks, json] of pairs(answers)) {
    test(`${chunks.name} and its JSON form give messages of one shape`, async () => {
      const shape = async (recorded: Case) => {
        const { done } = await whole(recorded);
        return { stop: done.stop, blocks: [...new Set(done.message.blocks.map((block) => block.type))] };
      };
      expect(await shape(chunks)).toEqual(await shape(json));
    });
  }

  for (const recorded of answers.filter((each) => !each.streamed && STREAMS[each.wire])) {
    test(`${recorded.name} gives the same message when it is streamed in pieces`, async () => {
      const expected = await whole(recorded);
      const stream = STREAMS[recorded.wire]!(JSON.parse(text(recorded)));
      const streamed = summary(await decode(recorded, cutAt(stream, [])));
      expect(plain(streamed.done)).toEqual(plain(expected.done));
      expect([streamed.text, streamed.reasoning]).toEqual([expected.text, expected.reasoning]);
    });
  }
});

function isError(recorded: Case): boolean {
  if (recorded.status >= 400) return true;
  const body = text(recorded);
  if (recorded.streamed) return body.includes('"type":"error"') && recorded.wire === "responses";
  const parsed = JSON.parse(body);
  return Array.isArray(parsed) ? parsed.some((each) => each.error) : Boolean(parsed.error);
}

/** The place from which on the answer is whole: everything before it must not be taken for one. */
function endMark(recorded: Case): number {
  const body = recorded.wire === "bedrock" ? Buffer.from(recorded.body).toString("latin1") : text(recorded);
  const last = (mark: string) => body.lastIndexOf(mark);
  const at = {
    responses: () => last('"type":"response.completed"'),
    gemini: () => Math.max(last('"finishReason"'), last("finishReason")),
    bedrock: () => Math.max(last("messageStop"), last("metadata")),
    ollama: () => last('"done":true'),
    anthropic: () => 0,
    chat: () => 0,
  }[recorded.wire]();
  return recorded.wire === "bedrock" ? at : Buffer.byteLength(body.slice(0, at));
}

/** JSON of every event, read without our decoder. */
function documents(recorded: Case): Foreign[] {
  if (recorded.wire === "bedrock" && recorded.streamed) {
    return [...converseText(recorded).matchAll(/\{"(?:metrics|usage)".*?\}\}?(?=[^,}\]]|$)/g)].map(([json]) =>
      parse(json),
    );
  }
  const body = text(recorded);
  if (!recorded.streamed) return [JSON.parse(body)];
  if (recorded.wire === "ollama") return body.split("\n").filter(Boolean).map(parse);
  if (body.trimStart().startsWith("[")) return JSON.parse(body);
  return body.split(/\r?\n/).flatMap((line) => (line.startsWith("data: {") ? [parse(line.slice(6))] : []));
}

function parse(json: string): Foreign {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

function converseText(recorded: Case): string {
  return Buffer.from(recorded.body).toString("latin1");
}

/** Read from the recording by hand: the last usage that counts, or zeros where there is none. */
function recordedTotals(recorded: Case) {
  let u: Foreign = {};
  if (recorded.wire === "bedrock" && recorded.streamed) {
    const [, json = "{}"] = /"usage":(\{.*?\})[,}]/.exec(converseText(recorded).split("metadata").at(-1)!) ?? [];
    u = parse(json.includes("serverToolUsage") ? `${json}}` : json);
  } else {
    for (const each of documents(recorded)) {
      const own =
        each.response?.usage ?? each.usage ?? each.usageMetadata ?? (recorded.wire === "ollama" ? each : undefined);
      if (own && (own.promptTokenCount !== undefined || !each.usageMetadata)) u = own;
    }
  }
  switch (recorded.wire) {
    case "gemini": {
      const reasoning = u.thoughtsTokenCount ?? 0;
      return {
        prompt: (u.promptTokenCount ?? 0) + (u.toolUsePromptTokenCount ?? 0),
        output: (u.candidatesTokenCount ?? 0) + reasoning,
        cacheRead: u.cachedContentTokenCount ?? 0,
        reasoning,
      };
    }
    case "bedrock": {
      const cacheRead = u.cacheReadInputTokens ?? 0;
      const prompt = u.inputTokens + cacheRead + (u.cacheWriteInputTokens ?? 0);
      return { prompt, output: u.outputTokens, cacheRead, reasoning: 0 };
    }
    case "ollama":
      return { prompt: u.prompt_eval_count ?? 0, output: u.eval_count ?? 0, cacheRead: 0, reasoning: 0 };
    case "chat":
      return { prompt: u.prompt_tokens ?? 0, output: u.completion_tokens ?? 0, cacheRead: 0, reasoning: 0 };
    default:
      return {
        prompt: u.input_tokens ?? 0,
        output: u.output_tokens ?? 0,
        cacheRead: u.input_tokens_details?.cached_tokens ?? 0,
        reasoning: u.output_tokens_details?.reasoning_tokens ?? 0,
      };
  }
}

/** Every opaque string of a native part. */
function sealsOf(native: Foreign): string[] {
  if (!native) return [];
  const { thoughtSignature, encrypted_content, reasoningText, redactedContent } = native;
  return [thoughtSignature, encrypted_content, reasoningText?.signature, redactedContent].filter(Boolean);
}

/** Files that hold several answers are of another case than the JSON of their name. */
function pairs(answers: Case[]): [Case, Case][] {
  return answers
    .filter((each) => each.name.endsWith(".json"))
    .flatMap((json): [Case, Case][] => {
      const [chunks, ...more] = answers.filter((each) =>
        each.name.startsWith(json.name.replace(".json", ".chunks.txt")),
      );
      return chunks && more.length === 0 ? [[chunks, json]] : [];
    });
}

/** Without made-up ids and the form of arguments. */
function plain({ message, stop, usage }: Done) {
  const blocks = message.blocks.map((block) =>
    block.type === "tool_call" ? { ...block, arguments: JSON.parse(block.arguments) } : block,
  );
  return { blocks, stop, usage };
}
