import type { ProviderErrorKind } from "../base/errors.ts";
import { isObject } from "../base/schema.ts";
import type { AssistantBlock, Message, StopReason, Usage } from "../contracts/message.ts";
import type { ModelRequest, Role, ToolSpec } from "../contracts/provider.ts";
import { mapStrings, type Normaliser } from "./normalise.ts";

/** Version of the format. A recording of another version is refused. */
export const RECORDING_VERSION = 1;

/**
 * One line of a recording: what was asked, normalised, and what came. `maxTokens` is not kept: it follows from the
 * budget and the length of paths, not from the conversation.
 */
export interface Exchange {
  v: typeof RECORDING_VERSION;
  role: Role;
  /** `provider/model`. */
  model: string;
  /** What counted for it: its window decides when a conversation is made smaller. Recordings of older versions have none. */
  facts?: unknown;
  request: RecordedRequest;
  reply: RecordedReply;
}

export interface RecordedRequest {
  system: string;
  tools: readonly ToolSpec[];
  messages: readonly unknown[];
  temperature?: number;
  schema?: ModelRequest["schema"];
}

export type RecordedReply =
  | { blocks: AssistantBlock[]; stop: StopReason; usage: Usage }
  | { error: { kind: ProviderErrorKind; message: string; status?: number } };

/** The request as it is kept and compared. */
export function recordedRequest(request: ModelRequest, normaliser: Normaliser): RecordedRequest {
  const { system, tools, messages, temperature, schema } = request;
  const kept: RecordedRequest = {
    system,
    tools,
    messages: withNumberedCalls(messages),
    ...(temperature === undefined ? {} : { temperature }),
    ...(schema === undefined ? {} : { schema }),
  };
  return mapStrings(kept, (text) => normaliser.compared(text));
}

/** Tool calls are numbered in the order in which they appear; who wrote a message and its opaque parts do not count. */
function withNumberedCalls(messages: readonly Message[]): unknown[] {
  const numbers = new Map<string, string>();
  const numbered = (id: string) => {
    const known = numbers.get(id) ?? `call_${numbers.size + 1}`;
    numbers.set(id, known);
    return known;
  };
  return messages.map(({ role, blocks }) => ({
    role,
    blocks: blocks.map((block) => {
      const { native: _, ...rest } = block as typeof block & { native?: unknown };
      return "id" in rest ? { ...rest, id: numbered(rest.id) } : rest;
    }),
  }));
}

/**
 * The first place where two requests differ, in words, or undefined. Keys that are undefined do not count: JSON does not
 * keep them.
 */
export function firstDifference(recorded: unknown, sent: unknown, path = ""): string | undefined {
  if (recorded === sent) return undefined;
  if (Array.isArray(recorded) && Array.isArray(sent)) {
    for (let index = 0; index < Math.min(recorded.length, sent.length); index++) {
      const found = firstDifference(recorded[index], sent[index], `${path}[${index}]`);
      if (found) return found;
    }
    return recorded.length === sent.length
      ? undefined
      : `${path} has ${sent.length} entries, ${recorded.length} were recorded`;
  }
  if (isObject(recorded) && isObject(sent)) {
    for (const key of new Set([...Object.keys(recorded), ...Object.keys(sent)])) {
      const found = firstDifference(recorded[key], sent[key], path ? `${path}.${key}` : key);
      if (found) return found;
    }
    return undefined;
  }
  return `${path} is ${shown(sent, recorded)}, recorded was ${shown(recorded, sent)}`;
}

const AROUND = 60;

/** Of two long texts the part that begins shortly before they differ. */
function shown(value: unknown, other: unknown): string {
  if (typeof value !== "string" || typeof other !== "string")
    return JSON.stringify(value)?.slice(0, AROUND * 2) ?? "missing";
  let same = 0;
  while (same < value.length && value[same] === other[same]) same++;
  const start = Math.max(0, same - AROUND / 2);
  const piece = value.slice(start, same + AROUND);
  return JSON.stringify(`${start > 0 ? "…" : ""}${piece}${same + AROUND < value.length ? "…" : ""}`);
}
