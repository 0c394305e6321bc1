import { join } from "node:path";
import { readRegular } from "../base/files.ts";
import { isObject } from "../base/schema.ts";

/** What no other project of this name would have. */
const LANDMARKS = ["src/engine/run.ts", "embed/prompts/judge.md"];
const LARGEST = 1024 * 1024;

/** True for a folder that holds OpenKoi's own source code. */
export function isOwnTree(workspace: string): boolean {
  const text = readRegular(join(workspace, "package.json"), LARGEST)?.toString();
  if (text === undefined) return false;
  try {
    const read: unknown = JSON.parse(text);
    if (!isObject(read) || read["name"] !== "openkoi") return false;
  } catch {
    return false;
  }
  return LANDMARKS.every((path) => readRegular(join(workspace, path), LARGEST) !== undefined);
}
