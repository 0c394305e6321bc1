import { join, resolve } from "node:path";
import { type Config, loadConfig, type ProjectClaim, untrusted } from "./base/config.ts";
import { taskId } from "./base/crypto/random.ts";
import { type Env, readEnv } from "./base/env.ts";
import { type Grants, isTrusted, loadGrants } from "./base/grants.ts";
import { type Paths, resolvePaths } from "./base/paths.ts";
import { createRedactor, type Redactor } from "./base/redact.ts";
import { sleep } from "./base/stream.ts";
import type { Reader } from "./contracts/event.ts";
import type { SandboxPosture } from "./contracts/exec.ts";
import type { Clock } from "./contracts/kit.ts";
import type { Ledger } from "./contracts/ledger.ts";
import type { Answer, Question } from "./contracts/question.ts";
import type { Outcome, Task } from "./contracts/task.ts";
import { createDiscovery } from "./credentials/discover.ts";
import type { Keychain } from "./credentials/other-programs.ts";
import { sandboxOf } from "./equipment.ts";
import { createExec } from "./exec/index.ts";
import { realFolder, refuseAsWorkspace } from "./folders.ts";
import { type Launch, launch, type Root, tapesOf } from "./launch.ts";
import { makePrivateTemp } from "./private-temp.ts";
import { createProviders, type Providers } from "./providers/index.ts";
import { historyOf } from "./readers/interrupted.ts";
import { createLedger } from "./readers/ledger.ts";
import { createMemoryStore, type MemoryStore } from "./readers/memory-store.ts";
import { createRecollection, type Recollection } from "./recollection.ts";
import { redactedModel } from "./redacted.ts";
import { skillsClaim } from "./skills/claim.ts";
import { createSkills, type Skills } from "./skills/index.ts";
import { type EndedTask, tidyUp } from "./tidy.ts";

/** What a process has once. A daemon has one App and many tasks. */
export interface App {
  readonly env: Env;
  readonly paths: Paths;
  readonly clock: Clock;
  readonly ledger: Ledger;
  /** What is remembered from task to task; opened when first needed. */
  readonly memory: MemoryStore;
  /** Lessons and search, under these settings. `warn` hears what does not work as configured. */
  recollection(settings: Settings, warn: (message: string) => void): Recollection;
  /** Loads and freezes the settings for a folder. */
  settings(request: SettingsRequest): Promise<Settings>;
  /** The skills under these settings. */
  skills(settings: SkillSettings): Skills;
  /** The providers under these settings. */
  providers(settings: ProviderSettings, tapes?: Tapes): Providers;
  /** Starts a task; returns when everything it needs is there and the engine runs. */
  start(request: TaskRequest): Promise<RunningTask>;
  /** Goes on with a task that was cut short, from the last event of its transcript. */
  resume(request: ResumeRequest): Promise<RunningTask>;
  /** What would hold the commands of a task under these settings; tried, not looked up. Throws a UserError where none may run. */
  posture(settings: ProviderSettings): Promise<SandboxPosture>;
  /**
   * Removes what nobody can need any more: old checkpoints once a day, what killed processes left in the temporary
   * folder each time. Looks for habits, where that is due, and whether the soul could evolve. Takes a few seconds at most and never throws; returns what the
   * user may want to read, a line each.
   */
  tidy(signal: AbortSignal): Promise<string[]>;
  /** Gives back what was opened on the way. */
  close(): void;
}

export interface SettingsRequest {
  /** The workspace; absolute or relative to the process's folder. */
  dir: string;
  configFile?: string;
  /** Dotted config keys from flags. */
  overrides?: Record<string, string | number | boolean>;
  /** Asks the user whether a folder's own settings or skills are to be used; absent where nobody is there. */
  trust?: (claim: ProjectClaim) => Promise<boolean | undefined>;
}

