import { type Config, configSchema } from "../../src/base/config-schema.ts";
import { parse } from "../../src/base/schema.ts";
import type { Limits } from "../../src/contracts/event.ts";
import type { Kit } from "../../src/contracts/kit.ts";
import type { ToolCallBlock } from "../../src/contracts/message.ts";
import type { ModelInfo } from "../../src/contracts/provider.ts";
import type { Ask, NewQuestion } from "../../src/contracts/question.ts";
import type { Rubric } from "../../src/contracts/skill.ts";
import type { Task } from "../../src/contracts/task.ts";
import type { Effect, ToolResult, Toolset } from "../../src/contracts/tool.ts";
import { prompts } from "../../src/prompts.ts";
import { type FakeCheckpoints, type Files, fakeCheckpoints } from "./checkpoints.ts";
import { type FakeClock, fakeClock } from "./clock.ts";
import { type EvidenceScript, type FakeEvidence, fakeEvidence, type Suite } from "./evidence.ts";
import { type FakeMemory, fakeMemory } from "./memory.ts";
import { type FakeModel, fakeModel, type ModelScript, modelInfo } from "./model.ts";

/** What one tool call may do in a test. */
export interface CallScene {
  files: Files;
  ask: Ask;
  signal: AbortSignal;
  emit(chunk: string): void;
}

/** Takes over a tool call; undefined leaves it to the simple tool of that name. */
export type ToolScript = (
  call: ToolCallBlock,
  scene: CallScene,
) => Partial<ToolResult> | undefined | Promise<Partial<ToolResult> | undefined>;

export interface FakeToolset extends Toolset {
  /** Calls in the order in which they began. */
  readonly calls: ToolCallBlock[];
  /** Most calls that were under way at one time. */
  readonly together: number;
}

export interface KitScript {
  /** What the planner answers. Default: a change without steps and checks. */
  plan?: ModelScript;
  /** What the executor answers. */
  turns?: ModelScript;
  /** What the judge answers. Default: 0.9 in both dimensions. */
  verdicts?: ModelScript;
  /** What the small model answers. Default: a fact. */
  facts?: ModelScript;
  /** The executor's model. */
  executor?: Partial<ModelInfo>;
  files?: Record<string, string>;
  /** The project's own checks. */
  suite?: Suite;
  /** Results of checks. Default: everything passes. */
  results?: EvidenceScript;
  tool?: ToolScript;
  /** Answers questions. Default: a question is a failure of the test. */
  answer?: (question: NewQuestion, signal: AbortSignal) => string | Promise<string>;
  limits?: Partial<Limits>;
  /** As `config.toml` would say it. */
  config?: Record<string, unknown>;
  /** Files that checkpoints do not cover, in words. */
  uncovered?: readonly string[];
  /** Anything else. */
  kit?: Partial<Kit>;
}

export interface FakeKit extends Kit {
  clock: FakeClock;
  tools: FakeToolset;
  evidence: FakeEvidence;
  checkpoints: FakeCheckpoints;
  memory: FakeMemory;
  models: { executor: FakeModel; planner: FakeModel; evaluator: FakeModel; small: FakeModel };
  files: Files;
  /** What was asked, in order. */
  questions: NewQuestion[];
}

export const rubric: Rubric = {
  name: "general",
  categories: [],
  dimensions: [
    { name: "quality", weight: 0.6 },
    { name: "completeness", weight: 0.4 },
  ],
  body: "Judge fairly.",
};

/** A judge's answer. */
export function verdict(quality: number, completeness = quality, findings: readonly object[] = []): string {
  return JSON.stringify({ scores: { quality, completeness }, findings });
}

/** A planner's answer. */
export function plan(
  facts: { kind?: string; steps?: string[]; checks?: string[]; category?: string; tests?: string } = {},
): string {
  return JSON.stringify({ kind: "change", ...facts });
}

export function fakeTask(facts: Partial<Task> = {}): Task {
  return {
    id: "20261123-100000-test",
    description: "Make it better",
    workspace: "/work",
    addDirs: [],
    createdAt: "2026-11-23T10:00:00.000Z",
    ...facts,
  };
}

