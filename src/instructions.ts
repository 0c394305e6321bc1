import { existsSync, realpathSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { readRegular } from "./base/files.ts";
import { INSTRUCTION_FILES, type Paths } from "./base/paths.ts";

/** All instruction files together, in bytes of UTF-8. */
const MOST_BYTES = 32 * 1024;

/** A larger file is not read at all, bytes. */
const LARGEST_FILE = 1024 * 1024;

/**
 * What the user and the project want every agent to know: the global `AGENTS.md` in the config home, then one of each
 * folder from the root of the repository down to the workspace, nearest last, so that the nearest one has the last word.
 * Undefined where there is none. What goes over 32 KiB is cut, and the text says so. A file that leads out of the
 * repository (or the config home) is not read: the text goes to a model, and a repository could name any file of the
 * user's; `warn` hears of it.
 */
export async function instructions(
  workspace: string,
  paths: Pick<Paths, "home">,
  warn: (message: string) => void,
): Promise<string | undefined> {
  const root = repositoryRoot(workspace);
  const folders = [paths.home, ...downTo(root, workspace)];
  const parts: string[] = [];
  let left = MOST_BYTES;
  for (const folder of folders) {
    const file = INSTRUCTION_FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (!file) continue;
    const found = readInside(file, folder === paths.home ? paths.home : root);
    if ("problem" in found) warn(`${file} is not read: ${found.problem}`);
    const text = "text" in found ? found.text.trim() : "";
    if (text === "") continue;
    const bytes = Buffer.from(text);
    const kept =
      bytes.length <= left
        ? text
        : `${bytes
            .subarray(0, left)
            .toString()
            .replace(/\uFFFD+$/, "")}\n(cut here: all instructions together may have 32 KiB)`;
    parts.push(`# ${folder === paths.home ? file : relative(root, file)}\n${kept}`);
    left -= bytes.length;
    if (left <= 0) break;
  }
  return parts.length > 0 ? parts.join("\n\n") : undefined;
}

function readInside(file: string, folder: string): { text: string } | { problem: string } {
  const real = realpathSync(file);
  if (!real.startsWith(join(realpathSync(folder), sep))) return { problem: `it leads out of ${folder}` };
  const text = readRegular(real, LARGEST_FILE)?.toString();
  return text === undefined ? { problem: "it is not a readable file of at most 1 MiB" } : { text };
}

/** The nearest folder above that holds a `.git`, or the workspace itself. */
function repositoryRoot(workspace: string): string {
  for (let folder = workspace; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git"))) return folder;
    if (folder === dirname(folder)) return workspace;
  }
}

/** `/a`, `/a/b/c` → `/a`, `/a/b`, `/a/b/c`. */
function downTo(root: string, folder: string): string[] {
  return folder === root ? [root] : [...downTo(root, dirname(folder)), folder];
}
