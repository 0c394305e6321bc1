import { describe, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * The shared material (recorded streams, standard vectors) lies beside the project and is never copied into it.
 * `OPENKOI_SPECS` names another place.
 */
export function specsDir(): string | undefined {
  const dir = process.env.OPENKOI_SPECS ?? resolve(import.meta.dir, "../../shared/specs");
  return existsSync(dir) && statSync(dir).isDirectory() ? dir : undefined;
}

/** `describe` with a folder of the shared material; reported as skipped where it is missing. */
export function describeSpecs(folder: string, body: (dir: string) => void): void {
  const root = specsDir();
  const dir = root && join(root, folder);
  if (dir && existsSync(dir)) describe(folder, () => body(dir));
  else describe(folder, () => test.skip(`the shared material is missing: specs/${folder}`, () => {}));
}
