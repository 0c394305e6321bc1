import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { randomId } from "./crypto/random.ts";

export interface WriteOptions {
  /** Mode bits, e.g. 0o600. Default: those of the file that is replaced, else what the umask leaves of 0o666. */
  mode?: number;
  /** False where losing the newest version in a power cut is fine; it is never torn. Default true. */
  fsync?: boolean;
}

/**
 * Replaces a file so that every reader sees the old or the new one, whole, also after a crash: a temporary file in the
 * same folder, fsync, rename, fsync of the folder. A symbolic link is followed, so that a linked settings file stays
 * linked. The temporary file is removed on failure. Only the disk is waited for: a trip through the thread pool for each
 * other step takes longer than the step.
 */
export async function writeAtomic(path: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
  const target = unlessMissing(() => realpathSync(path)) ?? path;
  const folder = dirname(target);
  const mode = options.mode ?? unlessMissing(() => statSync(target).mode & 0o7777);
  const temporary = join(folder, `.${basename(target)}.${process.pid}.${randomId(8)}.tmp`);
  try {
    const fd = openSync(temporary, "wx", mode ?? 0o666);
    try {
      // The umask took its part of the mode given to open.
      if (mode !== undefined) fchmodSync(fd, mode);
      writeFileSync(fd, data);
      if (options.fsync ?? true) await onDisk(fsync, fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (options.fsync ?? true) await syncFolder(folder);
}

/** Some file systems cannot sync a folder; the rename itself has succeeded then. */
async function syncFolder(folder: string): Promise<void> {
  let fd: number | undefined;
  try {
    fd = openSync(folder, "r");
    await onDisk(fsync, fd);
  } catch {
    return;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const NOT_REGULAR = "it is not a regular file";

/** The text of a regular file as UTF-8, or undefined where there is none. @throws for pipes, folders, no permission. */
export async function readText(path: string): Promise<string | undefined> {
  return unlessMissing(() => {
    // To open a device may do something, and a socket cannot be opened: they are not tried.
    if (!statSync(path).isFile()) throw new Error(NOT_REGULAR);
    // What lies there by now may be a pipe: it is not waited for.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile()) throw new Error(NOT_REGULAR);
      return readFileSync(fd, "utf8");
    } finally {
      closeSync(fd);
    }
  });
}

/**
 * The bytes of a regular file that somebody else may have put there, or undefined: missing, not readable, larger than
 * `limit` bytes, or no file at all. A pipe is not waited for: what is opened is looked at, so nothing can be exchanged
 * in between.
 */
export function readRegular(path: string, limit: number): Buffer | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = fstatSync(fd);
    return found.isFile() && found.size <= limit ? readFileSync(fd) : undefined;
  } catch {
    return;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Makes a folder and those above it. With `mode`, the folder itself has exactly these bits afterwards. */
export async function ensureDir(path: string, mode?: number): Promise<void> {
  mkdirSync(path, { recursive: true, ...(mode === undefined ? {} : { mode }) });
  if (mode !== undefined && (statSync(path).mode & 0o7777) !== mode) chmodSync(path, mode);
}

/** Undefined where there is nothing at the path that is looked at. */
function unlessMissing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return;
    throw error;
  }
}

function onDisk(sync: typeof fsync, fd: number): Promise<void> {
  return new Promise((resolve, reject) => sync(fd, (error) => (error ? reject(error) : resolve())));
}

const TAIL_BLOCK = 64 * 1024;

/**
 * A file of JSON lines that only grows. A line that a crash tore is repaired at opening: ended where it is whole JSON,
 * else cut away. A write that fails (disk full) leaves no half line behind. One process writes at a time.
 */
export class Appender {
  readonly path: string;
  readonly #fd: number;
  #size: number;
  #closed = false;

  /** Opens or creates the file (mode 0o600 where new). The folder must exist. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "a+", 0o600);
    try {
      this.#size = repairTail(this.#fd);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Bytes in the file. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends `text`, which ends with a newline, in the order of the calls: it has reached the system when this returns,
   * and the disk when the promise resolves with `sync`.
   */
  async append(text: string, options: { sync?: boolean } = {}): Promise<void> {
    if (this.#closed) throw new Error(`${this.path} is closed`);
    const bytes = Buffer.from(text);
    try {
      // Into the page cache: microseconds, less than a trip through the thread pool.
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      ftruncateSync(this.#fd, this.#size);
      throw error;
    }
    this.#size += bytes.length;
    if (options.sync) await onDisk(fdatasync, this.#fd);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }
}

/** Returns the size of the repaired file. */
function repairTail(fd: number): number {
  const size = fstatSync(fd).size;
  const lineStart = lastLineStart(fd, size);
  if (lineStart === size) return size;
  const line = Buffer.alloc(size - lineStart);
  readSync(fd, line, 0, line.length, lineStart);
  if (isJson(line.toString())) return size + writeSync(fd, "\n");
  ftruncateSync(fd, lineStart);
  return lineStart;
}

/** Offset after the last newline. */
function lastLineStart(fd: number, size: number): number {
  const block = Buffer.alloc(Math.min(TAIL_BLOCK, size));
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    readSync(fd, block, 0, end - start, start);
    const newline = block.subarray(0, end - start).lastIndexOf(0x0a);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
