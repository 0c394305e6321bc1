import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hiddenTap, tap } from "../awk-project.ts";
import type { LiftTask } from "./generator.ts";

/** The text of every source file as it lies there now. A missing one is "". */
export function readSources(task: LiftTask, folder: string): Record<string, string> {
  return Object.fromEntries(task.sources.map((path) => [path, textAt(join(folder, path))]));
}

function textAt(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The ids of the sites that fail the hidden checks; all of them where the project does not run at all. */
export async function hiddenFailures(task: LiftTask, folder: string, beside: string): Promise<Set<string>> {
  const failures = await hiddenTap(task.sources, task.hidden, folder, beside);
  return new Set(failures ?? task.sites.map((site) => site.id));
}

/** The names of the failing visible tests. Throws where the suite does not run. */
export async function visibleFailures(task: LiftTask, folder: string): Promise<string[]> {
  const failures = await tap(["sh", "-c", task.command], folder);
  if (!failures) throw new Error(`${task.command} printed no plan in ${folder}`);
  return failures;
}
