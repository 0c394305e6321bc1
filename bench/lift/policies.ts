/** Runs the compiled binary on one task under one policy and says what became of it. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startOpenAiFake } from "../../test/fakes/openai-server.ts";
import { sums, type TokenSums } from "../tokens.ts";
import { generate, type LiftTask } from "./generator.ts";
import { ITERATIONS } from "./luck.ts";
import { type ScriptedModel, type State, scriptedModel } from "./model.ts";
import { hiddenFailures, readSources, writeProject } from "./project.ts";

/** The binary that `npm run build` makes. */
export const BUILT = resolve(import.meta.dir, "../../dist/openkoi");
const TIME_LIMIT_MS = 60_000;

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

interface Ended {
  exit: number;
  stdout: string;
  stderr: string;
  ms: number;
}

export async function runPolicy(policy: Policy, seed: number, binary = BUILT): Promise<Run> {
  const task = generate(seed, { tests: policy.tests });
  const root = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-lift-")));
  const [folder, home, beside] = [join(root, "work"), join(root, "home"), join(root, "beside")];
  for (const each of [folder, home, beside]) mkdirSync(each);
  writeProject(task, folder);
  const model = scriptedModel(task, folder, policy.tests ? [task.command] : []);
  const server = startOpenAiFake((request) => model.answer(request));
  try {
    const config = `[models]\nexecutor = "local/scripted"\n[providers.local]\nbase_url = "${server.baseUrl}"\n`;
    writeFileSync(join(home, "config.toml"), config);
    const ended = await start(binary, task, policy, folder, home);
    const refused = server.requests.find((request) => request.refused)?.refused;
    const run = await report(policy, task, model, ended, { folder, home, beside });
    return refused ? { ...run, oddities: [...run.oddities, `the server refused a request: ${refused}`] } : run;
  } finally {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

async function start(binary: string, task: LiftTask, policy: Policy, folder: string, home: string): Promise<Ended> {
  const flags = ["--yes", "--format", "json", "-i", String(policy.iterations)];
  const started = performance.now();
  const child = Bun.spawn([binary, ...flags, task.description], {
    cwd: folder,
    env: { HOME: home, OPENKOI_HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin", TMPDIR: tmpdir(), NO_COLOR: "1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: TIME_LIMIT_MS,
  });
  const [stdout, stderr, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { exit, stdout, stderr, ms: performance.now() - started };
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
  const outcome = parsed(ended.stdout);
  if (!outcome) oddities.push(`exit ${ended.exit} without an outcome: ${ended.stderr.trim().slice(-300)}`);
  const events = transcript(join(home, "data", "sessions"));
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

/** What is read of the outcome (`--format json`). */
interface Outcome {
  status: string;
  best: number;
}

function parsed(stdout: string): Outcome | undefined {
  try {
    return JSON.parse(stdout) as Outcome;
  } catch {
    return undefined;
  }
}

/** What is read of a transcript's lines. */
interface Line {
  type: string;
  evaluation?: { iteration: number; score: number | null };
  decision?: string;
}

function transcript(sessions: string): Line[] {
  if (!existsSync(sessions)) return [];
  const files = readdirSync(sessions).filter((name) => name.endsWith(".jsonl"));
  const lines = files.flatMap((name) => readFileSync(join(sessions, name), "utf8").split("\n"));
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Line);
}
