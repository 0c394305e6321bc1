import type { EmbeddingWireId, WireId } from "../row.ts";
import type { EmbeddingWire } from "./embedding-wire.ts";
import type { Wire } from "./wire.ts";

/** Adding a wire is one file and one line here. */
export async function loadWire(id: WireId): Promise<Wire> {
  switch (id) {
    case "anthropic":
      return (await import("./anthropic.ts")).anthropic;
    case "bedrock":
      return (await import("./bedrock.ts")).bedrock;
    case "chat":
      return (await import("./chat.ts")).chat;
    case "gemini":
      return (await import("./gemini.ts")).gemini;
    case "ollama":
      return (await import("./ollama.ts")).ollama;
    case "responses":
      return (await import("./responses.ts")).responses;
  }
}

/** The same for embeddings. */
export async function loadEmbeddingWire(id: EmbeddingWireId): Promise<EmbeddingWire> {
  switch (id) {
    case "cohere":
      return (await import("./cohere-embedding.ts")).cohereEmbedding;
    case "gemini":
      return (await import("./gemini-embedding.ts")).geminiEmbedding;
    case "ollama":
      return (await import("./ollama-embedding.ts")).ollamaEmbedding;
    case "openai":
      return (await import("./openai-embedding.ts")).openaiEmbedding;
    case "titan":
      return (await import("./titan-embedding.ts")).titanEmbedding;
  }
}
