import { afterAll, describe, expect, test } from "bun:test";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import type { Message } from "../../src/contracts/message.ts";
import { loadCatalogue } from "../../src/providers/catalogue.ts";
import { createProviders } from "../../src/providers/index.ts";
import { Normaliser } from "../../src/providers/normalise.ts";
import { startAnthropicFake } from "../fakes/anthropic-server.ts";
import { startResponsesFake } from "../fakes/responses-server.ts";
import { fakeDiscovery } from "./discovery.ts";
import { ask, collect, defaultConfig, failure, fakeClock, readTool, requestOf, user } from "./support.ts";

const folder = await realpath(await mkdtemp(join(tmpdir(), "openkoi-replay-")));
afterAll(() => rm(folder, { recursive: true }));
const KEY = "sk-test-a-key-that-must-not-leak";

/** The providers of a run that takes place in `workspace` with a home of its own. */
async function providersIn(
  workspace: string,
  env: Record<string, string>,
  tapes: { record?: string; replay?: string },
) {
  const paths = { config: "config.toml", userHome: "/home/somebody" };
  const discover = fakeDiscovery(env);
  const config = await defaultConfig();
  return createProviders({ config, env, paths, discover, clock: fakeClock(), workspace, ...tapes });
}

/** A conversation of two turns as it would be held in a workspace on a day. */
function turns(workspace: string, day: string, id: string, from: string): [Message[], Message[]] {
  const first = [user(`Today is ${day}. Mend ${workspace}/a.ts, task ${day.replaceAll("-", "")}-101500-k3f9.`)];
  const call: Message = {
    role: "assistant",
    from,
    blocks: [
      { type: "text", text: `I read ${workspace}/a.ts.` },
      { type: "tool_call", id, name: "read", arguments: JSON.stringify({ path: `${workspace}/a.ts` }) },
    ],
  };
  const result: Message = {
    role: "user",
    blocks: [{ type: "tool_result", id, name: "read", text: `1 test passed in 12.5ms at ${day}T10:00:00Z` }],
  };
  return [first, [...first, call, result]];
}

async function record(file: string): Promise<void> {
  const workspace = join(folder, "one");
  const said = {
    text: `I read ${workspace}/a.ts.`,
    calls: [{ name: "read", arguments: { path: `${workspace}/a.ts` }, id: "call_first" }],
  };
  const fake = startResponsesFake([
    { ...said, usage: { input: 70, cacheRead: 30, output: 9, reasoning: 2 } },
    { status: 400, body: { error: { message: `prompt is too long, ${KEY}` } } },
    "Done.",
  ]);
  const providers = await providersIn(
    workspace,
    { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: fake.baseUrl, TMPDIR: folder },
    { record: file },
  );
  const { executor, evaluator } = await providers.resolveAll();
  const [first, second] = turns(workspace, "2026-11-23", "call_first", executor.info.ref);
  await ask(executor, requestOf(first, { tools: [readTool] }));
  await failure(ask(executor, requestOf(second, { tools: [readTool] })));
  await ask(evaluator, requestOf([user(`Judge it. My key is ${KEY}.`)], { temperature: 0.1 }));
  await providers.close();
  await fake.stop();
}

const tape = join(folder, "tape.jsonl");
await record(tape);

/** Plays the same task elsewhere: another workspace, day and call id. */
async function replay(changes: { question?: string; tools?: boolean; file?: string } = {}) {
  const workspace = "/somewhere/else";
  const providers = await providersIn(workspace, {}, { replay: changes.file ?? tape });
  const { executor, evaluator } = await providers.resolveAll();
  const done = await ask(
    executor,
    requestOf(turns(workspace, "2027-01-02", "x", "")[0], { tools: changes.tools === false ? [] : [readTool] }),
  );
  const call = done.message.blocks.find((block) => block.type === "tool_call")!;
  const [, second] = turns(workspace, "2027-01-02", call.id, executor.info.ref);
  const overflow = await failure(ask(executor, requestOf(second, { tools: [readTool], maxTokens: 77 })));
  const judged = () =>
    ask(evaluator, requestOf([user(changes.question ?? "Judge it. My key is <<key>>.")], { temperature: 0.1 }));
  return { executor, done, call, overflow, judged };
}

