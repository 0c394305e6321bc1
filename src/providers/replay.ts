import { messageOf, ProviderError, UsageError, UserError } from "../base/errors.ts";
import { readText } from "../base/files.ts";
import { isObject } from "../base/schema.ts";
import type { Model, ModelEvent, ModelInfo, ModelRequest, Role } from "../contracts/provider.ts";
import { mapStrings, type Normaliser } from "./normalise.ts";
import { type Exchange, firstDifference, RECORDING_VERSION, recordedRequest } from "./recording.ts";
import { statedFrom } from "./stated.ts";

const PROVIDER = "replay";

/** Answers from a recording, in its order, without a network. */
export interface Replay {
  /** The model that played the role in the recording; for a role that did not speak, the first one's. */
  model(role: Role): Model;
}

/**
 * Reads a recording. Its models throw ProviderError `invalid`, naming the first difference, as soon as the conversation
 * is not the recorded one.
 *
 * @throws UserError where the file is missing or not a recording.
 */
export async function openReplay(
  path: string,
  normaliser: Normaliser,
  infoOf: (ref: string) => ModelInfo,
): Promise<Replay> {
  const exchanges = await load(path);
  let next = 0;

  async function* stream(
    role: Role,
    info: ModelInfo,
    request: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelEvent> {
    signal.throwIfAborted();
    const number = ++next;
    const exchange = exchanges[number - 1];
    if (!exchange)
      throw differs(`the recording ends after ${exchanges.length} exchanges, but the ${role} asks for one more`);
    const asked = recordedRequest(request, normaliser);
    const difference =
      exchange.role === role
        ? firstDifference(exchange.request, JSON.parse(JSON.stringify(asked)))
        : `the ${role} asks, recorded was the ${exchange.role}`;
    if (difference)
      throw differs(`the conversation differs from the recording at exchange ${number} (${role}): ${difference}`);
    const reply = mapStrings(exchange.reply, (text) => normaliser.local(text));
    if ("error" in reply)
      throw new ProviderError(reply.error.kind, PROVIDER, reply.error.message, { status: reply.error.status });
    for (const block of reply.blocks) {
      if (block.type === "tool_call") yield { type: "tool_call", id: block.id, name: block.name };
      else if (block.text) yield { type: block.type, text: block.text };
    }
    const message = { role: "assistant" as const, blocks: reply.blocks, from: info.ref };
    yield { type: "done", message, stop: reply.stop, usage: reply.usage };
  }

  return {
    model(role) {
      const { model, facts } = exchanges.find((each) => each.role === role) ?? exchanges[0]!;
      const info = recordedInfo(infoOf(model), facts);
      return { info, stream: (request, signal) => stream(role, info, request, signal) };
    },
  };
}

/** What counted when it was recorded counts again, whatever is known here. */
function recordedInfo(info: ModelInfo, facts: unknown): ModelInfo {
  const { ceiling: _, ...recorded } = statedFrom(facts);
  return { ...info, ...recorded, assumed: info.assumed && !recorded.context };
}

/** No trouble of a provider: nobody may treat it as one, and go on with a conversation that never was. */
function differs(message: string): UserError {
  return new UserError(message, "Run the task that was recorded, in a project as it was then, or record it anew.");
}

async function load(path: string): Promise<Exchange[]> {
  const remedy = "Name a file that --record wrote.";
  const source = await readText(path).catch((error: unknown) => {
    throw new UserError(`cannot replay ${path}: ${messageOf(error)}`, remedy);
  });
  if (source === undefined) throw new UsageError(`the recording ${path} does not exist`, remedy);
  const lines = source.split("\n").filter((line) => line.trim());
  if (lines.length === 0) throw new UserError(`the recording ${path} is empty`, remedy);
  return lines.map((line, index) => {
    const exchange = parsed(line);
    if (!exchange)
      throw new UserError(
        `${path}, line ${index + 1}: not an exchange of recording version ${RECORDING_VERSION}`,
        remedy,
      );
    return exchange;
  });
}

function parsed(line: string): Exchange | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (!isObject(value) || value["v"] !== RECORDING_VERSION || typeof value["role"] !== "string") return undefined;
    const { model, request, reply } = value;
    if (typeof model !== "string" || !isObject(request) || !isObject(reply)) return undefined;
    if (!isObject(reply["error"]) && !(Array.isArray(reply["blocks"]) && isObject(reply["usage"]))) return undefined;
    return value as unknown as Exchange;
  } catch {
    return undefined;
  }
}
