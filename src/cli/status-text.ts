import { clip, formatBytes, formatDuration, formatTokens, plural } from "../base/text.ts";
import type { HistoryEntry } from "../contracts/ledger.ts";
import type { MemorySize } from "../contracts/memory.ts";
import type { ProviderStatus, Role } from "../contracts/provider.ts";
import type { KnownTask } from "../readers/interrupted.ts";
import { type CurrentTask, isRunning, isUnfinished } from "../readers/state-file.ts";
import type { SkillCount } from "../skills/counts.ts";
import type { Costs } from "./cost-lines.ts";
import { oneLine } from "./display/layout.ts";
import { ENDINGS } from "./display/outcome-lines.ts";
import { ago, money, score } from "./display/style.ts";

/** Results shown. */
export const MOST_RESULTS = 5;
const MOST_DESCRIPTION = 60;

/** What cannot be told, why, and what to do about it. */
export interface Problem {
  problem: string;
  remedy: string;
}

/** What `status` tells. */
/** `provider/model` by role; of the embedder also `built-in`. */
export type RoleModels = Record<Role | "embedder", string>;

export interface Facts {
  version: string;
  models: RoleModels | Problem;
  providers: ProviderStatus[];
  current: CurrentTask | undefined;
  cutShort: KnownTask[];
  memory: MemorySize | Problem | undefined;
  skills: SkillCount[];
  recent: HistoryEntry[];
  costs: Costs;
  now: number;
}

/** A stable document for scripts; what is unknown is null. */
export function statusJson({
  version,
  models,
  providers,
  current,
  cutShort,
  memory,
  skills,
  recent,
  costs,
}: Facts): string {
  const active = current && isUnfinished(current) ? { ...current, alive: isRunning(current) } : null;
  const document = {
    version,
    models: "problem" in models ? null : models,
    problem: "problem" in models ? models.problem : null,
    providers,
    active_task: active,
    cut_short: cutShort.map(({ id, description, workspace, at }) => ({ task_id: id, description, workspace, at })),
    memory: memory === undefined || "problem" in memory ? null : memory,
    memory_problem: memory !== undefined && "problem" in memory ? memory.problem : null,
    skills,
    recent,
    today: costs.today,
    costs,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** For people. `verbose`: also every provider, where the memory lies, and what it holds by kind. */
export function statusText(facts: Facts, verbose: boolean): string {
  const { today } = facts.costs;
  const sections: [string, string[]][] = [
    ["memory", memoryLines(facts, verbose)],
    ["skills", skillLines(facts)],
    ["models", modelLines(facts)],
    ...(verbose ? [["providers", providerLines(facts)] as [string, string[]]] : []),
    ["active task", activeLines(facts)],
    ...cutShortSection(facts),
    [
      "last results",
      facts.recent.length === 0 ? ["none yet"] : facts.recent.map((entry) => resultLine(entry, facts.now)),
    ],
    ["cost today", [`${money({ costUsd: today.costUsd, costKnown: today.known })} in ${plural(today.tasks, "task")}`]],
  ];
  const text = sections.map(([title, lines]) => [title, ...lines.map((line) => `  ${line}`)].join("\n"));
  return `${[`openkoi ${facts.version}`, ...text].join("\n\n")}\n`;
}

function memoryLines({ memory }: Facts, verbose: boolean): string[] {
  if (memory === undefined) return ["nothing yet"];
  if ("problem" in memory) return [oneLine(memory.problem), oneLine(memory.remedy)];
  const { learnings, tasks, patterns, chunks, sessions, schema } = memory;
  const entries = [
    plural(learnings, "learning"),
    plural(tasks, "task"),
    ...(verbose ? [plural(sessions, "session"), plural(chunks, "searchable text")] : []),
    plural(patterns, "pattern"),
  ];
  const size = `${formatBytes(memory.databaseBytes)}, transcripts ${formatBytes(memory.transcriptBytes)}`;
  const next = memory.nextSchema;
  const behind = `schema ${schema}: the next task brings it to schema ${next}; openkoi migrate does it now`;
  const versioned = next !== undefined ? [behind] : verbose ? [`schema ${schema}`] : [];
  return [`${entries.join(", ")}  (${size})`, ...versioned];
}

/** `bundled 6, user 2 (1 not offered)`. */
function skillLines({ skills }: Facts): string[] {
  const found = skills.filter(({ source, active, inactive }) => active > 0 || (inactive > 0 && source !== "bundled"));
  const counted = found.map(({ source, active, inactive }) => {
    const idle = inactive > 0 && source !== "bundled" ? ` (${inactive} not offered)` : "";
    return `${source} ${active}${idle}`;
  });
  return [counted.join(", ")];
}

function providerLines({ providers }: Facts): string[] {
  const known = providers.filter(({ state }) => state !== "missing");
  if (known.length === 0) return ["none is set up"];
  return known.map(({ id, state, source }) => `${id.padEnd(10)} ${state}${source ? `  (${oneLine(source)})` : ""}`);
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
