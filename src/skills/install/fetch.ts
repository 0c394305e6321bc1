import { mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Env } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { expandHome } from "../../base/paths.ts";
import { closest } from "../../base/text.ts";
import { OPTIONAL } from "../bundled.ts";
import { ARCHIVE, unpack } from "./archive.ts";
import { gitProtocol, publicUrl } from "./git.ts";

/** A source whose files lie on this machine. */
export interface Fetched {
  /** Absolute and real. */
  folder: string;
  /** As the lock file names it: an absolute path, a URL, `bundled:NAME`. */
  origin: string;
}

export interface FetchInput {
  /** A folder, a git URL, an archive, or the name of an optional bundled skill. */
  source: string;
  /** What relative paths count from. */
  dir: string;
  env: Env;
  /** An empty folder of our own, absolute and real. */
  temp: string;
  /** Clones a git URL into a folder that does not exist yet. */
  clone(url: string, folder: string): Promise<void>;
}

/**
 * Brings the files of a source here. Nothing of them is run.
 *
 * @throws UserError for what is none of the four, cannot be reached, or would lie elsewhere when unpacked
 */
export async function fetchSource({ source, dir, env, temp, clone }: FetchInput): Promise<Fetched> {
  const into = (name: string) => {
    const folder = join(temp, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  if (gitProtocol(source)) {
    if (/^https?:/.test(source) && ARCHIVE.test(source)) {
      throw new UserError(
        `${publicUrl(source)} is an archive on the web`,
        "Download it, then: openkoi learn install FILE",
      );
    }
    const folder = join(temp, "clone");
    await clone(source, folder);
    return { folder: realpathSync(folder), origin: publicUrl(source) };
  }
  const path = resolve(dir, expandHome(source, env));
  const found = statSync(path, { throwIfNoEntry: false });
  const named = Object.hasOwn(OPTIONAL, source) ? OPTIONAL[source] : undefined;
  // Whoever means the folder of that name writes ./NAME.
  if (named !== undefined) {
    const folder = into(source);
    writeFileSync(join(folder, "SKILL.md"), named);
    return { folder, origin: `bundled:${source}` };
  }
  if (found?.isDirectory()) return { folder: realpathSync(path), origin: realpathSync(path) };
  if (found?.isFile()) {
    const folder = into("archive");
    unpack(path, folder);
    return { folder, origin: realpathSync(path) };
  }
  const near = closest(source, Object.keys(OPTIONAL));
  throw new UserError(
    `there is no skill source "${source}"`,
    near
      ? `Did you mean ${near}?`
      : `Name a folder, a git URL, an archive (.tar, .tar.gz, .zip) or one of ${Object.keys(OPTIONAL).join(", ")}.`,
  );
}
