import { lstatSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeExit } from "./base/last-acts.ts";
import { isOwnerAlive, ownerHere } from "./workspace/index.ts";

/** A folder for the commands of one task: their `TMPDIR`. What they exported lies there too. */
export interface PrivateTemp extends Disposable {
  /** Absolute and real. */
  readonly path: string;
}

/** Its name says whose it is: process, when that started, and on which system its number means anything. */
const NAME = /^openkoi-(\d+)\.(\d*)\.([0-9a-z]+)\.\w{6}$/;
/** No task takes longer: a folder of another system (before a restart, of a container) is nobody's then, ms. */
const LONGEST_TASK = 31 * 86_400_000;

/** Makes one. It is removed when it is disposed of, and where the process ends before that. */
export function makePrivateTemp(): PrivateTemp {
  const { pid, started, place } = ownerHere();
  const path = realpathSync(mkdtempSync(join(tmpdir(), `openkoi-${pid}.${started}.${tagOf(place)}.`)));
  const remove = () => rmSync(path, { recursive: true, force: true });
  const callOff = beforeExit(remove);
  return {
    path,
    [Symbol.dispose]() {
      callOff();
      remove();
    },
  };
}

/** Removes those that killed processes of this user left in `folder`. Never throws; `now` in ms since 1970. */
export function removeAbandonedTemps(now: number, folder = tmpdir()): void {
  try {
    const here = tagOf(ownerHere().place);
    for (const name of readdirSync(folder)) removeAbandoned(join(folder, name), NAME.exec(name), here, now);
  } catch {
    // What cannot be listed cannot be tidied.
  }
}

function removeAbandoned(path: string, name: RegExpExecArray | null, here: string, now: number): void {
  if (!name) return;
  try {
    const found = lstatSync(path);
    // Anybody may make a folder of such a name in /tmp.
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return;
    const [, pid, started, tag] = name;
    const isLeft =
      tag === here ? !isOwnerAlive({ pid: Number(pid), started: started! }) : now - found.mtimeMs > LONGEST_TASK;
    if (isLeft) rmSync(path, { recursive: true, force: true });
  } catch {
    // Another process removed it first, or a command left what only root can remove.
  }
}

function tagOf(place: string): string {
  return Bun.hash(place).toString(36);
}
