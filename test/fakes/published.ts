import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { specsDir } from "../specs.ts";
import { type Proto, parseProto, protoFault } from "./proto.ts";
import { schemaFault, shapeFault } from "./schemas.ts";

/** A request as its vendor describes it in a document that machines read. */
export type Described = "anthropic" | "bedrock" | "chat" | "gemini" | "ollama" | "responses";

// biome-ignore lint/suspicious/noExplicitAny: documents are foreign JSON of every shape
type Document = any;

const documents = new Map<string, Document>();

/**
 * What is wrong with a request by its vendor's own description (`specs/api-specs`), or undefined. Without the shared
 * material nothing is: the rules that are written down here are then all that is held against it.
 */
export function describedFault(api: Described, body: unknown): string | undefined {
  const root = specsDir();
  if (!root) return undefined;
  const at = (name: string) => join(root, "api-specs", name);
  const openapi = (file: string, schema: string) => {
    const document = read(file, () => {
      const source = readFileSync(at(file), "utf8");
      return file.endsWith(".json") ? JSON.parse(source) : Bun.YAML.parse(source);
    });
    return schemaFault(body, document.components.schemas[schema], document);
  };
  switch (api) {
    case "anthropic":
      return openapi("anthropic.slice.openapi.json", "CreateMessageParams");
    case "chat":
      return openapi("openai.slice.openapi.json", "CreateChatCompletionRequest");
    case "responses":
      return openapi("openai.slice.openapi.json", "CreateResponse");
    case "ollama":
      return openapi("ollama.openapi.yaml", "ChatRequest");
    case "bedrock": {
      const file = "bedrock-runtime.service-2.json";
      const { shapes } = read(file, () => JSON.parse(readFileSync(at(file), "utf8")));
      return shapeFault({ modelId: "m", ...(body as object) }, "ConverseStreamRequest", shapes);
    }
    case "gemini":
      return protoFault(body, "GenerateContentRequest", geminiProto(root), ["model"]);
  }
}

/** Google's description of its Gemini API. */
export function geminiProto(root: string): Proto {
  const folder = join(root, "api-specs", "google-generativelanguage-v1beta");
  return read(folder, () => parseProto(readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"))));
}

function read(name: string, load: () => Document): Document {
  const known = documents.get(name) ?? load();
  documents.set(name, known);
  return known;
}
