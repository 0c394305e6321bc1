import type { FakeRequest } from "./script.ts";

/**
 * Why a request is not a pure extension of the one before it (which a provider's cache could then not use), or
 * undefined. Cache marks do not count: they say where to cut the prefix, not what is in it.
 */
export function extensionFault(before: FakeRequest, after: FakeRequest): string | undefined {
  const [first, second] = [unmarked(before.body), unmarked(after.body)];
  for (const field of ["model", "system", "tools"] as const) {
    if (JSON.stringify(first[field]) !== JSON.stringify(second[field])) return `${field} changed`;
  }
  if (second.messages.length < first.messages.length) return "messages were taken away";
  for (const [index, message] of first.messages.entries()) {
    const [old, now] = [JSON.stringify(message), JSON.stringify(second.messages[index])];
    if (old !== now) return `messages[${index}] changed from ${old.slice(0, 200)} to ${now.slice(0, 200)}`;
  }
  return undefined;
}

interface Body {
  model: unknown;
  system: unknown;
  tools: unknown;
  messages: unknown[];
}

/** A request of any wire, without cache marks; a list that holds one text and nothing else is that text. */
function unmarked(body: unknown): Body {
  const { model, system, instructions, systemInstruction, tools, toolConfig, messages, input, contents } =
    withoutMarks(body);
  return {
    model,
    system: system ?? instructions ?? systemInstruction,
    tools: tools ?? toolConfig,
    messages: (messages ?? input ?? contents) as unknown[],
  };
}

function withoutMarks(body: unknown): Record<string, unknown> {
  return JSON.parse(JSON.stringify(body), (key, value) => {
    if (key === "cache_control") return undefined;
    if (Array.isArray(value)) value = value.filter((each) => !each?.cachePoint);
    const single = key === "content" && Array.isArray(value) && value.length === 1 ? value[0] : undefined;
    return single?.type === "text" && Object.keys(single).length === 2 ? single.text : value;
  });
}
