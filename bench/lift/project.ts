import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LiftTask } from "./generator.ts";

/** Writes the task's files into a folder that is there. */
export function writeProject(task: LiftTask, folder: string): void {
  for (const [path, text] of Object.entries(task.files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

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

/**
 * Runs the hidden checks on what lies in the folder. `beside` is a folder outside of the workspace for the checks.
 * Returns the ids of the sites that fail; all of them where the project does not run at all.
 */
export async function hiddenFailures(task: LiftTask, folder: string, beside: string): Promise<Set<string>> {
  const program = join(beside, "hidden.awk");
  writeFileSync(program, task.hidden);
  const flags = [...task.sources.map((path) => join(folder, path)), program].flatMap((path) => ["-f", path]);
  const { text, complete } = await tap(["awk", ...flags], folder);
  return complete ? new Set(text) : new Set(task.sites.map((site) => site.id));
}

/** The names of the failing visible tests. Throws where the suite does not run. */
export async function visibleFailures(task: LiftTask, folder: string): Promise<string[]> {
  const { text, complete } = await tap(["sh", "-c", task.command], folder);
  if (!complete) throw new Error(`${task.command} printed no plan in ${folder}`);
  return text;
}

async function tap(argv: string[], cwd: string): Promise<{ text: string[]; complete: boolean }> {
  const child = Bun.spawn(argv, { cwd, stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const output = await child.stdout.text();
  await child.exited;
  const failures = [...output.matchAll(/^not ok \d+ - (.+)$/gm)].map((match) => match[1]!);
  return { text: failures, complete: /^1\.\.\d+$/m.test(output) };
}
