/**
 * The scripted model: planner, executor, judge and small model behind one OpenAI-compatible server. What it does depends
 * on what it is sent, and on luck that is the same with memory and without it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FakeRequest, ScriptedTurn, Turn } from "../../test/fakes/script.ts";
import { dimensionsIn, hasLine, type Message, systemOf } from "../requests.ts";
import { type Exchange, type Role, Tokens } from "../tokens.ts";
import { workThrough } from "./executor.ts";
import type { Topic } from "./families.ts";
import type { Site, UserTask } from "./history.ts";
import { adviceOf, titleOf } from "./knowledge.ts";
import { luckOf, scoreOf } from "./luck.ts";
import { passOn } from "./small-model.ts";

export interface ScriptedModel {
  answer(request: FakeRequest): Turn;
  /** How many functions were wrong after each iteration. */
  readonly wrongAfter: readonly number[];
  readonly exchanges: readonly Exchange[];
  /** What the script did not expect. A run with one of these measures something else. */
  readonly oddities: string[];
}

/** `known`: what the executor is told beside each request, as by a memory that forgets nothing and never errs. */
export function scriptedModel(
  task: UserTask,
  folder: string,
  topics: readonly Topic[],
  known: readonly Site[],
): ScriptedModel {
  const wrongAfter: number[] = [];
  const oddities: string[] = [];
  const tokens = new Tokens();
  let messages: readonly Message[] = [];
  let turns: Generator<ScriptedTurn, ScriptedTurn, void> | undefined;

  const wrongNow = (): Site[] => {
    const text = textAt(join(folder, task.source));
    return task.sites.filter(({ good }) => !hasLine(text, good));
  };

  function execute(): ScriptedTurn {
    turns ??= workThrough({
      task,
      topics,
      known,
      iteration: wrongAfter.length + 1,
      messages: () => messages,
      odd: (what) => oddities.push(what),
    });
    const next = turns.next();
    if (!next.done) return next.value;
    turns = undefined;
    wrongAfter.push(wrongNow().length);
    return next.value;
  }

  function judge(system: string): ScriptedTurn {
    const iteration = wrongAfter.length;
    const dimensions = dimensionsIn(system);
    if (iteration === 0) oddities.push("judged before anything was done");
    if (dimensions.length === 0) oddities.push("the judge was told no dimensions");
    const wrong = wrongNow();
    const scores = Object.fromEntries(dimensions.map((name) => [name, scoreOf(task, iteration, wrong.length, name)]));
    return { text: JSON.stringify({ scores, findings: findings(task, iteration, wrong, dimensions) }) };
  }

  return {
    wrongAfter,
    oddities,
    exchanges: tokens.exchanges,
    answer(request) {
      messages = request.body.messages;
      const role = roleOf(request);
      const iteration = role === "executor" ? wrongAfter.length + 1 : wrongAfter.length;
      const turn =
        role === "executor"
          ? execute()
          : role === "judge"
            ? judge(systemOf(messages))
            : role === "planner"
              ? plan()
              : passOn(request, task, topics);
      const sent = role === "executor" ? told(request, task, known) : request;
      return { ...turn, usage: tokens.count(sent, turn, role, iteration) };
    },
  };
}

/** By what is in the request: only the executor has tools, the judge gives scores, the planner steps and checks. */
function roleOf(request: FakeRequest): Role {
  const system = systemOf(request.body.messages);
  if (/"scores"/.test(system)) return "judge";
  if ((request.body.tools ?? []).length > 0) return "executor";
  return /"steps"/.test(system) && /"checks"/.test(system) ? "planner" : "other";
}

function plan(): ScriptedTurn {
  const steps = ["Read the sources and the documents.", "Write the functions.", "Run the tests."];
  return { text: JSON.stringify({ kind: "change", category: "code", steps, checks: ["make test"] }) };
}

/** What is told beside the request is paid for, too. */
function told(request: FakeRequest, task: UserTask, known: readonly Site[]): FakeRequest {
  if (known.length === 0) return request;
  const lesson = { role: "system", content: adviceOf(task.topic, known) };
  return { ...request, body: { ...request.body, messages: [lesson, ...request.body.messages] } };
}

function findings(task: UserTask, iteration: number, wrong: readonly Site[], dimensions: readonly string[]): object[] {
  const luck = luckOf(task, iteration);
  const dimension = dimensions.find((name) => /correct|quality/i.test(name)) ?? dimensions[0];
  const location = task.source;
  const real = wrong
    .filter(({ id }) => luck.is("sees", id))
    .map((site) => ({
      severity: luck.is("blocker", site.id) ? "blocker" : "important",
      dimension,
      title: titleOf(task.topic, site),
      description: `The function for ${site.kind.key} does something else.`,
      location,
      fix: "Follow the rule.",
    }));
  if (!luck.is("invents")) return real;
  const title = "names of parameters are too short";
  const description = "A reader cannot tell what the single letters mean.";
  return [...real, { severity: "suggestion", dimension, title, description, location, fix: "Rename them." }];
}

function textAt(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
