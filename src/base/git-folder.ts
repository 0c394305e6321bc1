import { lstatSync, type Stats } from "node:fs";
import { join, resolve } from "node:path";
import { readRegular } from "./files.ts";

/** Where git keeps what belongs to a work tree (gitrepository-layout(5)); the same folder but for a linked one. */
export interface GitFolders {
  /** HEAD and its log. */
  own: string;
  /** Branches, `info`, and the rest. */
  common: string;
}

/** The folders of the repository whose work tree has its top at `folder`; undefined where there is none. */
export function gitFolders(folder: string): GitFolders | undefined {
  const git = join(folder, ".git");
  const stats = look(git);
  if (!stats) return undefined;
  // A linked work tree or a submodule: `gitdir: PATH`, and there `commondir` names the shared part.
  const pointed = stats.isDirectory() ? undefined : /^gitdir: (.+)$/m.exec(textOf(git))?.[1];
  if (pointed === undefined) return { own: git, common: git };
  const own = resolve(folder, pointed);
  return { own, common: resolve(own, textOf(join(own, "commondir")).trim() || ".") };
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // The folder has become a link that leads to itself: nothing is in it.
    if ((error as NodeJS.ErrnoException).code === "ELOOP") return undefined;
    throw error;
  }
}

/** Larger is no pointer. Bytes. */
const POINTER_LIMIT = 64 * 1024;

function textOf(path: string): string {
  return readRegular(path, POINTER_LIMIT)?.toString() ?? "";
}
