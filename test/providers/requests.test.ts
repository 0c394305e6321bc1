import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Message } from "../../src/contracts/message.ts";
import type { WireId } from "../../src/providers/row.ts";
import { loadRows } from "../../src/providers/rows.ts";
import { extensionFault } from "../fakes/extension.ts";
import { type Described, describedFault } from "../fakes/published.ts";
import { describeSpecs } from "../specs.ts";
import { bodyOf, conversation, encoded, type New, PROVIDERS, price, work } from "./encoding.ts";
import {
  type Conversation,
  fromConverse,
  fromGemini,
  fromOllama,
  fromResponses,
  plainConverse,
  plainGemini,
  plainOllama,
  plainResponses,
} from "./foreign-requests.ts";
import { recordings } from "./recordings.ts";
import { defaultConfig, type Foreign, readTool, requestOf, targetFor, wireOf } from "./support.ts";

/** The turns without cache points and without the last one's end. */
function openEnded(body: Foreign): string {
  const turns = body.messages.map(({ role, content }: Foreign) => ({
    role,
    content: content.filter((block: Foreign) => !block.cachePoint),
  }));
  return JSON.stringify(turns).slice(0, -"]}]".length);
}

const asRequest = (body: unknown) => ({ path: "", headers: {}, raw: "", body });

describe("whatever the conversation", () => {
  for (const wire of Object.keys(PROVIDERS) as New[]) {
    test(`the ${wire} service accepts it, and a longer one extends the shorter one`, async () => {
      await fc.assert(
        fc.asyncProperty(conversation(PROVIDERS[wire]), async (messages) => {
          const bodies: unknown[] = [];
          for (let count = 1; count <= messages.length; count += 2) {
            bodies.push(await bodyOf(wire, messages.slice(0, count), { tools: [readTool] }));
          }
          for (const [index, body] of bodies.slice(1).entries()) {
            // At Bedrock what is new can join the last turn, where a turn between them had nothing to send.
            if (wire === "bedrock") expect(openEnded(body).startsWith(openEnded(bodies[index]))).toBe(true);
            else expect(extensionFault(asRequest(bodies[index]), asRequest(body))).toBeUndefined();
          }
        }),
        { numRuns: 150, seed: 7 },
      );
    });
  }
});

describe("what was worked out for an earlier request", () => {
  const speakers: Record<string, WireId> = {
    anthropic: "anthropic",
    bedrock: "bedrock",
    google: "gemini",
    groq: "chat",
    ollama: "ollama",
    openai: "responses",
    openrouter: "chat",
  };
  for (const [provider, wire] of Object.entries(speakers)) {
    test(`changes nothing of what ${provider} is sent later`, async () => {
      const { encode } = await wireOf(wire);
      await fc.assert(
        fc.asyncProperty(conversation(provider), async (messages) => {
          const target = await targetFor(provider, "model", { price });
          let sent = "";
          for (let count = 1; count <= messages.length; count += 2) {
            sent = encode(requestOf(messages.slice(0, count), { tools: [readTool] }), target).body;
          }
          const fresh = await targetFor(provider, "model", { price });
          expect(encode(requestOf(structuredClone(messages), { tools: [readTool] }), fresh).body).toBe(sent);
        }),
        { numRuns: 50, seed: 7 },
      );
    });
  }
});

describeSpecs("llm-wire", (dir) => {
  interface Form {
    wire: New;
    read(request: Foreign, from: string): Conversation | undefined;
    plain(request: Foreign): unknown;
  }
  const forms: Record<string, Form> = {
    "/responses": { wire: "responses", read: fromResponses, plain: plainResponses },
    enerateContent: { wire: "gemini", read: fromGemini, plain: plainGemini },
    "/converse": { wire: "bedrock", read: fromConverse, plain: plainConverse },
    "/converse-stream": { wire: "bedrock", read: fromConverse, plain: plainConverse },
    "/api/chat": { wire: "ollama", read: fromOllama, plain: plainOllama },
  };
  const counts = new Map<New, number>();
  for (const recorded of recordings(dir, ["openai-responses", "deepseek", "google", "bedrock", "ollama"])) {
    const form = Object.entries(forms).find(([end]) => recorded.path?.endsWith(end))?.[1];
    if (!form || recorded.status !== 200 || typeof recorded.request !== "object") continue;
    if (form.wire === "responses" && !Array.isArray(recorded.request.input)) continue;
    const conversation = form.read(recorded.request, `${PROVIDERS[form.wire]}/model`);
    // Server-side tools, files and the like cannot be expressed, and are never sent.
    if (!conversation) continue;
    counts.set(form.wire, (counts.get(form.wire) ?? 0) + 1);

    test(`${recorded.name} is sent as it was recorded, in what matters`, async () => {
      const { body } = await encoded(form.wire, conversation.messages, { system: conversation.system });
      expect(form.plain(body)).toEqual(form.plain(recorded.request));
    });
  }

  test("requests of every wire were found", () => {
    expect(Object.fromEntries(counts)).toMatchObject({ ollama: expect.any(Number) });
    for (const wire of ["responses", "gemini", "bedrock"] as const) expect(counts.get(wire)!).toBeGreaterThan(12);
  });
});

describeSpecs("api-specs", (root) => {
  const samples = (provider: string) => [
    work(`${provider}/model`),
    ...fc.sample(conversation(provider), { numRuns: 60, seed: 3 }),
  ];
  const schema = { name: "verdict", schema: { type: "object" } };
  const requests = (messages: Message[]) => [
    requestOf(messages, { tools: [readTool], maxTokens: 16_000 }),
    requestOf(messages, { schema, temperature: 0.5 }),
  ];
  const cases: [Described, string, unknown][] = [
    ["anthropic", "anthropic", { model: "m", max_tokens: 1, messages: [{ role: "tool", content: "" }] }],
    ["chat", "openai", { model: "m", messages: [{ role: "user" }] }],
    ["responses", "openai", { model: 1 }],
    ["gemini", "google", { contents: [{ parts: [{ txt: "hi" }] }] }],
    ["bedrock", "bedrock", { messages: [{ role: "user" }] }],
    ["ollama", "ollama", { model: "m" }],
  ];
  for (const [api, provider, wrong] of cases) {
    test(`what the ${api} wire sends is what its vendor describes`, async () => {
      expect(describedFault(api, wrong)).toBeDefined();
      const wire = await wireOf(api);
      const target = {
        ...(await targetFor(provider, "model", { price })),
        signedCalls: true,
        thinks: "adaptive" as const,
      };
      for (const request of samples(provider).flatMap(requests)) {
        expect(describedFault(api, JSON.parse(wire.encode(request, target).body))).toBeUndefined();
      }
    });
  }

  test("what Bedrock answers at is where its own clients would ask", async () => {
    const { testCases } = JSON.parse(readFileSync(join(root, "bedrock-runtime.endpoint-tests.json"), "utf8"));
    let seen = 0;
    for (const { params = {}, expect: expected } of testCases) {
      if (params.UseFIPS || params.UseDualStack || params.Endpoint || !params.Region || !expected.endpoint) continue;
      const rows = await loadRows(await defaultConfig(), { AWS_REGION: params.Region });
      const bedrock = rows.find(({ id }) => id === "bedrock")!;
      // Networks of their own (China, secret regions) have addresses of their own.
      if (!/amazonaws\.com(\.cn)?$/.test(expected.endpoint.url)) continue;
      seen++;
      expect([params.Region, bedrock.baseUrl]).toEqual([params.Region, expected.endpoint.url]);
    }
    expect(seen).toBe(3);
  });
});
