import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { HeldClaim } from "./claims.ts";
import { codeOf } from "./faults.ts";
import { type Rows, stageJson } from "./manifest.ts";
import { jsonNames, packFolder, taskNames } from "./manifest-names.ts";
import { claimCollection } from "./session.ts";

/** What is kept; all that are given hold. */
export interface KeepRules {
  /** The newest tasks of each workspace. */
  keepTasks?: number;
  /** Tasks whose last checkpoint is not older, ms. */
  keepMs?: number;
  /** The newest tasks of all workspaces whose records fit, bytes. */
  maxBytes?: number;
}

export interface GcReport {
  /** Ids of tasks that can no longer be undone. */
  removed: string[];
  freedBytes: number;
  /** Workspaces that were left alone because a task is using them. */
  busy: number;
}

interface KnownTask {
  key: string;
  task: string;
  /** Time of the newest file, ms. */
  newest: number;
}

interface Collection {
  /** `data/checkpoints`. */
  dir: string;
  /** Milliseconds since 1970. */
  now: number;
  /** True when the time for it is over: what is left is left for the next one. */
  isOver?: () => boolean;
}

/** Removes records of old tasks, and contents that no record names. */
export async function gc(input: KeepRules & Collection): Promise<GcReport> {
  const { dir, now, keepTasks = Number.POSITIVE_INFINITY, keepMs = Number.POSITIVE_INFINITY } = input;
  const { maxBytes = Number.POSITIVE_INFINITY, isOver = () => false } = input;
  const report: GcReport = { removed: [], freedBytes: 0, busy: 0 };
  const claims = new Map<string, HeldClaim>();
  try {
    for (const key of names(dir).filter((name) => /^[0-9a-f]{16}$/.test(name))) {
      const claim = claimCollection(dir, key, () => now);
      if (claim) claims.set(key, claim);
      else report.busy++;
    }
    const before = sizeOf(dir);
    const remove = ({ key, task }: KnownTask): void => {
      const folder = join(dir, key, "tasks", task);
      const aside = join(dir, key, "tasks", `.gone-${task}`);
      // At once, so that no manifest is left without the one it extends.
      renameSync(folder, aside);
      rmSync(aside, { recursive: true, force: true });
      report.removed.push(task);
    };
    let kept: KnownTask[] = [];
    for (const key of claims.keys()) {
      if (isOver()) break;
      const tasks = tasksOf(dir, key);
      const old = tasks.filter(({ newest }, index) => index >= keepTasks || now - newest > keepMs);
      old.forEach(remove);
      kept = [...kept, ...tasks.filter((task) => !old.includes(task))];
      await clean(dir, key, isOver);
    }
    kept.sort((a, b) => b.newest - a.newest);
    while (!isOver() && sizeOf(dir) > maxBytes) {
      const oldest = kept.pop();
      if (!oldest) break;
      remove(oldest);
      await clean(dir, oldest.key, isOver);
    }
    report.freedBytes = Math.max(0, before - sizeOf(dir));
    return report;
  } finally {
    for (const claim of claims.values()) claim.release();
  }
}

/** How long a task can be undone, and how much room all may take; the newest are kept longest. */
const KEEP: KeepRules = { keepTasks: 200, keepMs: 30 * 86_400_000, maxBytes: 4e9 };
const DAY = 86_400_000;

/** `gc` with the usual rules, where it did not run for a day; the file `collected` says when. Never throws. */
export async function collectDaily({ dir, now, isOver }: Collection): Promise<void> {
  const marker = join(dir, "collected");
  try {
    const last = statSync(marker, { throwIfNoEntry: false })?.mtimeMs;
    if (last !== undefined && Math.abs(now - last) < DAY) return;
    // First the mark: another process must not begin the same work.
    writeFileSync(marker, "", { mode: 0o600 });
    await gc({ dir, now, ...(isOver ? { isOver } : {}), ...KEEP });
  } catch {
    // It is tried again tomorrow; what is not removed does no harm.
  }
}

