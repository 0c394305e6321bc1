import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeAtomic } from "../base/files.ts";
import { isObject } from "../base/schema.ts";
import { codeOf } from "./faults.ts";
import { indexHash } from "./git-index.ts";
import { readLog, repositoryOf, STASH_LOG } from "./git-log.ts";
import { taskFolder } from "./manifest-names.ts";

/** What a task found in the repository, as far as git's logs do not tell of it later. */
export interface GitBegin {
  v: 1;
  /** ms. */
  at: number;
  /** Bytes of HEAD's log. */
  head: number;
  /** As `indexHash`; absent where that tells nothing. */
  index?: string;
  /** Commits of the stash, oldest first. */
  stash: string[];
}

/** Keeps it in the task's folder, as `repository`. That this cannot be written costs a few lines of an undo. */
export async function noteGit(folder: string, workspace: string, at: number): Promise<void> {
  try {
    const git = repositoryOf(workspace);
    if (!git) return;
    const head = statSync(join(git.own, "logs/HEAD"), { throwIfNoEntry: false })?.size ?? 0;
    const index = indexHash(git.own);
    const stash = readLog(join(git.common, STASH_LOG)).map(({ to }) => to);
    const begin: GitBegin = { v: 1, at, head, ...(index === undefined ? {} : { index }), stash };
    await writeAtomic(pathIn(folder), `${JSON.stringify(begin)}\n`, { mode: 0o600, fsync: false });
  } catch (error) {
    if (codeOf(error) === "") throw error;
  }
}

/** Undefined where it was no repository, or an earlier version of the program ran the task. */
export function gitBegin(task: { dir: string; workspace: string; task: string }): GitBegin | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(pathIn(taskFolder(task.dir, task.workspace, task.task)), "utf8"));
    return isObject(value) && value["v"] === 1 ? (value as unknown as GitBegin) : undefined;
  } catch (error) {
    if (codeOf(error) === "" && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function pathIn(folder: string): string {
  return join(folder, "repository");
}
