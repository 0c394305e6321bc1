import { closeSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, UserError } from "../base/errors.ts";
import type { Checkpoint } from "../contracts/workspace.ts";
import type { Others } from "./attribution.ts";
import { Entries } from "./entries.ts";
import { codeOf } from "./faults.ts";
import { jsonNames } from "./manifest-names.ts";
import type { Block, Entry, EntryKind, State } from "./state.ts";
import { openPrivate, syncFile, syncFolder } from "./sync.ts";

/**
 * A manifest is one recorded state as a file: `<data>/checkpoints/<workspace>/<task>/<number>-<writer>.json`. It names
 * packs and places itself, so there is no index that could disagree with it, and its stat fields make it the index of
 * the next scan. The first of a session is whole, later ones say what differs from it.
 */
export interface Recorded {
  checkpoint: Checkpoint;
  task: string;
  /** Absolute; paths of the state are relative to it. */
  workspace: string;
  addDirs: readonly string[];
  state: State;
  /** What others changed since the task's record before. */
  others: Others;
  checks: Checked;
}

/** What checks of the task left behind, folders too. */
export interface Checked {
  /** Since the task's record before. */
  changed: readonly string[];
  /** What differs from the task's first record because of checks alone. */
  outputs: readonly string[];
}

type Row = [
  path: string,
  kind: number,
  mode: number,
  size: number,
  mtime: number,
  ctime: number,
  ino: number,
  content: string,
  block: number,
  offset: number,
];

/** Entries and where their contents lie, as JSON. */
export interface Rows {
  packs: string[];
  /** pack, offset, stored, raw. */
  blocks: [number, number, number, number][];
  rows: Row[];
}

export interface ManifestFile extends Rows {
  v: typeof MANIFEST_VERSION;
  checkpoint: Checkpoint;
  task: string;
  workspace: string;
  addDirs: readonly string[];
  /** Name of the whole manifest that this one extends, in the same folder. */
  base: string | null;
  /** Paths of the base that are no longer there. */
  gone: string[];
  ignored: string[];
  covered: string[];
  partial: boolean;
  /** Absent where nobody else changed anything. */
  others?: Others;
  /** Absent where checks left nothing behind. */
  checks?: Checked;
}

/** What `cover` learned after checkpoints were made: belongs to all of the task's that do not list the path. */
export interface CoverFile extends Rows {
  v: typeof MANIFEST_VERSION;
  absent: string[];
}

const MANIFEST_VERSION = 1;
const KINDS: readonly EntryKind[] = ["file", "link", "dir", "opaque"];

export function encodeRows(entries: Iterable<Entry>): Rows {
  const packs: string[] = [];
  const blocks: [number, number, number, number][] = [];
  const seen = new Map<Block, number>();
  const rows: Row[] = [];
  for (const entry of entries) {
    let index = -1;
    if (entry.place) {
      const { block } = entry.place;
      index = seen.get(block) ?? -1;
      if (index < 0) {
        let pack = packs.indexOf(block.pack);
        if (pack < 0) pack = packs.push(block.pack) - 1;
        index = blocks.push([pack, block.offset, block.stored, block.raw]) - 1;
        seen.set(block, index);
      }
    }
    const { path, kind, mode, size, mtime, ctime, ino, content } = entry;
    const offset = entry.place?.offset ?? 0;
    rows.push([path, KINDS.indexOf(kind), mode, size, mtime, ctime, ino, content, index, offset]);
  }
  return { packs, blocks, rows };
}

export function decodeRows({ packs, blocks, rows }: Rows): Entry[] {
  const decoded: Block[] = blocks.map(([pack, offset, stored, raw]) => ({ pack: packs[pack]!, offset, stored, raw }));
  return rows.map(([path, kind, mode, size, mtime, ctime, ino, content, block, offset]) => ({
    path,
    kind: KINDS[kind]!,
    mode,
    size,
    mtime,
    ctime,
    ino,
    content,
    place: block < 0 ? undefined : { block: decoded[block]!, offset },
  }));
}

/** The file of `recorded`, as what differs from `base` where one is given and the difference is the smaller half. */
export function encodeManifest(recorded: Recorded, base?: { name: string; state: State }): ManifestFile {
  const { checkpoint, task, workspace, addDirs, state, others, checks } = recorded;
  const differing = base ? state.entries.differing(base.state.entries) : [];
  const rows = differing.flatMap((path) => state.entries.get(path) ?? []);
  const asDelta = base !== undefined && rows.length * 2 <= state.entries.size;
  return {
    v: MANIFEST_VERSION,
    checkpoint,
    task,
    workspace,
    addDirs,
    base: asDelta ? base.name : null,
    ...encodeRows(asDelta ? rows : state.entries.values()),
    gone: asDelta ? differing.filter((path) => !state.entries.has(path)) : [],
    ignored: [...state.ignored],
    covered: [...state.covered],
    partial: state.partial,
    ...(isAlone(others) ? {} : { others }),
    ...(checks.changed.length === 0 && checks.outputs.length === 0 ? {} : { checks }),
  };
}

