import type { GitMoves, GitPlace } from "../workspace/index.ts";
import { oneLine } from "./display/layout.ts";

/** What an undo leaves of a task in the repository, and how git goes back. */
export function gitLines({ head, branches, index, stash }: GitMoves): string[] {
  const lines: string[] = [];
  const way = head && !head.others ? wayBack(head.was, head.is) : undefined;
  if (head) {
    const { was, is, others } = head;
    lines.push(`Commits are not undone: HEAD was at ${named(was)} before the task, and is at ${named(is)}.`);
    if (others) lines.push("It was moved by others, too: git reflog shows each step.");
    else if (way) lines.push(`To go back there, leaving the files as they are: ${way}`);
  }
  if (branches.length > 0) {
    lines.push(
      `Branches that were made meanwhile stay: ${branches.map(oneLine).join(", ")} (git branch -D deletes one)`,
    );
  }
  // The way back to a commit ends with it.
  if (index && !way?.includes("git reset")) {
    lines.push("The index is not undone: what is staged is not what was before the task (git status shows it).");
    lines.push("To unstage all, leaving the files as they are: git reset");
  }
  if (stash && stash.made.length > 0) {
    lines.push(`Stash entries that were made meanwhile stay: ${stash.made.join(", ")} (git stash drop deletes one)`);
  }
  if (stash && stash.gone.length > 0) {
    const gone = stash.gone.map((commit) => commit.slice(0, 10)).join(", ");
    lines.push(`Stash entries that are gone since are not brought back: ${gone} (git stash store brings one)`);
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
