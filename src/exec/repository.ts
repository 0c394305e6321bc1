import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readRegular } from "../base/files.ts";

/** The parts of a git repository that a sandbox must tell apart. Absolute paths; not all of them exist. */
export interface RepositoryPlaces {
  /** Folders that git writes: the repository, and that of the worktree. */
  writable: string[];
  /** What makes git run programs or look elsewhere: hooks, settings, pointers to other folders. */
  guarded: string[];
}

/**
 * The repository that `folder` is part of: its own `.git`, or that of a folder above, or, through a `.git` file, one
 * elsewhere. A `.git` file is believed only where the repository it names knows of it: else a task could write one and
 * have any folder opened.
 */
export function repositoryOf(folder: string): RepositoryPlaces {
  for (let at = folder; ; at = dirname(at)) {
    const git = join(at, ".git");
    const found = lstatSync(git, { throwIfNoEntry: false });
    if (found?.isDirectory()) return placesOf(git, git);
    if (found?.isSymbolicLink()) return throughLink(git, at);
    if (found?.isFile()) {
      const places = linked(git);
      return places ? { ...places, guarded: [git, ...places.guarded] } : { writable: [], guarded: [git] };
    }
    if (dirname(at) === at) return { writable: [], guarded: [] };
  }
}

/** A `.git` that is a link: followed inside of the same folder only, and itself not to be replaced. */
function throughLink(link: string, folder: string): RepositoryPlaces {
  try {
    const target = realpathSync(link);
    const places = target.startsWith(`${folder}/`) ? placesOf(target, target) : { writable: [], guarded: [] };
    return { ...places, guarded: [link, ...places.guarded] };
  } catch {
    return { writable: [], guarded: [link] };
  }
}

function placesOf(own: string, common: string): RepositoryPlaces {
  const guarded = ["config", "config.worktree", "hooks", "commondir"].map((name) => join(common, name));
  for (const folder of [...repositoriesIn(join(common, "modules")), ...children(join(common, "worktrees"))]) {
    guarded.push(...["config", "config.worktree", "hooks", "commondir", "gitdir"].map((name) => join(folder, name)));
  }
  return { writable: own === common ? [common] : [common, own], guarded };
}

/** The repository behind a `.git` file: a worktree's or a submodule's. */
function linked(file: string): RepositoryPlaces | undefined {
  try {
    const target = /^gitdir: (.+)$/m.exec(pointer(file) ?? "")?.[1];
    if (!target) return;
    const own = realpathSync(resolve(dirname(file), target));
    const common = pointer(join(own, "commondir"));
    if (common) {
      const back = pointer(join(own, "gitdir"));
      const shared = realpathSync(resolve(own, common));
      const known = back && realpathSync(resolve(own, back)) === realpathSync(file);
      return known && dirname(dirname(own)) === shared ? placesOf(own, shared) : undefined;
    }
    const [outer] = own.split("/.git/modules/");
    return outer && outer !== own && file.startsWith(`${outer}/`) ? placesOf(own, own) : undefined;
  } catch {
    return;
  }
}

/** What a file says that names another place, in one line. */
function pointer(path: string): string | undefined {
  return readRegular(path, 64 * 1024)
    ?.toString()
    .trim();
}

/** Submodules' repositories, also nested ones (`modules/a/modules/b`, `modules/group/a`). */
function repositoriesIn(folder: string, depth = 0): string[] {
  if (depth > 6) return [];
  return children(folder).flatMap((child) =>
    lstatSync(join(child, "HEAD"), { throwIfNoEntry: false })
      ? [child, ...repositoriesIn(join(child, "modules"), depth + 1)]
      : repositoriesIn(child, depth + 1),
  );
}

function children(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}