/** Newest first. */
function tasksOf(dir: string, key: string): KnownTask[] {
  return taskNames(dir, key)
    .map((task) => {
      const folder = join(dir, key, "tasks", task);
      const times = jsonNames(folder).map((name) => statSync(join(folder, `${name}.json`)).mtimeMs);
      return { key, task, newest: Math.max(0, ...times) };
    })
    .sort((a, b) => b.newest - a.newest);
}

/** Below this share of bytes that are still named, a pack is written anew without the others. */
const WORTH_KEEPING = 0.5;

/** Removes from the packs of a workspace what no manifest names. */
async function clean(dir: string, key: string, isOver: () => boolean): Promise<void> {
  const tasks = join(dir, key, "tasks");
  for (const name of names(tasks)) {
    if (name.startsWith(".gone-")) rmSync(join(tasks, name), { recursive: true, force: true });
  }
  const files = taskNames(dir, key).flatMap((task) =>
    jsonNames(join(tasks, task)).map((name) => join(tasks, task, `${name}.json`)),
  );
  const live = new Map<string, Map<number, number>>();
  for (const file of files) {
    const { packs, blocks } = JSON.parse(readFileSync(file, "utf8")) as Rows;
    for (const [pack, offset, stored] of blocks) {
      const name = packs[pack]!;
      live.set(name, (live.get(name) ?? new Map<number, number>()).set(offset, stored));
    }
  }
  const folder = packFolder(dir, key);
  for (const name of names(folder)) {
    if (isOver()) return;
    const path = join(folder, name);
    const blocks = live.get(name) ?? new Map<number, number>();
    const used = [...blocks.values()].reduce((sum, stored) => sum + stored, 0);
    if (used === 0) rmSync(path, { force: true });
    else if (used < statSync(path).size * WORTH_KEEPING) await rewrite(folder, name, blocks, files);
  }
}

/** Copies the blocks that are named to a new pack, lets the manifests name that one, and then removes the old. */
async function rewrite(
  folder: string,
  name: string,
  blocks: ReadonlyMap<number, number>,
  manifests: readonly string[],
): Promise<void> {
  const fresh = `${crypto.randomUUID().slice(0, 8)}.pack`;
  const moved = copyBlocks(join(folder, name), join(folder, fresh), blocks);
  for (const path of manifests) {
    const manifest = JSON.parse(readFileSync(path, "utf8")) as Rows;
    const from = manifest.packs.indexOf(name);
    if (from < 0) continue;
    manifest.packs[from] = fresh;
    manifest.blocks = manifest.blocks.map(([pack, offset, stored, raw]) =>
      pack === from ? [pack, moved.get(offset)!, stored, raw] : [pack, offset, stored, raw],
    );
    await (await stageJson(path, manifest)).place();
  }
  rmSync(join(folder, name), { force: true });
}

/** Where each block came to lie, by where it lay. */
function copyBlocks(from: string, to: string, blocks: ReadonlyMap<number, number>): Map<number, number> {
  const moved = new Map<number, number>();
  const source = openSync(from, "r");
  const target = openSync(to, "wx", 0o600);
  try {
    let end = 0;
    for (const [offset, stored] of [...blocks].sort(([a], [b]) => a - b)) {
      const bytes = Buffer.alloc(stored);
      readSync(source, bytes, 0, stored, offset);
      for (let done = 0; done < stored; ) done += writeSync(target, bytes, done, stored - done, end + done);
      moved.set(offset, end);
      end += stored;
    }
    fsyncSync(target);
  } catch (error) {
    rmSync(to, { force: true });
    throw error;
  } finally {
    closeSync(source);
    closeSync(target);
  }
  return moved;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Bytes of all files below. */
function sizeOf(folder: string): number {
  let sum = 0;
  for (const name of names(folder)) {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    sum += stats?.isDirectory() ? sizeOf(path) : (stats?.size ?? 0);
  }
  return sum;
}
