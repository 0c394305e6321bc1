import { join, relative } from "node:path";
import type { WalkMemory } from "../base/walk-memory.ts";
import type { Checkpoint, Diff, RestoreReport } from "../contracts/workspace.ts";
import { suspects, type TimesInput } from "./attribution.ts";
import { Authors } from "./authors.ts";
import type { HeldClaim } from "./claims.ts";
import { diffStates } from "./diff.ts";
import { Entries } from "./entries.ts";
import { type Exchange, endsOf } from "./exchange.ts";
import { writeFault } from "./faults.ts";
import { noteGit } from "./git-begin.ts";
import { commitJson, encodeCovers, encodeManifest, type Recorded } from "./manifest.ts";
import {
  latestId,
  manifestId,
  manifestNames,
  packFolder,
  recordIds,
  taskFolder,
  workspaceKey,
  writeLatest,
} from "./manifest-names.ts";
import { type Own, ownChanges } from "./own.ts";
import { DEFAULT_LIMITS } from "./record-limits.ts";
import { firstReadable, Records } from "./records.ts";
import { type RestoreInput, removeLeftover, restoreState } from "./restore.ts";
import { coverable, rootsOf } from "./roots.ts";
import { type ScanInput, scan, scanPaths } from "./scan.ts";
import { openSession } from "./session.ts";
import { countFiles, type Entry, type Place, type State, sameLimits } from "./state.ts";
import { PackReader, PackWriter, soundEntries } from "./store.ts";
import type { CheckpointsInput, TaskCheckpoints } from "./task-checkpoints.ts";

/** A look at the workspace within a tool call takes no longer, ms. */
const NOTICE_MS = 60_000;

/** Opens the checkpoints of a task, also one that was recorded by another process before. Does nothing on disk yet. */
export function createCheckpoints(input: CheckpointsInput): TaskCheckpoints {
  return new Recorder(input);
}

class Recorder implements TaskCheckpoints {
  private readonly input: CheckpointsInput;
  private readonly now: () => number;
  private readonly folder: string;
  private readonly writer: PackWriter;
  private readonly reader: PackReader;
  private readonly token = crypto.randomUUID().slice(0, 8);
  /** See `contents`. */
  private stored: Map<string, Place> | undefined;
  private readonly records: Records;
  private readonly authors: Authors;
  private readonly covered = new Set<string>();
  private readonly newlyCovered = new Map<string, Entry | undefined>();
  private session: HeldClaim | undefined;
  private number = 1;
  /** What any task found last in this workspace: saves reading. */
  private cache = Entries.NONE;
  /** What the last scan saw of each root. */
  private readonly walks = new Map<string, WalkMemory>();
  /** What this task found last. */
  private last: State | undefined;
  /** The newest checkpoint, and the hash of all it holds; an equal state needs no other. */
  private newest: { checkpoint: Checkpoint; hash: string } | undefined;
  /** The whole manifest of this session, which the next ones extend. */
  private base: { name: string; state: State } | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(input: CheckpointsInput) {
    this.input = input;
    this.now = input.now ?? Date.now;
    this.folder = taskFolder(input.dir, input.workspace, input.task);
    const packs = packFolder(input.dir, workspaceKey(input.workspace));
    this.writer = new PackWriter(packs, `${this.token}.pack`);
    this.reader = new PackReader(packs);
    this.records = new Records(input);
    this.authors = new Authors(input, this.records);
  }

  record(signal: AbortSignal): Promise<Checkpoint> {
    return this.inTurn(() => this.storing(async () => this.save(await scan(this.scanInput(signal)))));
  }

  diff(from: Checkpoint, to: Checkpoint, maxBytes: number, around?: (path: string) => number): Promise<Diff> {
    return this.inTurn(async () => {
      const own = this.own(from, to);
      const diff = await diffStates(own.from, own.to, maxBytes, (entry) => this.reader.content(entry), around);
      return own.foreign.length === 0 ? diff : { ...diff, foreign: own.foreign };
    });
  }

