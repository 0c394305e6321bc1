import { Exit, type ExitCode, messageOf, UserError } from "../base/errors.ts";
import { clip, formatDuration, formatTokens, plural } from "../base/text.ts";
import { VERSION } from "../base/version.ts";
import type { HistoryEntry, Ledger } from "../contracts/ledger.ts";
import type { CostSum } from "../contracts/memory.ts";
import type { ProviderStatus, Role } from "../contracts/provider.ts";
import { cutShortTasks, type KnownTask } from "../readers/interrupted.ts";
import { type CurrentTask, isRunning, isUnfinished, readCurrentTask } from "../readers/state-file.ts";
import type { CommandLine } from "./args.ts";
import { oneLine } from "./display/layout.ts";
import { ENDINGS } from "./display/outcome-lines.ts";
import { ago, money, score } from "./display/style.ts";
import type { Flags } from "./flags.ts";

/** Results shown. */
const MOST_RESULTS = 5;
const MOST_DESCRIPTION = 60;

export interface StatusDeps {
  version: string;
  /** `provider/model` by role. Rejects with what to do where there is no model. */
  models(): Promise<Record<Role, string>>;
  providers(): Promise<ProviderStatus[]>;
  /** What `current-task.json` says. */
  current(): Promise<CurrentTask | undefined>;
  /** Tasks that were cut short and wait to be resumed or undone, newest first. */
  cutShort(): Promise<KnownTask[]>;
  ledger: Ledger;
  /** Milliseconds since 1970. */
  now(): number;
  write(text: string): void;
}

/** `openkoi status`: what is set up, what runs, what ran last and what today cost. Changes nothing. */
export async function status(deps: StatusDeps, flags: Pick<Flags, "json">): Promise<ExitCode> {
  const [models, providers, current, cutShort, recent, today] = await Promise.all([
    deps.models().catch((error: unknown) => ({
      problem: messageOf(error),
      remedy: error instanceof UserError ? error.remedy : "See openkoi doctor.",
    })),
    deps.providers(),
    deps.current(),
    deps.cutShort(),
    deps.ledger.recent(MOST_RESULTS),
    deps.ledger.costs(startOfDay(deps.now()), Number.POSITIVE_INFINITY),
  ]);
  const facts: Facts = { version: deps.version, models, providers, current, cutShort, recent, today, now: deps.now() };
  deps.write(flags.json ? statusJson(facts) : statusText(facts));
  return Exit.ok;
}

interface Facts {
  version: string;
  models: Record<Role, string> | { problem: string; remedy: string };
  providers: ProviderStatus[];
  current: CurrentTask | undefined;
  cutShort: KnownTask[];
  recent: HistoryEntry[];
  today: CostSum;
  now: number;
}

