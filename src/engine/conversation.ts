import type { Message, StopReason } from "../contracts/message.ts";
import type { ToolResult } from "../contracts/tool.ts";
import { textOf } from "./call.ts";

/** A conversation with the executor that was cut short, as it is taken up again. */
export interface Conversation {
  system: string;
  messages: Message[];
  /** How the model's last message ended. */
  stop: StopReason;
  /** Calls of the last message that were carried out, by id. */
  results: Map<string, ToolResult>;
  /** Calls with effects that began and did not end: they may have happened wholly, in part or not at all. */
  begun: Set<string>;
  /** Those that wait for a permission: so far nothing of them has happened. */
  waiting: Set<string>;
  /** What the user said after the last message. */
  unsaid: string[];
  /** Something other than reading was begun. */
  effects: boolean;
}

export function newConversation(system: string): Conversation {
  return {
    system,
    messages: [],
    stop: "end",
    results: new Map(),
    begun: new Set(),
    waiting: new Set(),
    unsaid: [],
    effects: false,
  };
}

/** How the nudge begins that a model gets whose answer was cut off or empty; it is not the user's. */
const NUDGE = "OpenKoi: your answer ";

export function nudge(problem: string): string {
  return `${NUDGE}${problem}. Go on from there.`;
}

/** True for a message that is nothing but the nudge. */
export function isNudge({ role, blocks }: Message): boolean {
  const [block] = blocks;
  return role === "user" && block?.type === "text" && block.text.startsWith(NUDGE);
}

/** What the model had said in answers that the output limit cut off, each followed by a nudge, before its last one. */
export function spokenSoFar(messages: readonly Message[]): string {
  let spoken = "";
  const end = messages.at(-1)?.role === "assistant" ? messages.length - 2 : messages.length - 1;
  for (let at = end; at > 0; at -= 2) {
    const [answer, after] = [messages[at - 1], messages[at]];
    if (!after || !isNudge(after) || answer?.role !== "assistant") break;
    spoken = textOf(answer) + spoken;
  }
  return spoken;
}

/** The last words of the model, where it has ended; else "". */
export function closingWords(conversation: Conversation | undefined): string {
  const messages = conversation?.messages ?? [];
  const last = messages.at(-1);
  return last?.role === "assistant" ? (spokenSoFar(messages) + textOf(last)).trim() : "";
}
