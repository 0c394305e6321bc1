import { s } from "../base/schema.ts";
import { fill } from "../base/text.ts";
import type { EventBody } from "../contracts/event.ts";
import type { Message } from "../contracts/message.ts";
import { callModel, spoken } from "./call.ts";
import type { Context } from "./context.ts";
import type { Read } from "./json.ts";
import { taskText } from "./plan.ts";

const RESULT_TOKENS = 8000;

/** `--schema`: turns the closing words into a value that fits the schema. One repair. */
export async function* makeResult(context: Context, text: string): AsyncGenerator<EventBody, Read<unknown>> {
  const { kit, task } = context;
  const schema = task.schema ?? s.any().json;
  const system = fill(kit.prompts.result, { schema: JSON.stringify(schema) });
  const messages: Message[] = [
    { role: "user", blocks: [{ type: "text", text: `# Task\n${taskText(context)}\n\n# Result\n${text}` }] },
  ];
  const request = { system, messages, tools: [], maxTokens: RESULT_TOKENS, schema: { name: "result", schema } };
  let problem = "";
  for (const role of ["result", "repair"] as const) {
    const reply = yield* callModel(context, role, kit.models.executor, request, false);
    const value = readValue(reply.text);
    problem = value.ok ? ((await kit.fits(schema, value.value)) ?? "") : value.problem;
    if (value.ok && problem === "") return value;
    if (reply.text) messages.push(spoken(reply.message));
    messages.push({ role: "user", blocks: [{ type: "text", text: fill(kit.prompts.repair, { problem }) }] });
  }
  return { ok: false, problem: `the result does not fit the schema: ${problem}` };
}

/** Any JSON value, also one in a code fence. */
function readValue(text: string): Read<unknown> {
  const fenced = /^```\w*\n([\s\S]*?)\n```$/.exec(text.trim());
  try {
    return { ok: true, value: JSON.parse(fenced?.[1] ?? text) };
  } catch (error) {
    return { ok: false, problem: `it is not JSON (${error instanceof Error ? error.message : error})` };
  }
}