  restore(to: Checkpoint, expected: Checkpoint, signal: AbortSignal, outputs = false): Promise<RestoreReport> {
    return this.inTurn(async () => {
      const own = this.own(to, expected, outputs);
      const keep = own.contested;
      const report = await this.putBack([to.id, expected.id], { to: own.from, expected: own.to, keep, signal });
      const foreign = own.foreign.filter((path) => !keep.has(path));
      const { unsure } = own;
      return { ...report, ...(foreign.length > 0 ? { foreign } : {}), ...(unsure.length > 0 ? { unsure } : {}) };
    });
  }

  exchange(exchange: Exchange, back: boolean, signal: AbortSignal): Promise<RestoreReport> {
    return this.inTurn(async () => {
      const { there, goal, unrecorded } = endsOf(exchange, recordIds(this.input), (id) => this.records.get(id));
      const [to, expected] = back ? [there, goal] : [goal, there];
      const report = await this.putBack([exchange.there, exchange.left], { to, expected, keep: new Set(), signal });
      if (unrecorded.length === 0) return report;
      const failed = unrecorded.map((path) => `${path}: what is there now is not recorded, and would be lost`);
      return { ...report, failed: [...(report.failed ?? []), ...failed] };
    });
  }

  /** Restores in all folders of these records. */
  private putBack(ids: readonly string[], how: Omit<RestoreInput, "roots" | "read">): Promise<RestoreReport> {
    const addDirs = new Set(ids.flatMap((id) => this.records.get(id).addDirs));
    const roots = rootsOf(this.input.workspace, [...addDirs]);
    return restoreState({ ...how, roots, read: (entry) => this.reader.content(entry) });
  }

  cover(path: string): Promise<void> {
    return this.inTurn(async () => {
      const { workspace, addDirs } = this.input;
      const keys = coverable(rootsOf(workspace, addDirs), relative(workspace, path));
      await this.tellApart(() => keys.slice(-1));
      const unknown = keys.filter((key) => {
        const entry = this.last?.entries.get(key);
        return !this.covered.has(key) && (!entry || entry.kind === "opaque");
      });
      if (unknown.length === 0) return;
      for (const key of unknown) this.covered.add(key);
      // Before the first record there is nothing to add to: it will see these paths itself.
      if (!this.last) return;
      try {
        await this.storing(() => this.saveCovers(unknown));
      } catch (error) {
        for (const key of unknown) this.covered.delete(key);
        throw error;
      }
    });
  }

  notice(): Promise<void> {
    return this.inTurn(() => this.tellApart(suspects));
  }

  acted(): Promise<void> {
    return this.inTurn(async () => this.authors.acted(this.now()));
  }

  async close(): Promise<void> {
    await this.queue;
    await this.writer.close();
    this.reader.close();
    this.session?.release();
    this.session = undefined;
  }

