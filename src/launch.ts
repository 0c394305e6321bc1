import { fstatSync } from "node:fs";
import type { Company, ProviderSettings, RunningTask, Settings, SkillSettings, Tapes } from "./app.ts";
import type { Config } from "./base/config.ts";
import type { Env } from "./base/env.ts";
import { Interruption, ProviderError, UserError } from "./base/errors.ts";
import { fits } from "./base/json-schema.ts";
import { createLog, type Log } from "./base/log.ts";
import type { Paths } from "./base/paths.ts";
import { createRedactor, type Redactor } from "./base/redact.ts";
import { VERSION } from "./base/version.ts";
import type { Event, Limits } from "./contracts/event.ts";
import type { Exec } from "./contracts/exec.ts";
import type { Clock, Input, Kit } from "./contracts/kit.ts";
import type { Ledger } from "./contracts/ledger.ts";
import type { CallRecord, Task } from "./contracts/task.ts";
import type { Toolset } from "./contracts/tool.ts";
import type { Outlet } from "./contracts/workspace.ts";
import { run } from "./engine/run.ts";
import { openCommands, openPermissions, openTools, outputFolder } from "./equipment.ts";
import { createEvidence } from "./evidence/index.ts";
import { hideEnviron } from "./exec/environ.ts";
import { realPlace } from "./folders.ts";
import { createHub, type Hub } from "./hub.ts";
import { instructions } from "./instructions.ts";
import { makePrivateTemp } from "./private-temp.ts";
import { prompts } from "./prompts.ts";
import type { Providers } from "./providers/index.ts";
import { assumptions } from "./providers/known.ts";
import { type ActivityReader, createActivity } from "./readers/activity.ts";
import { claimTask } from "./readers/interrupted.ts";
import { createHistory } from "./readers/ledger.ts";
import { createLogLines } from "./readers/log-lines.ts";
import type { MemoryStore } from "./readers/memory-store.ts";
import { createRecorder } from "./readers/recorder.ts";
import { createStateFile } from "./readers/state-file.ts";
import { createTranscript, readTranscript } from "./readers/transcript.ts";
import { createRecollection, noMemory, type Recollection } from "./recollection.ts";
import { redactedAnswers, redactedCheckpoints, redactedEvidence } from "./redacted.ts";
import type { Skills } from "./skills/index.ts";
import { selectRubric } from "./skills/rubrics.ts";
import { loadSoul, soulSection } from "./skills/soul.ts";
import { fileList, surroundings } from "./surroundings.ts";
import type { Permissions } from "./tools/permissions.ts";
import { saveText } from "./tools/truncate.ts";
import { openWorkspace, recordLimits, type Workspace } from "./workspace/index.ts";

/** What the process has and every task takes from. */
export interface Root {
  env: Env;
  paths: Paths;
  clock: Clock;
  ledger: Ledger;
  store: MemoryStore;
  skills(settings: SkillSettings): Skills;
  providers(settings: ProviderSettings, tapes?: Tapes, redactor?: Redactor): Providers;
}

/** What is to be launched. */
export interface Launch {
  here: Settings;
  describe(hide: Redactor["hide"]): Task;
  /** Durable events of earlier runs. */
  history: readonly Event[];
  /** When the process of the run before was last seen alive, ms. */
  lastAlive?: number | undefined;
  request: Company;
}

/** A launch with what belongs to the task alone. */
export interface Scene extends Omit<Root, "skills">, Launch {
  task: Task;
  redactor: Redactor;
  log: Log;
  skills: Skills;
  memory: Recollection;
}

