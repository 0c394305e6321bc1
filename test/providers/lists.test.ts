import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Credential } from "../../src/contracts/credential.ts";
import { ModelLists } from "../../src/providers/lists.ts";
import type { Row } from "../../src/providers/row.ts";
import { fakeClock, rowFor } from "./support.ts";

const folder = await mkdtemp(join(tmpdir(), "openkoi-lists-"));
afterAll(() => rm(folder, { recursive: true }));
const servers: { stop(force: boolean): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop(true)));
  for (const name of await readdir(folder)) await rm(join(folder, name));
});

const key: Credential = { kind: "api_key", source: "environment X", value: "k-secret", state: "ready" };
const never = new AbortController().signal;

/** A provider that answers this; `asked` holds the requests. */
async function serving(id: string, answer: unknown, status = 200) {
  const asked: { url: string; headers: Record<string, string> }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      asked.push({ url: pathname + search, headers: Object.fromEntries(request.headers) });
      return typeof answer === "string" ? new Response(answer, { status }) : Response.json(answer, { status });
    },
  });
  servers.push(server);
  const row: Row = await rowFor(id, { baseUrl: `http://127.0.0.1:${server.port}` });
  return { row, asked };
}

const data = (...ids: string[]) => ({ data: ids.map((id) => ({ id })) });

describe("a provider's own list", () => {
  test("is asked for as each wire has it, with its kind of key", async () => {
    const cases: [string, unknown, string, string, string][] = [
      ["anthropic", data("claude-x"), "/v1/models?limit=1000", "x-api-key", "k-secret"],
      ["openai", data("gpt-x"), "/models", "authorization", "Bearer k-secret"],
      ["groq", [{ id: "llama-x" }], "/models", "authorization", "Bearer k-secret"],
      [
        "google",
        {
          models: [
            { name: "models/gemini-x", supportedGenerationMethods: ["generateContent"] },
            { name: "models/aqa" },
          ],
        },
        "/models?pageSize=1000",
        "x-goog-api-key",
        "k-secret",
      ],
      ["ollama", { models: [{ name: "qwen3:8b" }] }, "/api/tags", "authorization", "Bearer k-secret"],
    ];
    for (const [id, answer, url, header, value] of cases) {
      const { row, asked } = await serving(id, answer);
      const list = await new ModelLists(undefined, fakeClock()).ask(row, key, never, false);
      expect(list).toMatchObject({ provider: id, state: "asked" });
      expect(list.models).toHaveLength(1);
      expect(asked[0]?.url).toBe(url);
      expect(asked[0]?.headers[header]).toBe(value);
    }
  });

  test("leaves out what nobody can talk to", async () => {
    const { row } = await serving("openai", data("gpt-5", "text-embedding-3-small", "whisper-1", "dall-e-3", "tts-1"));
    expect((await new ModelLists(undefined, fakeClock()).ask(row, key, never, true)).models).toEqual(["gpt-5"]);
  });

  test("is good for a day, and then asked for again", async () => {
    const { row, asked } = await serving("groq", data("a"));
    const clock = fakeClock();
    const lists = () => new ModelLists(folder, clock);
    expect((await lists().ask(row, key, never, false)).state).toBe("asked");
    expect(await lists().ask(row, key, never, false)).toMatchObject({ state: "kept", models: ["a"] });
    expect((await lists().ask(row, key, never, true)).state).toBe("asked");
    await clock.sleep(86_400_000, never);
    expect((await lists().ask(row, key, never, false)).state).toBe("asked");
    await clock.sleep(-10 * 86_400_000, never);
    expect((await lists().ask(row, key, never, false)).state).toBe("asked");
    expect(asked).toHaveLength(4);
  });

  test("of another server is not taken for this one's, nor is a file that is damaged", async () => {
    const { row } = await serving("groq", data("a"));
    const clock = fakeClock();
    await new ModelLists(folder, clock).ask(row, key, never, false);
    expect(await new ModelLists(folder, clock).known({ ...row, baseUrl: "http://other.test" })).toEqual([]);
    await writeFile(join(folder, "groq.json"), "{");
    expect(await new ModelLists(folder, clock).known(row)).toEqual([]);
  });

  test("stays what it was where the provider cannot be asked, and says why", async () => {
    const { row } = await serving("groq", data("a"));
    const clock = fakeClock();
    await new ModelLists(folder, clock).ask(row, key, never, false);
    await servers.splice(0)[0]!.stop(true);
    const failed = await new ModelLists(folder, clock).ask(row, key, never, true);
    expect(failed).toMatchObject({
      state: "failed",
      models: ["a"],
      why: expect.stringContaining("refused the connection"),
    });
    for (const [answer, status] of [
      ["<html>", 200],
      [{ data: [] }, 200],
      [{}, 500],
    ] as const) {
      const other = await serving("groq", answer, status);
      expect((await new ModelLists(undefined, clock).ask(other.row, key, never, true)).state).toBe("failed");
    }
  });

  test("says that the key was refused, without it", async () => {
    const { row } = await serving("groq", { error: "k-secret is wrong" }, 401);
    const list = await new ModelLists(undefined, fakeClock()).ask(row, key, never, true);
    expect(list).toMatchObject({ state: "refused", why: "Groq refused the credential (HTTP 401)" });
  });
});
