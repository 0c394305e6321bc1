import { readEnv } from "../base/env.ts";
import { type ExitCode, UsageError } from "../base/errors.ts";
import { type Paths, resolvePaths } from "../base/paths.ts";
import { clip } from "../base/text.ts";
import { realFolder } from "../folders.ts";
import { type KnownTask, knownTasks, undoneSince } from "../readers/interrupted.ts";
import { transcriptIds } from "../readers/transcript.ts";
import { accompany } from "./accompany.ts";
import type { CommandLine } from "./args.ts";
import { oneLine } from "./display/layout.ts";
import { configOverrides } from "./flags.ts";
import { watchSignals } from "./signals.ts";
import { findTask } from "./task-name.ts";

/** `openkoi resume [TASK]`: goes on with a task that was cut short. It never does so by itself. */
export async function resumeCommand({ flags, argument }: CommandLine): Promise<ExitCode> {
  const paths = resolvePaths(readEnv());
  const remedy = "Without a task, openkoi resume takes the last one of this folder that was cut short.";
  const task =
    argument === undefined
      ? await lastInterrupted(paths, realFolder(flags.dir ?? ".", "workspace"))
      : await findTask(paths, argument, await transcriptIds(paths), remedy);
  return accompany(flags, watchSignals(), (company, app) =>
    app.resume({
      ...company,
      task,
      overrides: configOverrides(flags),
      ...(flags.config === undefined ? {} : { configFile: flags.config }),
    }),
  );
}

/** Candidates that are named. */
const MOST_NAMED = 5;
const MOST_DESCRIPTION = 50;

/** The last task, where it can be gone on with. Older ones must be named: what was done since may build on their end. */
async function lastInterrupted(paths: Paths, workspace: string): Promise<string> {
  let newest: KnownTask | undefined;
  const candidates: KnownTask[] = [];
  for await (const task of knownTasks(paths, workspace)) {
    if (!newest && !task.ended) return task.id;
    newest ??= task;
    if (task.ended || (await undoneSince(paths, task)) !== undefined) continue;
    if (candidates.push(task) >= MOST_NAMED) break;
  }
  if (newest && candidates.length > 0) {
    const named = candidates.map(({ id, description }) => `${id} (${clip(oneLine(description), MOST_DESCRIPTION)})`);
    throw new UsageError(
      `task ${newest.id} has ended here since: name the one to resume, ${named.join(", ")}`,
      `openkoi resume ${candidates[0]!.id}`,
    );
  }
  throw new UsageError(
    `no task was cut short in ${workspace}: there is nothing to resume`,
    'Name the folder in which it worked with -C PATH, or give a new task: openkoi "…"',
  );
}
