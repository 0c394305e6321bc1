import { UsageError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import { closest, firstLine } from "../base/text.ts";
import { firstEvent, transcriptIds, transcriptPath } from "../readers/transcript.ts";

/**
 * The task that the user means: its whole id, or a beginning or an end of it that only one of `tasks` has. Throws a
 * UsageError where there is none or more than one; one that worked elsewhere is said to have done so.
 */
export async function findTask(
  paths: Pick<Paths, "sessions">,
  word: string,
  tasks: readonly string[],
  remedy: string,
): Promise<string> {
  const found = matching(word, tasks);
  if (found.length === 1) return found[0]!;
  const shown = firstLine(word);
  if (found.length > 1) {
    throw new UsageError(`"${shown}" may be ${found.slice(0, 3).join(", ")}${found.length > 3 ? ", …" : ""}`, remedy);
  }
  const [elsewhere] = matching(word, await transcriptIds(paths));
  const started = elsewhere && (await firstEvent(transcriptPath(paths, elsewhere)));
  if (started && started.type === "task_started") {
    throw new UsageError(`task ${elsewhere} worked in ${started.request.workspace}, not here`, remedy);
  }
  const meant = closest(word, tasks);
  throw new UsageError(`there is no task "${shown}" here${meant ? `: did you mean ${meant}?` : ""}`, remedy);
}

function matching(word: string, tasks: readonly string[]): string[] {
  const whole = tasks.filter((task) => task === word);
  return whole.length > 0 ? whole : tasks.filter((task) => task.startsWith(word) || task.endsWith(word));
}
