import { statSync } from "node:fs";
import { join } from "node:path";
import { Folder } from "./folder.ts";
import { mergeReports } from "./parse/index.ts";
import { parseJunit } from "./parse/junit.ts";
import type { Report } from "./parse/report.ts";
import { reportGlobs } from "./project-kinds.ts";

/**
 * Looks for the JUnit files of a folder's runner, and returns a function that reads those that a run has written since.
 * It returns undefined where there are none. Compares files before and after, so it needs no clock.
 */
export function watchReportFiles(cwd: string): () => Report | undefined {
  const folder = new Folder(cwd);
  const globs = reportGlobs(folder);
  const before = stamps(cwd, globs);
  return () => {
    const fresh = [...stamps(cwd, globs)].filter(([path, stamp]) => before.get(path) !== stamp);
    const reports = fresh.flatMap(([path]) => parseJunit(folder.text(path)) ?? []);
    return reports.length > 0 ? mergeReports(reports) : undefined;
  };
}

function stamps(cwd: string, globs: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const glob of globs) {
    for (const path of new Bun.Glob(glob).scanSync({ cwd, onlyFiles: true })) {
      const stats = statSync(join(cwd, path), { throwIfNoEntry: false });
      if (stats) found.set(path, `${stats.mtimeMs} ${stats.size} ${stats.ino}`);
    }
  }
  return found;
}
