import { existsSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Exit, UserError } from "./base/errors.ts";
import type { Paths } from "./base/paths.ts";

/** The real path of a folder that the user named. Throws a UserError where there is none; `what` is what it is for. */
export function realFolder(dir: string, what: string): string {
  try {
    const real = realpathSync(resolve(dir));
    if (statSync(real).isDirectory()) return real;
  } catch {
    throw new UserError(`the ${what} ${dir} does not exist`, "Name an existing folder.", Exit.usage);
  }
  throw new UserError(`the ${what} ${dir} is a file`, "Name the folder it lies in.", Exit.usage);
}

/** The absolute path of a file that need not be there yet, without links in the folders above it. */
export function realPlace(file: string): string {
  const whole = resolve(file);
  try {
    return join(realpathSync(dirname(whole)), basename(whole));
  } catch {
    return whole;
  }
}

/** Throws a UserError for `/`, the home folder and what holds it: a slip there would reach everything the user has. */
export function refuseAsWorkspace(workspace: string, paths: Paths): void {
  const home = existsSync(paths.userHome) ? realpathSync(paths.userHome) : paths.userHome;
  const holdsHome = `${home}/`.startsWith(workspace === "/" ? "/" : `${workspace}/`);
  if (!holdsHome && workspace !== paths.home) return;
  throw new UserError(
    `${workspace} is refused as a workspace: a mistake there would reach everything you have`,
    "Go to a project's folder, or name one with -C PATH.",
    Exit.usage,
  );
}

/** A folder name that stands for a workspace: readable, and different for different paths. */
export function projectKey(workspace: string): string {
  return `${basename(workspace)}-${Bun.hash(workspace).toString(36)}`;
}
