import { existsSync, readdirSync } from "node:fs";
import { platform } from "node:os";
import { join } from "node:path";
import { walk } from "./base/walk.ts";
import type { Clock } from "./contracts/kit.ts";
import type { Task } from "./contracts/task.ts";

/** Names of the top folder that are listed; the rest is counted. */
const MOST_NAMES = 40;

/** What a model should know of the place, in few words: it stands in every request. */
export function surroundings(
  task: Task,
  clock: Clock,
  instructions: string | undefined,
  permission: "ask" | "auto" | "read-only",
): string {
  const lines = [
    `Folder: ${task.workspace}${existsSync(join(task.workspace, ".git")) ? " (git)" : ""}`,
    ...(task.addDirs.length > 0 ? [`Also writable: ${task.addDirs.join(", ")}`] : []),
    `System: ${platform()}. Date: ${new Date(clock.now()).toISOString().slice(0, 10)}.`,
    `Top level: ${topLevel(task.workspace)}`,
    ...(permission === "read-only" ? ["This task may only read: say what you would change, and run nothing."] : []),
    ...(instructions ? [`\nInstructions of the user and the project:\n\n${instructions}`] : []),
  ];
  return lines.join("\n");
}

/** More paths than this, or this many characters, help no plan. */
const MOST_PATHS = 100;
const MOST_CHARS = 2000;
/** So many entries are looked at, at most: a plan needs the shape of a project, not its inventory. */
const MOST_SEEN = 5000;

/** Files of the workspace that are not ignored, the shallow ones first. */
export function fileList(workspace: string, signal: AbortSignal): string {
  const paths: string[] = [];
  let seen = 0;
  for (const { path, kind } of walk(workspace, { signal })) {
    if (kind === "file") paths.push(path);
    if (++seen >= MOST_SEEN) break;
  }
  if (paths.length === 0) return "none";
  const depth = (path: string) => path.split("/").length;
  paths.sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  const shown: string[] = [];
  let chars = 0;
  for (const path of paths.slice(0, MOST_PATHS)) {
    chars += path.length + 1;
    if (chars > MOST_CHARS) break;
    shown.push(path);
  }
  const more = seen >= MOST_SEEN ? "and many more" : `and ${paths.length - shown.length} more`;
  return [...shown, ...(shown.length < paths.length ? [more] : [])].join("\n");
}

function topLevel(folder: string): string {
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.name !== ".git");
  if (entries.length === 0) return "empty";
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
  const rest = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(" ") + (rest > 0 ? ` and ${rest} more` : "");
}