export interface Settings {
  config: Config;
  warnings: string[];
  workspace: string;
  /** The user's config file, absolute: the one that `--config` or `OPENKOI_CONFIG` names, where it does. */
  configFile: string;
  /** The models that the command line names: where there is no such one, that is wrong usage. */
  named: readonly unknown[];
  /** What the user allowed for this folder once and for all. */
  grants: Grants;
  /** The user trusts the skills and the soul that this folder brings, as they are now. */
  skillsTrusted: boolean;
}

export type SkillSettings = Pick<Settings, "config" | "workspace" | "skillsTrusted">;

export type ProviderSettings = Pick<Settings, "config" | "workspace" | "configFile" | "named">;

/** Where model exchanges are recorded to or replayed from. */
export interface Tapes {
  record?: string;
  replay?: string;
}

/** Who is there while a task runs. */
export interface Company extends Tapes, Pick<SettingsRequest, "trust"> {
  readers: readonly Reader[];
  answer: (question: Question, signal: AbortSignal) => Promise<Answer>;
  /** Somebody watches and can be asked. */
  attended?: boolean;
  signal: AbortSignal;
}

export interface TaskRequest extends SettingsRequest, Company {
  description: string;
  context?: string;
  addDirs?: readonly string[];
  schema?: { [key: string]: unknown };
}

/** Settings that are given again go before those that the task was started with. */
export interface ResumeRequest extends Omit<SettingsRequest, "dir">, Company {
  /** Its id. */
  task: string;
}

export interface RunningTask {
  task: Task;
  /** Where the transcript lies. */
  transcript: string;
  outcome: Promise<Outcome>;
  /** Says something to the running task; it is read between turns. */
  steer(text: string): void;
}

/** What a statement of the memory may hold everything up, ms: the display and Ctrl-C too. */
const MEMORY_WAIT_MS = 100;

const systemClock: Clock = { now: () => Date.now(), sleep };

