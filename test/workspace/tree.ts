import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createCheckpoints } from "../../src/workspace/checkpoints.ts";
import type { CheckpointsInput, TaskCheckpoints } from "../../src/workspace/task-checkpoints.ts";

/** A workspace and a data folder of their own. */
export interface Place {
  workspace: string;
  dir: string;
  /** Neither of the two. */
  outside: string;
}

export function makePlace(): Place {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "openkoi-workspace-")));
  const place = { workspace: join(base, "ws"), dir: join(base, "data"), outside: join(base, "outside") };
  mkdirSync(place.workspace);
  mkdirSync(place.outside);
  return place;
}

export function open(
  place: Place,
  task = "task",
  more: Pick<CheckpointsInput, "activity" | "now" | "limits" | "outlets"> & { addDirs?: string[] } = {},
): TaskCheckpoints {
  const { workspace, dir } = place;
  return createCheckpoints({ workspace, dir, task, addDirs: [], ...more });
}

export function put(place: Place, path: string, content: string | Uint8Array, mode?: number): string {
  const absolute = join(place.workspace, path);
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, content);
  if (mode !== undefined) chmodSync(absolute, mode);
  return absolute;
}

/** Everything below a folder, as text that can be compared: kind, mode, and content. */
export function snapshot(folder: string, way = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    const key = way + name;
    const stats = lstatSync(path);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isSymbolicLink()) found[key] = `link ${readlinkSync(path)}`;
    else if (stats.isDirectory()) Object.assign(found, { [key]: `dir ${mode}` }, snapshot(path, `${key}/`));
    else if (stats.isFile()) found[key] = `file ${mode} ${readFileSync(path).toString("base64")}`;
    else found[key] = "other";
  }
  return found;
}

export const never = (): AbortSignal => new AbortController().signal;
