import type { Stats } from "node:fs";
import {
  chmod,
  type FileHandle,
  lchown,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  symlink,
  unlink,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { giveWay } from "../base/stream.ts";
import type { RestoreReport } from "../contracts/workspace.ts";
import { isRunning } from "./claims.ts";
import { codeOf, writeFault } from "./faults.ts";
import { planRestore, type Step } from "./restore-plan.ts";
import { barrierOn, type Root } from "./roots.ts";
import { STAGING } from "./scan.ts";
import { type Entry, kindOf, look, modeOf, type State } from "./state.ts";

export interface RestoreInput {
  to: State;
  expected: State;
  /** What somebody else changed after the task did: it stays. */
  keep: ReadonlySet<string>;
  roots: readonly Root[];
  read: (entry: Entry) => Uint8Array;
  signal: AbortSignal;
}

const SLICE = 12;
/** Files that are synced at the same time; the file system joins their syncs. */
const TOGETHER = 32;

/**
 * Puts the workspace back. First all files are prepared in a folder beside the others: where that fails (a full disk,
 * a read-only folder) nothing was touched. Then what must go goes, and the prepared files are renamed into place, each
 * at once. Killed in between, it can simply be called again. Times are not put back: a build that looks at them must
 * see that the files changed.
 */
export async function restoreState(input: RestoreInput): Promise<RestoreReport> {
  const { to, expected, keep, roots, signal } = input;
  let turn = performance.now();
  async function breathe(): Promise<void> {
    if (performance.now() - turn < SLICE) return;
    await giveWay();
    signal.throwIfAborted();
    turn = performance.now();
  }
  signal.throwIfAborted();
  for (const root of roots) await sweep(root.path);
  const { steps, kept, failed } = await planRestore({ to, expected, keep, roots }, breathe);
  const stopped = new Set<Step>();
  async function each(chosen: readonly Step[], run: (step: Step) => Promise<"done" | "kept">): Promise<void> {
    for (const step of chosen) {
      if (stopped.has(step)) continue;
      try {
        if (barrierOn(step.root, step.way) === undefined && (await run(step)) === "done") continue;
        kept.push(step.path);
      } catch (error) {
        if (codeOf(error) === "") throw error;
        failed.push(
          `${step.path}: ${codeOf(error) === "ENOTEMPTY" ? "it holds files that were not recorded" : messageOf(error)}`,
        );
      }
      stopped.add(step);
    }
  }
  const staging = new Staging();
  const files = steps.filter((step) => step.to && !becomesFolder(step));
  const folders = steps.filter(becomesFolder);
  try {
    await staging.prepare(files, input.read, breathe);
    // From here on nothing is aborted: half a restore is worse than a late one. Each round makes room for the next.
    await each(
      steps.filter((step) => step.seen && !wasFolder(step) && !files.includes(step)),
      removeFile,
    );
    await each(steps.filter((step) => wasFolder(step) && !becomesFolder(step)).reverse(), removeFolder);
    await each(folders, makeFolder);
    await each(files, (step) => staging.place(step));
    // Last, because a folder may become one that nothing can be written to.
    await each(folders.reverse(), setMode);
  } finally {
    await staging.clear();
  }
  const restored = steps.filter((step) => !stopped.has(step)).map((step) => step.path);
  return { restored, kept: kept.sort(), ...(failed.length > 0 ? { failed } : {}) };
}

function becomesFolder(step: Step): boolean {
  return step.to?.kind === "dir";
}

function wasFolder({ seen }: Step): boolean {
  return seen !== undefined && kindOf(seen) === "dir";
}

/** True where nobody touched the path since it was judged. */
function asSeen({ absolute, seen }: Step): boolean {
  const now = look(absolute);
  if (!seen || !now) return !seen && !now;
  return now.ino === seen.ino && now.ctimeMs === seen.ctimeMs && now.size === seen.size && now.mode === seen.mode;
}

async function removeFile(step: Step): Promise<"done" | "kept"> {
  if (!asSeen(step)) return "kept";
  await inside(step.absolute, () => unlink(step.absolute));
  return "done";
}

async function removeFolder({ absolute }: Step): Promise<"done"> {
  await inside(absolute, () => rmdir(absolute));
  return "done";
}

async function makeFolder(step: Step): Promise<"done" | "kept"> {
  const { absolute } = step;
  const now = look(absolute);
  if (now) return kindOf(now) === "dir" ? "done" : "kept";
  await makeParents(step);
  await inside(absolute, () => mkdir(absolute));
  await takeOwner(absolute, undefined);
  return "done";
}

async function setMode({ absolute, to }: Step): Promise<"done"> {
  const now = look(absolute);
  if (to && now && modeOf(now) !== to.mode) await chmod(absolute, to.mode);
  return "done";
}

/** Folders above that somebody else removed meanwhile. */
async function makeParents({ absolute }: Step): Promise<void> {
  const parent = dirname(absolute);
  if (!look(parent)) await mkdir(parent, { recursive: true });
}

/** Does something to a name in a folder, also where the folder's mode forbids it to its owner. */
async function inside(absolute: string, act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const parent = dirname(absolute);
    const stats = codeOf(error) === "EACCES" ? look(parent) : undefined;
    if (!stats || kindOf(stats) !== "dir" || stats.uid !== process.getuid?.()) throw error;
    await chmod(parent, modeOf(stats) | 0o700);
    try {
      await act();
    } finally {
      await chmod(parent, modeOf(stats));
    }
  }
}

