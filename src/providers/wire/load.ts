import type { WireId } from "../row.ts";
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
