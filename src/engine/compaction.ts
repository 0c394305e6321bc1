import { plural, truncateMiddle } from "../base/text.ts";
import type { Compaction, Message, ToolResultBlock } from "../contracts/message.ts";
import { isNudge } from "./conversation.ts";
import { charactersIn, weigh, weighBlock } from "./measure.ts";
import type { Room } from "./window.ts";

/** Results of so many turns at the end stay whole as long as older ones can give way. */
const FRESH_TURNS = 3;
/** The note that stands for a result, tokens. */
const NOTE = 20;
/** Shorter results are not worth shortening, tokens. */
const LEAST_RESULT = 50;
/** The results of the last turn, which the model has not seen yet, take this share of the free room at most. */
const LAST_SHARE = 0.4;
/** What the facts may take of the free room, and at most, tokens. */
const FACTS_SHARE = 0.25;
const FACTS_TOKENS = 2000;

/** What is to be done to a conversation: results to shorten, and where the turns begin that stay. */
export interface Plan {
  shortened: Compaction["shortened"];
  /** Messages between the first one and this one become facts. Absent: all stay. */
  until?: number;
}

export interface Sizes extends Room {
  /** Tokens of all that is no turn: system prompt, tools, the task. */
  fixed: number;
  /** The provider's tokens for one that is estimated. */
  density: number;
  /** Tokens of what goes with the facts in any case: what the user said. */
  beside: number;
}

/** What the conversation is after it was made smaller. Pure, so that a task that is resumed has the very same. */
export function compacted(messages: readonly Message[], { shortened, facts }: Compaction): Message[] {
  const keep = new Map(shortened.map((each) => [`${each.message} ${each.block}`, each.keep]));
  const now = messages.map((message, at): Message => {
    if (message.role === "assistant" || !message.blocks.some((_, index) => keep.has(`${at} ${index}`))) return message;
    const blocks = message.blocks.map((block, index) => {
      const chars = keep.get(`${at} ${index}`);
      return chars === undefined || block.type !== "tool_result" ? block : shorten(block, chars);
    });
    return { ...message, blocks };
  });
  if (!facts) return now;
  return [now[0]!, { role: "user", blocks: [{ type: "text", text: facts.text }] }, ...now.slice(facts.until)];
}

function shorten({ images: _, ...block }: ToolResultBlock, keep: number): ToolResultBlock {
  const lines = plural(block.text.split("\n").length, "line");
  const note = `[shortened: ${lines}; note what matters in time, and call it again if needed]`;
  return { ...block, text: keep === 0 ? note : `${note}\n${truncateMiddle(block.text, keep)}` };
}

/** Tokens that the facts may take, what the user said not counted. */
export function factsTokens({ most, fixed }: Pick<Sizes, "most" | "fixed">): number {
  return Math.min(FACTS_TOKENS, (most - fixed) * FACTS_SHARE);
}

/**
 * How a conversation that is over the mark gets below the goal, with as little loss as can be: of the last turn only
 * what no window could hold; then the oldest results; then the oldest turns, each as a whole, so that calls keep their
 * results and reasoning stays what the provider signed; and only where nothing else is left, all of them. Undefined
 * where nothing can give way. Pure.
 */
export function planCompaction(messages: readonly Message[], sizes: Sizes): Plan | undefined {
  const { density, fixed, goal, most } = sizes;
  const turns = messages.flatMap((message, at) => (message.role === "assistant" ? [at] : []));
  const last = turns.at(-1);
  if (last === undefined) return undefined;
  let now = [...messages];
  let shortened: Compaction["shortened"] = [];
  const apply = (more: Compaction["shortened"]) => {
    shortened.push(...more);
    now = compacted(messages, { shortened });
  };
  const size = (from = 1) => fixed + weigh(now.slice(from)) * density;

  apply(limitResults(messages, last, ((most - fixed) * LAST_SHARE) / density));
  const fresh = turns.at(-FRESH_TURNS) ?? last;
  const old = resultsOf(messages, 1, Math.min(fresh, last)).filter(({ size }) => size >= LEAST_RESULT);
  let excess = (size() - goal) / density;
  const gone: Compaction["shortened"] = [];
  for (const { message, block, size } of old) {
    if (excess <= 0) break;
    gone.push({ message, block, keep: 0 });
    excess -= size - NOTE;
  }
  apply(gone);

  const facts = factsTokens(sizes) + sizes.beside;
  let until: number | undefined;
  if (size() > goal) {
    // What an answer that was cut off had said so far must not be parted from its end.
    const cuts = turns.filter((at) => at > 1 && !isNudge(messages[at - 1]!) && !isFactsAlone(messages, at));
    until = cuts.find((at) => size(at) + facts <= goal) ?? cuts.at(-1);
  }
  if ((until === undefined ? size() : size(until) + facts) > most) until = messages.length;
  if (until !== undefined) shortened = shortened.filter(({ message }) => message >= until);
  return until === undefined && shortened.length === 0 ? undefined : { shortened, ...(until ? { until } : {}) };
}

/** Nothing but the facts of an earlier time lies before this turn: making facts of them gains nothing. */
function isFactsAlone(messages: readonly Message[], at: number): boolean {
  return at === 2 && messages[1]?.role === "user";
}

interface Result {
  message: number;
  block: number;
  /** Tokens, estimated. */
  size: number;
  text: string;
}

function resultsOf(messages: readonly Message[], from: number, to = messages.length): Result[] {
  return messages
    .slice(from, to)
    .flatMap(({ blocks }, at) =>
      blocks.flatMap((block, index) =>
        block.type === "tool_result"
          ? [{ message: from + at, block: index, size: weighBlock(block), text: block.text }]
          : [],
      ),
    );
}

/** Cuts the greatest results from message `from` on to one size, so that all together take `most` tokens. */
function limitResults(messages: readonly Message[], from: number, most: number): Compaction["shortened"] {
  const results = resultsOf(messages, from).sort((a, b) => a.size - b.size);
  let left = most;
  for (const [at, { size }] of results.entries()) {
    const share = left / (results.length - at);
    if (size <= share) {
      left -= size;
      continue;
    }
    return results.slice(at).map(({ message, block, text }) => {
      return { message, block, keep: charactersIn(text, share) };
    });
  }
  return [];
}