/** Puts together what one task needs, and runs it. */
export async function launch(root: Root, job: Launch): Promise<RunningTask> {
  const { env, paths, clock } = root;
  const { here, history, request } = job;
  await hideEnviron(env);
  // What is opened here is closed in the opposite order: at the end of the task, or where its beginning fails.
  await using opened = new AsyncDisposableStack();
  const redactor = redactorFor(here.config);
  const hide = (text: string) => redactor.hide(text);
  const providers = opened.adopt(root.providers(here, tapesOf(request), redactor), (them) => them.close());
  const models = await providers.resolveAll().catch((error) => {
    throw withWarnings(error, here.warnings);
  });
  for (const secret of await providers.secrets()) redactor.add(secret);
  const task = job.describe(hide);
  const log = createLog({ folder: paths.logs, env, redactor, now: () => clock.now() });
  const skills = root.skills(here);
  const beside: CallRecord[] = [];
  const memory = createRecollection({
    database: () => root.store.open(),
    path: paths.database,
    skills,
    embedder: () => providers.embedder(),
    hide,
    clock,
    decayRate: here.config.memory.learning_decay_rate,
    warn: (message) => void hub.emit({ type: "warning", code: "memory", message }),
    spent: (call) => void beside.push(call),
  });
  const scene: Scene = { ...root, ...job, task, redactor, log, skills, memory };
  const activity = createActivity();
  const place = holdPlace(scene, activity, opened);
  const temp = opened.use(makePrivateTemp());
  const exec = opened.adopt(
    openCommands(scene, temp.path, (body) => hub.emit(body)),
    (them) => them.close(),
  );
  const permissions = openPermissions(scene);
  const tools = openTools(scene, { models, place, exec, permissions });
  const { hub, transcript } = openHub(scene, activity);
  const kit = makeKit(scene, {
    models,
    place,
    exec,
    permissions,
    tools,
    hub,
    beside: { take: () => beside.splice(0) },
  });
  const said: string[] = [];
  const input: Input = { take: () => said.splice(0) };
  const closing = opened.move();
  const signal = AbortSignal.any([request.signal, hub.failed, exec.refused]);
  const outcome = hub.drive(run(task, history, input, kit, signal), () => closing.disposeAsync());
  outcome.catch((error) => logUnexpected(scene, error));
  const steer = (text: string) => {
    said.push(hide(text));
    // It may be that something is allowed after all.
    permissions.reconsider();
  };
  return { task, transcript, outcome, steer };
}

/** What was said of the config is told with the error that may come of it: a misspelt key sets nothing up. */
function withWarnings(error: unknown, warnings: readonly string[]): unknown {
  if (!(error instanceof UserError) || warnings.length === 0) return error;
  const remedy = [...warnings, error.remedy].join("\n  ");
  return new UserError(error.message, remedy, error.exitCode, { cause: error });
}

/** What of it is there. */
export function tapesOf({ record, replay }: Tapes): Tapes {
  return { ...(record === undefined ? {} : { record }), ...(replay === undefined ? {} : { replay }) };
}

/** Says that the task is at work, and takes hold of its files. */
function holdPlace(
  { paths, clock, task, here, request }: Scene,
  acting: ActivityReader,
  opened: AsyncDisposableStack,
): Workspace {
  const { id, workspace, addDirs } = task;
  opened.adopt(
    claimTask(paths, id, () => clock.now()),
    (claim) => claim.release(),
  );
  const activity = () => acting.activity;
  const limits = recordLimits(here.config.checkpoints);
  // What is recorded of the task is not its work: it is neither judged nor undone.
  const exclude = request.record === undefined ? [] : [realPlace(request.record)];
  const dir = paths.checkpoints;
  const outlets = ownOutlets();
  const place = openWorkspace({ workspace, addDirs, dir, task: id, limits, clock, exclude, outlets, activity });
  return opened.adopt(place, (it) => it.close());
}

/** The files that this process was started with as standard output and standard error: `> log.txt` in the workspace. */
function ownOutlets(): Outlet[] {
  return [1, 2].flatMap((fd) => {
    try {
      const stats = fstatSync(fd);
      return stats.isFile() ? [{ dev: stats.dev, ino: stats.ino }] : [];
    } catch {
      // Closed: nothing is written there.
      return [];
    }
  });
}

interface Parts {
  models: Kit["models"];
  place: Workspace;
  exec: Exec;
  permissions: Permissions;
  tools: Toolset;
  hub: Hub;
  beside: Kit["beside"];
}