/** A stable document for scripts; what is unknown is null. */
function statusJson({ version, models, providers, current, cutShort, recent, today }: Facts): string {
  const active = current && isUnfinished(current) ? { ...current, alive: isRunning(current) } : null;
  const document = {
    version,
    models: "problem" in models ? null : models,
    problem: "problem" in models ? models.problem : null,
    providers,
    active_task: active,
    cut_short: cutShort.map(({ id, description, workspace, at }) => ({ task_id: id, description, workspace, at })),
    recent,
    today,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function statusText(facts: Facts): string {
  const sections: [string, string[]][] = [
    ["models", modelLines(facts)],
    ["active task", activeLines(facts)],
    ...cutShortSection(facts),
    [
      "last results",
      facts.recent.length === 0 ? ["none yet"] : facts.recent.map((entry) => resultLine(entry, facts.now)),
    ],
    ["cost today", [`${cost(facts.today)} in ${plural(facts.today.tasks, "task")}`]],
  ];
  const text = sections.map(([title, lines]) => [title, ...lines.map((line) => `  ${line}`)].join("\n"));
  return `${[`openkoi ${facts.version}`, ...text].join("\n\n")}\n`;
}

function modelLines({ models, providers }: Facts): string[] {
  if ("problem" in models) return [oneLine(models.problem), oneLine(models.remedy)];
  return Object.entries(models).map(([role, ref]) => {
    const source = providers.find((provider) => ref.startsWith(`${provider.id}/`))?.source;
    return `${role.padEnd(10)} ${ref}${source ? `  (${source})` : ""}`;
  });
}

function activeLines({ current, now }: Facts): string[] {
  if (!current || !isUnfinished(current)) return ["none"];
  const where = current.phase === undefined ? "" : ` ${current.phase}`;
  const round = current.iteration > 0 ? ` ${current.iteration}/${current.max_iterations}` : "";
  const alive = isRunning(current);
  const state = alive ? `${current.status}${where}${round}` : "ended without a word (its process is gone)";
  return [
    `${current.task_id}  ${state}`,
    clip(oneLine(current.description), MOST_DESCRIPTION),
    current.workspace,
    [
      `score ${score(current.score ?? null)}${current.best_score === undefined ? "" : `, best ${score(current.best_score)}`}`,
      money({ costUsd: current.cost_usd, costKnown: current.cost_known }),
      `${formatTokens(current.tokens)} tokens`,
      alive ? formatDuration(now - Date.parse(current.started_at)) : `last heard of ${ago(current.updated_at, now)}`,
    ].join("  "),
    ...(alive ? [] : ["openkoi resume goes on with it"]),
    ...(current.waiting_for === undefined || !alive ? [] : [`waits for: ${oneLine(current.waiting_for)}`]),
  ];
}

/** What is left of tasks that the active one is not. */
function cutShortSection({ cutShort, current, now }: Facts): [string, string[]][] {
  const active = current && isUnfinished(current) ? current.task_id : undefined;
  const rest = cutShort.filter(({ id }) => id !== active);
  if (rest.length === 0) return [];
  const named = rest
    .slice(0, MOST_RESULTS)
    .map(({ id, description, workspace, at }) =>
      [id, ago(at, now), clip(oneLine(description), MOST_DESCRIPTION), oneLine(workspace)].join("  "),
    );
  const more = rest.length - named.length;
  const shown = [...named, ...(more > 0 ? [`and ${more} more`] : [])];
  return [["cut short", [...shown, "openkoi resume TASK goes on with it, openkoi undo TASK puts its changes back"]]];
}

function resultLine(entry: HistoryEntry, now: number): string {
  return [
    entry.taskId,
    `${ENDINGS[entry.status] ?? entry.status}${entry.score === null ? "" : ` ${score(entry.score)}`}`,
    money(entry),
    ago(entry.finishedAt, now),
    clip(oneLine(entry.description), MOST_DESCRIPTION),
  ].join("  ");
}

function cost(today: Facts["today"]): string {
  return money({ costUsd: today.costUsd, costKnown: today.known });
}

/** Midnight where the user is, ms. */
function startOfDay(now: number): number {
  const day = new Date(now);
  return day.setHours(0, 0, 0, 0);
}

/** Puts together what `status` needs. */
export async function statusCommand({ flags }: CommandLine): Promise<ExitCode> {
  const { createApp } = await import("../app.ts");
  const app = createApp();
  const settings = await app.settings({
    dir: flags.dir ?? ".",
    ...(flags.config === undefined ? {} : { configFile: flags.config }),
  });
  const providers = app.providers(settings);
  return status(
    {
      version: VERSION,
      async models() {
        const { executor, evaluator, planner, small } = await providers.resolveAll();
        return {
          executor: executor.info.ref,
          evaluator: evaluator.info.ref,
          planner: planner.info.ref,
          small: small.info.ref,
        };
      },
      providers: () => providers.statuses(),
      current: () => readCurrentTask(app.paths.currentTask),
      cutShort: () => cutShortTasks(app.paths, app.clock.now()),
      ledger: app.ledger,
      now: () => app.clock.now(),
      write: (text) => void process.stdout.write(text),
    },
    flags,
  );
}
