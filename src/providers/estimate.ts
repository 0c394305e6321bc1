import type { Message } from "../contracts/message.ts";
import type { ModelEvent, ModelInfo, ModelRequest } from "../contracts/provider.ts";

type Done = Extract<ModelEvent, { type: "done" }>;

/** Bytes of text and code that make a token, on average. */
const BYTES_PER_TOKEN = 4;
/** What an image costs, whatever its bytes. */
const IMAGE_TOKENS = 1500;

/**
 * The end of an answer with its tokens estimated from the sizes, where the server counted none at all: the token budget
 * would not hold otherwise. An estimate is no bill, so the price is taken away and the cost is reported as unknown,
 * unless there is nothing to pay.
 */
export function counted(done: Done, request: ModelRequest, info: ModelInfo): Done {
  if (Object.values(done.usage).some((tokens) => tokens > 0)) return done;
  const sent = [request.system, ...request.tools.map((tool) => JSON.stringify(tool))];
  const input = tokensOf(sent) + sum(request.messages.map(messageTokens));
  const usage = { input, output: messageTokens(done.message), cacheRead: 0, cacheWrite: 0, reasoning: 0 };
  const { price, ...facts } = info;
  const free = price?.input === 0 && price.output === 0;
  return { ...done, usage, info: free ? info : facts };
}

function messageTokens({ blocks }: Message): number {
  return sum(
    blocks.map((block) => {
      if (block.type === "image") return IMAGE_TOKENS;
      if (block.type === "tool_call") return tokensOf([block.name, block.arguments]);
      const images = block.type === "tool_result" ? (block.images?.length ?? 0) : 0;
      return tokensOf([block.text]) + images * IMAGE_TOKENS;
    }),
  );
}

/** Tokens of texts, by their size. */
export function tokensOf(texts: readonly string[]): number {
  return Math.ceil(sum(texts.map((text) => Buffer.byteLength(text))) / BYTES_PER_TOKEN);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
