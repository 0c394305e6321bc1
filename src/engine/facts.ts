import { ProviderError } from "../base/errors.ts";
import { clip, truncateMiddle } from "../base/text.ts";
import type { EventBody } from "../contracts/event.ts";
import type { AssistantBlock, Message, UserBlock } from "../contracts/message.ts";
import { callModel } from "./call.ts";
import type { Context } from "./context.ts";
import { charactersIn } from "./measure.ts";

/** Output tokens of the call that makes facts; the prompt asks for fewer, the rest is for models that think first. */
const FACTS_OUTPUT = 2000;
/** What the small model gets to read of the work, at most, characters. */
const MOST_WORK = 60_000;
/** What it gets to read of one call's arguments and of one result, characters. */
const MOST_ARGUMENTS = 400;
const MOST_RESULT = 800;

/**
 * What is known from turns that are left out, as one text of about `most` tokens: asked of the small model. Where
 * it cannot be asked or says nothing, the calls themselves are told: no task fails because its memory did.
 */
export async function* makeFacts(
  context: Context,
  turns: readonly Message[],
  most: number,
): AsyncGenerator<EventBody, string> {
  const { kit, task } = context;
  const model = kit.models.small;
  // Two characters a token: what is read must surely fit.
  const room = Math.max(1000, Math.min(MOST_WORK, (model.info.context - FACTS_OUTPUT) * 2));
  const work = truncateMiddle(turns.map(messageText).join("\n"), room);
  const text = `# Task\n${clip(task.description, 2000)}\n\n# Work\n${work}`;
  const messages: Message[] = [{ role: "user", blocks: [{ type: "text", text }] }];
  const request = { system: kit.prompts.compact, messages, tools: [], maxTokens: FACTS_OUTPUT };
  let facts = "";
  try {
    facts = (yield* callModel(context, "small", model, request, false)).text.trim();
  } catch (error) {
    if (context.signal.aborted || !(error instanceof ProviderError)) throw error;
  }
  const known = facts || turns.map(callsText).join("");
  return truncateMiddle(known, charactersIn(known, most));
}

/** What was called, and what stood there before: the facts of an earlier time, say. */
function callsText({ role, blocks }: Message): string {
  const told = blocks.filter(({ type }) => type === "tool_call" || (type === "text" && role === "user"));
  return told.flatMap((block) => blockText(role, block).map((line) => `${line}\n`)).join("");
}

function messageText({ role, blocks }: Message): string {
  return blocks.flatMap((block) => blockText(role, block)).join("\n");
}

function blockText(role: Message["role"], block: UserBlock | AssistantBlock): string[] {
  switch (block.type) {
    case "text":
      return block.text.trim() === "" ? [] : [`${role}: ${block.text}`];
    case "tool_call":
      return [`call: ${block.name} ${clip(block.arguments, MOST_ARGUMENTS)}`];
    case "tool_result":
      return [`${block.isError ? "error" : "result"}: ${truncateMiddle(block.text, MOST_RESULT)}`];
    default:
      return [];
  }
}
