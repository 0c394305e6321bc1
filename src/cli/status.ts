import { Exit, type ExitCode, messageOf, UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { VERSION } from "../base/version.ts";
import type { Ledger } from "../contracts/ledger.ts";
import type { CostSum, MemorySize } from "../contracts/memory.ts";
import type { ProviderStatus } from "../contracts/provider.ts";
import { cutShortTasks, type KnownTask } from "../readers/interrupted.ts";
import type { MemoryStore } from "../readers/memory-store.ts";
import { type CurrentTask, readCurrentTask } from "../readers/state-file.ts";
import { type SkillCount, skillCounts } from "../skills/counts.ts";
import type { CommandLine } from "./args.ts";
import { type Costs, costLines } from "./cost-lines.ts";
import { print, printExactly, say } from "./display/writer.ts";
import type { Flags } from "./flags.ts";
import { type Facts, MOST_RESULTS, type Problem, type RoleModels, statusJson, statusText } from "./status-text.ts";

const DAY = 86_400_000;

export interface StatusDeps {
  version: string;
  /** `provider/model` by role. Rejects with what to do where there is no model. */
  models(): Promise<RoleModels>;
  providers(): Promise<ProviderStatus[]>;
  /** What `current-task.json` says. */
  current(): Promise<CurrentTask | undefined>;
  /** Tasks that were cut short and wait to be resumed or undone, newest first. */
  cutShort(): Promise<KnownTask[]>;
  /** How many skills there are, by source. */
  skills(): SkillCount[];
  /** How much is remembered; undefined where nothing is yet. Rejects where the memory cannot be used. */
  memory(): Promise<MemorySize | undefined>;
  ledger: Ledger;
  /** Milliseconds since 1970. */
  now(): number;
  write(text: string): void;
}

/** `openkoi status`: what is set up, what runs, what ran last and what it cost. Changes nothing that a task made. */
export async function status(deps: StatusDeps, flags: Pick<Flags, "json" | "costs" | "verbose">): Promise<ExitCode> {
  if (flags.costs && !flags.json) {
    deps.write(costLines(await costsUntil(deps.ledger, deps.now(), true)));
    return Exit.ok;
  }
  // What is asked of the memory comes first: one of the others may tell what it has just caught up with.
  const memory = await deps.memory().catch(problemOf);
  const [models, providers, current, cutShort, recent, costs] = await Promise.all([
    deps.models().catch(problemOf),
    deps.providers(),
    deps.current(),
    deps.cutShort(),
    deps.ledger.recent(MOST_RESULTS),
    costsUntil(deps.ledger, deps.now(), flags.json === true),
  ]);
  const { version } = deps;
  const facts: Facts = {
    version,
    models,
    providers,
    current,
    cutShort,
    memory,
    recent,
    costs,
    now: deps.now(),
    skills: deps.skills(),
  };
  deps.write(flags.json ? statusJson(facts) : statusText(facts, flags.verbose === true));
  return Exit.ok;
}

/** `all`: also week and month, which nobody waits for who has not asked. */
async function costsUntil(ledger: Ledger, now: number, all: boolean): Promise<Costs> {
  const since = (from: number): Promise<CostSum> => ledger.costs(from, Number.POSITIVE_INFINITY);
  const today = await since(startOfDay(now));
  if (!all) return { today };
  return { today, week: await since(startOfDay(now - 6 * DAY)), month: await since(startOfDay(now - 29 * DAY)) };
}

function problemOf(error: unknown): Problem {
  return { problem: messageOf(error), remedy: error instanceof UserError ? error.remedy : "See openkoi doctor." };
}

/** Midnight where the user is, ms. */
function startOfDay(now: number): number {
  const day = new Date(now);
  return day.setHours(0, 0, 0, 0);
}

/** How much is remembered, where anything is: nothing is made or brought forward in order to say that. */
async function sizeOfMemory(store: MemoryStore, { database, sessions }: Paths): Promise<MemorySize | undefined> {
  if (!store.exists()) return undefined;
  const { sizeOf, sizeOfBehind } = await import("../memory/inspect.ts");
  if (await store.isBehind()) return sizeOfBehind(database, sessions);
  const memory = await store.whole();
  const [{ storedPatterns }, { openPatterns }] = await Promise.all([
    import("../memory/patterns/store.ts"),
    import("./learn-view.ts"),
  ]);
  // As many as `learn list` shows.
  return { ...sizeOf(memory, sessions), patterns: openPatterns({ patterns: storedPatterns(memory) }).length };
}

/** Puts together what `status` needs. */
export async function statusCommand({ flags }: CommandLine): Promise<ExitCode> {
  const { createApp } = await import("../app.ts");
  const app = createApp();
  if (flags.live) return (await import("./status-live.ts")).statusLive(app);
  const settings = await app.settings({
    dir: flags.dir ?? ".",
    ...(flags.config === undefined ? {} : { configFile: flags.config }),
  });
  const providers = app.providers(settings);
  try {
    return await status(
      {
        version: VERSION,
        async models() {
          const { executor, evaluator, planner, small } = await providers.resolveAll();
          return {
            executor: executor.info.ref,
            evaluator: evaluator.info.ref,
            planner: planner.info.ref,
            small: small.info.ref,
            embedder: settings.config.models.embedder || "built-in",
          };
        },
        providers: () => providers.statuses(),
        current: () => readCurrentTask(app.paths.currentTask),
        cutShort: () => cutShortTasks(app.paths, app.clock.now()),
        skills: () => skillCounts(app.skills(settings).all()),
        memory: () => sizeOfMemory(app.memory, app.paths),
        ledger: app.ledger,
        now: () => app.clock.now(),
        write: flags.json ? printExactly : print,
      },
      flags,
    );
  } finally {
    // Where the memory cannot be used, the page says it in its place.
    if (app.memory.isOpen()) {
      for (const notice of app.memory.takeNotices()) say(notice);
    }
    app.close();
  }
}
