/**
 * The scripted model: planner, executor and judge behind one OpenAI-compatible server. It knows the task's truth, but
 * what it works from is what it is sent: the files as the tools gave them, and the defects that the request names.
 */
import type { FakeRequest, ScriptedTurn, Turn } from "../../test/fakes/script.ts";
import { dimensionsIn, hasLine, type Message, systemOf, textOf } from "../requests.ts";
import { type Exchange, type Role, Tokens } from "../tokens.ts";
import { type LiftTask, openSites, type Site } from "./generator.ts";
import { type Opinion, opinion, scoreOf, work } from "./luck.ts";
import { readSources } from "./project.ts";

/** What an iteration left on disk. */
export interface State {
  sources: Record<string, string>;
  /** Ids of the sites that are wrong. */
  open: Set<string>;
}

export interface ScriptedModel {
  /** Answers one request of the program. */
  answer(request: FakeRequest): Turn;
  /** After each iteration, in order, as it was when the executor said that it was done. */
  readonly states: readonly State[];
  readonly exchanges: readonly Exchange[];
  /** What the script did not expect. A run with one of these measures something else. */
  readonly oddities: string[];
}

const DONE = "All the rules in README.md hold now; the work is complete.";

/** `checks`: what the planner declares as proof. */
export function scriptedModel(task: LiftTask, folder: string, checks: readonly string[]): ScriptedModel {
  const states: State[] = [];
  const oddities: string[] = [];
  const tokens = new Tokens();
  let turns: ScriptedTurn[] | "reading" | undefined;
  let named = new Set<string>();

  function execute(messages: readonly Message[]): ScriptedTurn {
    const iteration = states.length + 1;
    if (turns === undefined) {
      named = iteration === 1 ? new Set() : namedIn(task, messages);
      turns = "reading";
      return { calls: ["README.md", ...task.sources].map((path) => ({ name: "read", arguments: { path } })) };
    }
    if (turns === "reading") {
      const files = filesRead(messages);
      const unknown = task.sites.filter((site) => isOpen(site, files) === undefined).map((site) => site.id);
      if (unknown.length > 0) oddities.push(`iteration ${iteration}: not readable: ${unknown.join(", ")}`);
      const open = new Set(task.sites.filter((site) => isOpen(site, files)).map((site) => site.id));
      const { fixed, broken } = work(task, iteration, open, named);
      const mends = fixed.map((site) => edit(site, site.bad, site.good));
      turns = broken ? [...mends, edit(broken, broken.good, broken.bad)] : mends;
    }
    const next = turns.shift();
    if (next) return next;
    turns = undefined;
    const sources = readSources(task, folder);
    states.push({ sources, open: openSites(task, (path) => sources[path] ?? "") });
    return { text: DONE };
  }

  function judge(system: string): ScriptedTurn {
    const iteration = states.length;
    const { open } = states.at(-1) ?? { open: new Set<string>() };
    const dimensions = dimensionsIn(system);
    if (iteration === 0) oddities.push("judged before anything was done");
    if (dimensions.length === 0) oddities.push("the judge was told no dimensions");
    const scores = Object.fromEntries(dimensions.map((name) => [name, scoreOf(task, iteration, open, name)]));
    return { text: JSON.stringify({ scores, findings: findings(opinion(task, iteration, open), dimensions, task) }) };
  }

  return {
    states,
    oddities,
    exchanges: tokens.exchanges,
    answer(request) {
      const messages: readonly Message[] = request.body.messages;
      const role = roleOf(request);
      const iteration = role === "executor" ? states.length + 1 : states.length;
      const turn = role === "executor" ? execute(messages) : role === "judge" ? judge(systemOf(messages)) : plan(role);
      return { ...turn, usage: tokens.count(request, turn, role, iteration) };
    },
  };

  function plan(role: Role): ScriptedTurn {
    if (role === "other") oddities.push("a request that is neither plan, work nor judgement");
    const steps = ["Read README.md and the files under src.", "Correct what differs from the rules."];
    return { text: JSON.stringify({ kind: "change", category: "code", steps, checks }) };
  }
}

/** By what is in the request: only the executor has tools, only the judge is told dimensions. */
function roleOf(request: FakeRequest): Role {
  const system = systemOf(request.body.messages);
  if (/dimensions:/i.test(system)) return "judge";
  if ((request.body.tools ?? []).length > 0) return "executor";
  return /\bplan/i.test(system) ? "planner" : "other";
}

/** The sites whose names stand in what the program says; what tools answered and the model said does not count. */
function namedIn(task: LiftTask, messages: readonly Message[]): Set<string> {
  const said = messages.filter((message) => message.role !== "tool" && message.role !== "assistant").map(textOf);
  const text = said.join("\n");
  return new Set(task.sites.filter((site) => text.includes(site.label)).map((site) => site.id));
}

/** The texts that `read` answered with, the latest of each path. */
function filesRead(messages: readonly Message[]): Map<string, string> {
  const paths = new Map<string, string>();
  const files = new Map<string, string>();
  for (const message of messages) {
    for (const call of message.tool_calls ?? []) {
      if (call.function.name === "read") paths.set(call.id, JSON.parse(call.function.arguments).path);
    }
    const path = message.tool_call_id === undefined ? undefined : paths.get(message.tool_call_id);
    if (path !== undefined) files.set(path, textOf(message));
  }
  return files;
}

/** Undefined where the file as it was read shows neither of the two lines. */
function isOpen(site: Site, files: ReadonlyMap<string, string>): boolean | undefined {
  const text = files.get(site.file) ?? "";
  if (hasLine(text, site.good)) return false;
  return hasLine(text, site.bad) ? true : undefined;
}

function edit(site: Site, from: string, to: string): ScriptedTurn {
  return { calls: [{ name: "edit", arguments: { path: site.file, old: from, new: to } }] };
}

function findings({ seen, invented }: Opinion, dimensions: readonly string[], task: LiftTask): object[] {
  const dimension = dimensions.find((name) => /correct|quality/i.test(name)) ?? dimensions[0];
  const real = seen.map(({ site, severity }) => ({
    severity,
    dimension,
    title: site.label,
    description: `The code does not do what README.md says: ${site.rule}`,
    location: site.file,
    fix: "Follow the rule.",
  }));
  if (!invented) return real;
  const title = "names of helper variables are inconsistent";
  const description = "Some local variables are abbreviated and others are not.";
  return [
    ...real,
    { severity: invented, dimension, title, description, location: task.sources[0], fix: "Rename them." },
  ];
}
