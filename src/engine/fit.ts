import { ProviderError } from "../base/errors.ts";
import type { EventBody } from "../contracts/event.ts";
import type { Compaction, Message } from "../contracts/message.ts";
import type { ModelRequest } from "../contracts/provider.ts";
import { callModel, type Reply } from "./call.ts";
import { compacted, factsTokens, planCompaction, type Sizes } from "./compaction.ts";
import type { Context } from "./context.ts";
import { makeFacts } from "./facts.ts";
import { tokensOf } from "./measure.ts";

/** How often a request that the provider found too long is made smaller and sent again. */
const MOST_OVERFLOWS = 2;
/** How the facts begin that stand for turns. */
const FACTS_HEAD = "[The first part of this conversation no longer fitted and was left out. What is known from it:]";

/** A conversation; its messages are changed in place where it has to become smaller. */
interface Talk extends Pick<ModelRequest, "system" | "tools"> {
  messages: Message[];
}

/**
 * Sends a conversation to the executor in a form that its model can take: measured before, made smaller where it must
 * be, and smaller still where the provider finds it too long all the same.
 */
export async function* sendFitting(context: Context, talk: Talk): AsyncGenerator<EventBody, Reply> {
  const { window } = context;
  for (let overflows = 0; ; overflows++) {
    yield* fit(context, talk);
    const request = { ...talk, maxTokens: window.answer(talk) };
    try {
      const reply = yield* callModel(context, "executor", context.kit.models.executor, request, true);
      window.learn(request, reply.usage);
      return reply;
    } catch (error) {
      const refused = error instanceof ProviderError && error.kind === "overflow";
      if (!refused || overflows >= MOST_OVERFLOWS) throw error;
      window.overflowed(request);
    }
  }
}

/** Makes a conversation that is over the mark smaller. Throws where it cannot be made to fit. */
async function* fit(context: Context, talk: Talk): AsyncGenerator<EventBody, void> {
  const { window } = context;
  const { messages } = talk;
  const before = window.tokens(talk);
  if (before <= window.ease) return;
  const sizes = sizesOf(context, talk);
  if (before <= sizes.mark) return;
  const plan = planCompaction(messages, sizes);
  if (!plan && before <= sizes.most) return;
  if (!plan) throw tooLong(context, before, sizes.most);
  const compaction: Compaction = { shortened: plan.shortened };
  if (plan.until !== undefined) {
    compaction.facts = { until: plan.until, text: yield* factsOf(context, messages, plan.until, sizes) };
  }
  const smaller = compacted(messages, compaction);
  const after = window.tokens({ ...talk, messages: smaller });
  if (after > sizes.most) throw tooLong(context, after, sizes.most);
  yield { type: "compacted", compaction, before, after };
  context.budget.forget(messages[0]!);
  messages.splice(0, messages.length, ...smaller);
}

function sizesOf({ window, said }: Context, { messages, ...rest }: Talk): Sizes {
  const { density } = window;
  const head = messages.slice(0, 1);
  const fixed = window.tokens({ ...rest, messages: head });
  const beside = tokensOf(factsText("", notIn(head, said))) * density + 1;
  return { ...window.room(fixed), fixed, density, beside };
}

/** What is known from the turns before `until`, and what the user said in them, word for word. */
async function* factsOf(
  context: Context,
  messages: readonly Message[],
  until: number,
  sizes: Sizes,
): AsyncGenerator<EventBody, string> {
  const facts = yield* makeFacts(context, messages.slice(1, until), factsTokens(sizes) / sizes.density);
  return factsText(facts, notIn([messages[0]!, ...messages.slice(until)], context.said));
}

function factsText(facts: string, said: readonly string[]): string {
  const added = said.length > 0 ? ["The user said:", ...said.map((text) => `- ${text}`)] : [];
  return [FACTS_HEAD, facts, ...added].join("\n");
}

/** Those texts that do not stand in the messages. */
function notIn(messages: readonly Message[], said: readonly string[]): string[] {
  const texts = messages.flatMap(({ blocks }) => blocks.flatMap((block) => (block.type === "text" ? block.text : [])));
  return said.filter((text) => !texts.some((other) => other.includes(text)));
}

function tooLong({ kit }: Context, tokens: number, most: number): ProviderError {
  const { ref } = kit.models.executor.info;
  return new ProviderError(
    "overflow",
    ref,
    `the conversation takes about ${tokens} tokens and ${ref} can read ${most}`,
  );
}
