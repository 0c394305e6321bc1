/** What a scripted model reads in the program's requests (Chat Completions). */

/** A message on the wire, as far as it is looked into. */
export interface Message {
  role: string;
  content?: string | null | { type: string; text?: string }[];
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
  tool_call_id?: string;
}

export function textOf(message: Message): string {
  if (typeof message.content === "string") return message.content;
  return (message.content ?? []).map((part) => part.text ?? "").join("\n");
}

export function systemOf(messages: readonly Message[]): string {
  return messages
    .filter((message) => message.role === "system" || message.role === "developer")
    .map(textOf)
    .join("\n");
}

/** `Dimensions: correctness (weight 0.4), safety (weight 0.25)` → their names. */
export function dimensionsIn(system: string): string[] {
  const list = system.slice(system.search(/dimensions:/i) + "dimensions:".length);
  return [...list.matchAll(/([\p{L}\d][\p{L}\d _-]*?)\s*\(weight/gu)].map((match) => match[1]!);
}

/** A line that ends so, whatever stands before it (a tool that reads files may number the lines). */
export function hasLine(text: string, line: string): boolean {
  return text.split("\n").some((each) => each.trimEnd().endsWith(line));
}
