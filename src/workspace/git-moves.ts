import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { readRegular } from "../base/files.ts";
import type { GitFolders } from "../base/git-folder.ts";
import type { Activity } from "../contracts/workspace.ts";
import type { GitBegin } from "./git-begin.ts";
import { indexHash } from "./git-index.ts";
import { type Moved, readLog, repositoryOf, STASH_LOG } from "./git-log.ts";

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
  /** Something else is staged than was before; nothing says by whom. */
  index?: true;
  /** Entries of the stash that were made and are there, as `stash@{0}`, and commits of those that are gone. */
  stash?: { made: string[]; gone: string[] };
}

/** The kernel's clock for files is that many ms behind at most. */
const SLACK = 20;
const POINTER_LIMIT = 64 * 1024;
const NO_COMMIT = /^0+$/;

/**
 * Read from git's own logs (git-reflog(1)), whose times are whole seconds, and held against what was noted before the
 * task acted. Undefined where nothing moved, or where the workspace is no repository.
 */
export function gitMoves(workspace: string, activity: Activity, begin?: GitBegin): GitMoves | undefined {
  const folders = repositoryOf(workspace);
  if (!folders) return undefined;
  const acted = ({ time }: Moved) =>
    activity.spans.some(({ from, to }) => time >= Math.floor(from / 1000) && time * 1000 <= to);
  const head = headMoves(folders, acted, begin);
  const branches = branchesIn(join(folders.common, "logs/refs/heads"), "").filter((name) => {
    const path = join(folders.common, "logs/refs/heads", name);
    const [first] = readLog(path);
    const isFirst = head?.was.commit === undefined && head?.was.branch === name;
    return first && NO_COMMIT.test(first.from) && acted(first) && !isFirst && !isOlder(path, begin);
  });
  const index = isStaged(folders, begin);
  const stash = stashMoves(folders, acted, begin);
  if (!head && branches.length === 0 && !index && !stash) return undefined;
  return { ...(head ? { head } : {}), branches, ...(index ? { index } : {}), ...(stash ? { stash } : {}) };
}

/** True where nothing was written to a log since the task began: then its second may be the task's, but not the line. */
function isOlder(path: string, begin: GitBegin | undefined): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return begin !== undefined && stats !== undefined && stats.mtimeMs < begin.at - SLACK;
}

/** Something else is staged than at the begin, and not because HEAD is at another commit. */
function isStaged({ own }: GitFolders, begin: GitBegin | undefined): boolean {
  if (begin?.index === undefined) return false;
  const log = readLog(join(own, "logs/HEAD"), begin.head);
  if (log.at(0)?.from !== log.at(-1)?.to) return false;
  return ![begin.index, undefined].includes(indexHash(own));
}

function stashMoves({ common }: GitFolders, acted: (moved: Moved) => boolean, begin?: GitBegin): GitMoves["stash"] {
  const log = readLog(join(common, STASH_LOG));
  const before = begin?.stash ?? [];
  const made = log.flatMap((entry, index) =>
    acted(entry) && !before.includes(entry.to) ? [`stash@{${log.length - 1 - index}}`] : [],
  );
  const gone = before.filter((commit) => !log.some(({ to }) => to === commit));
  return made.length + gone.length === 0 ? undefined : { made: made.reverse(), gone };
}

function headMoves({ own }: GitFolders, acted: (moved: Moved) => boolean, begin?: GitBegin): GitMoves["head"] {
  const log = readLog(join(own, "logs/HEAD"), begin?.head);
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