/** Everything a task needs, in memory and scripted. */
export function fakeKit(script: KitScript = {}): FakeKit {
  const files: Files = new Map(Object.entries(script.files ?? { "a.ts": "old" }));
  const clock = fakeClock();
  const questions: NewQuestion[] = [];
  const config = settings(script.config ?? {});
  const model = (name: string, turns: ModelScript, facts: Partial<ModelInfo> = {}) =>
    fakeModel(turns, modelInfo(`fake/${name}`, facts));
  return {
    config,
    limits: {
      iterations: config.iteration.max_iterations,
      qualityThreshold: config.iteration.quality_threshold,
      budgetUsd: config.safety.max_cost_usd,
      tokenBudget: config.iteration.token_budget,
      timeoutMs: config.iteration.timeout_seconds * 1000,
      ...script.limits,
    },
    models: {
      executor: model("executor", script.turns ?? [], script.executor),
      planner: model("planner", script.plan ?? (() => plan())),
      evaluator: model("judge", script.verdicts ?? (() => verdict(0.9))),
      small: model("small", script.facts ?? (() => "- a fact")),
    },
    tools: fakeToolset(files, script.tool),
    evidence: fakeEvidence(files, script.suite ?? [], script.results ?? (() => "passed")),
    checkpoints: fakeCheckpoints(files, script.uncovered),
    memory: fakeMemory(),
    beside: { take: () => [] },
    claim: async () => {},
    rubric: () => rubric,
    prompts,
    async ask(question, signal) {
      questions.push(question);
      if (!script.answer) throw new Error(`an unexpected question: ${JSON.stringify(question)}`);
      return { choice: await script.answer(question, signal), by: "terminal" };
    },
    clock,
    permission: "auto",
    notices: [],
    version: "2026.11.23",
    surroundings: async () => "Folder: /work",
    soul: async () => "",
    skillIndex: async () => "",
    listFiles: async () => "a.txt",
    permitCheck: async () => undefined,
    keep: async (name) => `/output/${name}.txt`,
    fits: async () => undefined,
    ...script.kit,
    files,
    questions,
  } as FakeKit;
}

function settings(values: Record<string, unknown>): Config {
  const parsed = parse(configSchema(), values);
  if (!parsed.ok) throw new Error(`the test's config is wrong: ${JSON.stringify(parsed.issues)}`);
  return parsed.value;
}

const EFFECTS: Record<string, Effect> = { read: "read", write: "write", shell: "execute" };

/** `read {path}`, `write {path, text}` and `shell {command}`, which says what it ran; `shell {job}` only looks. */
function fakeToolset(files: Files, script: ToolScript | undefined): FakeToolset {
  const calls: ToolCallBlock[] = [];
  let now = 0;
  let together = 0;
  return {
    specs: Object.keys(EFFECTS).map((name) => ({ name, description: name, parameters: { type: "object" } })),
    effect: (call) => (argumentsOf(call)["job"] ? "read" : EFFECTS[call.name]),
    subject: (call) => argumentsOf(call)["path"] ?? argumentsOf(call)["command"] ?? "",
    calls,
    get together() {
      return together;
    },
    async call(call, ask, signal, emit) {
      signal.throwIfAborted();
      calls.push(call);
      together = Math.max(together, ++now);
      try {
        const scripted = await script?.(call, { files, ask, signal, emit });
        return scripted ? { text: "", isError: false, ...scripted } : simple(files, call);
      } finally {
        now--;
      }
    },
  };
}

function simple(files: Files, call: ToolCallBlock): ToolResult {
  const { path = "", text = "", command = "" } = argumentsOf(call);
  const content = files.get(path);
  switch (call.name) {
    case "read":
      return content === undefined ? { text: `no file ${path}`, isError: true } : { text: content, isError: false };
    case "write":
      files.set(path, text);
      return { text: `wrote ${path}`, isError: false, changed: [path] };
    case "shell":
      return { text: `ran ${command}`, isError: false };
    default:
      return { text: `there is no tool ${call.name}`, isError: true };
  }
}

function argumentsOf(call: ToolCallBlock): Record<string, string> {
  try {
    return JSON.parse(call.arguments) as Record<string, string>;
  } catch {
    return {};
  }
}