/** Run by root, a file still belongs to whom it belonged, or to the owner of its folder. */
async function takeOwner(absolute: string, seen: Stats | undefined): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const owner = seen ?? look(dirname(absolute));
  if (owner && (owner.uid !== 0 || owner.gid !== 0)) await lchown(absolute, owner.uid, owner.gid);
}

/** Folders at the top of the roots in which files wait for their place. */
class Staging {
  private readonly folders = new Map<Root, string>();
  private readonly waiting = new Map<Step, string>();
  private readonly token = `${process.pid}-${crypto.randomUUID().slice(0, 8)}`;

  /** Writes and syncs all files. Throws a UserError where it cannot; the workspace is as it was then. */
  async prepare(
    steps: readonly Step[],
    read: (entry: Entry) => Uint8Array,
    breathe: () => Promise<void>,
  ): Promise<void> {
    let open: FileHandle[] = [];
    const finish = async (): Promise<void> => {
      const files = open;
      open = [];
      await Promise.all(files.map((file) => file.sync().finally(() => file.close())));
    };
    for (const step of steps) {
      await breathe();
      const content = step.to?.kind === "file" ? read(step.to) : undefined;
      try {
        const path = join(await this.folder(step.root), String(this.waiting.size));
        this.waiting.set(step, path);
        if (!content) await symlink(step.to!.content, path);
        else open.push(await writeFile(path, content, step.to!.mode));
        await takeOwner(path, step.seen);
        // A change of owner takes special bits away.
        if (content && step.to!.mode > 0o777) await chmod(path, step.to!.mode);
        if (open.length >= TOGETHER || step === steps.at(-1)) await finish();
      } catch (error) {
        await finish().catch(() => {});
        throw writeFault(error, "the files to be put back", step.root.path);
      }
    }
  }

  private async folder(root: Root): Promise<string> {
    const known = this.folders.get(root);
    if (known !== undefined) return known;
    const path = join(root.path, `${STAGING}${this.token}`);
    await inside(path, () => mkdir(path, { mode: 0o700 }));
    this.folders.set(root, path);
    return path;
  }

  /** Renames a prepared file into its place, if that is still as it was judged. */
  async place(step: Step): Promise<"done" | "kept"> {
    const waiting = this.waiting.get(step)!;
    const free = wasFolder(step) ? look(step.absolute) === undefined : asSeen(step);
    if (!free) return "kept";
    await makeParents(step);
    await inside(step.absolute, () => rename(waiting, step.absolute));
    return "done";
  }

  async clear(): Promise<void> {
    for (const path of this.folders.values()) await inside(path, () => rm(path, { recursive: true, force: true }));
  }
}

/** Writes a file and leaves it open, to be synced. */
async function writeFile(path: string, content: Uint8Array, mode: number): Promise<FileHandle> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.chmod(mode);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Removes what a restore that was killed left behind. */
async function sweep(root: string): Promise<void> {
  for (const name of await readdir(root).catch(() => [])) {
    if (name.startsWith(STAGING)) await removeLeftover(join(root, name));
  }
}

/** Removes the folder of a restore, unless that is still at work. */
export async function removeLeftover(path: string): Promise<void> {
  const pid = Number.parseInt(path.slice(path.lastIndexOf(STAGING) + STAGING.length), 10);
  if (Number.isNaN(pid) || (pid !== process.pid && isRunning(pid))) return;
  await rm(path, { recursive: true, force: true });
}
