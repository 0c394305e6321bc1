import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "./faults.ts";

/** Names the folder of a workspace. */
export function workspaceKey(workspace: string): string {
  return new Bun.CryptoHasher("sha256").update(workspace).digest("hex").slice(0, 16);
}

/** The folder with a task's manifests. Throws for a task id that is no plain file name. */
export function taskFolder(dir: string, workspace: string, task: string): string {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(task)) throw new Error(`not a task id: ${JSON.stringify(task)}`);
  return join(dir, workspaceKey(workspace), "tasks", task);
}

export function packFolder(dir: string, key: string): string {
  return join(dir, key, "packs");
}

/** `<workspace>/<task>/<number>-<writer>` */
export function manifestId(workspace: string, task: string, name: string): string {
  return `${workspaceKey(workspace)}/${task}/${name}`;
}

/** Ids of the tasks that have records in the folder of a workspace. */
export function taskNames(dir: string, key: string): string[] {
  try {
    return readdirSync(join(dir, key, "tasks")).filter((name) => !name.startsWith("."));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** The newest checkpoint of any task in this workspace. Only a hint: where it is wrong, files are read once more. */
export function latestId(dir: string, workspace: string): string | undefined {
  try {
    return readFileSync(join(dir, workspaceKey(workspace), "latest"), "utf8");
  } catch {
    return undefined;
  }
}

/** A hint that saves the next task reading: one that is torn is no id, and is passed over as a missing one. */
export function writeLatest(dir: string, workspace: string, id: string): void {
  writeFileSync(join(dir, workspaceKey(workspace), "latest"), id, { mode: 0o600 });
}

/** Names of a folder's manifests, oldest first. */
export function manifestNames(folder: string): string[] {
  return jsonNames(folder)
    .filter((name) => /^\d+-/.test(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
}

/** Ids of the checkpoints of a task, oldest first: the first is the workspace as it was before. */
export function recordIds({ dir, workspace, task }: { dir: string; workspace: string; task: string }): string[] {
  return manifestNames(taskFolder(dir, workspace, task)).map((name) => manifestId(workspace, task, name));
}

/** Names of the JSON files of a folder, without their ending. */
export function jsonNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -".json".length));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
