import { dirname } from "node:path";
import { readRegular } from "../base/files.ts";
import { type GitFolders, gitFolders } from "../base/git-folder.ts";

/** One line of a reflog (git-reflog(1)). `time`: seconds. */
export interface Moved {
  from: string;
  to: string;
  time: number;
  message: string;
}

/** Where each stash entry has a line; in the common folder. */
export const STASH_LOG = "logs/refs/stash";

/** Longer logs are not read. Bytes. */
const LOG_LIMIT = 16 * 1024 * 1024;

/** The repository that a folder lies in. */
export function repositoryOf(workspace: string): GitFolders | undefined {
  for (let folder = workspace; ; folder = dirname(folder)) {
    const found = gitFolders(folder);
    if (found || folder === dirname(folder)) return found;
  }
}

/** Oldest first; empty where there is none. `from`: bytes to pass over, unless it has become shorter. */
export function readLog(path: string, from = 0): Moved[] {
  const bytes = readRegular(path, LOG_LIMIT) ?? Buffer.alloc(0);
  return bytes
    .toString("utf8", from <= bytes.length ? from : 0)
    .split("\n")
    .flatMap((line) => {
      const [, was, is, time, message] =
        /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) .*> (\d+) [+-]\d+(?:\t(.*))?$/.exec(line) ?? [];
      return was && is ? [{ from: was, to: is, time: Number(time), message: message ?? "" }] : [];
    });
}
