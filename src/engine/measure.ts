import { oncePer } from "../base/once-per.ts";
import type { AssistantBlock, Message, UserBlock } from "../contracts/message.ts";
import type { ModelRequest } from "../contracts/provider.ts";

/** Bytes of UTF-8 that make a token, on average, for text and code. */
const BYTES_PER_TOKEN = 4;
/** An image costs about this many tokens, whatever its bytes. */
const IMAGE_TOKENS = 1500;

/** Input tokens of a request, estimated from its size. */
export function measure(request: Pick<ModelRequest, "system" | "messages" | "tools">): number {
  return Math.ceil(tokensOf(request.system) + weighTools(request.tools) + weigh(request.messages));
}

const weighTools = oncePer((tools: ModelRequest["tools"]) =>
  tools.reduce((sum, tool) => sum + tokensOf(JSON.stringify(tool)), 0),
);

/** Tokens of messages, estimated; a sum of parts, so not rounded. */
export function weigh(messages: readonly Message[]): number {
  let tokens = 0;
  for (const message of messages) tokens += weighMessage(message);
  return tokens;
}

const weighMessage = oncePer(({ blocks }: Message) => {
  let tokens = 0;
  for (const block of blocks) tokens += weighBlock(block);
  return tokens;
});

export function weighBlock(block: UserBlock | AssistantBlock): number {
  switch (block.type) {
    case "image":
      return IMAGE_TOKENS;
    case "tool_call":
      return tokensOf(block.name) + tokensOf(block.arguments);
    case "tool_result":
      return tokensOf(block.text) + (block.images?.length ?? 0) * IMAGE_TOKENS;
    default:
      return tokensOf(block.text);
  }
}

/** How many characters of a text are about so many tokens. */
export function charactersIn(text: string, tokens: number): number {
  return Math.floor(text.length * Math.min(1, Math.max(0, tokens) / (tokensOf(text) || 1)));
}

/** Tokens of a text, estimated; not rounded. */
export function tokensOf(text: string): number {
  return Buffer.byteLength(text) / BYTES_PER_TOKEN;
}
