import { s } from "../base/schema.ts";
import { enclose, fill, OWN_TAG } from "../base/text.ts";
import type { EventBody } from "../contracts/event.ts";
import type { Check } from "../contracts/evidence.ts";
import type { Plan } from "../contracts/task.ts";
import { callModel } from "./call.ts";
import type { Context } from "./context.ts";
import { readJson } from "./json.ts";
import { memoryText } from "./recall.ts";

/** A list that a model wrote as one text, or as null for "none"; what is no text in it is left out. */
function listed(value: unknown): unknown {
  const items = Array.isArray(value) ? value : [value];
  return items.filter((item) => typeof item === "string" && item.trim() !== "");
}

const texts = s.tidied(s.withDefault(s.array(s.string()), []), listed);

const planSchema = s.object({
  kind: s.tidied(s.choice(["question", "change"]), (value) =>
    typeof value === "string" ? value.trim().toLowerCase() : value,
  ),
  category: s.lenient(s.string(), "general"),
  steps: texts,
  checks: texts,
  tests: s.lenient<Plan["tests"]>(s.choice(["must_pass", "may_go", "stay"]), undefined),
});

/** Output tokens that a plan may take, reasoning included. */
const PLAN_TOKENS = 4000;

export interface Planned {
  plan: Plan;
  /** The plan's commands that can prove something, as checks. */
  proofs: Check[];
}

/**
 * One call of the planner. An answer that is no plan is not worth a second call: the task is then done without steps
 * and without declared proofs, and the stream says so.
 */
export async function* makePlan(context: Context, known: readonly Check[]): AsyncGenerator<EventBody, Planned> {
  const { kit } = context;
  const system = fill(kit.prompts.plan, {
    surroundings: context.surroundings,
    memory: memoryText(context.recalled),
    files: await kit.listFiles(context.signal),
    known_checks:
      known.length > 0
        ? `The project's own checks run anyway: ${known.map((check) => `\`${check.command}\``).join(", ")}.`
        : "The project has no checks of its own.",
  });
  const messages = [{ role: "user" as const, blocks: [{ type: "text" as const, text: taskText(context) }] }];
  const request = {
    system,
    messages,
    tools: [],
    maxTokens: PLAN_TOKENS,
    schema: { name: "plan", schema: planSchema.json },
  };
  const reply = yield* callModel(context, "planner", kit.models.planner, request, false);
  const read = readJson(planSchema, reply.text);
  if (!read.ok) {
    yield {
      type: "warning",
      code: "plan",
      message: `the planner gave no plan (${read.problem}); going on without one`,
    };
  }
  const plan: Plan = read.ok ? read.value : { kind: "change", category: "general", steps: [], checks: [] };
  const { checks, refused } = kit.evidence.proofs(plan.kind === "question" ? [] : plan.checks);
  yield { type: "planned", plan, proofs: checks, source: read.ok ? "model" : "fallback", refused };
  for (const { command, reason } of refused) {
    yield { type: "warning", code: "plan", message: `\`${command}\` proves nothing and is not run: ${reason}` };
  }
  return { plan, proofs: checks };
}

/** What this program adds to the user's words: marked, so that nobody takes it for theirs. */
export function noteText(note: string): string {
  return enclose(OWN_TAG, note);
}

/** The task as every model sees it first. */
export function taskText(context: Context): string {
  return `${context.task.description}\n${contextText(context)}`.trim();
}

/** What belongs to the task beside its description: what was piped in, and what the user said since. */
function contextText({ piped, said }: Context): string {
  const added =
    said.length === 0
      ? ""
      : `\nThe user added while it was worked on:\n${said.map((text) => `- ${text}`).join("\n")}\n`;
  return piped + added;
}

/** The steps of the plan, numbered; "" where one alone or none says nothing that the task does not. */
export function stepsText({ plan }: Planned): string {
  return plan.steps.length > 1 ? plan.steps.map((step, at) => `${at + 1}. ${step}`).join("\n") : "";
}

/** The plan as the executor sees it, up to what follows it; "" where it says nothing. */
export function planText(planned: Planned): string {
  const steps = stepsText(planned);
  return steps && `Plan, made before anybody had read the project:\n${steps}\n\n`;
}
