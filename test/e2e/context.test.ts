import { afterEach, expect, test } from "bun:test";
import { startOpenAiFake } from "../fakes/openai-server.ts";
import type { Fake, FakeRequest, Turn } from "../fakes/script.ts";
import { makePlace, openkoi, type Place, useServer } from "./openkoi.ts";

/** What the server can really take, characters; OpenKoi assumes far more of a model that it does not know. */
const WINDOW = 200_000;
const LINES = 20_000;

const places: Place[] = [];
const servers: Fake[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) place.remove();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** Reads a long file from beginning to end, whatever the server says of the length. */
function reader(): (request: FakeRequest) => Turn {
  let reads = 0;
  return ({ body, raw }) => {
    if (raw.length > WINDOW) {
      const message = "This model's maximum context length is 50000 tokens. Please reduce the length of the messages.";
      return {
        status: 400,
        body: { error: { message, type: "invalid_request_error", code: "context_length_exceeded" } },
      };
    }
    if (String(body.messages[0].content).startsWith("You keep the memory")) return "- the file holds numbered lines";
    if (reads === 12) return "It has 20000 lines.";
    return { calls: [{ name: "read", arguments: { path: "long.txt", offset: 1 + 1500 * reads++, limit: 1500 } }] };
  };
}

test("a task that reads far more than the model can take ends all the same, and says what it did", async () => {
  const here = makePlace({
    "long.txt": Array.from({ length: LINES }, (_, at) => `line ${at} of a long file\n`).join(""),
  });
  places.push(here);
  const server = startOpenAiFake(reader());
  servers.push(server);
  useServer(here, server.baseUrl);

  const result = await openkoi(here, ["--yes", "-i", "0", "How many lines has long.txt?"]);
  expect(result).toMatchObject({ code: 0, stdout: "It has 20000 lines.\n" });
  expect(result.stderr).toContain("the conversation got long: made smaller");

  expect(server.requests.flatMap((request) => request.refused ?? [])).toEqual([]);
  const sent = server.requests.filter(
    ({ body }) => !String(body.messages[0].content).startsWith("You keep the memory"),
  );
  expect(sent.filter(({ raw }) => raw.length > WINDOW)).toHaveLength(1);
  expect(sent.every(({ raw }) => raw.includes("How many lines has long.txt?"))).toBe(true);
  expect(sent.at(-1)!.raw.includes("What is known from it:]\\n- the file holds numbered lines")).toBe(true);
});
