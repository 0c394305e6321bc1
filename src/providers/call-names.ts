import { oncePer } from "../base/once-per.ts";
import type { Message } from "../contracts/message.ts";
import type { ModelRequest } from "../contracts/provider.ts";

/** What every vendor takes as the name of a tool; in a call that goes back, it is checked as well. */
const ACCEPTED = /^[a-zA-Z0-9_-]{1,64}$/;

/**
 * Models call `functions.read`, which is carried out as `read`, and a vendor would refuse the whole conversation for it.
 * It goes back under the tool's own name, or one that is accepted. The same request where nothing is to be changed.
 */
export function withAcceptedNames(request: ModelRequest): ModelRequest {
  if (request.messages.every(isAccepted)) return request;
  const tools = request.tools?.map((tool) => tool.name) ?? [];
  return { ...request, messages: request.messages.map((message) => renamed(message, tools)) };
}

const isAccepted = oncePer(({ blocks }: Message) => blocks.every((block) => !("name" in block) || fits(block.name)));

function renamed(message: Message, tools: readonly string[]): Message {
  const blocks = message.blocks.map((block) =>
    "name" in block && !fits(block.name) ? { ...block, name: acceptedName(block.name, tools) } : block,
  );
  return { ...message, blocks } as Message;
}

function acceptedName(name: string, tools: readonly string[]): string {
  const meant = /[^.:/]*$/.exec(name)![0].toLowerCase();
  return tools.find((tool) => tool.toLowerCase() === meant) ?? (name.replace(/[^\w-]/g, "_").slice(0, 64) || "_");
}

function fits(name: string): boolean {
  return ACCEPTED.test(name);
}