describe("a recording", () => {
  test("is one JSON line an exchange, without keys, paths and dates of the machine", async () => {
    const text = await readFile(tape, "utf8");
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.role)).toEqual(["executor", "executor", "evaluator"]);
    expect(lines[0].model).toBe("openai/gpt-5.6-terra");
    expect(text).not.toContain(KEY);
    expect(text).not.toContain(folder);
    expect(text).not.toContain("2026-11-23");
    expect(lines[0].request.messages[0].blocks[0].text).toBe(
      "Today is <<date>>. Mend <<workspace>>/a.ts, task <<task>>.",
    );
    expect(lines[0].reply.blocks[1].arguments).toBe('{"path":"<<workspace>>/a.ts"}');
    expect(lines[1].request.messages[2].blocks[0].text).toBe("1 test passed in <<duration>> at <<date>>");
    expect(lines[1].reply.error).toMatchObject({ kind: "overflow", status: 400 });
  });

  test("answers the same conversation in another place on another day, without a network or a key", async () => {
    const { executor, done, call, overflow, judged } = await replay();
    expect(executor.info.ref).toBe("openai/gpt-5.6-terra");
    expect(executor.info.price?.input).toBe(2.5);
    expect(done.usage).toEqual({ input: 70, output: 9, cacheRead: 30, cacheWrite: 0, reasoning: 2 });
    expect(JSON.parse(call.arguments)).toEqual({ path: "/somewhere/else/a.ts" });
    expect(overflow).toMatchObject({ kind: "overflow", provider: "replay" });
    expect((await judged()).message.blocks).toEqual([{ type: "text", text: "Done." }]);
  });

  test("takes a model for what it was when it was recorded, and one of an older version for what it is now", async () => {
    const text = await readFile(tape, "utf8");
    const [first, ...rest] = text.trimEnd().split("\n");
    const { facts, ...older } = JSON.parse(first!);
    const known = (await loadCatalogue()).info("openai/gpt-5.6-terra");
    expect(facts).toMatchObject({ context: known.context, max_output: known.maxOutput });
    const infoOf = async (line: object) => {
      const file = join(folder, "facts.jsonl");
      await writeFile(file, [JSON.stringify(line), ...rest].join("\n"));
      return (await (await providersIn("/w", {}, { replay: file })).resolve("executor")).info;
    };
    const small = { context: 8192, max_output: 100, price: { input: 1, output: 2 } };
    expect(await infoOf({ ...older, model: "home/m", facts: small })).toMatchObject({
      context: 8192,
      maxOutput: 100,
      price: { input: 1, output: 2 },
      assumed: false,
    });
    expect(await infoOf({ ...older, model: "home/m" })).toMatchObject({ context: 128_000, assumed: true });
    expect(await infoOf({ ...older, facts: { context: "x" } })).toEqual(known);
  });

  test("gives text, calls and end in the order in which they came", async () => {
    const providers = await providersIn("/w", {}, { replay: tape });
    const model = await providers.resolve("executor");
    const events = await collect(
      model.stream(
        requestOf(turns("/w", "2027-01-02", "x", "")[0], { tools: [readTool] }),
        new AbortController().signal,
      ),
    );
    expect(events.map((event) => event.type)).toEqual(["text", "tool_call", "done"]);
  });

  test("names the first difference of another conversation", async () => {
    const { judged } = await replay({ question: "Judge it kindly. My key is <<key>>." });
    const error = await failure(judged());
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toBe(
      'the conversation differs from the recording at exchange 3 (evaluator): messages[0].blocks[0].text is "Judge it kindly. My key is <<key>>.", recorded was "Judge it. My key is <<key>>."',
    );
  });

  test("other tools are another conversation", async () => {
    const error = await failure(replay({ tools: false }));
    expect(error.message).toContain("exchange 1 (executor): tools has 0 entries, 1 were recorded");
  });

  test("another role at the wheel is another conversation", async () => {
    const providers = await providersIn("/w", {}, { replay: tape });
    const error = await failure(ask(await providers.resolve("planner"), requestOf([user("Plan it.")])));
    expect(error.message).toContain("the planner asks, recorded was the executor");
  });

  test("says so when it is at its end", async () => {
    const { judged } = await replay();
    await judged();
    expect((await failure(judged())).message).toBe(
      "the recording ends after 3 exchanges, but the evaluator asks for one more",
    );
  });

  test("replaces an older recording and leaves any other file alone", async () => {
    const again = join(folder, "again.jsonl");
    await record(again);
    await record(again);
    expect((await readFile(again, "utf8")).trimEnd().split("\n")).toHaveLength(3);
    const source = join(folder, "main.ts");
    await writeFile(source, "export {};\n");
    const env = { OPENAI_API_KEY: KEY };
    const error = await failure(async () => (await providersIn("/w", env, { record: source })).resolve("executor"));
    expect(error).toMatchObject({ name: "UserError", message: expect.stringContaining("not a recording") });
    expect(await readFile(source, "utf8")).toBe("export {};\n");
  });

  test("that cannot be read is a mistake of the user", async () => {
    const torn = join(folder, "torn.jsonl");
    await writeFile(torn, `${(await readFile(tape, "utf8")).split("\n")[0]}\n{"v":1,"role"`);
    const opened = async (file: string) =>
      failure(async () => (await providersIn("/w", {}, { replay: file })).resolve("executor"));
    expect(await opened(torn)).toMatchObject({ name: "UserError", message: expect.stringContaining("line 2") });
    expect(await opened(join(folder, "none.jsonl"))).toMatchObject({
      name: "UsageError",
      message: expect.stringContaining("does not exist"),
    });
  });

  test("keeps what a provider wants back unchanged", async () => {
    const file = join(folder, "signed.jsonl");
    const fake = startAnthropicFake([{ reasoning: "hm", text: "a" }]);
    const request = requestOf([user("a")]);
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: fake.baseUrl };
    const recording = await providersIn("/w", env, { record: file });
    const live = await ask(await recording.resolve("executor"), request);
    await recording.close();
    await fake.stop();
    const replayed = await ask(await (await providersIn("/w", {}, { replay: file })).resolve("executor"), request);
    expect(replayed).toEqual(live);
    expect(JSON.stringify(live.message)).toContain("signature");
  });
});

describe("what a test runner prints", () => {
  test("is the same in every run but for the times, and times are not compared", () => {
    const normaliser = new Normaliser({ workspace: "/w", temp: "/t", home: "/h" }, []);
    const said = (time: string) =>
      [
        `# duration_ms ${time}`,
        `duration_ms: ${time}`,
        `Ran 3 tests in ${time}s`,
        `[${time}ms]`,
        `Time: ${time}`,
        `ok (${time} secs)`,
      ].join("\n");
    expect(normaliser.compared(said("1.105009"))).toBe(normaliser.compared(said("0.98")));
    expect(normaliser.compared("3 passed")).not.toBe(normaliser.compared("2 passed"));
  });
});
