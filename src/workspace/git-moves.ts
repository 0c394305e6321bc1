import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { readRegular } from "../base/files.ts";
import { type GitFolders, gitFolders } from "../base/git-folder.ts";
import type { Activity } from "../contracts/workspace.ts";

/** A commit, and the branch that was checked out with it; undefined: none. */
export interface GitPlace {
  commit: string | undefined;
  branch: string | undefined;
}

/** What became of a repository while a task acted. Nothing of it is recorded or put back. */
export interface GitMoves {
  /** Absent where HEAD is where it was. */
  head?: {
    was: GitPlace;
    is: GitPlace;
    /** Something else moved it meanwhile or since: to go back would lose that, too. */
    others: boolean;
  };
  /** Branches that were made and are there. */
  branches: string[];
}

/** Longer logs are not read. Bytes. */
const LOG_LIMIT = 16 * 1024 * 1024;
const POINTER_LIMIT = 64 * 1024;
const NO_COMMIT = /^0+$/;

/** One line of a reflog. `time`: seconds. */
interface Moved {
  from: string;
  to: string;
  time: number;
  message: string;
}

/**
 * Read from git's own logs (git-reflog(1)), whose times are whole seconds. Undefined where nothing moved, or where the
 * workspace is no repository or one that keeps no logs.
 */
export function gitMoves(workspace: string, activity: Activity): GitMoves | undefined {
  const folders = repositoryOf(workspace);
  if (!folders) return undefined;
  const acted = ({ time }: Moved) =>
    activity.spans.some(({ from, to }) => time >= Math.floor(from / 1000) && time * 1000 <= to);
  const head = headMoves(folders, acted);
  const branches = branchesIn(join(folders.common, "logs/refs/heads"), "").filter((name) => {
    const [first] = readLog(join(folders.common, "logs/refs/heads", name));
    const isFirst = head?.was.commit === undefined && head?.was.branch === name;
    return first && NO_COMMIT.test(first.from) && acted(first) && !isFirst;
  });
  if (!head && branches.length === 0) return undefined;
  return { ...(head ? { head } : {}), branches };
}

function repositoryOf(workspace: string): GitFolders | undefined {
  for (let folder = workspace; ; folder = dirname(folder)) {
    const found = gitFolders(folder);
    if (found || folder === dirname(folder)) return found;
  }
}

function headMoves({ own }: GitFolders, acted: (moved: Moved) => boolean): GitMoves["head"] {
  const log = readLog(join(own, "logs/HEAD"));
  const first = log.findIndex(acted);
  if (first < 0) return undefined;
  const later = log.slice(first);
  const current = /^ref: refs\/heads\/(.+)$/m.exec(textOf(join(own, "HEAD"), POINTER_LIMIT))?.[1];
  const left = later.map(({ message }) => /^checkout: moving from (\S+) to /.exec(message)?.[1]).find(Boolean);
  const branch = left === undefined ? current : /^[0-9a-f]{40,64}$/.test(left) ? undefined : left;
  const was = { commit: known(later[0]!.from), branch };
  const is = { commit: known(later.at(-1)!.to), branch: current };
  if (was.commit === is.commit && was.branch === is.branch) return undefined;
  return { was, is, others: !later.every(acted) };
}

function known(commit: string): string | undefined {
  return NO_COMMIT.test(commit) ? undefined : commit;
}

function readLog(path: string): Moved[] {
  return textOf(path, LOG_LIMIT)
    .split("\n")
    .flatMap((line) => {
      const [, from, to, time, message] =
        /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) .*> (\d+) [+-]\d+(?:\t(.*))?$/.exec(line) ?? [];
      return from && to ? [{ from, to, time: Number(time), message: message ?? "" }] : [];
    });
}

function branchesIn(folder: string, prefix: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? branchesIn(join(folder, entry.name), `${prefix}${entry.name}/`) : [prefix + entry.name],
    );
  } catch {
    // No branch has a log.
    return [];
  }
}

/** "" where there is nothing to read. */
function textOf(path: string, limit: number): string {
  return readRegular(path, limit)?.toString() ?? "";
}
