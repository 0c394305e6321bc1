/** The workspace as it was: checkpoints, diffs and the lock. */

/** A recorded state of the workspace. */
export interface Checkpoint {
  id: string;
  /** Content hash of everything covered; equal hashes mean equal workspaces, apart from what checks left behind. */
  hash: string;
  /** ISO time. */
  at: string;
  files: number;
  /** What is not covered, in words (`3 files over 10 MB`); empty: everything that is not ignored. */
  uncovered: string[];
}

export interface FileChange {
  /** Relative to the workspace, `/` as separator. */
  path: string;
  kind: "created" | "changed" | "deleted" | "mode";
  /** Lines added and removed; absent for binaries. */
  added?: number;
  removed?: number;
}

export interface Diff {
  changes: FileChange[];
  /** Unified diff, at most `maxBytes`; binaries are named only. */
  text: string;
  truncated: boolean;
  /** Files that somebody else changed meanwhile, also those that the task changed too; absent where there are none. */
  foreign?: string[];
}

export interface RestoreReport {
  restored: string[];
  /** Files that somebody else changed meanwhile and that were therefore kept. */
  kept: string[];
  /** Files that are no work of the task at all, and stay as somebody else left them; absent where there are none. */
  foreign?: string[];
  /** Files that were there before and changed while checks ran: nobody can say by whom, so they stay; absent where there are none. */
  unsure?: string[];
  /** What could not be put back and why, in words; absent where nothing failed. */
  failed?: string[];
}

/** A file by its place on disk. */
export interface Outlet {
  readonly dev: number;
  readonly ino: number;
}

/** When a task acted: what changed at any other time was changed by somebody else. */
export interface Activity {
  /** Milliseconds since 1970; `to` is Infinity while it lasts. */
  readonly spans: readonly Span[];
  /** When the task's tools last said that they changed a file (absolute), ms. */
  readonly named: ReadonlyMap<string, number>;
}

export interface Span {
  readonly from: number;
  readonly to: number;
  /** A check ran: what it leaves behind is not the task's work. */
  readonly check?: true;
}

export interface Checkpoints {
  /** Records what is on disk now; work proportional to what changed since the last record. */
  record(signal: AbortSignal): Promise<Checkpoint>;
  /** What the task changed between two records, without what its checks left behind. `around`: lines to be shown around the changes of a file, else 3. */
  diff(from: Checkpoint, to: Checkpoint, maxBytes: number, around?: (path: string) => number): Promise<Diff>;
  /**
   * Puts the files back as recorded in `to`. `expected` is the record of what the task left on disk: a file that
   * differs from it was changed by somebody else and is kept, and so is what somebody else changed before it was made.
   */
  restore(to: Checkpoint, expected: Checkpoint, signal: AbortSignal): Promise<RestoreReport>;
}
