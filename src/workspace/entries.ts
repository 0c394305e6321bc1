import type { Entry } from "./state.ts";

/** What lies directly in one folder. */
interface Folder {
  readonly entries: ReadonlyMap<string, Entry>;
  /** Known as soon as it was asked for. */
  hash: string | undefined;
}

/**
 * Entries by path, never changed once they are made. They lie in folders, and a folder in which nothing changed is one
 * and the same in two states: so comparing, hashing and copying costs what changed, not what there is.
 */
export class Entries {
  static readonly NONE = new Entries(new Map());

  private readonly folders: ReadonlyMap<string, Folder>;
  readonly size: number;

  private constructor(folders: ReadonlyMap<string, Folder>) {
    this.folders = folders;
    let size = 0;
    for (const { entries } of folders.values()) size += entries.size;
    this.size = size;
  }

  static of(entries: Iterable<Entry>): Entries {
    const draft = Entries.NONE.draft();
    for (const entry of entries) draft.set(entry.path, entry);
    return draft.done();
  }

  get(path: string): Entry | undefined {
    return this.besides(path)?.get(path);
  }

  /** All that lies in the folder that holds `path`, by path. */
  besides(path: string): ReadonlyMap<string, Entry> | undefined {
    return this.folders.get(folderOf(path))?.entries;
  }

  has(path: string): boolean {
    return this.get(path) !== undefined;
  }

  *values(): Generator<Entry> {
    for (const { entries } of this.folders.values()) for (const entry of entries.values()) yield entry;
  }

  /** Content hash: equal where `sameEntry` holds for every path. */
  hash(): string {
    const lines = [...this.folders.keys()].sort().map((path) => `${path}\0${hashOf(this.folders.get(path)!)}`);
    return sha256(lines.join("\0\0"));
  }

  /** Paths whose entries are not the very same as in `other`, in no order. */
  differing(other: Entries): string[] {
    const paths: string[] = [];
    for (const [key, folder] of this.folders) {
      const theirs = other.folders.get(key);
      if (theirs === folder) continue;
      for (const [path, entry] of folder.entries) if (theirs?.entries.get(path) !== entry) paths.push(path);
    }
    for (const [key, { entries }] of other.folders) {
      const mine = this.folders.get(key)?.entries;
      if (mine !== entries) for (const path of entries.keys()) if (!mine?.has(path)) paths.push(path);
    }
    return paths;
  }

  /** A copy to be changed. */
  draft(): EntriesDraft {
    return new EntriesDraft(this.folders, (folders) => new Entries(folders));
  }
}

/** Entries on the way to becoming others. */
export class EntriesDraft {
  private readonly folders: Map<string, Folder>;
  private readonly make: (folders: ReadonlyMap<string, Folder>) => Entries;
  /** The folders that are this draft's own. */
  private readonly own = new Map<string, Map<string, Entry>>();
  /** The one of these that was set in last. */
  private recent: { path: string; entries: Map<string, Entry> } | undefined;

  constructor(folders: ReadonlyMap<string, Folder>, make: (folders: ReadonlyMap<string, Folder>) => Entries) {
    this.folders = new Map(folders);
    this.make = make;
  }

  get(path: string): Entry | undefined {
    return this.folders.get(folderOf(path))?.entries.get(path);
  }

  /** `entry` undefined: the path is gone. */
  set(path: string, entry: Entry | undefined): void {
    if (!this.recent || !liesIn(path, this.recent.path)) {
      const folder = folderOf(path);
      this.recent = { path: folder, entries: this.ownFolder(folder) };
    }
    if (entry) this.recent.entries.set(path, entry);
    else this.recent.entries.delete(path);
  }

  private ownFolder(path: string): Map<string, Entry> {
    const known = this.own.get(path);
    if (known) return known;
    const entries = new Map(this.folders.get(path)?.entries);
    this.own.set(path, entries);
    this.folders.set(path, { entries, hash: undefined });
    return entries;
  }

  /** The entries as they are now; nothing is set afterwards. */
  done(): Entries {
    for (const [key, entries] of this.own) if (entries.size === 0) this.folders.delete(key);
    return this.make(this.folders);
  }
}

/** Whether it lies directly in this folder: paths in a row mostly lie in one, and this needs no string for it. */
function liesIn(path: string, folder: string): boolean {
  const end = path.lastIndexOf("/");
  return end < 0 ? folder === "" : end === folder.length && path.startsWith(folder);
}

function folderOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "" : path.slice(0, end);
}

function hashOf(folder: Folder): string {
  folder.hash ??= sha256(describe(folder.entries));
  return folder.hash;
}

function describe(entries: ReadonlyMap<string, Entry>): string {
  const parts: string[] = [];
  for (const path of [...entries.keys()].sort()) {
    const { kind, mode, content, size, mtime } = entries.get(path)!;
    parts.push(path, kind, String(mode), content);
    if (kind === "opaque") parts.push(String(size), String(mtime));
    parts.push("");
  }
  return parts.join("\0");
}

function sha256(text: string): string {
  return Bun.SHA256.hash(text, "hex");
}
