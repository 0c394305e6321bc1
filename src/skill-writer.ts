import propose from "../embed/prompts/propose.md" with { type: "text" };
import { messageOf } from "./base/errors.ts";
import { s } from "./base/schema.ts";
import type { Model, ModelEvent } from "./contracts/provider.ts";
import type { CallRecord } from "./contracts/task.ts";
import { callOf, textOf } from "./engine/call.ts";
import { readJson } from "./engine/json.ts";
import { checkedDraft, type Draft, examplesOf, withoutSecrets } from "./memory/patterns/proposal.ts";
import type { StoredPattern } from "./memory/patterns/store.ts";

/** Output tokens, reasoning included. */
const MOST_TOKENS = 4000;
/** Nobody waits longer for a short text, ms. */
const PATIENCE_MS = 120_000;

const answer = () => s.object({ description: s.string(), body: s.string() });

/** What came of asking a model. */
export interface Written {
  draft: Draft;
  /** Why the plain draft was kept; absent: the model's text is in `draft`. */
  kept?: string;
  /** What was spent; absent where the model gave no answer. */
  call?: CallRecord;
}

/**
 * Has a model word the skill for a pattern, in one call. Where the model fails, or writes what a skill must not hold, the
 * plain draft is kept. Rejects only where `signal` ends it.
 */
export async function writeSkill(input: {
  model: Model;
  pattern: StoredPattern;
  wordings: readonly string[];
  plain: Draft;
  signal: AbortSignal;
}): Promise<Written> {
  const { model, pattern, wordings, plain, signal } = input;
  const began = performance.now();
  let done: Extract<ModelEvent, { type: "done" }>;
  try {
    done = await ask(model, factsOf(pattern, wordings), AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]));
  } catch (error) {
    signal.throwIfAborted();
    return { draft: plain, kept: `the model failed (${messageOf(error)})` };
  }
  const call = callOf("planner", done, model, performance.now() - began);
  const read = readJson(answer(), textOf(done.message));
  if (!read.ok) return { draft: plain, call, kept: `the model's answer could not be read (${read.problem})` };
  const draft = checkedDraft(read.value, plain, [...wordings, ...pattern.steps.map(({ text }) => text)]);
  if (draft) return { draft, call };
  return { draft: plain, call, kept: "the model wrote something that you never asked for" };
}

async function ask(model: Model, facts: string, signal: AbortSignal): Promise<Extract<ModelEvent, { type: "done" }>> {
  const request = {
    system: propose,
    messages: [{ role: "user" as const, blocks: [{ type: "text" as const, text: facts }] }],
    tools: [],
    maxTokens: Math.min(MOST_TOKENS, model.info.maxOutput),
    schema: { name: "skill", schema: answer().json },
  };
  for await (const event of model.stream(request, signal)) if (event.type === "done") return event;
  throw new Error(`${model.info.ref} ended without an answer`);
}

function factsOf(pattern: StoredPattern, wordings: readonly string[]): string {
  const steps =
    pattern.kind === "sequence"
      ? pattern.steps.map(({ kind, text }, at) => `${at + 1}. (${kind}) ${withoutSecrets(text)}`)
      : [];
  return [
    `What: ${withoutSecrets(pattern.description)}`,
    `How often: ${pattern.frequency}`,
    ...(steps.length > 0 ? ["Steps, one after the other:", ...steps] : []),
    "Asked for in these words, newest first:",
    ...examplesOf(wordings).map((example) => `- ${example}`),
  ].join("\n");
}