  /** One thing after the other. */
  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.queue.then(async () => {
      await this.open();
      return act();
    });
    this.queue = result.catch(() => {});
    return result;
  }

  private async open(): Promise<void> {
    if (this.session) return;
    const { dir, workspace, task } = this.input;
    try {
      this.session = await openSession(dir, workspace, task, this.now);
    } catch (error) {
      throw writeFault(error, "the checkpoint", dir);
    }
    const names = manifestNames(this.folder);
    this.number = Number.parseInt(names.at(-1) ?? "0", 10) + 1;
    const own = firstReadable(
      dir,
      names.reverse().map((name) => manifestId(workspace, task, name)),
    );
    const hint = latestId(dir, workspace);
    const newest = hint === undefined || hint === own?.checkpoint.id ? own : (firstReadable(dir, [hint]) ?? own);
    for (const path of own?.state.covered ?? []) this.covered.add(path);
    this.last = own?.state;
    this.authors.recorded(own?.state, own ? Date.parse(own.checkpoint.at) : 0, own?.checks.outputs);
    this.cache = soundEntries(packFolder(dir, workspaceKey(workspace)), newest?.state.entries ?? Entries.NONE);
    if (own && newest === own && this.cache.size === own.state.entries.size) {
      const { checkpoint, state } = own;
      this.newest = { checkpoint, hash: this.authors.hasOutputs ? state.entries.hash() : checkpoint.hash };
    }
  }

  private scanInput(signal: AbortSignal): ScanInput {
    const { workspace, addDirs, dir, limits, exclude = [], outlets = [] } = this.input;
    return {
      roots: rootsOf(workspace, addDirs),
      covered: this.covered,
      cache: this.cache,
      walks: this.walks,
      last: this.last,
      contents: () => this.contents(),
      writer: this.writer,
      limits: { ...DEFAULT_LIMITS, ...limits },
      exclude: [dir, ...exclude],
      outlets,
      now: this.now,
      signal,
      onLeftover: (path) => void removeLeftover(path).catch(() => {}),
    };
  }

  /** Stored contents by hash: gathered when the first is to be stored, for many a task changes nothing. */
  private contents(): Map<string, Place> {
    if (!this.stored) {
      this.stored = new Map();
      for (const { content, place } of this.cache.values()) if (place) this.stored.set(content, place);
    }
    return this.stored;
  }

  /** Undoes what was stored where `act` fails: a checkpoint is there wholly or not at all. */
  private async storing<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      await this.writer.rollBack();
      for (const [hash, place] of this.stored ?? []) if (!this.writer.holds(place)) this.stored?.delete(hash);
      throw writeFault(error, "the checkpoint", this.input.dir);
    }
  }

  private async save(state: State): Promise<Checkpoint> {
    const { workspace, addDirs, dir, task } = this.input;
    const uncovered = [...state.uncovered];
    const { newest, last } = this;
    const hash = newest && last?.entries === state.entries ? newest.hash : state.entries.hash();
    if (newest?.hash === hash && last && sameLimits(last, state)) {
      this.last = state;
      this.authors.recorded(state, this.now());
      this.cache = state.entries;
      return newest.checkpoint;
    }
    const name = `${String(this.number).padStart(3, "0")}-${this.token}`;
    const now = this.now();
    const { others, checks, own } = this.authors.of(state, now);
    const files = countFiles(state.entries);
    const id = manifestId(workspace, task, name);
    // What checks left behind makes no other workspace of it.
    const checkpoint = { id, hash: own?.hash() ?? hash, at: new Date(now).toISOString(), files, uncovered };
    const recorded: Recorded = { checkpoint, task, workspace, addDirs, state, others, checks };
    await this.writer.flush();
    const manifest = encodeManifest(recorded, this.base);
    // Merely a hint where to find it, so it may be there first; before the folder is synced it costs less than after.
    const path = join(this.folder, `${name}.json`);
    await commitJson(
      () => this.writer.sync(),
      path,
      manifest,
      () => writeLatest(dir, workspace, checkpoint.id),
    );
    if (this.number === 1) await noteGit(this.folder, workspace, now);
    this.number++;
    if (manifest.base === null) this.base = { name, state };
    this.records.add(recorded);
    this.newest = { checkpoint, hash };
    this.last = state;
    this.authors.recorded(state, now, checks.outputs);
    this.cache = state.entries;
    return checkpoint;
  }

  /** Records what somebody else changed of these before the task changes it, too: afterwards no time would tell. */
  private async tellApart(choose: (times: TimesInput) => readonly string[]): Promise<void> {
    if (!this.authors.wasChanged(choose, this.now())) return;
    await this.storing(async () => this.save(await scan(this.scanInput(AbortSignal.timeout(NOTICE_MS)))));
  }

  private own(from: Checkpoint, to: Checkpoint, outputs = false): Own {
    return ownChanges(from.id, to.id, recordIds(this.input), (id) => this.records.get(id), outputs);
  }

  private async saveCovers(keys: readonly string[]): Promise<void> {
    const found = scanPaths(this.scanInput(AbortSignal.timeout(NOTICE_MS)), keys);
    await this.writer.flush();
    for (const key of keys) this.newlyCovered.set(key, found.get(key));
    const entries = [...this.newlyCovered.values()].filter((entry) => entry !== undefined);
    const absent = [...this.newlyCovered.keys()].filter((key) => !this.newlyCovered.get(key));
    try {
      const path = join(this.folder, `cover-${this.token}.json`);
      await commitJson(() => this.writer.sync(), path, encodeCovers(entries, absent));
    } catch (error) {
      for (const key of keys) this.newlyCovered.delete(key);
      throw error;
    }
    // The states in memory do not have these paths; read again, they do.
    this.records.forget();
  }
}
