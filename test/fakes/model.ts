import type { AssistantBlock, Message, StopReason, Usage } from "../../src/contracts/message.ts";
import type { Model, ModelEvent, ModelInfo, ModelRequest } from "../../src/contracts/provider.ts";

/** One scripted answer. A string is an answer with that text. */
export type ModelTurn = string | ScriptedModelTurn;

export interface ScriptedModelTurn {
  text?: string;
  reasoning?: string;
  /** Arguments as an object become JSON; as a string they go out as they are. Ids are made up where absent. */
  calls?: readonly { name: string; args?: Record<string, unknown> | string; id?: string }[];
  usage?: Partial<Usage>;
  /** Follows from the content where absent. */
  stop?: StopReason;
  /** Failed attempts before the answer. */
  restarts?: readonly { waitMs: number; wait?: (signal: AbortSignal) => Promise<void> }[];
  /** What happens in the world while the model thinks. */
  meanwhile?: () => void | Promise<void>;
  /** Says nothing (more) until it is aborted. */
  hang?: boolean;
  /** Breaks after its text. */
  error?: Error;
  /** The stream ends after its text, without an answer. */
  silent?: boolean;
  /** Answered by a fallback with these facts. */
  by?: ModelInfo;
}

export type ModelScript =
  | readonly ModelTurn[]
  | ((request: ModelRequest, index: number) => ModelTurn | Promise<ModelTurn>);

export interface FakeModel extends Model {
  /** Every request, as it was when it was made. */
  readonly requests: ModelRequest[];
  /** Resolves when a turn that hangs has begun to. */
  readonly hanging: Promise<void>;
}

/** Facts of a model that costs 1 USD per million input tokens and 10 per million output tokens. */
export function modelInfo(ref: string, facts: Partial<ModelInfo> = {}): ModelInfo {
  return {
    ref,
    context: 200_000,
    maxOutput: 8000,
    price: { input: 1, output: 10, cacheRead: 0.1, cacheWrite: 1.25 },
    capabilities: { tools: true, images: true, reasoning: true, temperature: true },
    assumed: false,
    ...facts,
  };
}

/**
 * A model that says what its script says, remembers what it was asked, and refuses what no provider would take: a tool
 * result without its call, a call without its result, an empty message, and a request of several messages that is not
 * the one before plus something new, or a smaller one with the same beginning. `resumed`: its first request may be in
 * the middle of a conversation.
 */
export function fakeModel(
  script: ModelScript,
  info: ModelInfo = modelInfo("fake/model"),
  facts: { resumed?: boolean } = {},
): FakeModel {
  const requests: ModelRequest[] = [];
  const hanging = Promise.withResolvers<void>();
  let made = 0;

  async function* stream(asked: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void> {
    const request = structuredClone({ ...asked });
    // The conversation of an earlier run was begun with another one.
    if (!facts.resumed || requests.length > 0) refuseMalformed(request, requests.at(-1));
    const index = requests.push(request) - 1;
    const found = typeof script === "function" ? await script(request, index) : script[index];
    if (found === undefined) throw new Error(`${info.ref}: the script ended before request ${index + 1}`);
    const turn = typeof found === "string" ? { text: found } : found;

    signal.throwIfAborted();
    await turn.meanwhile?.();
    for (const [at, { waitMs, wait }] of (turn.restarts ?? []).entries()) {
      yield { type: "restart", attempt: at + 2, waitMs, reason: "busy", model: info.ref };
      await wait?.(signal);
    }
    if (turn.reasoning) yield { type: "reasoning", text: turn.reasoning };
    if (turn.text) yield { type: "text", text: turn.text };
    if (turn.hang) {
      hanging.resolve();
      await new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    }
    if (turn.error) throw turn.error;
    if (turn.silent) return;
    const blocks = blocksOf(turn, () => `call${++made}`);
    for (const block of blocks)
      if (block.type === "tool_call") yield { type: "tool_call", id: block.id, name: block.name };
    yield {
      type: "done",
      message: { role: "assistant", blocks, from: (turn.by ?? info).ref },
      stop: turn.stop ?? (turn.calls?.length ? "tool_calls" : "end"),
      usage: { input: 100, output: 10, cacheRead: 0, cacheWrite: 0, reasoning: 0, ...turn.usage },
      ...(turn.by ? { info: turn.by } : {}),
    };
  }
  return { info, stream, requests, hanging: hanging.promise };
}

function blocksOf(turn: ScriptedModelTurn, id: () => string): AssistantBlock[] {
  return [
    ...(turn.reasoning ? [{ type: "reasoning" as const, text: turn.reasoning }] : []),
    ...(turn.text ? [{ type: "text" as const, text: turn.text }] : []),
    ...(turn.calls ?? []).map((call) => ({
      type: "tool_call" as const,
      id: call.id ?? id(),
      name: call.name,
      arguments: typeof call.args === "string" ? call.args : JSON.stringify(call.args ?? {}),
    })),
  ];
}

function refuseMalformed(request: ModelRequest, before: ModelRequest | undefined): void {
  const { messages } = request;
  const refuse = (why: string) => {
    throw new Error(`malformed request: ${why}`);
  };
  if (!Number.isInteger(request.maxTokens) || request.maxTokens < 1) refuse(`maxTokens is ${request.maxTokens}`);
  if (messages.at(-1)?.role !== "user") refuse("the last message is not the user's");
  let open: string[] = [];
  for (const message of messages) {
    if (isEmpty(message)) refuse("an empty message");
    const answered = message.blocks.flatMap((block) => (block.type === "tool_result" ? [block.id] : []));
    if (answered.join() !== open.join()) refuse(`calls [${open}] are answered by results [${answered}]`);
    open = message.blocks.flatMap((block) => (block.type === "tool_call" ? [block.id] : []));
    if (new Set(open).size < open.length) refuse("two calls with one id");
  }
  if (messages.length === 1) return;
  if (!before) throw new Error("malformed request: a conversation that begins in the middle");
  if (!isSmaller(request, before)) {
    if (messages.length <= before.messages.length) refuse("nothing new was said");
    if (!same(messages.slice(0, before.messages.length), before.messages)) refuse("what was said before is changed");
  }
  if (request.system !== before.system) refuse("the system prompt changes within a conversation");
  if (!same(request.tools, before.tools)) refuse("the tools change within a conversation");
}

/** The same task; then facts instead of the oldest turns, and results that were shortened. */
function isSmaller({ messages }: ModelRequest, before: ModelRequest): boolean {
  if (!same(messages[0], before.messages[0])) return false;
  const [first] = messages[1]?.blocks ?? [];
  const facts = first?.type === "text" && first.text.startsWith("[The first part");
  const kept = messages.slice(facts ? 2 : 1).map(withoutShortened);
  const places = facts ? before.messages.map((_, at) => at + 1) : [1];
  return places.some((at) => {
    const rest = before.messages.slice(at);
    return rest.every((message, index) => {
      const now = kept[index];
      if (now?.blocks.length !== message.blocks.length) return false;
      return now.blocks.every((block, n) => block === undefined || same(block, message.blocks[n]));
    });
  });
}

function withoutShortened({ blocks }: Message) {
  return {
    blocks: blocks.map((block) =>
      block.type === "tool_result" && block.text.startsWith("[shortened") ? undefined : block,
    ),
  };
}

function isEmpty(message: Message): boolean {
  return message.blocks.every(
    (block) => (block.type === "text" && block.text.trim() === "") || block.type === "reasoning",
  );
}

function same(a: unknown, b: unknown): boolean {
  return Bun.deepEquals(a, b, true);
}
