import { type Stats, statfsSync, statSync } from "node:fs";
import { settled } from "./file-times.ts";
import { type IgnoreRules, parseIgnore } from "./ignore.ts";
import type { WalkEntry } from "./walk.ts";
import type { Layer } from "./walk-rules.ts";

/** What a folder holds, as the rules leave it. */
export interface Listing {
  entries: readonly WalkEntry[];
  /** What the rules leave out: paths as in `WalkEntry`. */
  ignored: readonly string[];
  /** The rules that count in it, strongest first. */
  layers: readonly Layer[];
  /** It has a list of rules of its own. */
  hasRules: boolean;
  /** False where something in it could not be looked at. */
  whole: boolean;
}

interface Known {
  stats: Stats;
  listing: Listing;
}

/**
 * File systems whose folders have other times as soon as a name comes or goes (`f_type` of statfs(2)): ext, xfs, btrfs,
 * tmpfs, overlayfs, f2fs, zfs. What lies elsewhere (a network, FUSE, FAT) is read each time.
 */
const KEEP_TIMES: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010, 0x2fc12fc1,
]);

/**
 * What a walk saw, for the next walk of the same root with the same options. A folder whose times are the same has the
 * same names, so they are neither read nor matched again (35 ms of 20,000 files); its lists of rules are read each
 * time. As with the times of files (`settled`), those of a folder that was young when it was read say nothing, and
 * nothing do those of a file system that is not known to keep them.
 */
export class WalkMemory {
  private readonly now: () => number;
  private before = new Map<string, Known>();
  private folders = new Map<string, Known>();
  /** The device whose folders' times count. */
  private device: number | undefined;
  private readonly lists = new Map<string, { text: string; rules: IgnoreRules }>();

  /** `now`: milliseconds since 1970. */
  constructor(now: () => number) {
    this.now = now;
  }

  /** A walk of `root` (absolute) begins: folders that it does not come by are forgotten. */
  begin(root: string): void {
    this.before = this.folders;
    this.folders = new Map();
    this.device = deviceOf(root);
  }

  /** The rules of a file; the same object as long as its text is the same. */
  rules(path: string, text: string): IgnoreRules {
    const known = this.lists.get(path);
    if (known?.text === text) return known.rules;
    const rules = parseIgnore(text);
    this.lists.set(path, { text, rules });
    return rules;
  }

  /** What `folder` (absolute) holds. `layersIn`: the rules that count there by now. Throws what `read` throws. */
  listing(folder: string, layersIn: (hasRules: boolean) => readonly Layer[], read: () => Listing): Listing {
    const readAt = this.now();
    // Before the names: what changes while they are read shows in the times of the next look. The root may be a link.
    const stats = statSync(folder);
    let known = this.before.get(folder);
    if (
      !known ||
      !sameTimes(known.stats, stats) ||
      !sameRules(known.listing.layers, layersIn(known.listing.hasRules))
    ) {
      const listing = read();
      if (!listing.whole || !settled(stats, readAt) || stats.dev !== this.device) return listing;
      known = { stats, listing };
    }
    this.folders.set(folder, known);
    return known.listing;
  }
}

function sameTimes(a: Stats, b: Stats): boolean {
  return a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino && a.dev === b.dev;
}

/** Undefined where the times of folders do not count; where nothing is there, the walk says so. */
function deviceOf(root: string): number | undefined {
  try {
    return KEEP_TIMES.has(statfsSync(root).type) ? statSync(root).dev : undefined;
  } catch {
    return undefined;
  }
}

/** Where layers count from is told by the folder, and which there are by their rules. */
function sameRules(a: readonly Layer[], b: readonly Layer[]): boolean {
  return a.length === b.length && a.every(({ rules }, at) => rules === b[at]!.rules);
}
