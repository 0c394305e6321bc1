import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { extensionFault } from "../fakes/extension.ts";
import { describeSpecs } from "../specs.ts";
import { bodyOf, conversation, encoded, type New, PROVIDERS, work } from "./encoding.ts";
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
import { schemaFault, shapeFault } from "./schemas.ts";
import { type Foreign, readTool } from "./support.ts";

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

describeSpecs("api-specs", (dir) => {
  const specs = {
    responses: () => JSON.parse(readFileSync(join(dir, "openai.slice.openapi.json"), "utf8")),
    ollama: () => Bun.YAML.parse(readFileSync(join(dir, "ollama.openapi.yaml"), "utf8")) as Foreign,
  };
  const bedrock = JSON.parse(readFileSync(join(dir, "bedrock-runtime.service-2.json"), "utf8"));
  const conversations = async (wire: New) => {
    const samples = fc.sample(conversation(PROVIDERS[wire]), { numRuns: 60, seed: 3 });
    const schema = { name: "verdict", schema: { type: "object" } };
    const all = [work(`${PROVIDERS[wire]}/model`), ...samples];
    return Promise.all(
      all.flatMap((messages) => [
        bodyOf(wire, messages, { tools: [readTool] }),
        bodyOf(wire, messages, { schema, temperature: 0.5 }),
      ]),
    );
  };

  for (const [wire, name] of [
    ["responses", "CreateResponse"],
    ["ollama", "ChatRequest"],
  ] as const) {
    test(`what the ${wire} wire sends fits ${name}`, async () => {
      const document = specs[wire]();
      expect(schemaFault({ model: 1 }, document.components.schemas[name], document)).toBeDefined();
      for (const body of await conversations(wire)) {
        expect(schemaFault(body, document.components.schemas[name], document)).toBeUndefined();
      }
    });
  }

  test("what the Bedrock wire sends fits ConverseStreamRequest", async () => {
    expect(
      shapeFault({ modelId: "m", messages: [{ role: "user" }] }, "ConverseStreamRequest", bedrock.shapes),
    ).toContain("content");
    for (const body of await conversations("bedrock")) {
      expect(shapeFault({ modelId: "m", ...body }, "ConverseStreamRequest", bedrock.shapes)).toBeUndefined();
    }
  });
});