/** True where nobody else changed anything. */
export function isAlone({ theirs, shared }: Others): boolean {
  return theirs.length === 0 && shared.length === 0;
}

export function encodeCovers(entries: Iterable<Entry>, absent: readonly string[]): CoverFile {
  return { v: MANIFEST_VERSION, ...encodeRows(entries), absent: [...absent] };
}

/** Reads a checkpoint from its id, with all that was covered since. Throws a UserError where it is gone or damaged. */
export function loadManifest(dir: string, id: string): Recorded {
  const [key, task, name] = id.split("/");
  if (!/^[0-9a-f]{16}\/[A-Za-z0-9][\w.-]*\/\d+-\w+$/.test(id)) throw missing(id);
  const folder = join(dir, key!, "tasks", task!);
  const file = readManifest(join(folder, `${name}.json`), id);
  const whole =
    file.base === null ? Entries.NONE : Entries.of(decodeRows(readManifest(join(folder, `${file.base}.json`), id)));
  const entries = whole.draft();
  for (const path of file.gone) entries.set(path, undefined);
  for (const entry of decodeRows(file)) entries.set(entry.path, entry);
  const covered = new Set(file.covered);
  for (const cover of readCovers(folder)) {
    const known = (path: string): boolean => file.covered.includes(path);
    for (const path of cover.absent) covered.add(path);
    for (const entry of decodeRows(cover)) {
      covered.add(entry.path);
      const recorded = entries.get(entry.path);
      if (!known(entry.path) && (!recorded || recorded.kind === "opaque")) entries.set(entry.path, entry);
    }
  }
  const { checkpoint, workspace, addDirs, partial } = file;
  const ignored = new Set(file.ignored);
  const state: State = { entries: entries.done(), ignored, covered, partial, uncovered: checkpoint.uncovered };
  const { others = { theirs: [], shared: [] }, checks = { changed: [], outputs: [] } } = file;
  return { checkpoint, task: file.task, workspace, addDirs, state, others, checks };
}

/** What `cover` noted for the task in this folder. */
export function readCovers(folder: string): CoverFile[] {
  return jsonNames(folder)
    .filter((name) => name.startsWith("cover-"))
    .map((name) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as CoverFile);
}

export function readManifest(path: string, id: string): ManifestFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw codeOf(error) === "ENOENT" ? missing(id) : error;
  }
  let file: ManifestFile;
  try {
    file = JSON.parse(text) as ManifestFile;
  } catch (error) {
    throw new UserError(
      `the checkpoint ${id} is damaged: ${messageOf(error)}`,
      `Look at the disk that holds ${path}; another checkpoint of the task may still be whole.`,
    );
  }
  if (file.v !== MANIFEST_VERSION) {
    throw new UserError(`the checkpoint ${id} was made by a newer version`, "Run `openkoi update` and try again.");
  }
  return file;
}

function missing(id: string): UserError {
  return new UserError(`there is no checkpoint ${id}`, "`openkoi undo --list` shows what can be undone.");
}

/** A file that is written but not yet there: `place` puts it in its place at once and for good, `drop` forgets it. */
interface StagedFile {
  /** `then` is done when it is in its place, before that is durable. */
  place(then?: () => void): Promise<void>;
  drop(): Promise<void>;
}

/**
 * Writes and syncs `value` as JSON beside `path`. What it names becomes durable at the same time: `contents` begins when
 * the file is written, because until a disk has synced one file it mostly makes no other.
 */
export async function stageJson(
  path: string,
  value: unknown,
  contents: () => Promise<void> = async () => {},
): Promise<StagedFile> {
  const folder = dirname(path);
  const temporary = `${path}.tmp`;
  const drop = async (): Promise<void> => rmSync(temporary, { force: true });
  try {
    const file = openPrivate(temporary, "w");
    try {
      writeFileSync(file, JSON.stringify(value));
      const synced = await Promise.allSettled([contents(), syncFile(file)]);
      for (const one of synced) if (one.status === "rejected") throw one.reason;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    await drop();
    throw error;
  }
  const place = async (then = () => {}): Promise<void> => {
    renameSync(temporary, path);
    then();
    await syncFolder(folder);
  };
  return { place, drop };
}

/** Writes `value` as JSON to `path`: see `stageJson`, and for `then` `StagedFile.place`. */
export async function commitJson(
  contents: () => Promise<void>,
  path: string,
  value: unknown,
  then?: () => void,
): Promise<void> {
  const staged = await stageJson(path, value, contents);
  try {
    await staged.place(then);
  } catch (error) {
    await staged.drop();
    throw error;
  }
}
