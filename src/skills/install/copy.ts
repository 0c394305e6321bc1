import { chmodSync, copyFileSync, lstatSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { APPROVED } from "../files.ts";
import { leadsInto } from "../places.ts";
import { LIMITS } from "./entries.ts";

/**
 * Copies the files of a skill into a new folder. A link inside of the skill becomes the file it names; one that leads
 * out, a device, a pipe and a socket are refused, as is too much of anything. Version control and marks of approval stay
 * behind.
 *
 * @param from absolute and real
 */
export function copySkill(from: string, to: string): void {
  let files = 0;
  let bytes = 0;

  const refuse = (path: string, why: string) =>
    new UserError(`${path} ${why}`, "Nothing was installed. Take it out of the skill, then try again.");

  function enter(folder: string, target: string, depth: number): void {
    if (depth > LIMITS.depth) throw refuse(folder, "lies too deep");
    mkdirSync(target, { recursive: true, mode: 0o755 });
    for (const name of readdirSync(folder).sort()) {
      if (name === ".git" || (depth === 0 && name === APPROVED)) continue;
      copy(join(folder, name), join(target, name), depth);
    }
  }

  function copy(path: string, target: string, depth: number): void {
    let source = path;
    let stats = lstatSync(source);
    if (stats.isDirectory()) {
      enter(path, target, depth + 1);
      return;
    }
    if (stats.isSymbolicLink()) {
      if (!leadsInto(path, from)) throw refuse(path, "is a link that leads out of the skill");
      source = realpathSync(path);
      stats = lstatSync(source);
    }
    if (!stats.isFile()) throw refuse(path, "is neither a file nor a folder");
    files++;
    bytes += stats.size;
    if (files > LIMITS.files) throw refuse(from, `holds more than ${LIMITS.files} files`);
    if (bytes > LIMITS.bytes) throw refuse(from, `holds more than ${LIMITS.bytes / 1024 / 1024} MiB`);
    copyFileSync(source, target);
    // Whatever other bits it had: a program stays one, and nothing is set-uid.
    chmodSync(target, (stats.mode & 0o111) !== 0 ? 0o755 : 0o644);
  }

  enter(from, to, 0);
}
