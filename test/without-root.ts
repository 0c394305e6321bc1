import { chownSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

const NOBODY = 65534;

/**
 * Does `work` without the rights of root, who may read and write everywhere: as a user who owns `folder` and nothing
 * else. As anybody but root it is just done.
 */
export async function withoutRoot<T>(folder: string, work: () => T | Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  giveTo(NOBODY, folder);
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

function giveTo(user: number, path: string): void {
  chownSync(path, user, user);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) giveTo(user, join(path, name));
}