/** The composition root: with launch.ts the one place that knows every part. */
export function createApp(env: Env = readEnv()): App {
  const paths = resolvePaths(env);
  const clock = systemClock;
  const memory = createMemoryStore({ paths, now: () => clock.now(), waitMs: MEMORY_WAIT_MS });
  const ledger = createLedger({ paths, store: memory });
  /** Tasks after which nothing was tidied up yet. */
  const begun: EndedTask[] = [];

  async function settings(request: SettingsRequest): Promise<Settings> {
    const workspace = realFolder(request.dir, "workspace");
    const grants = await loadGrants(paths, workspace);
    const { config, warnings } = await loadConfig({
      paths,
      env,
      projectDir: workspace,
      trust: (claim) => isTrusted(grants, claim, env, request.trust),
      ...(request.configFile === undefined ? {} : { configFile: request.configFile }),
      ...(request.overrides === undefined ? {} : { flags: request.overrides }),
    });
    const claim = skillsClaim(workspace);
    const skillsTrusted = claim !== undefined && (await isTrusted(grants, claim, env, request.trust));
    if (claim && !skillsTrusted) warnings.push(untrusted(claim.file, claim.keys));
    const configFile = request.configFile === undefined ? paths.config : resolve(request.configFile);
    const { overrides = {} } = request;
    const named = Object.keys(overrides).flatMap((key) => (key.startsWith("models.") ? overrides[key] : []));
    return { config, warnings, workspace, configFile, named, grants, skillsTrusted };
  }

  function skills({ config, workspace, skillsTrusted }: SkillSettings): Skills {
    return createSkills({ paths, workspace, env, config, trusted: skillsTrusted });
  }

  function providers(
    { config, workspace, configFile, named }: ProviderSettings,
    tapes: Tapes = {},
    redactor?: Redactor,
  ): Providers {
    return createProviders({
      config,
      named,
      env,
      paths: { ...paths, config: configFile },
      clock,
      workspace,
      discover: createDiscovery({ env, paths, clock, keychain: keychainOf(paths) }),
      lists: join(paths.cache, "models"),
      ...(redactor ? { wrap: (model) => redactedModel(model, redactor) } : {}),
      ...tapes,
    });
  }

  async function start(request: TaskRequest): Promise<RunningTask> {
    const here = await settings(request);
    const { workspace } = here;
    refuseAsWorkspace(workspace, paths);
    const addDirs = (request.addDirs ?? []).map((dir) => realFolder(dir, "--add-dir folder"));
    for (const dir of addDirs) refuseAsWorkspace(dir, paths);
    const { description, context, schema, configFile } = request;
    const describe = (hide: Redactor["hide"]): Task => ({
      id: taskId(clock.now()),
      description: hide(description),
      ...(context === undefined ? {} : { context: hide(context) }),
      workspace,
      addDirs,
      ...(schema === undefined ? {} : { schema }),
      settings: request.overrides ?? {},
      ...(configFile === undefined ? {} : { configFile: resolve(configFile) }),
      createdAt: new Date(clock.now()).toISOString(),
    });
    return begin({ here, describe, history: [], request });
  }

  async function resume(request: ResumeRequest): Promise<RunningTask> {
    const { history, task: earlier, lastAlive } = await historyOf(paths, request.task);
    const configFile = request.configFile === undefined ? earlier.configFile : resolve(request.configFile);
    const overrides = { ...earlier.settings, ...request.overrides };
    const file = configFile === undefined ? {} : { configFile };
    const trust = request.trust && { trust: request.trust };
    const here = await settings({ dir: earlier.workspace, overrides, ...file, ...trust });
    const task = { ...earlier, settings: overrides, ...file };
    here.warnings.push(...takenOver(earlier, request.overrides ?? {}));
    return begin({ here, describe: () => task, history, request, lastAlive });
  }

  async function begin(job: Launch): Promise<RunningTask> {
    const running = await launch(root, job);
    begun.push({ here: job.here, tapes: tapesOf(job.request) });
    return running;
  }

  function recollection(here: Settings, warn: (message: string) => void, tapes?: Tapes): Recollection {
    const redactor = createRedactor({ secrets: [], kinds: true });
    return createRecollection({
      database: () => memory.open(),
      path: paths.database,
      skills: skills(here),
      embedder: () => providers(here, tapes).embedder(),
      hide: (text) => redactor.hide(text),
      clock,
      decayRate: here.config.memory.learning_decay_rate,
      warn,
    });
  }

  async function posture(here: ProviderSettings): Promise<SandboxPosture> {
    using temp = makePrivateTemp();
    const exec = await createExec(sandboxOf(root, here, [], temp.path));
    await exec.close();
    return exec.posture;
  }

  function tidy(signal: AbortSignal): Promise<string[]> {
    const ended = begun.splice(0);
    const quiet = ({ here, tapes }: EndedTask) => recollection(here, () => {}, tapes);
    return tidyUp({ paths, clock, store: memory, recollection: quiet, ended, signal });
  }

  const root: Root = { env, paths, clock, ledger, store: memory, skills, providers };
  const close = () => memory.close();
  return {
    env,
    paths,
    clock,
    ledger,
    memory,
    settings,
    skills,
    providers,
    recollection,
    start,
    resume,
    posture,
    tidy,
    close,
  };
}

/** What a task was allowed by flags when it was begun, and goes on with although they were not given again. */
function takenOver({ settings = {} }: Task, given: Readonly<Record<string, unknown>>): string[] {
  const stillHas = (key: string, value: string) => settings[key] === value && given[key] === undefined;
  return [
    ...(stillHas("permissions.mode", "auto")
      ? [
          "it goes on without asking, because it was begun with --yes or --permission auto (to be asked: openkoi resume --permission ask)",
        ]
      : []),
    ...(stillHas("sandbox.mode", "off")
      ? ["its commands are not held, because it was begun with --sandbox off (to hold them: --sandbox workspace)"]
      : []),
  ];
}

/** macOS alone has one; its code is loaded when an item is looked for. */
function keychainOf({ userHome }: Paths): Keychain | undefined {
  if (process.platform !== "darwin") return undefined;
  const keychain = async () => (await import("./exec/keychain.ts")).createKeychain(userHome);
  return {
    has: async (service) => (await keychain()).has(service),
    secret: async (service, signal) => (await keychain()).secret(service, signal),
  };
}