/** The task's events, and who reads them; `transcript` is where they lie. */
function openHub(scene: Scene, activity: ActivityReader): { hub: Hub; transcript: string } {
  const { paths, clock, ledger, store, request, history, task, log, redactor } = scene;
  const transcript = createTranscript({ paths, task: task.id });
  const onNotice = (text: string, late: boolean) => {
    if (late) log.warn(text, { task: task.id });
    else void hub.emit({ type: "warning", code: "memory", message: text });
  };
  const recorder = createRecorder({ task: task.id, store, transcript: transcript.path, onNotice });
  const own = [activity, createStateFile({ paths, clock }), createHistory(ledger), createLogLines(log), recorder];
  const hub = createHub({
    task: task.id,
    clock,
    durable: transcript,
    readers: [...own, ...request.readers],
    answer: redactedAnswers(request.answer, redactor),
    reread: (seq) => readTranscript(transcript.path, seq),
    history,
    onLost: (error) => log.warn("a reader of the events was dropped", { task: task.id, error }),
  });
  return { hub, transcript: transcript.path };
}

function makeKit(scene: Scene, { models, place, exec, permissions, tools, hub, beside }: Parts): Kit {
  const { paths, clock, here, redactor, task, lastAlive, skills, memory, request } = scene;
  const { config, workspace } = here;
  const hide = (text: string) => redactor.hide(text);
  const warn = (code: "config" | "checkpoint") => (message: string) =>
    void hub.emit({ type: "warning", code, message });
  return {
    config,
    limits: limitsOf(config),
    models,
    tools,
    evidence: redactedEvidence(createEvidence({ workspace, exec, config: config.evaluate }), redactor),
    checkpoints: redactedCheckpoints(place.checkpoints, redactor),
    // A tape is the same wherever it is played: what one home remembers is not on it.
    memory: request.record === undefined && request.replay === undefined ? memory : noMemory,
    beside,
    claim: (signal) => place.claim(signal, warn("checkpoint")),
    rubric: (category) => selectRubric(category, skills.evaluators()),
    prompts,
    ask: hub.ask,
    clock,
    permission: config.permissions.mode,
    notices: [
      ...here.warnings.map((message) => ({ code: "config" as const, message })),
      ...assumptions(Object.values(models).map(({ info }) => info)).map((message) => ({
        code: "assumed" as const,
        message,
      })),
    ],
    version: VERSION,
    ...(lastAlive === undefined ? {} : { lastAlive: new Date(lastAlive).toISOString() }),
    async surroundings() {
      const told = await instructions(workspace, paths, warn("config"));
      return hide(surroundings(task, clock, told, config.permissions.mode));
    },
    soul: async () => hide(soulSection(loadSoul(paths, workspace, here.skillsTrusted))),
    skillIndex: async (text) => hide(await memory.skillIndex(text)),
    listFiles: async (signal) => hide(fileList(workspace, signal)),
    permitCheck: (command, ask, signal) => permissions.permitCommand(command, ask, signal),
    keep: (name, text) => saveText(text, outputFolder(scene), name),
    fits,
  };
}

function redactorFor({ redaction }: Config) {
  return createRedactor({ secrets: [], kinds: redaction.enabled, entropy: redaction.entropy });
}

function limitsOf({ iteration, safety }: Config): Limits {
  return {
    iterations: iteration.max_iterations,
    qualityThreshold: iteration.quality_threshold,
    budgetUsd: safety.max_cost_usd,
    tokenBudget: iteration.token_budget,
    timeoutMs: iteration.timeout_seconds * 1000,
  };
}

/** What neither the user nor a provider can be told to mend is a bug of ours, and its stack is worth keeping. */
function logUnexpected({ log, task }: Scene, error: unknown): void {
  const isKnown = error instanceof UserError || error instanceof ProviderError || error instanceof Interruption;
  if (!isKnown) log.error("unexpected", { task: task.id, error });
}
