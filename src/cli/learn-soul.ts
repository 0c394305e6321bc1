import { Exit, type ExitCode, ProviderError, UsageError } from "../base/errors.ts";
import { ensureDir } from "../base/files.ts";
import { hunks } from "../base/hunks.ts";
import type { Paths } from "../base/paths.ts";
import { showControl } from "../base/text.ts";
import type { Learning } from "../contracts/memory.ts";
import type { Model } from "../contracts/provider.ts";
import type { Answer, Question } from "../contracts/question.ts";
import type { CallRecord } from "../contracts/task.ts";
import { callOf } from "../engine/call.ts";
import { loadSoul } from "../skills/soul.ts";
import {
  evolutionPrompt,
  readChanges,
  readSoulState,
  reasonsToWait,
  replaceSoul,
  withChanges,
  writeSoulState,
} from "../skills/soul-evolution.ts";
import { diffLines } from "./display/diff-lines.ts";
import { cleanLines, oneLine } from "./display/layout.ts";
import { money, type Style } from "./display/style.ts";

export interface EvolutionDeps {
  paths: Pick<Paths, "home" | "soul" | "state">;
  /** How many tasks there ever were. */
  tasks: number;
  learnings: readonly Learning[];
  /** The text of embed/prompts/soul.md. */
  template: string;
  planner(): Promise<Model>;
  /** Keeps what a call cost. */
  spent(call: CallRecord): Promise<void>;
  /** Absent where nobody is there. */
  ask: ((question: Question, signal: AbortSignal) => Promise<Answer>) | undefined;
  /** Lets the user change a text in their editor; absent where none is set. */
  edit: ((text: string) => Promise<string>) | undefined;
  style: Style;
  /** Milliseconds since 1970. */
  now(): number;
  write(text: string): void;
  signal: AbortSignal;
}

const ACCEPT = "accept";
const EDIT = "edit";
const REFUSE = "refuse";

/**
 * `openkoi learn evolve-soul`: where it is due, the planner proposes small changes of the soul, and the user accepts,
 * edits or refuses them. Nobody else applies them.
 */
export async function evolveSoul(deps: EvolutionDeps): Promise<ExitCode> {
  const { paths, tasks, learnings, style, write } = deps;
  const state = readSoulState(paths);
  const reasons = reasonsToWait(tasks, learnings, state);
  if (reasons.length > 0) {
    write(`The soul stays as it is for now:\n${reasons.map((reason) => `  ${reason}\n`).join("")}`);
    return Exit.ok;
  }
  if (!deps.ask) {
    throw new UsageError(
      "nobody is there to accept a change of the soul",
      "Run openkoi learn evolve-soul at a terminal.",
    );
  }
  const soul = loadSoul(paths);
  const { text, cost } = await ask(deps, evolutionPrompt(deps.template, soul.text, learnings));
  const changes = readChanges(text);
  await ensureDir(paths.state);
  if (changes.length === 0) {
    write(`The planner sees no reason to change it.  ${cost}\n`);
    await writeSoulState(paths, { ...state, evolvedAt: tasks });
    return Exit.ok;
  }
  let proposed = withChanges(soul.text, changes);
  write(`${changes.map(({ why }) => `- ${oneLine(showControl(why))}\n`).join("")}  ${cost}\n`);
  for (;;) {
    write(`\n${difference(`${soul.text}\n`, proposed, style).join("\n")}\n`);
    const question = {
      kind: "choice",
      id: "soul",
      text: `Change ${paths.soul} like this?`,
      choices: deps.edit ? [ACCEPT, EDIT, REFUSE] : [ACCEPT, REFUSE],
    } as const;
    const { choice, by } = await deps.ask(question, deps.signal);
    if (by === "policy" || choice === REFUSE) {
      if (by !== "policy") await writeSoulState(paths, { ...state, evolvedAt: tasks });
      write("Nothing was changed.\n");
      return Exit.ok;
    }
    if (choice === ACCEPT || !deps.edit) break;
    proposed = await deps.edit(proposed);
  }
  await ensureDir(paths.home);
  const kept = await replaceSoul(proposed, paths.soul, deps.now());
  await writeSoulState(paths, { ...state, evolvedAt: tasks });
  write(`${style.good("changed")} ${paths.soul}${kept ? `; the old one is ${kept}` : ""}\n`);
  return Exit.ok;
}

/** Output tokens of the answer, its reasoning included. */
const MOST_TOKENS = 4000;

async function ask(deps: EvolutionDeps, prompt: string): Promise<{ text: string; cost: string }> {
  const model = await deps.planner();
  const request = {
    system: "You help a user to shape the soul of their agent.",
    messages: [{ role: "user" as const, blocks: [{ type: "text" as const, text: prompt }] }],
    tools: [],
    maxTokens: Math.min(MOST_TOKENS, model.info.maxOutput),
  };
  const began = performance.now();
  for await (const event of model.stream(request, deps.signal)) {
    if (event.type !== "done") continue;
    const call = callOf("planner", event, model, performance.now() - began);
    await deps.spent(call);
    const { costUsd } = call;
    const text = event.message.blocks.map((block) => (block.type === "text" ? block.text : "")).join("");
    return { text, cost: `(${model.info.ref}, ${money({ costUsd: costUsd ?? 0, costKnown: costUsd !== null })})` };
  }
  throw new ProviderError("broken_stream", model.info.ref, `${model.info.ref} ended without an answer`);
}

function difference(before: string, after: string, style: Style): string[] {
  const { text } = hunks(before, after, { maxBytes: Number.POSITIVE_INFINITY, context: 2 });
  return diffLines(cleanLines(showControl(text.trimEnd())), Number.POSITIVE_INFINITY, style);
}
