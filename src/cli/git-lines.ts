import type { GitMoves, GitPlace } from "../workspace/index.ts";
import { oneLine } from "./display/layout.ts";

/** What an undo leaves of a task in the repository, and how git goes back. */
export function gitLines({ head, branches }: GitMoves): string[] {
  const lines: string[] = [];
  if (head) {
    const { was, is, others } = head;
    lines.push(`Commits are not undone: HEAD was at ${named(was)} before the task, and is at ${named(is)}.`);
    const way = wayBack(was, is);
    if (others) lines.push("It was moved by others, too: git reflog shows each step.");
    else if (way) lines.push(`To go back there, leaving the files as they are: ${way}`);
  }
  if (branches.length > 0) {
    lines.push(
      `Branches that were made meanwhile stay: ${branches.map(oneLine).join(", ")} (git branch -D deletes one)`,
    );
  }
  return lines;
}

function named({ commit, branch }: GitPlace): string {
  const on = branch === undefined ? "" : ` (${oneLine(branch)})`;
  return `${commit?.slice(0, 10) ?? "no commit"}${on}`;
}

/** Undefined where a name would have to be quoted. */
function wayBack(was: GitPlace, is: GitPlace): string | undefined {
  const { commit, branch } = was;
  if (branch !== undefined && !/^[\w./@+-]+$/.test(branch)) return undefined;
  const short = commit?.slice(0, 10);
  if (branch === undefined) return short && `git update-ref --no-deref HEAD ${short} && git reset`;
  const turn = branch === is.branch ? [] : [`git symbolic-ref HEAD refs/heads/${branch}`];
  return [...turn, short === undefined ? "git update-ref -d HEAD" : `git reset ${short}`].join(" && ");
}
