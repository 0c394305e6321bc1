/** Runs the compiled binary on one task under one policy and says what became of it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prompts } from "../../src/prompts.ts";
import { startOpenAiFake } from "../../test/fakes/openai-server.ts";
import type { FakeRequest, Turn } from "../../test/fakes/script.ts";
import { writeFiles } from "../awk-project.ts";
import { BUILT, type Ended, outcomeOf, runTask, transcripts, writeConfig } from "../binary.ts";
import { sums, type TokenSums, Tokens } from "../tokens.ts";
import { generate, type LiftTask } from "./generator.ts";
import { ITERATIONS } from "./luck.ts";
import { type ScriptedModel, type State, scriptedModel } from "./model.ts";
import { hiddenFailures, readSources } from "./project.ts";

export type PolicyName = "one pass" | "evidence + judge" | "judge only";

export interface Policy {
  name: PolicyName;
  /** Is there a suite in the workspace, and does the plan name it as proof? */
  tests: boolean;
  /** `-i` */
  iterations: number;
}

export const POLICIES: readonly Policy[] = [
  { name: "one pass", tests: true, iterations: 0 },
  { name: "judge only", tests: false, iterations: ITERATIONS },
  { name: "evidence + judge", tests: true, iterations: ITERATIONS },
];

export interface Run {
  policy: PolicyName;
  seed: number;
  exit: number;
  /** The program's own word for how it ended. */
  status: string;
  decisions: string[];
  /** The program's own score of each iteration; null where it measured none. */
  scores: (number | null)[];
  /** Defects by the hidden truth after each iteration, and in the end. */
  openAfter: number[];
  openInTheEnd: number;
  solved: boolean;
  /** Ended worse than its best iteration: by its own score, or with other files than that iteration's. */
  worseByOwnScore: boolean;
  worseByTruth: boolean;
  tokens: TokenSums;
  /** Where it makes the run worthless: what did not go as the script expects. */
  oddities: string[];
  ms: number;
}

export async function runPolicy(policy: Policy, seed: number, binary = BUILT): Promise<Run> {
  const task = generate(seed, { tests: policy.tests });
  const root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-lift-")));
  const [folder, home, beside] = [join(root, "work"), join(root, "home"), join(root, "beside")];
  for (const each of [folder, home, beside]) mkdirSync(each);
  writeFiles(task.files, folder);
  const model = scriptedModel(task, folder, policy.tests ? [task.command] : []);
  const lessons = new Tokens();
  const server = startOpenAiFake((request) => taught(request, lessons) ?? model.answer(request));
  try {
    writeConfig(home, server.baseUrl);
    const ended = await runTask(binary, { ...task, iterations: policy.iterations }, folder, home);
    const refused = server.requests.find((request) => request.refused)?.refused;
    const exchanges = [...model.exchanges, ...lessons.exchanges];
    const run = await report(policy, task, { ...model, exchanges }, ended, { folder, home, beside });
    return refused ? { ...run, oddities: [...run.oddities, `the server refused a request: ${refused}`] } : run;
  } finally {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

/** At its end a long task is asked what it taught. Nothing is, here; what the question costs is counted. */
function taught(request: FakeRequest, tokens: Tokens): Turn | undefined {
  const [opening = ""] = prompts.learn.split("\n");
  if (!JSON.stringify(request.body.messages).includes(opening)) return undefined;
  const turn = { text: "NONE" };
  return { ...turn, usage: tokens.count(request, turn, "other", 0) };
}

interface Places {
  folder: string;
  home: string;
  beside: string;
}

async function report(
  policy: Policy,
  task: LiftTask,
  model: ScriptedModel,
  ended: Ended,
  { folder, home, beside }: Places,
): Promise<Run> {
  const oddities = [...model.oddities];
  const outcome = outcomeOf(ended);
  if (!outcome) oddities.push(`exit ${ended.exit} without an outcome: ${ended.stderr.trim().slice(-300)}`);
  const events = transcripts(home);
  if (events.length === 0) oddities.push("no transcript");
  const evaluations = events.flatMap((event) =>
    event.type === "evaluated" && event.evaluation ? [event.evaluation] : [],
  );
  const scores = model.states.map((_, at) => evaluations.find((each) => each.iteration === at + 1)?.score ?? null);
  const left = readSources(task, folder);
  const failures = await hiddenFailures(task, folder, beside);
  const best = outcome?.best ?? 0;
  const returned = model.states[best - 1];
  const measured = scores.filter((score) => score !== null);
  const openAfter = model.states.map((state) => state.open.size);
  return {
    policy: policy.name,
    seed: task.seed,
    exit: ended.exit,
    status: outcome?.status ?? "none",
    decisions: events.flatMap((event) => (event.type === "decided" && event.decision ? [event.decision] : [])),
    scores,
    openAfter,
    openInTheEnd: failures.size,
    solved: failures.size === 0,
    worseByOwnScore:
      measured.length > 0 && ((scores[best - 1] ?? -1) < Math.max(...measured) || !sameFiles(returned, left)),
    worseByTruth: openAfter.length > 0 && failures.size > Math.min(...openAfter),
    tokens: sums(model.exchanges),
    oddities,
    ms: ended.ms,
  };
}

function sameFiles(state: State | undefined, left: Record<string, string>): boolean {
  return state !== undefined && Object.entries(state.sources).every(([path, text]) => left[path] === text);
}
